// gc::global<T>: keeps an object alive from outside of any thread's stack: in a static variable, in a C++
// object on the ordinary heap.
#pragma once

#include <cstddef>
#include <utility>

#include <strata/gc/mutator.hpp>

namespace strata::gc {

namespace detail {

// One of the heap's list of globals: the roots [first, end), and words that each collection zeroes, up to
// limit.
struct STRATA_GC_API global_node {
  explicit global_node(core& of);
  global_node(const global_node&) = delete;
  global_node& operator=(const global_node&) = delete;
  ~global_node();

  void* object = nullptr;
  void** first = &object;
  void** end = first + 1;
  void** limit = end;
  global_node* next = nullptr;
  global_node* previous = nullptr;
  core* owner;
};

}  // namespace detail

// Read and written by threads that have a mutator on the heap, one at a time as with any variable; made
// and destroyed by any thread, before the heap goes.
template <class T>
class global {
 public:
  explicit global(heap& of) : node_(of.core()) {}
  global(mutator& self, T* object) : node_(self.core()) { set(object); }
  template <detail::refers_as<T> U>
  explicit global(const local<U>& from) : node_(from.self().core()) {
    set(detail::whole_object<T>(from.get()));
  }

  template <detail::refers_as<T> U>
  global& operator=(const local<U>& other) noexcept {
    return set(detail::whole_object<T>(other.get()));
  }
  template <detail::refers_as<T> U>
  global& operator=(unrooted<U>&& other) noexcept {
    return set(detail::whole_object<T>(std::move(other).get()));
  }
  global& operator=(std::nullptr_t) noexcept { return set(nullptr); }

  // Good until the next allocation or safepoint of this thread.
  [[nodiscard]] T* get() const noexcept { return static_cast<T*>(node_.object); }
  T* operator->() const noexcept { return get(); }
  T& operator*() const noexcept { return *get(); }
  explicit operator bool() const noexcept { return node_.object != nullptr; }

 private:
  global& set(T* object) noexcept {
    node_.object = object;
    return *this;
  }

  detail::global_node node_;
};

template <class T>
local<T>::local(mutator& self, const global<T>& from) : local(self, from.get()) {}

}  // namespace strata::gc
