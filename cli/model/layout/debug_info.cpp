#include "cli/model/layout/debug_info.hpp"

#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "cli/model/file.hpp"

namespace strata::cli::layout {
namespace {

constexpr std::string_view archive_start = "!<arch>\n";

char* debug_directories = nullptr;  // libdwfl's default: .debug beside the file, /usr/lib/debug

constexpr Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                      .find_debuginfo = dwfl_standard_find_debuginfo,
                                      .section_address = dwfl_offline_section_address,
                                      .debuginfo_path = &debug_directories};

// Why the file can hold no debug information; empty when it may.
std::string why_not_readable(const std::string& path) {
  // A pipe must not be waited for: what is no regular file is refused below.
  const descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return std::strerror(errno);
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return std::strerror(errno);
  if (S_ISDIR(facts.st_mode)) return "is a directory";
  if (!S_ISREG(facts.st_mode)) return "is no regular file";
  std::array<char, EI_NIDENT + 2> head{};
  const ssize_t length = read(file.get(), head.data(), head.size());
  if (length < 0) return std::strerror(errno);
  const std::string_view start(head.data(), static_cast<std::size_t>(length));
  if (start.starts_with(archive_start)) return {};
  if (!start.starts_with(ELFMAG)) return "is not an ELF file";
  std::uint16_t type = 0;
  if (start.size() == head.size()) std::memcpy(&type, &head[EI_NIDENT], sizeof type);
  return type == ET_CORE ? "is a core dump; name the program that left it" : "";
}

std::uint64_t first_page_of(Elf* elf) {
  constexpr std::uint64_t page_bytes = 4096;
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return 0;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) != nullptr && header.p_type == PT_LOAD) {
      return header.p_vaddr / page_bytes * page_bytes;  // they are sorted
    }
  }
  return 0;
}

}  // namespace

debug_info::debug_info(const std::string& path) : error_(why_not_readable(path)) {
  if (!error_.empty()) return;
  session_ = dwfl_begin(&callbacks);
  if (session_ == nullptr ||
      dwfl_report_offline(session_, path.c_str(), path.c_str(), -1) == nullptr) {
    error_ = std::string("is damaged: ") + dwfl_errmsg(-1);
    return;
  }
  dwfl_report_end(session_, nullptr, nullptr);
  dwfl_getmodules(session_, add_module, this, 0);
  if (parts_.empty()) {
    error_ = "has no debug information (build it with -g, or install its debug package)";
  }
}

debug_info::~debug_info() {
  if (session_ != nullptr) dwfl_end(session_);
}

int debug_info::add_module(Dwfl_Module* module, void**, const char*, Dwarf_Addr, void* self) {
  auto& info = *static_cast<debug_info*>(self);
  Dwarf_Addr bias = 0;
  GElf_Ehdr header;
  if (Elf* elf = dwfl_module_getelf(module, &bias);
      elf != nullptr && gelf_getehdr(elf, &header) != nullptr) {
    info.machine_ = header.e_machine;
    info.first_page_ = first_page_of(elf);
  }
  info.modules_.push_back(module);
  if (Dwarf* dwarf = dwfl_module_getdwarf(module, &bias)) info.parts_.push_back(dwarf);
  return DWARF_CB_OK;
}

std::optional<std::uint64_t> debug_info::symbol(const std::string& name) const {
  for (Dwfl_Module* module : modules_) {
    const int count = dwfl_module_getsymtab(module);
    for (int i = 0; i < count; ++i) {
      GElf_Sym symbol;
      GElf_Addr address = 0;
      GElf_Word section = 0;
      Elf* elf = nullptr;
      Dwarf_Addr bias = 0;
      const char* found =
          dwfl_module_getsym_info(module, i, &symbol, &address, &section, &elf, &bias);
      if (found != nullptr && section != SHN_UNDEF && name == found) return address - bias;
    }
  }
  return std::nullopt;
}

}  // namespace strata::cli::layout
