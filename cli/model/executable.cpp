#include "cli/model/executable.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "cli/model/file.hpp"

namespace strata::cli {
namespace {

constexpr int not_found = 127;
constexpr int not_usable = 126;
constexpr int script_depth_max = 5;  // the kernel's own limit on scripts that name scripts

constexpr unsigned char own_byte_order =
    std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

refusal refuse(std::string reason) { return {not_usable, std::move(reason)}; }

// Why the file at path cannot be started at all; nothing when it can.
std::optional<refusal> why_not_startable(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return refusal{not_found, "not found"};
    return refuse(std::strerror(errno));
  }
  if (S_ISDIR(info.st_mode)) return refuse("is a directory");
  if (!S_ISREG(info.st_mode)) return refuse("is not a regular file");
  if (eaccess(path.c_str(), X_OK) != 0) return refuse("found, but not executable");
  return std::nullopt;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (std::size_t to; (to = text.find(separator, from)) != std::string::npos; from = to + 1) {
    parts.push_back(text.substr(from, to - from));
  }
  parts.push_back(text.substr(from));
  return parts;
}

bool read_at(int file, void* buffer, std::size_t size, off_t offset) {
  return pread(file, buffer, size, offset) == static_cast<ssize_t>(size);
}

// The machine that this command, and so the library beside it, is built for.
Elf64_Half own_machine() {
  static const Elf64_Half machine = [] {
    Elf64_Ehdr header{};
    const descriptor self(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    return read_at(self.get(), &header, sizeof header, 0) ? header.e_machine : Elf64_Half{EM_NONE};
  }();
  return machine;
}

std::string machine_name(Elf64_Half machine, unsigned char elf_class) {
  const std::string width = elf_class == ELFCLASS32 ? "32-bit " : "64-bit ";
  switch (machine) {
    case EM_X86_64:
      return width + "x86-64";
    case EM_386:
      return width + "x86";
    case EM_AARCH64:
      return width + "aarch64";
    case EM_ARM:
      return width + "arm";
    case EM_RISCV:
      return width + "riscv";
    default:
      return width + "machine " + std::to_string(machine);
  }
}

// The interpreter that the program headers name. False: the file is damaged.
bool read_interpreter(int file, const Elf64_Ehdr& header, std::string& interpreter) {
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const auto offset = static_cast<off_t>(header.e_phoff + i * sizeof segment);
    if (!read_at(file, &segment, sizeof segment, offset)) return false;
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_filesz == 0 || segment.p_filesz > 4096) return false;
    interpreter.resize(segment.p_filesz);
    if (!read_at(file, interpreter.data(), interpreter.size(),
                 static_cast<off_t>(segment.p_offset))) {
      return false;
    }
    interpreter.resize(std::strlen(interpreter.c_str()));
    return true;
  }
  return true;
}

// Would starting the file give it privileges that its caller lacks? The loader then ignores
// LD_PRELOAD. Mount options and no_new_privs can switch such files off; root gains nothing by
// capabilities.
bool gains_privileges(int file) {
  struct stat info {};
  struct statvfs mount {};
  if (fstat(file, &info) != 0 || fstatvfs(file, &mount) != 0) return true;
  if ((mount.f_flag & ST_NOSUID) != 0) return false;
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) return false;
  const bool other_user = (info.st_mode & S_ISUID) != 0 && info.st_uid != getuid();
  const bool other_group =
      (info.st_mode & S_ISGID) != 0 && (info.st_mode & S_IXGRP) != 0 && info.st_gid != getgid();
  const bool capable = getuid() != 0 && fgetxattr(file, "security.capability", nullptr, 0) > 0;
  return other_user || other_group || capable;
}

// The dynamic loader may be started as a program of its own, and then preloads into what it loads.
bool is_loader(const std::string& path) {
  const std::string name = base_name(path);
  return name.starts_with("ld-linux") || name.starts_with("ld.so");
}

std::optional<refusal> judge_elf(const elf_facts& facts, const std::string& path) {
  switch (facts.fits) {
    case elf_facts::fit::damaged:
      return refuse("its ELF header is damaged");
    case elf_facts::fit::foreign:
      return refuse("is built for " + facts.built_for + ", which libstrata.so is not (it is " +
                    machine_name(own_machine(), ELFCLASS64) + ")");
    case elf_facts::fit::not_elf:
      return refuse("is neither an ELF program nor a script with a #! line");
    case elf_facts::fit::native:
      break;
  }
  if (facts.interpreter.empty() && !is_loader(path)) {
    return refuse(
        "is statically linked: no library can be preloaded into it; link it with "
        "libstrata.a instead");
  }
  if (facts.interpreter.find("ld-musl") != std::string::npos) {
    return refuse("uses the musl C library; libstrata.so needs glibc");
  }
  return std::nullopt;
}

// ---- Sanitizers

// Each sanitizer with a malloc, by the function that starts its runtime.
struct known_sanitizer {
  std::string_view start;
  const char* name;
};
constexpr std::array known_sanitizers = {
    known_sanitizer{"__asan_init", "AddressSanitizer"},
    known_sanitizer{"__hwasan_init", "HWAddressSanitizer"},
    known_sanitizer{"__lsan_init", "LeakSanitizer"},
    known_sanitizer{"__msan_init", "MemorySanitizer"},
    known_sanitizer{"__tsan_init", "ThreadSanitizer"},
};

// So many elements of a file, read at once; empty when the file is damaged.
template <typename Element>
std::vector<Element> read_table(int file, std::uint64_t offset, std::uint64_t count) {
  struct stat info {};
  if (fstat(file, &info) != 0) return {};
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (offset > size || count > (size - offset) / sizeof(Element)) return {};
  std::vector<Element> table(count);
  const bool read =
      read_at(file, table.data(), count * sizeof(Element), static_cast<off_t>(offset));
  return read ? table : std::vector<Element>();
}

// Of the symbols that the program has or needs. A weak reference, such as libstrata.a's, is neither.
std::string sanitizer_among(const std::vector<Elf64_Sym>& symbols, const std::vector<char>& names) {
  for (const Elf64_Sym& symbol : symbols) {
    const bool needed = symbol.st_shndx != SHN_UNDEF || ELF64_ST_BIND(symbol.st_info) == STB_GLOBAL;
    if (!needed || symbol.st_name >= names.size()) continue;
    const std::string_view rest(&names[symbol.st_name], names.size() - symbol.st_name);
    const std::string_view name = rest.substr(0, rest.find('\0'));
    for (const known_sanitizer& known : known_sanitizers) {
      if (name == known.start) return known.name;
    }
  }
  return {};
}

std::string sanitizer_in_elf(int file) {
  Elf64_Ehdr header{};
  if (read_elf(file).fits != elf_facts::fit::native) return {};
  if (!read_at(file, &header, sizeof header, 0)) return {};
  const auto sections = read_table<Elf64_Shdr>(file, header.e_shoff, header.e_shnum);
  for (const Elf64_Shdr& section : sections) {
    const bool has_symbols = section.sh_type == SHT_DYNSYM || section.sh_type == SHT_SYMTAB;
    if (!has_symbols || section.sh_link >= sections.size()) continue;
    const Elf64_Shdr& strings = sections[section.sh_link];
    std::string found = sanitizer_among(
        read_table<Elf64_Sym>(file, section.sh_offset, section.sh_size / sizeof(Elf64_Sym)),
        read_table<char>(file, strings.sh_offset, strings.sh_size));
    if (!found.empty()) return found;
  }
  return {};
}

// ---- Judging

// What the file begins with, enough for a #! line.
std::string first_bytes_of(int file) {
  std::array<char, 256> first{};
  const ssize_t size = pread(file, first.data(), first.size(), 0);
  return {first.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

std::optional<refusal> judge(const std::string& path, int depth) {
  const descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    return refuse(std::string("cannot be read to check whether a library can be preloaded: ") +
                  std::strerror(errno));
  }
  if (gains_privileges(file.get())) {
    return refuse(
        "is setuid, setgid or has file capabilities: the loader preloads nothing into it");
  }
  const std::string start = first_bytes_of(file.get());
  if (!start.starts_with("#!")) return judge_elf(read_elf(file.get()), path);

  const std::string interpreter = script_interpreter(start);
  if (interpreter.empty()) return refuse("its #! line names no interpreter");
  if (depth == script_depth_max) return refuse("its #! lines lead to too many interpreters");
  auto refused = why_not_startable(interpreter);
  if (!refused) refused = judge(interpreter, depth + 1);
  if (!refused) return std::nullopt;
  return refuse("its interpreter " + interpreter + ": " + refused->reason);
}

}  // namespace

std::variant<std::string, refusal> find_program(const std::string& name,
                                                const std::string& search_path) {
  if (name.empty()) return refusal{not_found, "not found"};
  if (name.find('/') != std::string::npos) {
    if (auto refused = why_not_startable(name)) return *refused;
    return name;
  }
  refusal result{not_found, "not found"};
  for (const std::string& directory : split(search_path, ':')) {
    const std::string path = (directory.empty() ? "." : directory) + "/" + name;
    const auto refused = why_not_startable(path);
    if (!refused) return path;
    if (refused->status == not_usable && result.status == not_found) {
      result = refuse(refused->reason + " (" + path + ")");
    }
  }
  return result;
}

std::optional<refusal> why_not_preloadable(const std::string& path) { return judge(path, 0); }

elf_facts read_elf(int file) {
  elf_facts facts;
  Elf64_Ehdr header{};
  if (!read_at(file, header.e_ident, SELFMAG, 0)) return facts;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return facts;
  // The first fields, up to e_version, stand alike in both classes.
  facts.fits = elf_facts::fit::damaged;
  if (!read_at(file, &header, offsetof(Elf64_Ehdr, e_entry), 0)) return facts;
  const unsigned char elf_class = header.e_ident[EI_CLASS];
  if (elf_class != ELFCLASS64 || header.e_ident[EI_DATA] != own_byte_order ||
      header.e_machine != own_machine()) {
    facts.fits = elf_facts::fit::foreign;
    facts.built_for = machine_name(header.e_machine, elf_class);
    return facts;
  }
  const bool loadable = header.e_type == ET_EXEC || header.e_type == ET_DYN;
  if (!loadable || !read_at(file, &header, sizeof header, 0)) return facts;
  if (header.e_phentsize != sizeof(Elf64_Phdr)) return facts;
  if (!read_interpreter(file, header, facts.interpreter)) return facts;
  facts.fits = elf_facts::fit::native;
  return facts;
}

std::string sanitizer_in(const std::string& path) {
  std::string at = path;
  for (int depth = 0; depth <= script_depth_max; ++depth) {
    const descriptor file(open(at.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    const std::string start = first_bytes_of(file.get());
    if (!start.starts_with("#!")) return sanitizer_in_elf(file.get());
    at = script_interpreter(start);
  }
  return {};
}

std::string script_interpreter(const std::string& first_bytes) {
  if (!first_bytes.starts_with("#!")) return {};
  const std::string line = first_bytes.substr(2, first_bytes.find('\n') - 2);
  const auto from = line.find_first_not_of(" \t");
  if (from == std::string::npos) return {};
  return line.substr(from, line.find_first_of(" \t", from) - from);
}

}  // namespace strata::cli
