// Memory that does not move, by an allocator: what the workloads see of malloc and of the Boehm collector.
//
// The workloads are written for any Memory:
//
//   Memory::heap               made once; begin_measuring(self), print_measured(self)
//   Memory::attached(heap, f)  f(self), with a mutator of the thread; ends the process where memory does
//   Memory::mutator            of each thread that uses the heap
//     make<T>(args...)         a new object, or an array<E>(length) of zeros, as a result<T>
//     release(object)          where by_hand says so, what make gave
//   Memory::ref<T>             a reference in an object
//   Memory::local<T>           a variable; arg<T> a parameter; global<T> a member of what is no object
//   Memory::pair<K, V>         made of a key that it does not keep alive, and a value: key(self) is null
//                              when the key has died, value(self) is good until then
//   Memory::blocking           while it lives its thread waits for others
//   Memory::by_hand            whether the workload must release what it made
//
// These are the names and the rules of Strata's managed heap; here all of them are pointers.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "bench.hpp"

namespace plain {

struct scope {};  // what a variable belongs to, where that matters

template <class T>
class pointer {
 public:
  pointer() = default;
  pointer(T* object) : object_(object) {}  // NOLINT(google-explicit-constructor)
  explicit pointer(const scope&) {}
  pointer(const scope&, T* object) : object_(object) {}
  pointer(const scope&, pointer other) : object_(other.object_) {}

  [[nodiscard]] T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

template <class Element>
class array {
 public:
  explicit array(std::size_t length) : length_(length) {}
  [[nodiscard]] std::size_t size() const { return length_; }
  [[nodiscard]] Element* data() { return reinterpret_cast<Element*>(this + 1); }
  Element& operator[](std::size_t at) { return data()[at]; }

 private:
  std::size_t length_;
};

template <class T>
inline constexpr bool is_array = false;
template <class Element>
inline constexpr bool is_array<array<Element>> = true;

// Whether an object has no reference in it: arrays of numbers, and structs that say so.
template <class T>
inline constexpr bool is_leaf = requires {
  requires T::leaf;
};
template <class Element>
inline constexpr bool is_leaf<array<Element>> = std::is_arithmetic_v<Element>;

// Allocator: allocate(bytes, leaf), zeroed unless it is a leaf, or null; release(object, bytes).
template <class Allocator>
class mutator : public scope {
 public:
  explicit mutator(typename Allocator::heap& heap) : attached_(heap) {}

  template <class T, class... Args>
  pointer<T> make(Args&&... args) {
    if constexpr (is_array<T>)
      return make_array<T>(std::forward<Args>(args)...);
    else
      return ::new (room(sizeof(T), is_leaf<T>)) T{std::forward<Args>(args)...};
  }
  template <class T>
  void release(T* object) {
    if (object == nullptr) return;
    if constexpr (is_array<T>)
      Allocator::release(object, sizeof(T) + object->size() * sizeof((*object)[0]));
    else
      Allocator::release(object, sizeof(T));
  }
  template <class T>
  void release(pointer<T> object) {
    release(object.get());
  }

 private:
  template <class T>
  T* make_array(std::size_t count) {
    std::size_t bytes = sizeof(T) + count * sizeof(*std::declval<T&>().data());
    return ::new (room(bytes, is_leaf<T>)) T(count);
  }
  static void* room(std::size_t bytes, bool leaf) {
    void* object = Allocator::allocate(bytes, leaf);
    if (object == nullptr) [[unlikely]]
      bench::out_of_memory();
    return object;
  }

  [[no_unique_address]] typename Allocator::attachment attached_;
};

// A weak pair of memory that is released by hand: the workload tells when the key dies.
template <class Key, class Value>
class known_pair {
 public:
  known_pair(pointer<Key> key, pointer<Value> value) : key_(key), value_(value) {}
  pointer<Key> key(const scope&) const { return key_; }
  pointer<Value> value(const scope&) const { return value_; }

 private:
  pointer<Key> key_;
  pointer<Value> value_;
};

struct not_blocking {
  explicit not_blocking(const scope&) {}
};

template <class Allocator>
struct memory {
  using heap = typename Allocator::heap;
  using mutator = plain::mutator<Allocator>;
  template <class T>
  using ref = pointer<T>;
  template <class T>
  using local = pointer<T>;
  template <class T>
  using arg = pointer<T>;
  template <class T>
  using global = pointer<T>;
  template <class T>
  using result = pointer<T>;
  template <class Element>
  using array = plain::array<Element>;
  template <class Key, class Value>
  using pair = typename Allocator::template pair<Key, Value>;
  using blocking = not_blocking;
  template <class Function>
  static void attached(heap& to, Function function) {
    mutator self{to};
    function(self);
  }
  static constexpr bool by_hand = Allocator::by_hand;
};

}  // namespace plain
