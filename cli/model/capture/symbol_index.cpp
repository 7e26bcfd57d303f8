#include "cli/model/capture/symbol_index.hpp"

#include <elfutils/libdwfl.h>
#include <gelf.h>

#include <algorithm>
#include <tuple>

namespace strata::cli::capture {
namespace {

bool names_a_place(const GElf_Sym& one) {
  const auto type = GELF_ST_TYPE(one.st_info);
  return one.st_shndx != SHN_UNDEF &&
         (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_OBJECT || type == STT_NOTYPE);
}

// Of several names for one address, that which others see.
std::uint8_t rank_of(const GElf_Sym& one) {
  const auto binding = GELF_ST_BIND(one.st_info);
  return binding == STB_GLOBAL ? 2 : binding == STB_WEAK ? 1 : 0;
}

// Of the section that has the symbol; 0: none has.
std::uint64_t section_end(Elf* elf, GElf_Word section, GElf_Addr bias) {
  GElf_Shdr header;
  Elf_Scn* found = elf_getscn(elf, section);
  return found != nullptr && gelf_getshdr(found, &header) != nullptr
             ? header.sh_addr + header.sh_size + bias
             : 0;
}

}  // namespace

symbol_index::symbol_index(Dwfl_Module* of) : of_(of) {
  const int count = dwfl_module_getsymtab(of);
  symbols_.reserve(static_cast<std::size_t>(std::max(count, 0)));
  for (int i = 0; i < count; ++i) {
    GElf_Sym one;
    GElf_Addr address = 0;
    GElf_Word section = 0;
    Elf* elf = nullptr;
    GElf_Addr bias = 0;
    const char* name = dwfl_module_getsym_info(of, i, &one, &address, &section, &elf, &bias);
    if (name == nullptr || *name == '\0' || !names_a_place(one)) continue;
    const bool is_label = one.st_size == 0;
    const std::uint64_t end = is_label ? section_end(elf, section, bias) : address + one.st_size;
    symbols_.push_back({address, end, 0, i, rank_of(one), is_label});
  }
  // As a stable sort would, but in place.
  std::sort(symbols_.begin(), symbols_.end(), [](const entry& a, const entry& b) {
    return std::tie(a.start, a.rank, a.number) < std::tie(b.start, b.rank, b.number);
  });
  std::uint64_t furthest = 0;
  for (entry& one : symbols_) {
    if (!one.is_label) furthest = std::max(furthest, one.end);
    one.furthest = furthest;
  }
}

const char* symbol_index::name_at(std::uint64_t address) const {
  const entry* found = symbol_at(address);
  if (found == nullptr) return nullptr;
  GElf_Sym ignored;
  GElf_Addr address_too = 0;
  return dwfl_module_getsym_info(of_, found->number, &ignored, &address_too, nullptr, nullptr,
                                 nullptr);
}

const symbol_index::entry* symbol_index::symbol_at(std::uint64_t address) const {
  auto at =
      std::upper_bound(symbols_.begin(), symbols_.end(), address,
                       [](std::uint64_t value, const entry& one) { return value < one.start; });
  const entry* label = nullptr;
  while (at != symbols_.begin()) {
    --at;
    if (at->end > address && !at->is_label) return &*at;
    if (label == nullptr && at->end > address && at->furthest <= at->start) label = &*at;
    if (at->furthest <= address) break;
  }
  return label;
}

}  // namespace strata::cli::capture
