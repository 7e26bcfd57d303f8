// ref<T>: a reference from one managed object to another, as a member of the first or an element of an
// array. Assigning to it is the write barrier; reading it costs nothing.
//
//   assignment   is the field's log bit set?  no (nearly always): store
//                                             yes: if the new value is young, or a marking is under way:
//                                                  clear it, note field and old value; store
//
// One bit a word of the heap says whether the next store to that word has to be noted: words of young
// objects have it clear, and those of old ones are set by the collector, once for each of its cycles. What
// is noted is both the remembered set of the young generation and the snapshot of the concurrent marker.
//
//   bit of the word at `a`: bit (a >> 3) & 63 of the word at log_bias + (a >> 9) * 8
//
// The bits of all heaps of the process lie in one table, so that the barrier needs no thread and no heap.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <strata/gc/config.hpp>

namespace strata::gc {

template <class T>
class local;
template <class T>
class unrooted;
template <class T>
class global;

namespace detail {

// Where the log bit of address 0 would be; set before the first heap exists, and never again.
extern STRATA_GC_API std::uintptr_t log_bias;
// Notes the field and what it refers to, if that matters to anybody when `value` takes its place.
STRATA_GC_API void log_field(void** field, void* value) noexcept;

inline std::uint64_t& log_word(const void* field) {
  return *pointer_to<std::uint64_t>(log_bias + (address_of(field) >> 9) * 8);
}
inline bool must_log(const void* field) {
  // relaxed: the collector sets bits while no mutator runs, and clearing one early or late is harmless.
  std::uint64_t bits =
      std::atomic_ref<std::uint64_t>(log_word(field)).load(std::memory_order_relaxed);
  return (bits >> ((address_of(field) >> 3) & 63) & 1) != 0;
}
// A concurrent marker reads the field in the middle of all this and may see either value; what it needs of the
// old one, the log has. release: of a new one, if that is a large object made meanwhile, it reads the mark.
inline void store_field(void** field, void* value) {
  if (must_log(field)) [[unlikely]]
    log_field(field, value);
  std::atomic_ref<void*>(*field).store(value, std::memory_order_release);
}

template <class From, class To>
concept refers_as = std::is_convertible_v<From*, To*>;

// A reference is the address of the whole object: a base must start where its derived class does.
template <class To, class From>
To* whole_object(From* from) {
  To* to = from;
  if (static_cast<const volatile void*>(to) != static_cast<const volatile void*>(from))
    __builtin_trap();
  return to;
}

}  // namespace detail

template <class T>
class ref {
 public:
  ref() noexcept = default;
  ref(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
  // First values need no barrier: what they are in is new.
  ref(const ref& other) noexcept : object_(other.object_) {}
  template <detail::refers_as<T> U>
  ref(const ref<U>& other) noexcept  // NOLINT(google-explicit-constructor)
      : object_(detail::whole_object<T>(other.get())) {}
  template <detail::refers_as<T> U>
  ref(const local<U>& other) noexcept  // NOLINT(google-explicit-constructor)
      : object_(detail::whole_object<T>(other.get())) {}
  template <detail::refers_as<T> U>
  ref(const global<U>& other) noexcept  // NOLINT(google-explicit-constructor)
      : object_(detail::whole_object<T>(other.get())) {}
  template <detail::refers_as<T> U>
  ref(unrooted<U>&& other) noexcept  // NOLINT(google-explicit-constructor)
      : object_(detail::whole_object<T>(std::move(other).get())) {}

  ref& operator=(const ref& other) noexcept { return set(other.get()); }
  ref& operator=(std::nullptr_t) noexcept { return set(nullptr); }
  template <detail::refers_as<T> U>
  ref& operator=(const ref<U>& other) noexcept {
    return set(detail::whole_object<T>(other.get()));
  }
  template <detail::refers_as<T> U>
  ref& operator=(const local<U>& other) noexcept {
    return set(detail::whole_object<T>(other.get()));
  }
  template <detail::refers_as<T> U>
  ref& operator=(const global<U>& other) noexcept {
    return set(detail::whole_object<T>(other.get()));
  }
  template <detail::refers_as<T> U>
  ref& operator=(unrooted<U>&& other) noexcept {
    return set(detail::whole_object<T>(std::move(other).get()));
  }

  // Good until the next allocation or safepoint of this thread.
  [[nodiscard]] T* get() const noexcept {
    return std::atomic_ref<T*>(const_cast<T*&>(object_)).load(std::memory_order_relaxed);
  }
  T* operator->() const noexcept { return get(); }
  T& operator*() const noexcept { return *get(); }
  explicit operator bool() const noexcept { return get() != nullptr; }

 private:
  ref& set(T* object) noexcept {
    detail::store_field(reinterpret_cast<void**>(&object_),
                        const_cast<void*>(static_cast<const void*>(object)));
    return *this;
  }

  T* object_ = nullptr;
};

}  // namespace strata::gc
