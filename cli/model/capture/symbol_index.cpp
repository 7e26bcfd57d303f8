#include "cli/model/capture/symbol_index.hpp"

#include <elfutils/libdwfl.h>
#include <gelf.h>

#include <algorithm>
#include <tuple>

namespace strata::cli::capture {
namespace {

bool names_code(const GElf_Sym& one) {
  const auto type = GELF_ST_TYPE(one.st_info);
  return one.st_shndx != SHN_UNDEF &&
         (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

// Of several names for one address, that which others see.
unsigned rank_of(const GElf_Sym& one) {
  const auto binding = GELF_ST_BIND(one.st_info);
  return binding == STB_GLOBAL ? 2 : binding == STB_WEAK ? 1 : 0;
}

}  // namespace

symbol_index::symbol_index(Dwfl_Module* of) {
  const int count = dwfl_module_getsymtab(of);
  for (int i = 0; i < count; ++i) {
    GElf_Sym one;
    GElf_Addr address = 0;
    const char* name = dwfl_module_getsym_info(of, i, &one, &address, nullptr, nullptr, nullptr);
    if (name == nullptr || *name == '\0' || !names_code(one)) continue;
    symbols_.push_back({address, address + one.st_size, 0, name, rank_of(one)});
  }
  std::stable_sort(symbols_.begin(), symbols_.end(), [](const entry& a, const entry& b) {
    return std::tie(a.start, a.rank) < std::tie(b.start, b.rank);
  });
  std::uint64_t furthest = 0;
  for (entry& one : symbols_) one.furthest = furthest = std::max(furthest, one.end);
}

const char* symbol_index::name_at(std::uint64_t address) const {
  auto at =
      std::upper_bound(symbols_.begin(), symbols_.end(), address,
                       [](std::uint64_t value, const entry& one) { return value < one.start; });
  const entry* label = nullptr;
  while (at != symbols_.begin()) {
    --at;
    if (at->end > address) return at->name;
    if (label == nullptr && at->end == at->start && at->furthest == at->start) label = &*at;
    if (at->furthest <= address) {
      const bool nothing_between = label != nullptr && label == &*at;
      return nothing_between ? label->name : nullptr;
    }
  }
  return nullptr;
}

}  // namespace strata::cli::capture
