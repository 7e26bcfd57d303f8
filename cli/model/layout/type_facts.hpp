// Size and natural alignment of types that are no records, as the x86 and Arm ABIs have them; DWARF
// tells alignments only where the program does.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/model/layout/entry.hpp"

namespace strata::cli::layout {

// In bytes; nothing where the type is only declared.
std::optional<std::uint64_t> size_of(const entry& type);
// What an array of arrays is made of, and of how many; a type that is none: itself, 1.
struct elements {
  entry type;
  std::uint64_t count;
};
elements elements_of(const entry& type);
// 1 for records: theirs depends on their fields. machine: of ELF.
std::uint64_t scalar_alignment(const entry& type, int machine);
// What the program itself demands of the type or of one of its typedefs; 1: nothing.
std::uint64_t demanded_alignment(const entry& type);

}  // namespace strata::cli::layout
