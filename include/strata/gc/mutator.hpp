// gc::mutator: a thread's share of a heap. It allocates, holds the thread's locals, and stops when the
// collector asks.
//
//   buffer         | objects ......... | free .......... |
//                                      ^ cursor          ^ limit
//   shadow stack   | slot | slot | ... | slot |
//                                             ^ top
//
//   a slot is the address of an object, that | 2: the object must not move, or an immediate (gc::value)
//   slots [stack, top) are the roots of the thread; a local's slot is popped when its scope ends
//
// Allocation: cursor + bytes <= limit, a header, and the cursor moves on. To stop a thread the collector
// sets `poll` and takes `limit` away, so that the next allocation leaves the fast path, too.
//
// Nothing here may be touched by another thread but `limit` and `poll`, and all while the thread is stopped.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <strata/gc/config.hpp>
#include <strata/gc/errors.hpp>
#include <strata/gc/header.hpp>
#include <strata/gc/heap.hpp>
#include <strata/gc/ref.hpp>
#include <strata/gc/type.hpp>

struct strata_gc_frame;  // of compiled code: gc.h

namespace strata::gc {

class mutator;

namespace detail {

using slot = std::uintptr_t;
inline constexpr slot pinned_slot = 2;

// Of a marking beside the program.
enum class marking_now : std::uint32_t {
  no,
  marks,   // it has to hear of what weak references have led to
  clears,  // what lives is known, and weak references may still lead to what is dead
};

// What compiled code touches; a just-in-time compiler may, too.
struct mutator_state {
  std::byte* cursor = nullptr;
  std::atomic<std::byte*> limit{nullptr};
  slot* top = nullptr;
  slot* stack_limit = nullptr;
  std::uintptr_t lowest_frame = 0;  // the native stack may grow down to here
  std::atomic<std::uint32_t> poll{0};
  std::atomic<marking_now> marking{marking_now::no};
  std::uint64_t collections = 0;
  strata_gc_frame* frames = nullptr;  // the youngest: their references are roots, too
};

// Every function of the library that may collect takes the mutator.
STRATA_GC_API void* allocate_slow(mutator& self, std::size_t bytes, const type& of);
STRATA_GC_API void safepoint_slow(mutator& self);
// Of what a weak reference leads to, while there is a marking: it is made known to the marker, or is null if it has
// died. Of an ephemeron's value: null if its key has died.
STRATA_GC_API void* revived(mutator& self, void* object) noexcept;
STRATA_GC_API void* revived_value(mutator& self, void* key, void* value) noexcept;
[[noreturn]] STRATA_GC_API void throw_stack_overflow();
[[noreturn]] STRATA_GC_API void throw_out_of_memory();

inline slot* push(mutator_state& self) {
  slot* at = self.top;
  if (at == self.stack_limit) [[unlikely]]
    throw_stack_overflow();
  self.top = at + 1;
  return at;
}

template <class T>
inline constexpr bool is_unrooted = false;
template <class T>
inline constexpr bool is_unrooted<unrooted<T>> = true;
template <class T>
inline constexpr bool is_array = false;
template <class Element, class Kind>
inline constexpr bool is_array<array<Element, Kind>> = true;

}  // namespace detail

// An object fresh from the heap, or on its way out of a function, that nothing keeps alive yet: it must
// go into a local, a ref or a global before the thread allocates or reaches a safepoint again.
template <class T>
class [[nodiscard]] unrooted {
 public:
  unrooted(mutator& self, T* object) noexcept : object_(object), self_(&self) {}
  // return n->left;
  unrooted(mutator& self, const ref<T>& field) noexcept : unrooted(self, field.get()) {}
  template <detail::refers_as<T> U>
  unrooted(const local<U>& from) noexcept;  // NOLINT(google-explicit-constructor)

  [[nodiscard]] T* get() && noexcept { return object_; }
  T* operator->() && noexcept { return object_; }
  [[nodiscard]] mutator& self() const noexcept { return *self_; }

 private:
  T* object_;
  mutator* self_;
};

// Attaches the calling thread to a heap, and detaches it. Lives and dies on its thread.
class STRATA_GC_API mutator {
 public:
  // Throws std::bad_alloc when there is no memory for a shadow stack.
  explicit mutator(heap& of);
  mutator(const mutator&) = delete;
  mutator& operator=(const mutator&) = delete;
  ~mutator();

  // An object of the heap, made of args as T{args...} or T(args...), or a gc::array<E>(count) of zeros.
  // May collect. A constructor that is noexcept must not use the heap itself; the object of any other
  // does not move until it is done.
  template <class T, class... Args>
  unrooted<T> make(Args&&... args);

  // Of a type made at run time; all zeros. `count`: of an array's elements.
  void* make_of(const type& of, std::size_t count = 0);

  void safepoint() {
    if (state_.poll.load(std::memory_order_relaxed) != 0) [[unlikely]]
      detail::safepoint_slow(*this);
  }
  // When it returns, a collection of that kind, by this thread or another, has ended since the call. What has
  // died since a concurrent marking began may outlive it.
  void collect(collection kind = collection::full);
  // How many there have been. As long as it is the same, every object is where it was: for interpreters
  // that hold addresses in registers, and tables that hash them.
  [[nodiscard]] std::uint64_t collections() const { return state_.collections; }
  // The so-manieth allocation of this mutator from now on fails, once; 0: none does. Returns how far away
  // the failure that was asked for before still was; 0: it has come, or there was none.
  std::size_t fail_after(std::size_t allocations);
  // Throws stack_overflow when the native stack is nearly full: for functions that recurse.
  void check_depth() const {
    if (detail::address_of(__builtin_frame_address(0)) < state_.lowest_frame) [[unlikely]]
      detail::throw_stack_overflow();
  }
  // Stops the process when the heap is not as it should be.
  void verify();

  [[nodiscard]] detail::mutator_state& state() { return state_; }
  [[nodiscard]] detail::core& core() const { return *core_; }
  [[nodiscard]] void* record() const { return record_; }

 private:
  template <class T, class... Passed>
  unrooted<T> make_after_refill(Passed... passed);
  template <class T, class... Kept>
  unrooted<T> make_kept(Kept&&... kept);
  template <class T, class... Args>
  T* construct(void* object, Args&&... args);
  template <class T>
  unrooted<T> make_array(std::size_t count);
  // Null when the buffer has no room.
  void* bump(std::size_t bytes, const type& of) {
    std::byte* at = state_.cursor;
    std::byte* end = at + bytes;
    if (end > state_.limit.load(std::memory_order_relaxed)) [[unlikely]]
      return nullptr;
    state_.cursor = end;
    void* object = at + detail::header::bytes;
    detail::header::start(object, &of);
    return object;
  }

  detail::mutator_state state_;
  detail::core* core_;
  void* record_;  // what the library keeps of this thread
};

// A variable of a thread that keeps its object alive, and follows it when it moves. Scopes nest, so
// locals can't be returned or moved: return an unrooted<T>, to which a local converts.
template <class T>
class local {
 public:
  explicit local(mutator& self) : local(self, static_cast<T*>(nullptr)) {}
  local(mutator& self, T* object) : self_(&self), slot_(detail::push(self.state())) { set(object); }
  local(mutator& self, const ref<T>& field) : local(self, field.get()) {}
  local(mutator& self, const global<T>& from);
  template <detail::refers_as<T> U>
  local(unrooted<U>&& from)  // NOLINT(google-explicit-constructor)
      : local(from.self(), detail::whole_object<T>(std::move(from).get())) {}
  local(const local& other) : local(other.self(), other.get()) {}
  template <detail::refers_as<T> U>
  local(const local<U>& other)  // NOLINT(google-explicit-constructor)
      : local(other.self(), detail::whole_object<T>(other.get())) {}
  ~local() { self_->state().top = slot_; }

  local& operator=(const local& other) noexcept {
    return set(other.get());
  }  // NOLINT(bugprone-unhandled-self-assignment)
  local& operator=(std::nullptr_t) noexcept { return set(nullptr); }
  template <detail::refers_as<T> U>
  local& operator=(const local<U>& other) noexcept {
    return set(detail::whole_object<T>(other.get()));
  }
  template <detail::refers_as<T> U>
  local& operator=(const ref<U>& other) noexcept {
    return set(detail::whole_object<T>(other.get()));
  }
  template <detail::refers_as<T> U>
  local& operator=(const global<U>& other) noexcept {
    return set(detail::whole_object<T>(other.get()));
  }
  template <detail::refers_as<T> U>
  local& operator=(unrooted<U>&& other) noexcept {
    return set(detail::whole_object<T>(std::move(other).get()));
  }

  // Good until the next allocation or safepoint of this thread.
  [[nodiscard]] T* get() const noexcept { return detail::pointer_to<T>(*slot_); }
  T* operator->() const noexcept { return get(); }
  T& operator*() const noexcept { return *get(); }
  explicit operator bool() const noexcept { return *slot_ != 0; }
  [[nodiscard]] mutator& self() const noexcept { return *self_; }
  // Its slot of the shadow stack.
  [[nodiscard]] const detail::slot* place() const noexcept { return slot_; }

 private:
  local& set(T* object) noexcept {
    *slot_ = detail::address_of(object);
    return *this;
  }

  mutator* self_;
  detail::slot* slot_;
};

// The same, and the object does not move while this lives: for addresses given to others.
template <class T>
class pinned {
 public:
  pinned(mutator& self, T* object) : state_(&self.state()), slot_(detail::push(*state_)) {
    *slot_ = detail::address_of(object) | detail::pinned_slot;
  }
  explicit pinned(const local<T>& from) : pinned(from.self(), from.get()) {}
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;
  ~pinned() { state_->top = slot_; }

  [[nodiscard]] T* get() const noexcept {
    return detail::pointer_to<T>(*slot_ - detail::pinned_slot);
  }
  T* operator->() const noexcept { return get(); }
  T& operator*() const noexcept { return *get(); }

 private:
  detail::mutator_state* state_;
  detail::slot* slot_;
};

// While it lives the thread does not touch the heap, and collections don't wait for it: around calls
// that may block.
class STRATA_GC_API blocking {
 public:
  explicit blocking(mutator& self);
  blocking(const blocking&) = delete;
  blocking& operator=(const blocking&) = delete;
  ~blocking();

 private:
  mutator& self_;
};

// While it lives its thread must do nothing that may collect, so that addresses may be held in variables:
// whatever may, if it would this time or not, stops the process with a message.
//
//   gc::no_gc guard{self};
//   text* t = n->name.get();      // stays where it is until the scope ends
class STRATA_GC_API no_gc {
 public:
  explicit no_gc(mutator& self) noexcept;
  no_gc(const no_gc&) = delete;
  no_gc& operator=(const no_gc&) = delete;
  ~no_gc();

 private:
  mutator& self_;
};

template <class T>
template <detail::refers_as<T> U>
unrooted<T>::unrooted(const local<U>& from) noexcept
    : unrooted(from.self(), detail::whole_object<T>(from.get())) {}

namespace detail {

// How an argument goes to the slow path of make: a handle as the address of its object, which is good
// until something is allocated there, and small values as themselves. A local whose address is never
// taken can live in registers.
template <class T>
struct bare {
  T* object;
};
template <class T>
bare<T> bare_of(const ref<T>& from) {
  return {from.get()};
}
template <class T>
bare<T> bare_of(const local<T>& from) {
  return {from.get()};
}
template <class T>
bare<T> bare_of(const global<T>& from) {
  return {from.get()};
}
template <class Arg>
concept is_handle = requires(const Arg& arg) {
  bare_of(arg);
};

template <class Arg>
decltype(auto) pass(Arg& arg) {
  using value_type = std::remove_cv_t<Arg>;
  if constexpr (is_handle<Arg>) {
    return bare_of(arg);
  } else if constexpr (std::is_trivially_copyable_v<value_type> && !std::is_array_v<value_type> &&
                       sizeof(value_type) <= 16) {
    return value_type(arg);
  } else {
    return (arg);
  }
}

// It outlives there the collection that make may need: objects get a local, and plain values that may lie in
// the heap are copied.
template <class Passed>
class kept {
  static_assert(std::is_trivially_copyable_v<Passed>);

 public:
  kept(mutator&, const Passed& passed) : value_(passed) {}
  const Passed& value() const { return value_; }

 private:
  Passed value_;
};
template <class Arg>
class kept<Arg&> {
  using value_type = std::remove_cv_t<Arg>;
  static constexpr bool copied =
      std::is_trivially_copyable_v<value_type> && !std::is_array_v<value_type>;
  static_assert(copied || std::is_array_v<value_type> || !std::is_aggregate_v<value_type>,
                "an argument with references in it can't outlive a collection: assign them later");

 public:
  kept(mutator&, Arg& arg) : value_(arg) {}
  std::conditional_t<copied, const value_type&, Arg&> value() const { return value_; }

 private:
  std::conditional_t<copied, value_type, Arg&> value_;
};
template <class T>
class kept<bare<T>> {
 public:
  kept(mutator& self, bare<T> passed) : value_(self, passed.object) {}
  const local<T>& value() const { return value_; }

 private:
  local<T> value_;
};

// Fewer arguments than members are what make offers, and no braces around those of a member or base.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wmissing-braces"
template <class T, class... Args>
consteval bool constructs_quietly() {
  if constexpr (std::is_aggregate_v<T>)
    return noexcept(T{std::declval<Args>()...});
  else
    return std::is_nothrow_constructible_v<T, Args...>;
}

}  // namespace detail

template <class T, class... Args>
[[gnu::always_inline]] inline T* mutator::construct(void* object, Args&&... args) {
  auto build = [&] {
    if constexpr (std::is_aggregate_v<T>)
      return ::new (object) T{std::forward<Args>(args)...};
    else
      return ::new (object) T(std::forward<Args>(args)...);
  };
  if constexpr (detail::constructs_quietly<T, Args...>()) {
    return build();
  } else {
    // It may throw or collect midway: the object is whole, if empty, before it starts, and stays where
    // it is. The compiler must not see that a constructor follows: it would drop the zeros.
    std::memset(object, 0, sizeof(T));
    __asm__ volatile("" : : "r"(object) : "memory");
    pinned<T> still{*this, static_cast<T*>(object)};
    return build();
  }
}
#pragma GCC diagnostic pop

template <class T, class... Args>
[[gnu::always_inline]] inline unrooted<T> mutator::make(Args&&... args) {
  static_assert(
      (true && ... && !detail::is_unrooted<std::remove_cvref_t<Args>>),
      "the evaluation of another argument, or make itself, may collect what this one has just "
      "made: put it into a gc::local first");
  if constexpr (detail::is_array<T>) {
    return make_array<T>(std::forward<Args>(args)...);
  } else {
    constexpr std::size_t bytes = detail::header::bytes + detail::describe<T>::bytes;
    if constexpr (bytes <= detail::most_small_bytes) {
      if (void* object = bump(bytes, type_of<T>)) [[likely]]
        return {*this, construct<T>(object, std::forward<Args>(args)...)};
    }
    return make_after_refill<T, decltype(detail::pass(args))...>(detail::pass(args)...);
  }
}

template <class T, class... Passed>
__attribute__((noinline)) unrooted<T> mutator::make_after_refill(Passed... passed) {
  return make_kept<T>(detail::kept<Passed>(*this, passed)...);
}

template <class T, class... Kept>
unrooted<T> mutator::make_kept(Kept&&... kept) {
  constexpr std::size_t bytes = detail::header::bytes + detail::describe<T>::bytes;
  void* object = detail::allocate_slow(*this, bytes, type_of<T>);
  return {*this, construct<T>(object, kept.value()...)};
}

}  // namespace strata::gc
