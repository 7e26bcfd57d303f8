// The states of a small or medium block, and how one leads to the other:
//
//                refill                    malloc
//   in the span -------> cached (magazines, -------> live
//               <-------  stashes, depot)  <-------
//                flush                      free
//
//               free bit   mark    first word
//   in the span    1       0       whatever was there
//   cached         0       class   its stamp
//   live           0       class   the program's
//
// The stamp of a block is the address of its granule's mark: a value that no program comes by, and that
// free of a small block has at hand, since it has just read the mark. So malloc and free write to the
// block, which belongs to their thread, and not to the maps, of which one cache line tells of a KiB, or
// of 32: where two threads own blocks there, each free would take that line from the other.
//
// glibc keys the chunks of its tcache in a like way (2.29). What a wild write makes of a stamp is found
// when the block goes back to its span, as for canaries.
//
// Under paranoid hardening, which wipes free blocks whole, none bears a stamp, and only live ones have
// marks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/canary.hpp"
#include "alloc/span.hpp"
#include "base/bits.hpp"
#include "base/check.hpp"
#include "ground/address_map.hpp"

namespace strata::alloc {

// Whether cached blocks bear stamps, those of plain twins too.
inline bool has_stamps() { return canary::on(); }

inline std::uintptr_t stamp_of(std::uintptr_t block) {
  return base::address_of(ground::flat.marks) + block / ground::granule_bytes;
}
// Of a block whose mark is a class: elsewhere an old stamp may lie about. Also of one that another
// thread has in hand.
STRATA_UNJUDGED inline bool is_stamped(const void* block) {
  return *static_cast<const volatile std::uintptr_t*>(block) == stamp_of(base::address_of(block));
}
inline void stamp(void* block) {
  *static_cast<std::uintptr_t*>(block) = stamp_of(base::address_of(block));
}

// From the span to the caches, but for the canary.
inline void make_cached(std::uintptr_t block, std::size_t number) {
  ground::set_mark(base::pointer_to(block), number, static_cast<ground::mark>(number));
  stamp(base::pointer_to(block));
}
// From the caches to the program.
inline void make_live(void* block, std::size_t number) {
  if (has_stamps())
    *static_cast<std::uintptr_t*>(block) = 0;
  else
    ground::set_mark(block, number, static_cast<ground::mark>(number));
}
// And back; its mark is its class.
inline void make_free(void* block, std::size_t number) {
  if (has_stamps()) return stamp(block);
  ground::set_mark(block, number, ground::mark_none);
}

// Stops the process when canary or stamp of a cached block are not as they were left.
inline void check_untouched(std::uintptr_t block, const span& from) {
  if (from.canaries != canary::kind::none) canary::check(block, from.block_bytes, from.canaries);
  if (STRATA_UNLIKELY(!is_stamped(base::pointer_to(block)))) {
    fatal(misuse::write_after_free, base::pointer_to(block), from.usable_bytes());
  }
}

}  // namespace strata::alloc
