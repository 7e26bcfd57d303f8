// Types of managed objects, and their reference maps.
//
// An aggregate needs nothing: its members are counted and visited by structured bindings. Other types
// say where their references are:
//
//   template <> struct gc::fields<table> : gc::list<&table::keys, &table::values> {};
//   template <> struct gc::fields<name> : gc::no_references {};
//
// A member that the heap can't look into is an error at compile time, not a reference that is missed.
// Types without references are `leaf`: their objects are never scanned.
//
//   shape        object                              references
//   leaf         | payload |                         none
//   masked       | payload |                         at words whose bit in `mask` is set
//   listed       | payload |                         at the byte offsets `offsets[0 .. offset_count)`
//   leaf_array   | length | elements ... |           none
//   ref_array    | length | elements ... |           every element is one
//   struct_array | length | elements ... |           in each element, as masked
//   weak, ephemeron                                  src/gc/weak.hpp
//
//   payload bytes = bytes                              objects
//                 = bytes + length * element_bytes     arrays; bytes is 8, for the length
//
// Maps of C++ types are made when the collector first meets one: until then their shape is `unresolved`.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <strata/gc/config.hpp>

namespace strata::gc {

template <class T>
class ref;
template <class Element, class Kind = void>
class array;

enum class shape : std::uint8_t {
  unresolved,
  leaf,
  masked,
  listed,
  leaf_array,
  ref_array,
  struct_array,
  weak,
  ephemeron,
};

namespace detail {

// Where a name goes, in parts.
struct field_text {
  void* to;
  void (*put)(void* to, std::string_view part);

  const field_text& operator<<(std::string_view part) const {
    put(to, part);
    return *this;
  }
  const field_text& operator<<(std::size_t number) const {
    char digits[20];
    std::size_t at = sizeof digits;
    do digits[--at] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    return *this << std::string_view(digits + at, sizeof digits - at);
  }
};

}  // namespace detail

// A type as the collector sees it. C++ types have theirs by type_of<T>; a runtime makes its own, which
// must outlive their objects.
struct type {
  std::uint32_t magic = 0x65707974;  // tells the verifier that this is one
  std::uint32_t bytes = 0;
  std::uint32_t element_bytes = 0;
  std::uint32_t offset_count = 0;
  shape kind = shape::leaf;
  std::uint64_t mask = 0;
  const std::uint32_t* offsets = nullptr;
  void (*resolve)(type&) = nullptr;
  const char* name = "";
  void** mirror = nullptr;  // of the loader that owns it: lives while objects of the type do
  // Puts the name of the field at a byte offset, of an array's element; nothing where it is not known.
  void (*name_field)(const type&, std::size_t offset, const detail::field_text& into) = nullptr;
};

namespace detail {
inline constexpr std::uint32_t type_magic = type{}.magic;
}  // namespace detail

// The members of T that are, or hold, references.
template <auto... Members>
struct list {};
struct no_references : list<> {};
// Specialise it for types that are no aggregates.
template <class T>
struct fields;

namespace detail {

template <class T>
concept has_fields = requires {
  sizeof(fields<T>);
};

template <class T>
inline constexpr bool is_ref = false;
template <class T>
inline constexpr bool is_ref<ref<T>> = true;

// Stands for any member in a braced list, but not for the whole.
template <class Whole>
struct anything {
  template <class Member>
  requires(!std::is_same_v<std::remove_cv_t<Member>, Whole>) constexpr operator Member()
      const noexcept;  // NOLINT(google-explicit-constructor)
};

template <class T, std::size_t... At>
consteval bool takes(std::index_sequence<At...>) {
  return requires { T{(static_cast<void>(At), anything<T>{})...}; };
}
inline constexpr std::size_t most_members = 20;
template <class T, std::size_t Count = most_members>
consteval std::size_t count_members() {
  if constexpr (Count == 0) {
    return 0;
  } else if constexpr (takes<T>(std::make_index_sequence<Count>{})) {
    static_assert(Count < most_members, "too many members: specialise gc::fields for this type");
    return Count;
  } else {
    return count_members<T, Count - 1>();
  }
}

// visit(member...) with each member of an aggregate. Raw arrays count once for each element in a braced
// list, and don't compile here: use std::array, or gc::fields.
template <class T, class Visit>
constexpr auto with_members(T& whole, Visit visit) {
  constexpr std::size_t count = count_members<std::remove_const_t<T>>();
  if constexpr (count == 0) {
    return visit();
  } else if constexpr (count == 1) {
    auto& [a] = whole;
    return visit(a);
  } else if constexpr (count == 2) {
    auto& [a, b] = whole;
    return visit(a, b);
  } else if constexpr (count == 3) {
    auto& [a, b, c] = whole;
    return visit(a, b, c);
  } else if constexpr (count == 4) {
    auto& [a, b, c, d] = whole;
    return visit(a, b, c, d);
  } else if constexpr (count == 5) {
    auto& [a, b, c, d, e] = whole;
    return visit(a, b, c, d, e);
  } else if constexpr (count == 6) {
    auto& [a, b, c, d, e, f] = whole;
    return visit(a, b, c, d, e, f);
  } else if constexpr (count == 7) {
    auto& [a, b, c, d, e, f, g] = whole;
    return visit(a, b, c, d, e, f, g);
  } else if constexpr (count == 8) {
    auto& [a, b, c, d, e, f, g, h] = whole;
    return visit(a, b, c, d, e, f, g, h);
  } else if constexpr (count == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = whole;
    return visit(a, b, c, d, e, f, g, h, i);
  } else if constexpr (count == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = whole;
    return visit(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (count == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = whole;
    return visit(a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (count == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = whole;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l);
  } else if constexpr (count == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = whole;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m);
  } else if constexpr (count == 14) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = whole;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  } else if constexpr (count == 15) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = whole;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  } else if constexpr (count == 16) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = whole;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
  } else if constexpr (count == 17) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = whole;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q);
  } else if constexpr (count == 18) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] = whole;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r);
  } else {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s] = whole;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s);
  }
}

template <class... Members>
struct members {};
struct collect_members {
  template <class... Members>
  constexpr members<std::remove_cv_t<Members>...> operator()(Members&...) const {
    return {};
  }
};
template <class T>
using members_of = decltype(with_members(std::declval<T&>(), collect_members{}));

template <class T>
consteval bool has_references();

template <class... Members>
consteval bool any_has_references(members<Members...>) {
  return (false || ... || has_references<Members>());
}

template <class T>
struct elements {  // of a std::array or a raw one; anything else has none
  static constexpr bool known = false;
};
template <class T, std::size_t Count>
struct elements<std::array<T, Count>> {
  static constexpr bool known = true;
  using element = T;
};
template <class T, std::size_t Count>
struct elements<T[Count]> : elements<std::array<T, Count>> {};

// What a raw pointer may not lead to: a type that nobody makes but in the heap.
template <class T>
inline constexpr bool is_managed = false;
template <class Element, class Kind>
inline constexpr bool is_managed<array<Element, Kind>> = true;
template <class T>
inline constexpr bool is_managed<ref<T>> = true;
template <has_fields T>
inline constexpr bool is_managed<T> = !std::is_base_of_v<list<>, fields<T>>;

// Whether an object of type T has a reference in it.
template <class T>
consteval bool has_references() {
  if constexpr (is_ref<T>) {
    return true;
  } else if constexpr (elements<T>::known) {
    return has_references<typename elements<T>::element>();
  } else if constexpr (has_fields<T>) {
    return !std::is_base_of_v<list<>, fields<T>>;
  } else if constexpr (std::is_class_v<T>) {
    static_assert(std::is_aggregate_v<T>,
                  "no aggregate: say where its references are by gc::fields<T>");
    return any_has_references(members_of<T>{});
  } else {
    static_assert(!std::is_union_v<T>, "a union: say where its references are by gc::fields<T>");
    static_assert(!is_managed<std::remove_cv_t<std::remove_pointer_t<T>>>,
                  "a raw pointer to a managed object: make it a gc::ref");
    return false;
  }
}

// sink(reference) for each reference in what lies at `whole`, which need not be alive.
template <class T, class Sink>
void each_reference(T& whole, Sink& sink);

template <class T, class Sink, auto... Members>
void each_listed(T& whole, Sink& sink, list<Members...>) {
  (each_reference(whole.*Members, sink), ...);
}
template <class T, class Sink>
void each_reference(T& whole, Sink& sink) {
  if constexpr (is_ref<T>) {
    sink(static_cast<const volatile void*>(&whole));
  } else if constexpr (!has_references<T>()) {
    return;
  } else if constexpr (elements<T>::known) {
    for (auto& element : whole) each_reference(element, sink);
  } else if constexpr (has_fields<T>) {
    each_listed(whole, sink, fields<T>{});
  } else {
    with_members(whole, [&](auto&... member) { (each_reference(member, sink), ...); });
  }
}

// Stands for an object of type T whose members' addresses are asked for, and nothing else.
template <class T>
alignas(T) inline std::byte blank[sizeof(T)];

// field_names.hpp
template <class T>
void name_field(const type& of, std::size_t offset, const field_text& into);

// Fills in where T's references are.
template <class T>
void resolve(type& into) {
  constexpr std::size_t most = sizeof(T) / word_bytes;
  static std::uint32_t offsets[most];
  std::uint64_t mask = 0;
  std::uint32_t count = 0;
  auto sink = [&](const volatile void* at) {
    auto offset = static_cast<std::uint32_t>(address_of(at) - address_of(blank<T>));
    if constexpr (most <= 64)
      mask |= std::uint64_t{1} << (offset / word_bytes);
    else
      std::atomic_ref<std::uint32_t>(offsets[count++]).store(offset, std::memory_order_relaxed);
  };
  each_reference(*reinterpret_cast<T*>(blank<T>), sink);
  // Threads that come here at the same time write the same; release: who sees the shape sees the map.
  std::atomic_ref<std::uint64_t>(into.mask).store(mask, std::memory_order_relaxed);
  std::atomic_ref<std::uint32_t>(into.offset_count).store(count, std::memory_order_relaxed);
  std::atomic_ref<const std::uint32_t*>(into.offsets).store(offsets, std::memory_order_relaxed);
  std::atomic_ref<shape>(into.kind).store(most <= 64 ? shape::masked : shape::listed,
                                          std::memory_order_release);
}
template <class Element>
void resolve_array(type& into) {
  static_assert(sizeof(Element) <= 64 * word_bytes, "elements with references: 512 bytes at most");
  type element;
  resolve<Element>(element);
  std::atomic_ref<std::uint64_t>(into.mask).store(element.mask, std::memory_order_relaxed);
  std::atomic_ref<shape>(into.kind).store(shape::struct_array, std::memory_order_release);
}

// "… [with T = tree::node]", from which reports cut the name.
template <class T>
constexpr const char* name_of() {
  return __PRETTY_FUNCTION__;
}

template <class T>
struct describe {
  static_assert(alignof(T) <= word_bytes, "managed objects are aligned to 8 bytes");
  static_assert(std::is_trivially_destructible_v<T>,
                "a managed object dies without a destructor: use gc::cleaner");
  static constexpr std::size_t bytes = whole_words(sizeof(T));
  static constexpr bool leaf = !has_references<T>();
  static constexpr type make() {
    type made{.bytes = static_cast<std::uint32_t>(bytes),
              .kind = leaf ? shape::leaf : shape::unresolved,
              .name = name_of<T>()};
    if constexpr (!leaf) {
      made.resolve = &resolve<T>;
      made.name_field = &name_field<T>;
    }
    return made;
  }
};
template <class Element, class Kind>
struct describe<array<Element, Kind>> {
  static_assert(alignof(Element) <= word_bytes, "managed objects are aligned to 8 bytes");
  static_assert(std::is_trivially_destructible_v<Element>,
                "a managed object dies without a destructor: use gc::cleaner");
  static constexpr bool leaf = !has_references<Element>();
  static constexpr type make() {
    type made{.bytes = word_bytes,
              .element_bytes = sizeof(Element),
              .kind = leaf              ? shape::leaf_array
                      : is_ref<Element> ? shape::ref_array
                                        : shape::unresolved,
              .name = name_of<array<Element, Kind>>()};
    if constexpr (!leaf && !is_ref<Element>) {
      made.resolve = &resolve_array<Element>;
      made.name_field = &name_field<Element>;
    }
    return made;
  }
};

}  // namespace detail

template <class First, class Second>
struct fields<std::pair<First, Second>>
    : std::conditional_t<detail::has_references<First>() || detail::has_references<Second>(),
                         list<&std::pair<First, Second>::first, &std::pair<First, Second>::second>,
                         no_references> {};

template <class T>
inline constinit type type_of = detail::describe<T>::make();

}  // namespace strata::gc

#include <strata/gc/field_names.hpp>  // IWYU pragma: export
