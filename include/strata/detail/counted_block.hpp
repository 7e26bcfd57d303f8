// The block of a counted object: what stands before it, and who knows how to end it.
//
//                                   v an owner's one pointer
//   | gap | source | length | header | object, or elements |
//           8 or 0   8 or 0   16
//
//   header   ops: end, give_back, another, name      8
//            strong, weak                            8
//   length   of arrays only
//   source   the memory_source; not for one without state, as the heap
//   gap      so that the object is aligned
//
// An int on the heap takes 20 bytes, one from a memory_resource 28. The header lies at a fixed distance
// before the object, so one pointer to the object finds it, whatever base of it the pointer is typed
// as; this is why plain owners never point elsewhere than to the start of the whole object.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include <strata/detail/construct.hpp>
#include <strata/detail/counting.hpp>
#include <strata/detail/memory_source.hpp>
#include <strata/detail/ownership_ledger.hpp>

namespace strata::detail {
inline namespace STRATA_OWNERSHIP_MODE {

struct counted_ops {
  void (*end)(void* object) noexcept;        // no owner is left
  void (*give_back)(void* object) noexcept;  // nor a weak pointer
  void* (*another)(void* object);            // a block like this one's, nothing made in it yet
  std::string_view name;                     // of the whole object's type
};

template <class Counting>
struct counted_header {
  const counted_ops* ops;
  typename Counting::pair counts;
};
static_assert(sizeof(counted_header<local_counting>) == 16);
static_assert(sizeof(counted_header<atomic_counting>) == 16);

template <class Counting>
counted_header<Counting>* header_of(const void* object) noexcept {
  return pointer_to<counted_header<Counting>>(address_of(object) -
                                              sizeof(counted_header<Counting>));
}
inline std::size_t* length_of(const void* first) noexcept {
  return pointer_to<std::size_t>(address_of(first) - 16 - sizeof(std::size_t));
}

// Inline even where it is atomic, and a compiler thinks it long: most drops are not the last.
template <class Counting>
[[gnu::always_inline]] inline void drop_strong(void* object) noexcept {
  counted_header<Counting>* header = header_of<Counting>(object);
  if (header->counts.drop_strong()) header->ops->end(object);
}
template <class Counting>
void drop_weak(void* object) noexcept {
  counted_header<Counting>* header = header_of<Counting>(object);
  if (header->counts.drop_weak()) header->ops->give_back(object);
}

// Objects that can tell their owners: rc_from_this.
template <class Counting>
class knows_its_header {
 public:
  knows_its_header() noexcept = default;
  // Another object has other owners.
  knows_its_header(const knows_its_header& /*other*/) noexcept {}
  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): nothing is assigned
  knows_its_header& operator=(const knows_its_header& /*other*/) noexcept { return *this; }

  void* counted_start = nullptr;  // null: no rc or arc made this object, or not yet

 protected:
  ~knows_its_header() = default;
};

// A constructed object's life under its owners begins.
template <class Counting, class T>
void begin_life(T* start, std::size_t count) noexcept {
  if constexpr (std::is_base_of_v<knows_its_header<Counting>, T>) {
    static_cast<knows_its_header<Counting>*>(start)->counted_start = start;
  }
  note_object(start, count);
}

// T, or T[] with the length stored.
template <class T, class Counting, memory_source Source>
struct counted_block {
  using element = std::remove_extent_t<T>;
  using header = counted_header<Counting>;

  static_assert(!std::is_bounded_array_v<T> && !std::is_const_v<element>);
  static_assert(std::is_empty_v<Source> || sizeof(Source) == sizeof(void*));
  static constexpr bool is_array = std::is_unbounded_array_v<T>;
  static constexpr std::size_t length_bytes = is_array ? sizeof(std::size_t) : 0;
  static constexpr std::size_t source_bytes = std::is_empty_v<Source> ? 0 : sizeof(void*);
  static constexpr std::size_t alignment = std::max(alignof(element), alignof(header));
  static constexpr std::size_t front =
      align_up(sizeof(header) + length_bytes + source_bytes, alignment);

  // Memory with its header, for objects to be made in.
  static element* prepare(Source source, std::size_t count) {
    if (is_array && count > (SIZE_MAX / 2 - front) / sizeof(element)) {
      throw std::bad_array_new_length();
    }
    auto* block = static_cast<std::byte*>(source.allocate(bytes_of(count), alignment));
    std::byte* object = block + front;
    ::new (object - sizeof(header)) header{&ops, typename Counting::pair()};
    if constexpr (is_array) *length_of(object) = count;
    if constexpr (source_bytes != 0) {
      std::memcpy(object - sizeof(header) - length_bytes - source_bytes, &source, source_bytes);
    }
    return reinterpret_cast<element*>(object);
  }

  template <class... Arguments>
  static element* make(Source source, std::size_t count, Arguments&&... arguments) {
    element* start = prepare(source, count);
    undo back([&] { source.deallocate(block_of(start), bytes_of(count), alignment); });
    if constexpr (is_array)
      construct_all<element>(start, count, arguments...);
    else
      start = construct<element>(start, std::forward<Arguments>(arguments)...);
    back.forget();
    begin_life<Counting>(start, count);
    return start;
  }

 private:
  static constexpr std::size_t bytes_of(std::size_t count) {
    return front + (is_array ? count * sizeof(element) : sizeof(element));
  }
  static std::size_t count_of(const void* object) {
    if constexpr (is_array)
      return *length_of(object);
    else
      return 1;
  }
  static void* block_of(void* object) { return static_cast<std::byte*>(object) - front; }

  static void end(void* object) noexcept {
    forget_object(object);
    auto* first = static_cast<element*>(object);
    if constexpr (!std::is_trivially_destructible_v<element>) {
      for (std::size_t left = count_of(object); left > 0; --left) std::destroy_at(first + left - 1);
    }
    if (header_of<Counting>(object)->counts.drop_weak()) give_back(object);
  }
  static void give_back(void* object) noexcept {
    Source source = source_of(object);
    source.deallocate(block_of(object), bytes_of(count_of(object)), alignment);
  }
  static void* another(void* object) { return prepare(source_of(object), count_of(object)); }

  static Source source_of([[maybe_unused]] void* object) {
    if constexpr (source_bytes == 0) {
      return Source();
    } else {
      Source source;
      std::memcpy(&source,
                  static_cast<std::byte*>(object) - sizeof(header) - length_bytes - source_bytes,
                  source_bytes);
      return source;
    }
  }

  static constexpr counted_ops ops{&end, &give_back, &another, type_name<T>()};
};

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata::detail

namespace strata::detail {

// Whether a Derived's Base is at its start, so that one address serves both. Storage that exists in
// name only makes it a question for the compiler. Abstract classes cannot be asked about like that:
// for those the answer is yes, and the cast is checked when it is done.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#pragma clang diagnostic ignored "-Wundefined-var-template"
#endif
template <class Whole>
union storage_in_name {
  char none;
  Whole whole;
  ~storage_in_name();
};
template <class Whole>
struct somewhere {
  static storage_in_name<Whole> place;  // never defined
};
template <class Derived, class Base>
consteval bool base_is_at_start() {
  const volatile Derived* whole = std::addressof(somewhere<Derived>::place.whole);
  return static_cast<const volatile void*>(static_cast<const volatile Base*>(whole)) ==
         static_cast<const volatile void*>(whole);
}
// Not a constant for a virtual base, which may be anywhere.
template <class Derived, class Base>
concept concrete_at_start = requires {
  typename std::bool_constant<base_is_at_start<Derived, Base>()>;
}
&&base_is_at_start<Derived, Base>();
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

template <class Derived, class Base>
constexpr bool is_at_start() {
  if constexpr (std::is_same_v<Derived, Base>)
    return true;
  else if constexpr (!std::is_base_of_v<Base, Derived> || !std::is_convertible_v<Derived*, Base*>)
    return false;
  else if constexpr (!requires(Base * base) { static_cast<Derived*>(base); })
    return false;  // a virtual base
  else if constexpr (std::is_abstract_v<Derived>)
    return true;
  else
    return concrete_at_start<Derived, Base>;
}

// From may be shared as To by the same address.
template <class From, class To>
concept shared_as =
    std::is_convertible_v<From*, To*> && !std::is_array_v<From> && !std::is_array_v<To> &&
    is_at_start<std::remove_cv_t<From>, std::remove_cv_t<To>>();

template <class T>
[[noreturn, gnu::cold]] void stop_part(const void* object) noexcept {
  stop_ownership(ownership_misuse::not_the_whole_object, type_name<T>(), object);
}
template <class To, class From>
To* same_start(From* object) noexcept {
  To* base = object;
  if constexpr (std::is_abstract_v<From>) {
    if (address_of(base) != address_of(object)) stop_part<To>(object);
  }
  return base;
}

}  // namespace strata::detail
