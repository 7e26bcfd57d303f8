#include "os/code_place.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <cstring>

#include "base/bits.hpp"
#include "os/frame_description.hpp"

namespace strata::os {
namespace {

// The headers of a file that begins there; none where something else does.
struct program_headers {
  const ElfW(Phdr) * first = nullptr;
  std::size_t count = 0;

  explicit program_headers(std::uintptr_t image) {
    const auto* head = base::pointer_to<const ElfW(Ehdr)>(image);
    if (std::memcmp(head->e_ident, ELFMAG, SELFMAG) != 0) return;
    if (head->e_phentsize != sizeof(ElfW(Phdr))) return;
    first = base::pointer_to<const ElfW(Phdr)>(image + head->e_phoff);
    count = head->e_phnum;
  }
  [[nodiscard]] const ElfW(Phdr) * begin() const { return first; }
  [[nodiscard]] const ElfW(Phdr) * end() const { return first + count; }
};

// What the addresses in the headers are relative to: the segment at the file's start is at the image.
std::uintptr_t bias_of(std::uintptr_t image, const program_headers& all) {
  for (const auto& one : all) {
    if (one.p_type == PT_LOAD && one.p_offset == 0) return image - one.p_vaddr;
  }
  return image;
}

// The build-id in a segment of notes.
build_id in_notes(std::uintptr_t at, std::size_t bytes) {
  const std::uintptr_t end = at + bytes;
  while (end - at >= sizeof(ElfW(Nhdr))) {
    const auto* note = base::pointer_to<const ElfW(Nhdr)>(at);
    const std::uintptr_t name = at + sizeof *note;
    const std::uintptr_t content = name + base::align_up(note->n_namesz, 4);
    if (note->n_namesz > bytes || note->n_descsz > bytes || content + note->n_descsz > end) break;
    if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof ELF_NOTE_GNU &&
        std::memcmp(base::pointer_to(name), ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0)
      return {base::pointer_to<const std::uint8_t>(content), note->n_descsz};
    at = content + base::align_up(note->n_descsz, 4);
  }
  return {};
}

}  // namespace

bool find_code(std::uintptr_t address, code_place& into) {
  ::dl_find_object object;
  if (!find_object(address, object)) return false;
  const std::uintptr_t image = base::address_of(object.dlfo_map_start);
  const program_headers all(image);
  const std::uintptr_t bias = bias_of(image, all);
  for (const auto& one : all) {
    const std::uintptr_t start = bias + one.p_vaddr;
    if (one.p_type != PT_LOAD || address - start >= one.p_filesz) continue;
    into = {image, one.p_offset + (address - start)};
    return true;
  }
  return false;
}

build_id build_id_of(std::uintptr_t image) {
  const program_headers all(image);
  const std::uintptr_t bias = bias_of(image, all);
  for (const auto& one : all) {
    if (one.p_type != PT_NOTE) continue;
    if (const build_id found = in_notes(bias + one.p_vaddr, one.p_filesz); found.count != 0)
      return found;
  }
  return {};
}

}  // namespace strata::os
