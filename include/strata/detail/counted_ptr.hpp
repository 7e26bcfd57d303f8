// rc and arc, weak_rc and weak_arc, rc_alias and arc_alias: one text for both ways of counting.
//
//   counted_ptr     owns; one pointer, to the start of the object: detail/counted_block.hpp
//   counted_weak    owns the memory and not the object; upgrade() makes an owner while there is one
//   counted_alias   owns one object and points to something else, as a member of it or a base that is
//                   not at its start: two pointers
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <strata/borrow.hpp>
#include <strata/detail/counted_block.hpp>

namespace strata {
inline namespace STRATA_OWNERSHIP_MODE {

template <class T, class Counting>
class counted_weak;
template <class T, class Counting>
class counted_alias;

// Not for use by name: rc<T>, arc<T>.
template <class T, class Counting>
class counted_ptr {
  template <class U, class C>
  friend class counted_ptr;
  using slot = detail::slot<std::remove_extent_t<T>, T>;

 public:
  using element_type = std::remove_extent_t<T>;

  counted_ptr() noexcept = default;
  // NOLINTNEXTLINE(google-explicit-constructor): as std::shared_ptr
  counted_ptr(std::nullptr_t) noexcept {}
  // One more owner.
  counted_ptr(const counted_ptr& other) noexcept : at_(other.add()) {}
  counted_ptr(counted_ptr&& other) noexcept : at_(other.at_.take()) {}
  // As a base of it that is at its start; for any other base there is counted_alias.
  template <detail::shared_as<T> U>
  // NOLINTNEXTLINE(google-explicit-constructor): as pointers
  counted_ptr(const counted_ptr<U, Counting>& other) noexcept
      : at_(detail::same_start<T>(other.add())) {}
  template <detail::shared_as<T> U>
  // NOLINTNEXTLINE(google-explicit-constructor): as pointers
  counted_ptr(counted_ptr<U, Counting>&& other) noexcept
      : at_(detail::same_start<T>(other.at_.take())) {}
  counted_ptr& operator=(const counted_ptr& other) noexcept {
    counted_ptr(other).swap(*this);
    return *this;
  }
  counted_ptr& operator=(counted_ptr&& other) noexcept {
    counted_ptr(std::move(other)).swap(*this);
    return *this;
  }
  ~counted_ptr() {
    if (element_type* object = at_.dropped(); object != nullptr) {
      detail::drop_strong<Counting>(start_of(object));
    }
  }

  [[nodiscard]] element_type* get() const noexcept { return at_.get(); }
  element_type& operator*() const noexcept requires(!std::is_array_v<T>) { return *at_.used(); }
  element_type* operator->() const noexcept requires(!std::is_array_v<T>) { return at_.used(); }
  explicit operator bool() const noexcept { return get() != nullptr; }

  // Arrays. Of null: no elements.
  element_type& operator[](std::size_t index) const noexcept requires(std::is_array_v<T>) {
    return at_.used()[index];
  }
  [[nodiscard]] std::size_t size() const noexcept requires(std::is_array_v<T>) {
    return get() == nullptr ? 0 : *detail::length_of(get());
  }
  element_type* begin() const noexcept requires(std::is_array_v<T>) { return get(); }
  element_type* end() const noexcept requires(std::is_array_v<T>) { return get() + size(); }

  void reset() noexcept { counted_ptr().swap(*this); }
  void swap(counted_ptr& other) noexcept { at_.swap(other.at_); }

  // Of null: 0.
  [[nodiscard]] std::size_t strong_count() const noexcept {
    return get() == nullptr ? 0 : counts().strong();
  }
  [[nodiscard]] std::size_t weak_count() const noexcept {
    return get() == nullptr ? 0 : counts().weak();
  }
  // Whether both own the same object; equal values in different objects are not meant.
  template <class U>
  [[nodiscard]] bool ptr_eq(const counted_ptr<U, Counting>& other) const noexcept {
    return start_of(get()) == counted_ptr<U, Counting>::start_of(other.get());
  }

  [[nodiscard]] counted_weak<T, Counting> downgrade() const noexcept {
    return counted_weak<T, Counting>(*this);
  }
  [[nodiscard]] borrowed<element_type> borrow() const noexcept {
    return borrowed<element_type>(at_.used());
  }
  // The object for writing, if nobody else owns it or could by a weak pointer; else null.
  [[nodiscard]] element_type* get_mut() const noexcept {
    return get() != nullptr && counts().alone() ? get() : nullptr;
  }
  // The object for writing: shared no longer. It is copied where it has other owners, to memory of the
  // same source; moved away from its weak pointers where it has none. Not null.
  element_type& make_mut() requires(!std::is_array_v<T> && !std::is_const_v<T>) {
    if (!detail::header_of<Counting>(at_.used())->counts.alone()) separate();
    return *get();
  }
  // The object itself, from its last owner, which is null then; from another one nothing.
  [[nodiscard]] std::optional<T> try_unwrap() requires(!std::is_array_v<T> && !std::is_const_v<T>) {
    check_whole(at_.used());
    if (!counts().take_last_strong()) return std::nullopt;
    T* object = at_.take();
    detail::undo end([&] { detail::header_of<Counting>(object)->ops->end(object); });
    return std::optional<T>(std::move(*object));
  }
  // The object stays for ever.
  element_type& leak() && noexcept {
    (void)at_.used();
    return *at_.take();
  }

  // For this library: an owner that is counted already.
  [[nodiscard]] static counted_ptr counted(element_type* object) noexcept {
    return counted_ptr(object);
  }
  [[nodiscard]] static void* start_of(const element_type* object) noexcept {
    return const_cast<std::remove_cv_t<element_type>*>(object);
  }
  // Gives up ownership, uncounted.
  [[nodiscard]] element_type* uncounted() && noexcept { return at_.take(); }

  template <class U>
  friend bool operator==(const counted_ptr& one, const counted_ptr<U, Counting>& other) noexcept {
    return one.ptr_eq(other);
  }
  friend bool operator==(const counted_ptr& one, std::nullptr_t) noexcept {
    return one.get() == nullptr;
  }

 private:
  explicit counted_ptr(element_type* object) noexcept : at_(object) {}

  [[nodiscard]] auto& counts() const noexcept { return detail::header_of<Counting>(get())->counts; }
  [[nodiscard]] element_type* add() const noexcept {
    element_type* object = get();  // once: the count might lie in this, for all the compiler knows
    if (object != nullptr) detail::header_of<Counting>(object)->counts.add_strong();
    return object;
  }
  // A part of an object can't be copied or moved out of it.
  static void check_whole(const T* object) noexcept {
    if constexpr (std::is_class_v<T> && !std::is_final_v<T>) {
      if (detail::header_of<Counting>(object)->ops->name != detail::type_name<T>()) {
        detail::stop_part<T>(object);
      }
    }
  }
  [[gnu::noinline]] void separate() {
    T* old = get();
    check_whole(old);
    detail::counted_header<Counting>* header = detail::header_of<Counting>(old);
    void* place = header->ops->another(old);
    detail::undo back([&] { header->ops->give_back(place); });
    bool last = header->counts.take_last_strong();
    detail::undo end([&] { header->ops->end(old); });
    if (!last) end.forget();
    T* made = nullptr;
    if (last) {
      (void)at_.take();
      made = detail::construct<T>(place, std::move(*old));
    } else {
      made = detail::construct<T>(place, std::as_const(*old));
    }
    back.forget();
    detail::begin_life<Counting>(made, 1);
    counted_ptr(made).swap(*this);
  }

  slot at_;
};

// Whether the object is still there is known by upgrade() alone. The object's memory, with what it was
// rounded up to, stays until the last weak pointer goes: for large objects let them point to other memory.
template <class T, class Counting>
class counted_weak {
  template <class U, class C>
  friend class counted_weak;
  using element = std::remove_extent_t<T>;
  using owner = counted_ptr<T, Counting>;

 public:
  counted_weak() noexcept = default;
  // NOLINTNEXTLINE(google-explicit-constructor): as std::weak_ptr
  counted_weak(const owner& from) noexcept : at_(add(from.get())) {}
  counted_weak(const counted_weak& other) noexcept : at_(add(other.at_.get())) {}
  counted_weak(counted_weak&& other) noexcept : at_(other.at_.take()) {}
  template <detail::shared_as<T> U>
  // NOLINTNEXTLINE(google-explicit-constructor): as pointers
  counted_weak(const counted_weak<U, Counting>& other) noexcept : at_(add(other.at_.get())) {}
  template <detail::shared_as<T> U>
  // NOLINTNEXTLINE(google-explicit-constructor): as pointers
  counted_weak(const counted_ptr<U, Counting>& from) noexcept : at_(add(from.get())) {}
  counted_weak& operator=(const counted_weak& other) noexcept {
    counted_weak(other).swap(*this);
    return *this;
  }
  counted_weak& operator=(counted_weak&& other) noexcept {
    counted_weak(std::move(other)).swap(*this);
    return *this;
  }
  ~counted_weak() {
    if (element* object = at_.dropped(); object != nullptr) {
      detail::drop_weak<Counting>(owner::start_of(object));
    }
  }

  // An owner, or null when the object has gone, or is being destroyed.
  [[nodiscard]] owner upgrade() const noexcept {
    element* object = at_.get();
    if (object == nullptr || !counts().try_add_strong()) return nullptr;
    return owner::counted(object);
  }
  [[nodiscard]] bool expired() const noexcept { return strong_count() == 0; }
  [[nodiscard]] std::size_t strong_count() const noexcept {
    return at_.get() == nullptr ? 0 : counts().strong();
  }
  // 0 when the object has gone.
  [[nodiscard]] std::size_t weak_count() const noexcept {
    return at_.get() == nullptr ? 0 : counts().weak();
  }
  [[nodiscard]] bool ptr_eq(const counted_weak& other) const noexcept {
    return at_.get() == other.at_.get();
  }
  void reset() noexcept { counted_weak().swap(*this); }
  void swap(counted_weak& other) noexcept { at_.swap(other.at_); }

 private:
  [[nodiscard]] auto& counts() const noexcept {
    return detail::header_of<Counting>(at_.get())->counts;
  }
  // The address serves any base, and the object itself, which may be gone, is not touched.
  template <class U>
  static element* add(U* object) noexcept {
    if (object == nullptr) return nullptr;
    detail::header_of<Counting>(object)->counts.add_weak();
    return detail::same_start<element>(object);
  }

  detail::slot<element, T, detail::ownership_ledger::slot_kind::weak> at_;
};

template <class T, class Counting>
class counted_alias {
  template <class U, class C>
  friend class counted_alias;

 public:
  using element_type = T;

  counted_alias() noexcept = default;
  // Keeps the owner's object alive and points to `to`, which lives as long as that.
  template <class U>
  counted_alias(counted_ptr<U, Counting> owner, T* to) noexcept
      : to_(to), whole_(counted_ptr<U, Counting>::start_of(std::move(owner).uncounted())) {}
  // Any base of it, or itself.
  template <class U>
  requires(!std::is_array_v<U> && std::is_convertible_v<U*, T*>)
      // NOLINTNEXTLINE(google-explicit-constructor): as pointers
      counted_alias(counted_ptr<U, Counting> owner)
  noexcept : counted_alias(owner, owner.get()) {}
  counted_alias(const counted_alias& other) noexcept : to_(other.to_), whole_(other.add()) {}
  counted_alias(counted_alias&& other) noexcept
      : to_(std::exchange(other.to_, nullptr)), whole_(other.whole_.take()) {}
  template <class U>
  requires std::is_convertible_v<U*, T*>
  // NOLINTNEXTLINE(google-explicit-constructor): as pointers
  counted_alias(const counted_alias<U, Counting>& other)
  noexcept : to_(other.to_), whole_(other.add()) {}
  counted_alias& operator=(counted_alias other) noexcept {
    swap(other);
    return *this;
  }
  ~counted_alias() {
    if (void* whole = whole_.dropped(); whole != nullptr) detail::drop_strong<Counting>(whole);
  }

  [[nodiscard]] T* get() const noexcept { return to_; }
  T& operator*() const noexcept {
    (void)whole_.used();
    return *to_;
  }
  T* operator->() const noexcept {
    (void)whole_.used();
    return to_;
  }
  explicit operator bool() const noexcept { return to_ != nullptr; }
  [[nodiscard]] std::size_t strong_count() const noexcept {
    return whole_.get() == nullptr ? 0 : detail::header_of<Counting>(whole_.get())->counts.strong();
  }
  // Keeps the same object alive and points to another part of it.
  template <class U>
  [[nodiscard]] counted_alias<U, Counting> with(U* to) const noexcept {
    counted_alias<U, Counting> other(to, add());
    return other;
  }
  void swap(counted_alias& other) noexcept {
    std::swap(to_, other.to_);
    whole_.swap(other.whole_);
  }

 private:
  counted_alias(T* to, void* whole) noexcept : to_(to), whole_(whole) {}
  [[nodiscard]] void* add() const noexcept {
    void* whole = whole_.get();
    if (whole != nullptr) detail::header_of<Counting>(whole)->counts.add_strong();
    return whole;
  }

  T* to_ = nullptr;
  detail::slot<void, T> whole_;
};

// rc_alias<int> depth = alias(owner, &owner->depth)
template <class T, class Counting, class U>
[[nodiscard]] counted_alias<U, Counting> alias(counted_ptr<T, Counting> owner, U* to) noexcept {
  return counted_alias<U, Counting>(std::move(owner), to);
}

// ---- Casts: of a copy, or of what was moved in

// Down to a class that has T at its start; the caller knows that the object is one.
template <class U, class T, class Counting>
requires(detail::shared_as<std::remove_cv_t<U>, std::remove_cv_t<T>>)
    [[nodiscard]] counted_ptr<U, Counting> static_pointer_cast(
        counted_ptr<T, Counting> owner) noexcept {
  return counted_ptr<U, Counting>::counted(static_cast<U*>(std::move(owner).uncounted()));
}
template <class U, class T, class Counting>
[[nodiscard]] counted_ptr<U, Counting> const_pointer_cast(counted_ptr<T, Counting> owner) noexcept {
  using element = typename counted_ptr<U, Counting>::element_type;
  return counted_ptr<U, Counting>::counted(const_cast<element*>(std::move(owner).uncounted()));
}
// Null where the object is no U, or has its U elsewhere than at its start.
template <class U, class T, class Counting>
requires std::is_polymorphic_v<T>
[[nodiscard]] counted_ptr<U, Counting> dynamic_pointer_cast(
    counted_ptr<T, Counting> owner) noexcept {
  U* found = dynamic_cast<U*>(owner.get());
  if (found == nullptr || detail::address_of(found) != detail::address_of(owner.get())) {
    return nullptr;
  }
  (void)std::move(owner).uncounted();
  return counted_ptr<U, Counting>::counted(found);
}
// Null where the object is no U.
template <class U, class T, class Counting>
requires std::is_polymorphic_v<T>
[[nodiscard]] counted_alias<U, Counting> dynamic_alias_cast(
    counted_ptr<T, Counting> owner) noexcept {
  U* found = dynamic_cast<U*>(owner.get());
  if (found == nullptr) return {};
  return counted_alias<U, Counting>(std::move(owner), found);
}

// ---- Owners from inside

// A base for objects that give out owners of themselves: 8 bytes. T begins where the whole object does,
// and this base may be anywhere in it.
template <class T, class Counting>
class counted_from_this : public detail::knows_its_header<Counting> {
 public:
  // Throws std::bad_weak_ptr where no rc or arc made the object, in its constructor, and when its
  // last owner has gone: in its destructor.
  [[nodiscard]] counted_ptr<T, Counting> from_this() { return owner_of(static_cast<T*>(this)); }
  [[nodiscard]] counted_ptr<const T, Counting> from_this() const {
    return owner_of(static_cast<const T*>(this));
  }
  [[nodiscard]] counted_weak<T, Counting> weak_from_this() { return from_this().downgrade(); }

 protected:
  counted_from_this() noexcept = default;
  ~counted_from_this() = default;

 private:
  template <class U>
  counted_ptr<U, Counting> owner_of(U* self) const {
    if (this->counted_start == nullptr) throw std::bad_weak_ptr();
    if (detail::address_of(self) != detail::address_of(this->counted_start)) {
      detail::stop_part<T>(self);
    }
    if (!detail::header_of<Counting>(self)->counts.try_add_strong()) throw std::bad_weak_ptr();
    return counted_ptr<U, Counting>::counted(self);
  }
};

// ---- Making

template <class T, class Counting, memory_source Source, class... Arguments>
requires(!std::is_array_v<T>)
    [[nodiscard]] counted_ptr<T, Counting> make_counted(Source source, Arguments&&... arguments) {
  using block = detail::counted_block<std::remove_const_t<T>, Counting, Source>;
  return counted_ptr<T, Counting>::counted(
      block::make(source, 1, std::forward<Arguments>(arguments)...));
}
// count elements, each made of the arguments.
template <class T, class Counting, memory_source Source, class... Arguments>
requires std::is_unbounded_array_v<T>
[[nodiscard]] counted_ptr<T, Counting> make_counted(Source source, std::size_t count,
                                                    Arguments&&... arguments) {
  using block =
      detail::counted_block<std::remove_const_t<std::remove_extent_t<T>>[], Counting, Source>;
  return counted_ptr<T, Counting>::counted(block::make(source, count, arguments...));
}

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata

template <class T, class Counting>
struct std::hash<strata::counted_ptr<T, Counting>> {
  std::size_t operator()(const strata::counted_ptr<T, Counting>& owner) const noexcept {
    return std::hash<const void*>()(owner.get());
  }
};
