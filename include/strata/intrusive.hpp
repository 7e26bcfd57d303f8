// intrusive_rc: an owner of objects that carry their own count. For classes that exist with a count already,
// that cross interfaces as plain pointers, or that are many and small.
//
//   intrusive_rc<T> [ * ]---> | ... | count | ... |       count in the base intrusive_count, 4 bytes
//
//   class page : public strata::intrusive_count { ... };            owners in one thread
//   class page : public strata::intrusive_atomic_count { ... };     owners in any
//
// A plain pointer to the object, this for one, can become an owner at any time. There are no weak
// pointers, so the memory goes at once with the last owner, by delete: a class that lives elsewhere than
// on the heap says so by its own operator new and operator delete. A base needs a virtual destructor.
//
//   time      copy, drop: as rc and arc
//   overhead  4 bytes an object
//   threads   by the base
//   exhausted make_intrusive throws what new throws
//
// As Boost's intrusive_ptr with intrusive_ref_counter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

#include <strata/borrow.hpp>
#include <strata/detail/counting.hpp>
#include <strata/detail/ownership_ledger.hpp>

namespace strata {

template <class Counting>
class basic_intrusive_count {
 public:
  basic_intrusive_count() noexcept = default;
  // Another object has other owners.
  basic_intrusive_count(const basic_intrusive_count& /*other*/) noexcept {}
  basic_intrusive_count& operator=(const basic_intrusive_count& /*other*/) noexcept {
    return *this;
  }
  [[nodiscard]] std::uint32_t owners() const noexcept { return count_.count(); }

  // For intrusive_rc.
  void add_owner() const noexcept { count_.add(); }
  [[nodiscard]] bool drop_owner() const noexcept { return count_.drop(); }

 protected:
  ~basic_intrusive_count() = default;

 private:
  mutable typename Counting::single count_;  // an owner of a const object is one too
};
using intrusive_count = basic_intrusive_count<local_counting>;
using intrusive_atomic_count = basic_intrusive_count<atomic_counting>;

static_assert(sizeof(intrusive_count) == 4 && sizeof(intrusive_atomic_count) == 4);

}  // namespace strata

namespace strata {
inline namespace STRATA_OWNERSHIP_MODE {

template <class T>
class intrusive_rc {
  template <class U>
  friend class intrusive_rc;

 public:
  using element_type = T;

  intrusive_rc() noexcept = default;
  intrusive_rc(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): as pointers
  // One more owner; of a new object the first.
  explicit intrusive_rc(T* object) noexcept : at_(added(object)) {}
  intrusive_rc(const intrusive_rc& other) noexcept : at_(added(other.get())) {}
  intrusive_rc(intrusive_rc&& other) noexcept : at_(other.at_.take()) {}
  template <class U>
  requires std::is_convertible_v<U*, T*>
  // NOLINTNEXTLINE(google-explicit-constructor): as pointers
  intrusive_rc(const intrusive_rc<U>& other)
  noexcept : at_(added(other.get())) {}
  template <class U>
  requires std::is_convertible_v<U*, T*>
  // NOLINTNEXTLINE(google-explicit-constructor): as pointers
  intrusive_rc(intrusive_rc<U>&& other)
  noexcept : at_(other.at_.take()) {}
  intrusive_rc& operator=(const intrusive_rc& other) noexcept {
    intrusive_rc(other).swap(*this);
    return *this;
  }
  intrusive_rc& operator=(intrusive_rc&& other) noexcept {
    intrusive_rc(std::move(other)).swap(*this);
    return *this;
  }
  ~intrusive_rc() {
    static_assert(!std::is_polymorphic_v<T> || std::has_virtual_destructor_v<T> ||
                  std::is_final_v<T>);
    T* object = at_.dropped();
    if (object != nullptr && object->drop_owner()) {
      detail::forget_object(object);
      delete object;
    }
  }

  [[nodiscard]] T* get() const noexcept { return at_.get(); }
  T& operator*() const noexcept { return *at_.used(); }
  T* operator->() const noexcept { return at_.used(); }
  explicit operator bool() const noexcept { return get() != nullptr; }
  [[nodiscard]] std::uint32_t strong_count() const noexcept {
    return get() == nullptr ? 0 : get()->owners();
  }
  [[nodiscard]] borrowed<T> borrow() const noexcept { return borrowed<T>(at_.used()); }

  void reset() noexcept { intrusive_rc().swap(*this); }
  void swap(intrusive_rc& other) noexcept { at_.swap(other.at_); }
  // An owner as a plain pointer, still counted, and back: for C interfaces.
  [[nodiscard]] T* into_raw() && noexcept { return at_.take(); }
  [[nodiscard]] static intrusive_rc from_raw(T* counted) noexcept {
    intrusive_rc made;
    detail::slot<T>(counted).swap(made.at_);
    return made;
  }

  template <class U>
  friend bool operator==(const intrusive_rc& one, const intrusive_rc<U>& other) noexcept {
    return one.get() == other.get();
  }
  friend bool operator==(const intrusive_rc& one, std::nullptr_t) noexcept {
    return one.get() == nullptr;
  }

 private:
  static T* added(T* object) noexcept {
    if (object == nullptr) return nullptr;
    if constexpr (ownership_debug) {
      if (object->owners() == 0) detail::note_object(object, 1);
    }
    object->add_owner();
    return object;
  }

  detail::slot<T> at_;
};

template <class T, class... Arguments>
[[nodiscard]] intrusive_rc<T> make_intrusive(Arguments&&... arguments) {
  return intrusive_rc<T>(new T(std::forward<Arguments>(arguments)...));
}

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata

template <class T>
struct std::hash<strata::intrusive_rc<T>> {
  std::size_t operator()(const strata::intrusive_rc<T>& owner) const noexcept {
    return std::hash<const void*>()(owner.get());
  }
};
