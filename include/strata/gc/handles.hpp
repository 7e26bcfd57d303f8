// Access by handles: a program names an object by its handle, an entry that does not change when the object
// does. docs/gc/handles.md says when that pays.
//
//   direct   field --> object
//   handle   field --> entry --> object         the entry is a managed object of one reference
//
//   whoever moves or replaces the object changes the entry alone: become(a, b) swaps two objects under all
//   who refer to them, in a constant time
//
// A program that is written for either takes an access policy, direct_access or handle_access:
//
//   template <class Access> struct node { typename Access::template ref<node> left, right; int key; };
//   auto n = Access::template make<node<Access>>(self, left, right, 5);
#pragma once

#include <type_traits>
#include <utility>

#include <strata/gc/mutator.hpp>

namespace strata::gc {

template <class T>
struct handle {
  ref<T> object;
};

template <class T>
class handle_ref;
template <class T>
class handle_unrooted;

// As local<T>.
template <class T>
class handle_local {
 public:
  explicit handle_local(mutator& self) : entry_(self) {}
  handle_local(mutator& self, const handle_ref<T>& field) : entry_(self, field.entry) {}
  handle_local(handle_unrooted<T>&& from)  // NOLINT(google-explicit-constructor)
      : entry_(std::move(from).entry()) {}

  handle_local& operator=(std::nullptr_t) noexcept {
    entry_ = nullptr;
    return *this;
  }
  handle_local& operator=(const handle_ref<T>& other) noexcept {
    entry_ = other.entry;
    return *this;
  }
  handle_local& operator=(handle_unrooted<T>&& other) noexcept {
    entry_ = std::move(other).entry();
    return *this;
  }

  // Good until the next allocation or safepoint of this thread, or the next become.
  [[nodiscard]] T* get() const noexcept { return entry_ ? entry_->object.get() : nullptr; }
  T* operator->() const noexcept { return entry_->object.get(); }
  T& operator*() const noexcept { return *entry_->object; }
  explicit operator bool() const noexcept { return static_cast<bool>(entry_); }
  // Of whatever object it names now.
  friend bool operator==(const handle_local& a, const handle_local& b) {
    return a.entry_.get() == b.entry_.get();
  }
  [[nodiscard]] const local<handle<T>>& entry() const { return entry_; }
  [[nodiscard]] mutator& self() const noexcept { return entry_.self(); }

 private:
  local<handle<T>> entry_;
};

// As unrooted<T>.
template <class T>
class [[nodiscard]] handle_unrooted {
 public:
  explicit handle_unrooted(unrooted<handle<T>>&& entry) noexcept : entry_(std::move(entry)) {}
  handle_unrooted(const handle_local<T>& from) noexcept  // NOLINT(google-explicit-constructor)
      : entry_(from.entry()) {}
  [[nodiscard]] unrooted<handle<T>>&& entry() && noexcept { return std::move(entry_); }

 private:
  unrooted<handle<T>> entry_;
};

// As ref<T>.
template <class T>
class handle_ref {
 public:
  handle_ref() noexcept = default;
  handle_ref(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor)
  handle_ref(const handle_ref&) noexcept = default;
  handle_ref(const handle_local<T>& from) noexcept  // NOLINT(google-explicit-constructor)
      : entry(from.entry()) {}
  handle_ref& operator=(const handle_ref&) noexcept = default;
  handle_ref& operator=(std::nullptr_t) noexcept {
    entry = nullptr;
    return *this;
  }
  handle_ref& operator=(const handle_local<T>& from) noexcept {
    entry = from.entry();
    return *this;
  }
  handle_ref& operator=(handle_unrooted<T>&& from) noexcept {
    entry = std::move(from).entry();
    return *this;
  }

  [[nodiscard]] T* get() const noexcept { return entry ? entry->object.get() : nullptr; }
  T* operator->() const noexcept { return entry->object.get(); }
  T& operator*() const noexcept { return *entry->object; }
  explicit operator bool() const noexcept { return static_cast<bool>(entry); }

  ref<handle<T>> entry;
};
template <class T>
struct fields<handle_ref<T>> : list<&handle_ref<T>::entry> {};

namespace detail {

// Arguments that lie in the heap would not survive a collection.
template <class T>
handle_local<T> rooted(mutator& self, const handle_ref<T>& arg) {
  return {self, arg};
}
template <class Arg>
Arg&& rooted(mutator&, Arg& arg) {
  return static_cast<Arg&&>(arg);
}

template <class T, class... Args>
handle_unrooted<T> make_handled(mutator& self, Args&&... args) {
  local<T> object = self.make<T>(std::forward<Args>(args)...);
  return handle_unrooted<T>{self.make<handle<T>>(object)};
}

}  // namespace detail

struct direct_access {
  template <class T>
  using ref = gc::ref<T>;
  template <class T>
  using local = gc::local<T>;
  template <class T>
  using unrooted = gc::unrooted<T>;
  template <class T, class... Args>
  static unrooted<T> make(mutator& self, Args&&... args) {
    return self.make<T>(std::forward<Args>(args)...);
  }
};

struct handle_access {
  template <class T>
  using ref = handle_ref<T>;
  template <class T>
  using local = handle_local<T>;
  template <class T>
  using unrooted = handle_unrooted<T>;
  template <class T, class... Args>
  static unrooted<T> make(mutator& self, Args&&... args) {
    return detail::make_handled<T>(self, detail::rooted(self, args)...);
  }
};

// Whoever refers to one of them refers to the other's object from now on.
template <class T>
void become(const handle_local<T>& a, const handle_local<T>& b) {
  gc::local<T> first{a.self(), a.entry()->object};
  a.entry()->object = b.entry()->object;
  b.entry()->object = first;
}

}  // namespace strata::gc
