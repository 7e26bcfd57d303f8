// arc: an object with owners in several threads, after Rust's Arc. As rc.hpp in all but the counts,
// which are one atomic word: detail/counting.hpp, where each memory order has its reason.
//
//   arc<T>, arc<T[]>, weak_arc<T>, arc_alias<T>, arc_from_this<T>, make_arc, make_arc_on
//
// Different arcs to one object may be used by different threads at once, as may weak_arcs. One and the same
// arc may not, unless all threads only read it; nor is the object itself guarded: what several own is
// read, or has a lock of its own. Whoever drops the last arc runs the destructor, and sees all that the
// others did.
//
//   time      copy: an atomic addition; drop: a look, an atomic subtraction, or for the only owner
//             none; upgrade, and unwrapping beside weak pointers: compare and exchange, lock-free
//   overhead  as rc
//   threads   any
//   exhausted as rc
#pragma once

#include <strata/detail/counted_ptr.hpp>

namespace strata {
inline namespace STRATA_OWNERSHIP_MODE {

template <class T>
using arc = counted_ptr<T, atomic_counting>;
template <class T>
using weak_arc = counted_weak<T, atomic_counting>;
template <class T>
using arc_alias = counted_alias<T, atomic_counting>;
template <class T>
using arc_from_this = counted_from_this<T, atomic_counting>;

template <class T, class... Arguments>
requires(!std::is_array_v<T>) [[nodiscard]] arc<T> make_arc(Arguments&&... arguments) {
  return make_counted<T, atomic_counting>(heap_memory(), std::forward<Arguments>(arguments)...);
}
template <class T, class... Arguments>
requires std::is_unbounded_array_v<T>
[[nodiscard]] arc<T> make_arc(std::size_t count, Arguments&&... arguments) {
  return make_counted<T, atomic_counting>(heap_memory(), count, arguments...);
}
// The source is one that the threads may share: memory goes back in the thread that drops last.
template <class T, class From, class... Arguments>
requires(!std::is_array_v<T>)
    [[nodiscard]] arc<T> make_arc_on(From&& from, Arguments&&... arguments) {
  return make_counted<T, atomic_counting>(memory_of(from), std::forward<Arguments>(arguments)...);
}
template <class T, class From, class... Arguments>
requires std::is_unbounded_array_v<T>
[[nodiscard]] arc<T> make_arc_on(From&& from, std::size_t count, Arguments&&... arguments) {
  return make_counted<T, atomic_counting>(memory_of(from), count, arguments...);
}

static_assert(sizeof(arc<int>) == sizeof(void*) && sizeof(weak_arc<int>) == sizeof(void*));
static_assert(sizeof(arc_alias<int>) == 2 * sizeof(void*));

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata
