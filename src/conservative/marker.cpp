#include "conservative/marker.hpp"

namespace strata::conservative {
namespace {

const std::uintptr_t* words_at(const void* address) {
  return static_cast<const std::uintptr_t*>(address);
}

}  // namespace

bool marker::open(std::size_t most_entries) {
  return stack_.open(most_entries) && ranges_.open(most_entries / 16);
}

void marker::begin() {
  has_lost_ = false;
  heap_.each([this](unsigned kind) { return !heap_.kinds().at[kind].collectable; },
             [this](const heap::object& what) {
               heap_.set_mark(what, true);
               scan_marked(what);
             });
}

// ---- What goes on the stack

void marker::push_candidate(std::uintptr_t address) {
  if (stack_.has_room(1))
    stack_.push(address);
  else
    has_lost_ = true;
}

STRATA_INLINE void marker::scan_words(const std::uintptr_t* from, const std::uintptr_t* to) {
  if (STRATA_UNLIKELY(!stack_.has_room(static_cast<std::size_t>(to - from)))) {
    has_lost_ = true;
    return;
  }
  std::uintptr_t base = heap_.blocks().base();
  std::uintptr_t bytes = heap_.blocks().extent() << block_shift;
  for (; from != to; ++from) stack_.push_if(*from, *from - base < bytes);
}

void marker::scan_long(const std::uintptr_t* from, const std::uintptr_t* to) {
  if (static_cast<std::size_t>(to - from) > most_object_words) {
    if (ranges_.has_room(1))
      ranges_.push({from + most_object_words, to});
    else
      has_lost_ = true;
    to = from + most_object_words;
  }
  scan_words(from, to);
}

void marker::push_words(const std::uintptr_t* from, const std::uintptr_t* to) {
  if (from < to) scan_long(from, to);
}

void marker::push_words(const std::uintptr_t* from, const std::uintptr_t* to,
                        std::uintptr_t but_from, std::uintptr_t but_to) {
  for (; from < to; ++from)
    if (*from - but_from >= but_to - but_from) push(*from);
}

void marker::add_root(std::uintptr_t address, interior which) {
  if (!heap_.blocks().has(address)) return;
  heap::object found = heap_.find(address);
  if (found.base == nullptr) return;
  std::uintptr_t start = base::address_of(found.base);
  if (which == interior::as_heap && !heap_.is_allowed(address - start)) return;
  if (!stack_.has_room(1)) drain();
  push_candidate(start);
}

// Another thread, or the sanitizer's own frames, may lie in what is scanned.
__attribute__((no_sanitize("address", "thread"))) void marker::scan_roots(const void* from,
                                                                          const void* to,
                                                                          interior which) {
  const auto* at = words_at(base::pointer_to(base::align_up(base::address_of(from), word_bytes)));
  const auto* end = words_at(base::pointer_to(base::align_down(base::address_of(to), word_bytes)));
  std::uintptr_t base = heap_.blocks().base();
  std::uintptr_t bytes = heap_.blocks().extent() << block_shift;
  for (; at < end; ++at)
    if (STRATA_UNLIKELY(*at - base < bytes)) add_root(*at, which);
}

// ---- What is described

void marker::push_bitmap(const std::uintptr_t* object, description bits) {
  constexpr description top = description{1} << 63;
  for (bits &= ~tag::mask; bits != 0; bits <<= 1, ++object)
    if ((bits & top) != 0) push(*object);
}

void marker::scan_described(const heap::object& what) {
  auto* words = reinterpret_cast<std::uintptr_t*>(what.base);
  description found = heap_.kinds().at[what.kind].of(what.bytes);
  for (;;) {
    switch (found & tag::mask) {
      case tag::length:
        push_words(words, words + found / word_bytes);
        return;
      case tag::bitmap:
        push_bitmap(words, found);
        return;
      case tag::procedure: {
        description number = found >> tag::shift & (most_procedures - 1);
        mark_procedure call = heap_.kinds().procedures[number];
        // The token is what calls back.
        if (call != nullptr) call(words, this, this + 1, found >> (tag::shift + procedure_bits));
        return;
      }
      default:
        if (static_cast<std::intptr_t>(found) >= 0) {
          found = *words_at(what.base + (found & ~tag::mask));
          break;
        }
        if (*words == 0) return;
        found = *words_at(base::pointer_to(*words - (found & ~tag::mask) - tag::in_place_bias));
    }
  }
}

// ---- Tracing

STRATA_INLINE std::uintptr_t marker::turn(std::uintptr_t next) {
  if (next != 0) {
    blocks& all = heap_.blocks();
    __builtin_prefetch(&all.allocated(all.index_of(next), 0));
    __builtin_prefetch(base::pointer_to(next));
    ++waiting_;
  }
  std::uintptr_t oldest = queue_[queue_at_];
  queue_[queue_at_] = next;
  queue_at_ = (queue_at_ + 1) % queue_length;
  waiting_ -= oldest != 0;
  return oldest;
}

STRATA_INLINE void marker::scan_marked(const heap::object& what) {
  const kind& of = heap_.kinds().at[what.kind];
  if (!of.adds_size || of.word != 0) {
    if (of.word != 0) scan_described(what);
    return;
  }
  const auto* from = words_at(what.base);
  if (STRATA_LIKELY(what.bytes <= most_object_words * word_bytes))
    scan_words(from, from + what.bytes / word_bytes);
  else
    scan_long(from, from + what.bytes / word_bytes);
}

// Of a large object, or of a free block.
STRATA_NOINLINE void marker::visit_large(std::uintptr_t address) {
  heap::object found = heap_.find(address);
  if (found.base == nullptr || !heap_.is_allowed(address - base::address_of(found.base))) return;
  if (heap_.is_marked(found)) return;
  heap_.set_mark(found, true);
  scan_marked(found);
}

template <bool AllInterior>
STRATA_INLINE void marker::visit(std::uintptr_t address) {
  blocks& all = heap_.blocks();
  std::size_t block = all.index_of(address);
  block_info info = all.info(block);
  if (STRATA_UNLIKELY(info.slot_bytes == 0)) return visit_large(address);
  std::size_t offset = address % block_bytes;
  std::size_t slot = offset * info.reciprocal >> 32;
  std::size_t start = slot * info.slot_bytes;
  if (!AllInterior && offset != start && !heap_.is_allowed(offset - start)) return;
  std::uint64_t bit = std::uint64_t{1} << (slot % 64);
  if ((all.allocated(block, slot) & bit) == 0) return;
  std::uint64_t& marked = all.marked(block, slot);
  if ((marked & bit) != 0) return;
  marked |= bit;
  scan_marked({all.address_of(block) + start, info.slot_bytes, block, slot, info.kind});
}

template <bool AllInterior>
void marker::run() {
  for (;;) {
    std::uintptr_t next = 0;
    if (!stack_.empty()) {
      next = stack_.pop();
    } else if (waiting_ == 0) {
      if (ranges_.empty()) return;
      range piece = ranges_.pop();
      scan_long(piece.from, piece.to);
      continue;
    }
    if (std::uintptr_t oldest = turn(next)) visit<AllInterior>(oldest);
  }
}

void marker::scan_all_marked() {
  heap_.each([](unsigned) { return true; },
             [this](const heap::object& what) {
               if (!heap_.is_marked(what)) return;
               scan_marked(what);
               heap_.all_interior ? run<true>() : run<false>();
             });
}

void marker::drain() {
  heap_.all_interior ? run<true>() : run<false>();
  while (has_lost_) {
    has_lost_ = false;
    scan_all_marked();
  }
}

}  // namespace strata::conservative
