#include "cli/model/map/core_file.hpp"

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace strata::cli::map {
namespace {

struct elf_session {
  explicit elf_session(int file) {
    elf_version(EV_CURRENT);
    elf = elf_begin(file, ELF_C_READ, nullptr);
  }
  elf_session(const elf_session&) = delete;
  elf_session& operator=(const elf_session&) = delete;
  ~elf_session() { elf_end(elf); }

  Elf* elf;
};

std::string permissions_of(std::uint32_t flags) {
  std::string text = "---p";
  if ((flags & PF_R) != 0) text[0] = 'r';
  if ((flags & PF_W) != 0) text[1] = 'w';
  if ((flags & PF_X) != 0) text[2] = 'x';
  return text;
}

// NT_FILE: count, page size, then start, end and offset (in pages) of each, then the names.
void take_files(const char* note, std::size_t bytes, std::uint64_t entry, address_space& into) {
  std::vector<std::uint64_t> words(bytes / sizeof(std::uint64_t));
  std::memcpy(words.data(), note, words.size() * sizeof(std::uint64_t));
  if (words.size() < 2 || words[0] > (words.size() - 2) / 3) return;
  const std::uint64_t count = words[0];
  std::size_t at = (2 + 3 * count) * sizeof(std::uint64_t);
  for (std::uint64_t i = 0; i < count && at < bytes; ++i) {
    const std::size_t length = strnlen(note + at, bytes - at);
    const std::string name(note + at, length);
    at += length + 1;
    const std::uint64_t start = words[2 + 3 * i];
    const std::uint64_t end = words[3 + 3 * i];
    if (start <= entry && entry < end) into.program = name;
    for (mapping& one : into.mappings) {
      if (start <= one.start && one.end <= end) {
        one.path = name;
        one.offset = words[4 + 3 * i] * words[1] + (one.start - start);
      }
    }
  }
}

// The address at which the program was entered, of the pairs that the kernel hands to it; 0: not told.
std::uint64_t entry_in(const char* note, std::size_t bytes) {
  std::vector<std::uint64_t> words(bytes / sizeof(std::uint64_t));
  std::memcpy(words.data(), note, words.size() * sizeof(std::uint64_t));
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    if (words[i] == AT_ENTRY) return words[i + 1];
  }
  return 0;
}

// Calls take(content, bytes) for each note of the type.
template <typename Take>
void each_note(Elf* elf, const std::vector<GElf_Phdr>& headers, std::uint32_t type, Take take) {
  for (const GElf_Phdr& header : headers) {
    Elf_Data* data = elf_getdata_rawchunk(elf, static_cast<std::int64_t>(header.p_offset),
                                          header.p_filesz, ELF_T_NHDR);
    if (data == nullptr) continue;
    GElf_Nhdr note;
    std::size_t name = 0;
    std::size_t content = 0;
    for (std::size_t at = 0; (at = gelf_getnote(data, at, &note, &name, &content)) > 0;) {
      if (note.n_type == type) take(static_cast<const char*>(data->d_buf) + content, note.n_descsz);
    }
  }
}

}  // namespace

std::unique_ptr<memory> read_core(const std::string& path, address_space& into,
                                  std::string& error) {
  descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const elf_session session(file.get());
  GElf_Ehdr header;
  std::size_t count = 0;
  if (session.elf == nullptr || gelf_getehdr(session.elf, &header) == nullptr ||
      elf_getphdrnum(session.elf, &count) != 0) {
    error = std::string("is damaged: ") + elf_errmsg(-1);
    return nullptr;
  }
  if (header.e_type != ET_CORE) {
    error = "is an ELF file, but no core dump";
    return nullptr;
  }
  std::vector<segment> segments;
  std::vector<GElf_Phdr> notes;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr one;
    if (gelf_getphdr(session.elf, static_cast<int>(i), &one) == nullptr) continue;
    if (one.p_type == PT_NOTE) notes.push_back(one);
    if (one.p_type != PT_LOAD || one.p_memsz == 0) continue;
    mapping made;
    made.start = one.p_vaddr;
    made.end = one.p_vaddr + one.p_memsz;
    made.permissions = permissions_of(one.p_flags);
    into.mappings.push_back(std::move(made));
    segments.push_back({one.p_vaddr, one.p_filesz, one.p_offset});
  }
  if (into.mappings.empty()) {
    error = "is a core dump without memory";
    return nullptr;
  }
  const auto by_start = [](const auto& a, const auto& b) { return a.start < b.start; };
  std::sort(into.mappings.begin(), into.mappings.end(), by_start);
  std::sort(segments.begin(), segments.end(), by_start);
  std::uint64_t entry = 0;
  each_note(session.elf, notes, NT_AUXV,
            [&](const char* note, std::size_t bytes) { entry = entry_in(note, bytes); });
  each_note(session.elf, notes, NT_FILE,
            [&](const char* note, std::size_t bytes) { take_files(note, bytes, entry, into); });
  return std::make_unique<core_memory>(std::move(file), std::move(segments));
}

}  // namespace strata::cli::map
