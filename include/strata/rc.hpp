// rc: an object with several owners in one thread, after Rust's Rc. It is destroyed with its last owner,
// exactly once, and its memory goes with the last weak pointer.
//
//   rc<T> [ * ]------------------.            owners: strong
//   rc<T> [ * ]----------------. |            weak pointers, and one more
//                              v v            for all owners: weak
//   | source | ops | strong | weak | object |
//                              ^
//   weak_rc<T> [ * ]-----------'              drawn in detail/counted_block.hpp
//
//   rc<T>            an owner: one pointer, and so may be null
//   rc<T[]>          of an array, with its length
//   weak_rc<T>       what does not keep the object alive: upgrade()
//   rc_alias<T>      an owner that points to a part of its object: two pointers
//   rc_from_this<T>  a base for objects that give out owners of themselves
//   make_rc, make_rc_on
//
// Where std::shared_ptr is two pointers because any may be an alias, this is one: a base that is not at
// the start of its object, such as a second one, is shared as rc_alias, and rc<base> does not compile.
// The virtual destructor is not needed: the block knows what it holds.
//
//   time      copy: a test, an addition; drop: a test, a subtraction; O(destructor) and the source's for the last
//   overhead  16 bytes an object on the heap; 8 more from another source; 8 more for an array
//   threads   one: all owners of an object, and weak pointers to it. arc.hpp is for more
//   exhausted make_rc throws what its source throws, and what the constructor throws
//
// The interface and the rule of the memory are Rust's std::rc; the header before the object is that of
// make_shared, and of the BSTR before it.
#pragma once

#include <strata/detail/counted_ptr.hpp>

namespace strata {
inline namespace STRATA_OWNERSHIP_MODE {

template <class T>
using rc = counted_ptr<T, local_counting>;
template <class T>
using weak_rc = counted_weak<T, local_counting>;
template <class T>
using rc_alias = counted_alias<T, local_counting>;
template <class T>
using rc_from_this = counted_from_this<T, local_counting>;

// make_rc<T>(arguments of the constructor), make_rc<T[]>(count, arguments of each)
template <class T, class... Arguments>
requires(!std::is_array_v<T>) [[nodiscard]] rc<T> make_rc(Arguments&&... arguments) {
  return make_counted<T, local_counting>(heap_memory(), std::forward<Arguments>(arguments)...);
}
template <class T, class... Arguments>
requires std::is_unbounded_array_v<T>
[[nodiscard]] rc<T> make_rc(std::size_t count, Arguments&&... arguments) {
  return make_counted<T, local_counting>(heap_memory(), count, arguments...);
}
// The same in memory of a Strata resource (an lvalue) or a std::pmr::memory_resource*, which outlives
// the object and all that point to it.
template <class T, class From, class... Arguments>
requires(!std::is_array_v<T>)
    [[nodiscard]] rc<T> make_rc_on(From&& from, Arguments&&... arguments) {
  return make_counted<T, local_counting>(memory_of(from), std::forward<Arguments>(arguments)...);
}
template <class T, class From, class... Arguments>
requires std::is_unbounded_array_v<T>
[[nodiscard]] rc<T> make_rc_on(From&& from, std::size_t count, Arguments&&... arguments) {
  return make_counted<T, local_counting>(memory_of(from), count, arguments...);
}

static_assert(sizeof(rc<int>) == sizeof(void*));
static_assert(sizeof(rc<int[]>) == sizeof(void*) && sizeof(weak_rc<int>) == sizeof(void*));
static_assert(sizeof(rc_alias<int>) == 2 * sizeof(void*));
static_assert(detail::counted_block<int, local_counting, heap_memory>::front == 16);
static_assert(detail::counted_block<int, local_counting, pmr_memory>::front == 24);
static_assert(detail::counted_block<int[], local_counting, heap_memory>::front == 24);

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata
