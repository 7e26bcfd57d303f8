// gc::value: a word that is a reference or an immediate: what variables of dynamically typed languages hold.
//
//   63 .......................... 1 | 0
//   an object's address           0 | 0      its type is found by its header
//   all zeros                                null
//   63 bits of the runtime's choice | 1      an immediate: small integers, characters, true and false
//
// A gc::value is to objects of any type what a T* is to those of one: good until the next allocation or
// safepoint of this thread. What stays is a ref<value> as a member, a local<value> on the shadow stack, or
// a word of gc::roots. As arguments of make they are safe: what an allocation may move is kept for it.
//
// Collectors pass over immediates at no cost: see is_reference in src/gc/object_inl.hpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <strata/gc/global.hpp>
#include <strata/gc/identity.hpp>
#include <strata/gc/mutator.hpp>

namespace strata::gc {

class value {
 public:
  value() noexcept = default;
  value(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
  template <class T>
  explicit value(T* object) noexcept : word_(detail::address_of(object)) {}
  template <class T>
  value(unrooted<T>&& from) noexcept  // NOLINT(google-explicit-constructor)
      : value(std::move(from).get()) {}
  template <class T>
  requires(!std::is_same_v<T, value>) value(const local<T>& from)
  noexcept  // NOLINT(google-explicit-constructor)
      : word_(detail::address_of(from.get())) {}
  template <class T>
  requires(!std::is_same_v<T, value>) value(const ref<T>& from)
  noexcept  // NOLINT(google-explicit-constructor)
      : word_(detail::address_of(from.get())) {}

  // bits: 63 of them.
  static constexpr value immediate(std::uintptr_t bits) noexcept { return of_word(bits << 1 | 1); }
  static constexpr value of_word(std::uintptr_t word) noexcept {
    value made;
    made.word_ = word;
    return made;
  }

  [[nodiscard]] constexpr bool is_null() const { return word_ == 0; }
  [[nodiscard]] constexpr bool is_immediate() const { return (word_ & 1) != 0; }
  [[nodiscard]] constexpr std::uintptr_t bits() const { return word_ >> 1; }
  [[nodiscard]] constexpr std::uintptr_t word() const { return word_; }

  // The type of the object that it refers to.
  [[nodiscard]] const gc::type& type() const { return *detail::type_of_object(pointer()); }
  // Whether it refers to an object of just this type.
  template <class T>
  [[nodiscard]] bool is() const {
    return !is_immediate() && !is_null() && &type() == &type_of<T>;
  }
  // is<T>(), as the caller knows.
  template <class T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(pointer());
  }

  friend constexpr bool operator==(value, value) = default;
  // For make, which finds it here.
  friend detail::bare<value> bare_of(value from);

 private:
  [[nodiscard]] void* pointer() const { return detail::pointer_to(word_); }

  std::uintptr_t word_ = 0;
};

template <>
class local<value>;

namespace detail {
// As an argument of make: what an allocation may move is kept for it.
template <>
struct bare<value> {
  value object;
};

// Locals, references and fresh objects of any type, too.
template <class From, class Self>
concept becomes_value =
    !std::is_same_v<std::remove_cvref_t<From>, Self> && std::is_convertible_v<From, value>;
}  // namespace detail

inline detail::bare<value> bare_of(value from) { return {from}; }

template <>
class ref<value> {
 public:
  ref() noexcept = default;
  // First values need no barrier: what they are in is new.
  ref(const ref& other) noexcept : word_(other.get().word()) {}
  template <detail::becomes_value<ref> From>
  ref(From&&
          from) noexcept  // NOLINT(google-explicit-constructor,bugprone-forwarding-reference-overload)
      : word_(value(std::forward<From>(from)).word()) {}

  ref& operator=(const ref& other) noexcept { return set(other.get()); }
  template <detail::becomes_value<ref> From>
  ref& operator=(From&& from) noexcept {
    return set(std::forward<From>(from));
  }

  // Good until the next allocation or safepoint of this thread.
  [[nodiscard]] value get() const noexcept {
    return value::of_word(std::atomic_ref<std::uintptr_t>(const_cast<std::uintptr_t&>(word_))
                              .load(std::memory_order_relaxed));
  }
  operator value() const noexcept { return get(); }  // NOLINT(google-explicit-constructor)

 private:
  ref& set(value next) noexcept {
    detail::store_field(reinterpret_cast<void**>(&word_), detail::pointer_to(next.word()));
    return *this;
  }

  std::uintptr_t word_ = 0;
};

template <>
class local<value> {
 public:
  explicit local(mutator& self, value first = {}) : state_(&self.state()), slot_(state_->top) {
    if (slot_ == state_->stack_limit) [[unlikely]]
      detail::throw_stack_overflow();
    state_->top = slot_ + 1;
    self_ = &self;
    *slot_ = first.word();
  }
  local(const local& other) : local(other.self(), other.get()) {}
  ~local() { state_->top = slot_; }

  local& operator=(const local& other) noexcept {  // NOLINT(bugprone-unhandled-self-assignment)
    return set(other.get());
  }
  template <detail::becomes_value<local> From>
  local& operator=(From&& from) noexcept {
    return set(std::forward<From>(from));
  }

  // Good until the next allocation or safepoint of this thread.
  [[nodiscard]] value get() const noexcept { return value::of_word(*slot_); }
  operator value() const noexcept { return get(); }  // NOLINT(google-explicit-constructor)
  template <class T>
  [[nodiscard]] T* as() const noexcept {
    return get().as<T>();
  }
  [[nodiscard]] mutator& self() const noexcept { return *self_; }

 private:
  local& set(value next) noexcept {
    *slot_ = next.word();
    return *this;
  }

  detail::mutator_state* state_;
  detail::slot* slot_;
  mutator* self_;
};

// Of an object.
inline std::uint32_t identity_hash(mutator& self, value of) noexcept {
  return detail::identity_hash(self, detail::pointer_to(of.word()));
}

// A row of values outside of the heap that are roots: an interpreter's stack or registers. Stores to them
// need no barrier, since every collection reads them all.
//
//   first | value | value | ... | zeroed by each collection | nothing yet
//                               ^ end                       ^ highest end since the last one
//
// So whatever lies behind `end` is valid when it comes before it again: an old value that no collection
// has come past, or null. Write to no word behind it: move the end first.
class roots {
 public:
  // The memory is the caller's, and all of it null at first.
  roots(heap& of, value* first, std::size_t capacity) : node_(of.core()) {
    node_.first = reinterpret_cast<void**>(first);
    node_.end = node_.limit = node_.first + capacity;
  }

  // first <= end <= first + capacity
  void set_end(value* end) noexcept {
    node_.end = reinterpret_cast<void**>(end);
    if (node_.end > node_.limit) node_.limit = node_.end;
  }
  [[nodiscard]] value* end() const noexcept { return reinterpret_cast<value*>(node_.end); }

 private:
  detail::global_node node_;
};

}  // namespace strata::gc
