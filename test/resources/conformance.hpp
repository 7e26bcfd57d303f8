// What the standard asks of an allocator (C++20, [allocator.requirements]), as concepts: the
// allocator for T conforms where conforming_allocator<Allocator, T> holds. In four parts, so that a
// failing static_assert tells which one.
//
//   has_its_types        value_type, and what allocator_traits makes of the rest
//   copies_and_compares  copies, moves and comparisons that throw nothing
//   rebinds              to any other type and back, with comparison across
//   allocates            memory for n values, construction and destruction in it, and traits
//
// Behaviour, such as that what compares equal may free each other's memory, is for the tests that
// run: conformance_test.cpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

namespace strata {

template <class Trait>
concept true_or_false =
    std::derived_from<Trait, std::true_type> || std::derived_from<Trait, std::false_type>;

// Null, comparison with null, conversion to bool.
template <class Pointer>
concept nullable_pointer = std::default_initializable<Pointer> && std::copyable<Pointer> &&
    std::equality_comparable_with<Pointer, std::nullptr_t> &&
    std::constructible_from<bool, const Pointer&> && std::assignable_from<Pointer&, std::nullptr_t>;

template <class Allocator, class T>
concept has_its_types = requires {
  typename Allocator::value_type;
  requires std::same_as<typename Allocator::value_type, T>;
  requires std::same_as<T, std::remove_cv_t<T>>;
  requires nullable_pointer<typename std::allocator_traits<Allocator>::pointer>;
  requires nullable_pointer<typename std::allocator_traits<Allocator>::const_pointer>;
  requires nullable_pointer<typename std::allocator_traits<Allocator>::void_pointer>;
  requires nullable_pointer<typename std::allocator_traits<Allocator>::const_void_pointer>;
  requires std::contiguous_iterator<typename std::allocator_traits<Allocator>::pointer>;
  requires std::contiguous_iterator<typename std::allocator_traits<Allocator>::const_pointer>;
  requires std::convertible_to < typename std::allocator_traits<Allocator>::pointer,
  typename std::allocator_traits<Allocator>::const_pointer > ;
  requires std::convertible_to < typename std::allocator_traits<Allocator>::pointer,
  typename std::allocator_traits<Allocator>::void_pointer > ;
  requires std::convertible_to < typename std::allocator_traits<Allocator>::void_pointer,
  typename std::allocator_traits<Allocator>::const_void_pointer > ;
  requires std::unsigned_integral<typename std::allocator_traits<Allocator>::size_type>;
  requires std::signed_integral<typename std::allocator_traits<Allocator>::difference_type>;
};

template <class Allocator>
concept copies_and_compares = std::copy_constructible<Allocator> &&
    std::is_nothrow_copy_constructible_v<Allocator> &&
    std::is_nothrow_move_constructible_v<Allocator> && std::is_nothrow_destructible_v<Allocator> &&
    requires(const Allocator& one, const Allocator& other) {
  { one == other }
  noexcept->std::same_as<bool>;
  { one != other }
  noexcept->std::same_as<bool>;
};

template <class Allocator, class Other>
using rebound = typename std::allocator_traits<Allocator>::template rebind_alloc<Other>;

template <class Allocator, class T, class Other>
concept rebinds_to = std::same_as<rebound<rebound<Allocator, Other>, T>, Allocator> &&
                     std::is_nothrow_constructible_v < rebound<Allocator, Other>,
const Allocator& > &&std::is_nothrow_constructible_v<Allocator, rebound<Allocator, Other>&&>&&
                       std::convertible_to<const Allocator&, rebound<Allocator, Other>>&& requires(
                           const Allocator& one, const rebound<Allocator, Other>& other) {
  { one == other }
  noexcept->std::same_as<bool>;
  { other == one }
  noexcept->std::same_as<bool>;
  { one != other }
  noexcept->std::same_as<bool>;
};

struct any_other_type {
  explicit any_other_type(int value);
  any_other_type(const any_other_type&) = delete;
  any_other_type& operator=(const any_other_type&) = delete;
};
struct alignas(64) far_aligned {
  char bytes[64];
};
template <class Allocator, class T>
concept rebinds = rebinds_to<Allocator, T, char> && rebinds_to<Allocator, T, void*> &&
    rebinds_to<Allocator, T, far_aligned> && rebinds_to<Allocator, T, any_other_type>;

template <class Allocator, class T>
concept allocates = requires(
    Allocator& one, const Allocator& same,
    const typename std::allocator_traits<Allocator>::pointer& block,
    const typename std::allocator_traits<Allocator>::const_void_pointer& hint,
    typename std::allocator_traits<Allocator>::size_type count, T* object, const T& value) {
  { one.allocate(count) } -> std::same_as<typename std::allocator_traits<Allocator>::pointer>;
  {
    std::allocator_traits<Allocator>::allocate(one, count, hint)
    } -> std::same_as<typename std::allocator_traits<Allocator>::pointer>;
  one.deallocate(block, count);
  { *block } -> std::same_as<T&>;
  std::allocator_traits<Allocator>::construct(one, object, value);
  std::allocator_traits<Allocator>::destroy(one, object);
  {
    std::allocator_traits<Allocator>::max_size(same)
    } -> std::same_as<typename std::allocator_traits<Allocator>::size_type>;
  {
    std::allocator_traits<Allocator>::select_on_container_copy_construction(same)
    } -> std::same_as<Allocator>;
};

// An allocator that goes along has to do so without an exception; one with state may not claim that
// all of them are equal.
template <class Allocator>
concept has_traits_that_fit = true_or_false<
    typename std::allocator_traits<Allocator>::propagate_on_container_copy_assignment> &&
    true_or_false<
        typename std::allocator_traits<Allocator>::propagate_on_container_move_assignment> &&
    true_or_false<typename std::allocator_traits<Allocator>::propagate_on_container_swap> &&
    true_or_false<typename std::allocator_traits<Allocator>::is_always_equal> &&
    (!std::allocator_traits<Allocator>::propagate_on_container_copy_assignment::value ||
     std::is_nothrow_copy_assignable_v<
         Allocator>)&&(!std::allocator_traits<Allocator>::propagate_on_container_move_assignment::
                           value ||
                       std::is_nothrow_move_assignable_v<
                           Allocator>)&&(!std::allocator_traits<Allocator>::
                                             propagate_on_container_swap::value ||
                                         std::is_nothrow_swappable_v<
                                             Allocator>)&&(std::is_empty_v<Allocator> ||
                                                           !std::allocator_traits<
                                                               Allocator>::is_always_equal::value);

template <class Allocator, class T>
concept conforming_allocator = has_its_types<Allocator, T> && copies_and_compares<Allocator> &&
    rebinds<Allocator, T> && allocates<Allocator, T> && has_traits_that_fit<Allocator>;

}  // namespace strata
