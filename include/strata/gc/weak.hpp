// References that do not keep alive, and what happens after death. Weak references and ephemerons are managed
// objects themselves: held by locals, refs and globals like any other.
//
//   weak        | referent |           null once nothing else keeps the referent alive
//   ephemeron   | key | value |        the value lives as long as the key does; both null afterwards
//
//   gc::local<gc::weak<node>> w = self.make<gc::weak<node>>(n);
//   gc::local<node> again = w->get(self);
#pragma once

#include <atomic>

#include <strata/gc/mutator.hpp>

namespace strata::gc {

namespace detail {

// A concurrent marker has to know that the thread has got hold of what only a weak reference led to, and clears
// references to the dead while the program runs.
inline void* strengthened(mutator& self, void* object) {
  if (self.state().marking.load(std::memory_order_relaxed) != marking_now::no && object != nullptr)
      [[unlikely]]
    return revived(self, object);
  return object;
}
inline void* strengthened_value(mutator& self, void* key, void* value) {
  if (self.state().marking.load(std::memory_order_relaxed) != marking_now::no && value != nullptr)
      [[unlikely]]
    return revived_value(self, key, value);
  return value;
}
// relaxed: the marker may clear it meanwhile.
inline void* load_weak(void* const& field) {
  return std::atomic_ref(const_cast<void*&>(field)).load(std::memory_order_relaxed);
}

}  // namespace detail

template <class T>
class weak {
 public:
  explicit weak(const local<T>& to) noexcept : referent_(to.get()) {}
  // Null when it has died.
  unrooted<T> get(mutator& self) const {
    return {self, static_cast<T*>(detail::strengthened(self, detail::load_weak(referent_)))};
  }
  // relaxed: a concurrent marker that still sees the referent learns that it is alive, or nothing.
  void clear() { std::atomic_ref(referent_).store(nullptr, std::memory_order_relaxed); }

 private:
  void* referent_;
};

template <class Key, class Value>
class ephemeron {
 public:
  ephemeron(const local<Key>& key, const local<Value>& value) noexcept
      : key_(key.get()), value_(value.get()) {}
  unrooted<Key> key(mutator& self) const {
    return {self, static_cast<Key*>(detail::strengthened(self, detail::load_weak(key_)))};
  }
  // Null when the key has died.
  unrooted<Value> value(mutator& self) const {
    void* value = detail::load_weak(value_);
    void* key = detail::load_weak(key_);
    return {self, static_cast<Value*>(detail::strengthened_value(self, key, value))};
  }

 private:
  void* key_;
  void* value_;
};

// Called once after an object has died, by whichever thread calls heap::run_cleaners: files to close,
// memory of other kinds to free. It has no way to the object, which is gone.
struct cleaner {
  void (*run)(void* context) = nullptr;
  void* context = nullptr;
};

namespace detail {

template <class T>
struct describe<weak<T>> {
  static constexpr std::size_t bytes = sizeof(weak<T>);
  static constexpr type make() {
    return {.bytes = bytes, .kind = shape::weak, .name = name_of<weak<T>>()};
  }
};
template <class Key, class Value>
struct describe<ephemeron<Key, Value>> {
  static constexpr std::size_t bytes = sizeof(ephemeron<Key, Value>);
  static constexpr type make() {
    return {.bytes = bytes, .kind = shape::ephemeron, .name = name_of<ephemeron<Key, Value>>()};
  }
};

STRATA_GC_API void add_cleaner(mutator& self, void* object, cleaner then);

}  // namespace detail

// then.run(then.context) once the object has died and somebody runs the heap's cleaners.
template <class T>
void when_dead(const local<T>& object, cleaner then) {
  detail::add_cleaner(object.self(), object.get(), then);
}

}  // namespace strata::gc
