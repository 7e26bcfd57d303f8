// What the objects of a block are: whether they are scanned, and by what description.
//
// A description of an object is a word, as <gc/gc_mark.h> has it; the low two bits say which of four it is:
//
//   00  length     the first so many bytes are scanned conservatively
//   01  bitmap     the words whose bits are set, from the highest bit down
//   10  procedure  | what it is given | its number: 6 bits | 10 |
//   11  in place   the description is in the object, at this offset, or, where the word is negative, in what
//                  the object's first word points to, at -word - 16
//
// An object's description is its kind's word, plus the size of its slot where the kind says so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace strata::conservative {

class marker;

using description = std::uintptr_t;
// As <gc/gc_mark.h> has it: what it returns, and the two in the middle, is a token.
using mark_procedure = void* (*)(std::uintptr_t* object, void* token, void* limit,
                                 std::uintptr_t given);
// Called for each object that is about to be taken back; not 0: it stays this once.
using disclaim_procedure = int (*)(void* object);

namespace tag {
inline constexpr description mask = 3;
inline constexpr description length = 0;
inline constexpr description bitmap = 1;
inline constexpr description procedure = 2;
inline constexpr description in_place = 3;
inline constexpr description in_place_bias = 16;
inline constexpr unsigned shift = 2;
}  // namespace tag

inline constexpr unsigned procedure_bits = 6;
inline constexpr std::size_t most_procedures = std::size_t{1} << procedure_bits;
inline constexpr std::size_t most_kinds = 32;

struct kind {
  description word = 0;
  bool adds_size = false;
  bool clears = false;
  bool collectable = true;
  bool marks_before_disclaim = false;
  disclaim_procedure disclaim = nullptr;

  [[nodiscard]] description of(std::size_t slot_bytes) const {
    return word + (adds_size ? slot_bytes : 0);
  }
  // No object of it is ever scanned.
  [[nodiscard]] bool is_leaf() const { return word == 0 && !adds_size; }
};

// The first ones, by the numbers that programs know.
namespace kinds {
inline constexpr unsigned atomic = 0;
inline constexpr unsigned normal = 1;
inline constexpr unsigned uncollectable = 2;
inline constexpr unsigned atomic_uncollectable = 3;
inline constexpr unsigned typed = 4;        // the description is the slot's last word
inline constexpr unsigned typed_array = 5;  // of elements; the last two words say what they are
inline constexpr unsigned first_free = 6;
}  // namespace kinds

struct kind_table {
  std::array<kind, most_kinds> at{};
  unsigned count = 0;
  std::array<mark_procedure, most_procedures> procedures{};
  unsigned procedure_count = 0;
};

}  // namespace strata::conservative
