// Frames of compiled code as the collector sees them: include/strata/gc.h has their picture.
#pragma once

#include <cstddef>

#include "strata/gc.h"
#include "strata/gc/mutator.hpp"

namespace strata::gc {

inline void** words_of(strata_gc_frame& frame) { return reinterpret_cast<void**>(&frame + 1); }

// visit(void** slot, strata_gc_frame&) for each word that is a reference or null.
template <class Visit>
void each_frame_slot(detail::mutator_state& of, Visit visit) {
  for (strata_gc_frame* frame = of.frames; frame != nullptr; frame = frame->caller) {
    const strata_gc_frame_map& map = *frame->map;
    for (std::size_t at = 0; at < map.words; ++at) {
      bool is_reference =
          map.references == nullptr || (map.references[at / 64] >> (at % 64) & 1) != 0;
      if (is_reference) visit(words_of(*frame) + at, *frame);
    }
  }
}

}  // namespace strata::gc
