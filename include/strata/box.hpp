// box: an object with one owner, after Rust's Box.
//
//   box<T>                    [ * ]--------> object                on the heap: one pointer
//   box<T, pmr_memory>        [ * | from ]-> object                in a std::pmr::memory_resource
//   box<T, resource_memory>   [ * | from ]-> object                in a Strata resource; one pointer
//                                                                  where that has no state
//   box<Base, sized_memory>   [ * | from | bytes | alignment ]->   what such a one becomes as a base
//   box<T[], ...>             [ * | ... | length ]-> elements
//   box<T, Deleter>           [ * | deleter ]-> what deleter(pointer) ends
//
// Moving it moves the pointer and leaves null: a moved-from box is known, destroys nothing and can be
// filled again. With STRATA_OWNERSHIP_DEBUG, use of one stops the process with the type's name. There is no
// way to lose what a box owns by accident: leak() and into_raw() say it.
//
// A box on the heap is made by new and ended by delete, so the class's own operator new serves, and
// pointers of other origin can come in by from_raw; as a box of a base it needs a virtual destructor,
// or does not compile.
//
//   time      a new, a delete: the source's
//   overhead  none in the block
//   threads   one at a time, as a pointer
//   exhausted make_box throws what the source throws, and what the constructor throws
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <strata/borrow.hpp>
#include <strata/detail/construct.hpp>
#include <strata/detail/memory_source.hpp>
#include <strata/detail/ownership_ledger.hpp>

namespace strata {

// A source that remembers the size of one object, for boxes of a base.
template <memory_source Source>
struct sized_memory {
  [[no_unique_address]] Source from;
  std::size_t bytes;
  std::size_t alignment;
};

namespace detail {

template <class Source>
inline constexpr bool is_sized_memory = false;
template <class Source>
inline constexpr bool is_sized_memory<sized_memory<Source>> = true;

template <class T, class Source>
void end_boxed(T* object, [[maybe_unused]] Source& source) noexcept {
  if constexpr (std::is_same_v<Source, heap_memory>) {
    delete object;
  } else if constexpr (is_sized_memory<Source>) {
    static_assert(std::has_virtual_destructor_v<T>);
    void* whole = const_cast<void*>(dynamic_cast<const void*>(object));
    std::destroy_at(object);
    source.from.deallocate(whole, source.bytes, source.alignment);
  } else if constexpr (memory_source<Source>) {
    std::destroy_at(object);
    source.deallocate(const_cast<std::remove_const_t<T>*>(object), sizeof(T), alignof(T));
  } else {
    source(object);
  }
}

// How a box of a derived class becomes one of its base.
template <class Source>
concept single_size = memory_source<Source> && !std::is_same_v<Source, heap_memory>;
template <class T, class U, class Source>
concept ends_as = std::is_convertible_v<T*, U*> &&
    (!std::is_same_v<Source, heap_memory> ||
     std::is_same_v<std::remove_const_t<T>, std::remove_const_t<U>> ||
     std::has_virtual_destructor_v<U>);

}  // namespace detail
}  // namespace strata

namespace strata {
inline namespace STRATA_OWNERSHIP_MODE {

template <class T, class Source = heap_memory>
class box {
  template <class U, class S>
  friend class box;

 public:
  using element_type = T;

  box() noexcept = default;
  box(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): as std::unique_ptr
  box(box&& other) noexcept : at_(other.at_.take()), source_(std::move(other.source_)) {}
  // As a base.
  template <class U>
  requires(detail::ends_as<U, T, Source> && !std::is_same_v<U, T> &&
           (!detail::single_size<Source> || std::is_same_v<std::remove_const_t<T>, U>))
      // NOLINTNEXTLINE(google-explicit-constructor): as pointers
      box(box<U, Source>&& other)
  noexcept : at_(other.at_.take()), source_(std::move(other.source_)) {}
  template <class U, detail::single_size S>
  requires(std::is_convertible_v<U*, T*>&& std::has_virtual_destructor_v<T>&&
               std::is_same_v<Source, sized_memory<S>>)
      // NOLINTNEXTLINE(google-explicit-constructor): as pointers
      box(box<U, S>&& other)
  noexcept : at_(other.at_.take()), source_{other.source_, sizeof(U), alignof(U)} {}
  box& operator=(box&& other) noexcept {
    box(std::move(other)).swap(*this);
    return *this;
  }
  ~box() {
    if (T* object = at_.dropped(); object != nullptr) {
      detail::forget_object(object);
      detail::end_boxed(object, source_);
    }
  }

  [[nodiscard]] T* get() const noexcept { return at_.get(); }
  T& operator*() const noexcept { return *at_.used(); }
  T* operator->() const noexcept { return at_.used(); }
  explicit operator bool() const noexcept { return get() != nullptr; }
  [[nodiscard]] const Source& source() const noexcept { return source_; }
  [[nodiscard]] borrowed<T> borrow() const noexcept { return borrowed<T>(at_.used()); }

  void reset() noexcept { box(nullptr, source_).swap(*this); }
  void swap(box& other) noexcept {
    at_.swap(other.at_);
    std::swap(source_, other.source_);
  }

  // The object stays for ever.
  T& leak() && noexcept {
    (void)at_.used();
    return *std::move(*this).into_raw();
  }
  // The caller owns it.
  [[nodiscard]] T* into_raw() && noexcept {
    if (get() != nullptr) detail::forget_object(get());
    return at_.take();
  }
  // What into_raw gave, with the source it came from; on the heap, anything from new.
  [[nodiscard]] static box from_raw(T* object, Source source = Source()) noexcept {
    if (object != nullptr) detail::note_object(object, 1);
    return box(object, source);
  }

  template <class U, class S>
  friend bool operator==(const box& one, const box<U, S>& other) noexcept {
    return one.get() == other.get();
  }
  friend bool operator==(const box& one, std::nullptr_t) noexcept { return one.get() == nullptr; }

 private:
  box(T* object, const Source& source) noexcept : at_(object), source_(source) {}

  detail::slot<T> at_;
  [[no_unique_address]] Source source_{};
};

template <class T, memory_source Source>
class box<T[], Source> {
 public:
  using element_type = T;

  box() noexcept = default;
  box(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): as std::unique_ptr
  box(box&& other) noexcept
      : at_(other.at_.take()), length_(std::exchange(other.length_, 0)), source_(other.source_) {}
  box& operator=(box&& other) noexcept {
    box(std::move(other)).swap(*this);
    return *this;
  }
  ~box() {
    T* first = at_.dropped();
    if (first == nullptr) return;
    detail::forget_object(first);
    for (std::size_t left = length_; left > 0; --left) std::destroy_at(first + left - 1);
    source_.deallocate(first, length_ * sizeof(T), alignof(T));
  }

  [[nodiscard]] T* get() const noexcept { return at_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return length_; }
  T& operator[](std::size_t index) const noexcept { return at_.used()[index]; }
  T* begin() const noexcept { return get(); }
  T* end() const noexcept { return get() + length_; }
  explicit operator bool() const noexcept { return get() != nullptr; }

  void reset() noexcept { box().swap(*this); }
  void swap(box& other) noexcept {
    at_.swap(other.at_);
    std::swap(length_, other.length_);
    std::swap(source_, other.source_);
  }
  // The elements stay for ever, or until from_raw; ask size() before.
  [[nodiscard]] T* into_raw() && noexcept {
    if (get() != nullptr) detail::forget_object(get());
    length_ = 0;
    return at_.take();
  }
  // What into_raw of such a box gave.
  [[nodiscard]] static box from_raw(T* first, std::size_t length,
                                    Source source = Source()) noexcept {
    if (first != nullptr) detail::note_object(first, length);
    return box(first, length, source);
  }

 private:
  box(T* first, std::size_t length, Source source) noexcept
      : at_(first), length_(length), source_(source) {}

  detail::slot<T, T[]> at_;
  std::size_t length_ = 0;
  [[no_unique_address]] Source source_{};
};

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata

namespace strata::detail {
inline namespace STRATA_OWNERSHIP_MODE {

template <class T, memory_source Source, class... Arguments>
requires(!std::is_array_v<T>) box<T, Source> make_boxed(Source source, Arguments&&... arguments) {
  using object = std::remove_const_t<T>;
  if constexpr (std::is_same_v<Source, heap_memory>) {
    if constexpr (std::is_constructible_v<T, Arguments...>)
      return box<T>::from_raw(new object(std::forward<Arguments>(arguments)...));
    else
      return box<T>::from_raw(new object{std::forward<Arguments>(arguments)...});
  } else {
    void* place = source.allocate(sizeof(T), alignof(T));
    undo back([&] { source.deallocate(place, sizeof(T), alignof(T)); });
    object* made = construct<object>(place, std::forward<Arguments>(arguments)...);
    back.forget();
    return box<T, Source>::from_raw(made, source);
  }
}

template <class T, memory_source Source, class... Arguments>
requires std::is_unbounded_array_v<T> box<T, Source> make_boxed(Source source, std::size_t count,
                                                                Arguments&&... arguments) {
  using element = std::remove_extent_t<T>;
  if (count > SIZE_MAX / 2 / sizeof(element)) throw std::bad_array_new_length();
  void* place = source.allocate(count * sizeof(element), alignof(element));
  undo back([&] { source.deallocate(place, count * sizeof(element), alignof(element)); });
  auto* first = static_cast<element*>(place);
  construct_all<element>(first, count, arguments...);
  back.forget();
  return box<T, Source>::from_raw(first, count, source);
}

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata::detail

namespace strata {
inline namespace STRATA_OWNERSHIP_MODE {

// make_box<T>(arguments of the constructor), make_box<T[]>(count, arguments of each)
template <class T, class... Arguments>
requires(!std::is_array_v<T>) [[nodiscard]] box<T> make_box(Arguments&&... arguments) {
  return detail::make_boxed<T>(heap_memory(), std::forward<Arguments>(arguments)...);
}
template <class T, class... Arguments>
requires std::is_unbounded_array_v<T>
[[nodiscard]] box<T> make_box(std::size_t count, Arguments&&... arguments) {
  return detail::make_boxed<T>(heap_memory(), count, arguments...);
}
// The same in memory of a Strata resource (an lvalue) or a std::pmr::memory_resource*, which outlives
// the box.
template <class T, class From, class... Arguments>
requires(!std::is_array_v<T>)
    [[nodiscard]] auto make_box_on(From&& from, Arguments&&... arguments) {
  return detail::make_boxed<T>(memory_of(from), std::forward<Arguments>(arguments)...);
}
template <class T, class From, class... Arguments>
requires std::is_unbounded_array_v<T>
[[nodiscard]] auto make_box_on(From&& from, std::size_t count, Arguments&&... arguments) {
  return detail::make_boxed<T>(memory_of(from), count, arguments...);
}

static_assert(sizeof(box<int>) == sizeof(void*));
static_assert(sizeof(box<int, pmr_memory>) == 2 * sizeof(void*));
static_assert(sizeof(box<int[]>) == 2 * sizeof(void*));

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata
