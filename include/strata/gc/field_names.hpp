// Names of members, for reports: from the compiler's spelling of an address.
//
//   member of an aggregate    &nowhere<node>.value.left    g++ only: clang++ 14 takes no such argument
//   listed by gc::fields      &node::left                  both
//
// A field whose member has no name that is known is told by its offset: "+8".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <strata/gc/type.hpp>

namespace strata::gc::detail {

template <class T>
struct holder {
  T value;
};
// clang++ misses a definition where T is of an unnamed namespace; but only the address is meant.
#pragma GCC diagnostic push
#if defined(__clang__)
#pragma GCC diagnostic ignored "-Wundefined-internal"
#pragma GCC diagnostic ignored "-Wundefined-var-template"
#endif
template <class T>
extern const holder<T> nowhere;

// No string_view: g++ would explain that behind the name.
template <auto Where>
constexpr const char* spelling() {
  return __PRETTY_FUNCTION__;
}

template <std::size_t At, class First, class... Rest>
constexpr auto nth(First first, Rest... rest) {
  if constexpr (At == 0)
    return first;
  else
    return nth<At - 1>(rest...);
}
template <std::size_t At, class T>
constexpr auto address_of_member(const T& of) {
  return with_members(of, [](auto&... member) { return nth<At>(std::addressof(member)...); });
}

// "... [with auto Where = &node::left]"
constexpr std::string_view last_name(std::string_view spelled) {
  std::size_t colons = spelled.rfind("::");
  if (colons == std::string_view::npos) return {};
  spelled.remove_prefix(colons + 2);
  return spelled.substr(0, spelled.find_first_of(")]"));
}
// Empty where it is not known. Nobody defines `nowhere`: only its members' names are asked for.
template <class T, std::size_t At>
constexpr std::string_view member_name() {
  if constexpr (requires { spelling<address_of_member<At>(nowhere<T>.value)>(); })
    return last_name(spelling<address_of_member<At>(nowhere<T>.value)>());
  else
    return {};
}
#pragma GCC diagnostic pop

template <class Member>
bool holds(const Member& member, std::uintptr_t place) {
  return place - address_of(std::addressof(member)) < sizeof(Member);
}

// The name of what lies at `place` in whole, behind what `into` has got.
template <class T>
void put_name(const T& whole, std::uintptr_t place, std::string_view before,
              const field_text& into);

template <class Member>
void put_member(const Member& member, std::string_view name, std::uintptr_t place,
                std::string_view before, const field_text& into) {
  into << before << name;
  put_name(member, place, ".", into);
}
template <class T, auto... Members>
void put_listed(const T& whole, std::uintptr_t place, std::string_view before,
                const field_text& into, list<Members...>) {
  (..., (holds(whole.*Members, place)
             ? put_member(whole.*Members, last_name(spelling<Members>()), place, before, into)
             : void()));
}
template <class T, std::size_t... At>
void put_one_of(const T& whole, std::uintptr_t place, std::string_view before,
                const field_text& into, std::index_sequence<At...>) {
  auto put = [&](const auto& member, std::string_view name) {
    if (!holds(member, place)) return;
    if (name.empty())
      into << "+" << place - address_of(std::addressof(whole));
    else
      put_member(member, name, place, before, into);
  };
  with_members(whole, [&](const auto&... member) { (put(member, member_name<T, At>()), ...); });
}

template <class T>
void put_name(const T& whole, std::uintptr_t place, std::string_view before,
              const field_text& into) {
  if constexpr (is_ref<T> || !has_references<T>()) {
    return;
  } else if constexpr (elements<T>::known) {
    std::size_t at = (place - address_of(std::addressof(whole))) / sizeof(whole[0]);
    into << "[" << at << "]";
    put_name(whole[at], place, ".", into);
  } else if constexpr (has_fields<T>) {
    put_listed(whole, place, before, into, fields<T>{});
  } else {
    put_one_of(whole, place, before, into, std::make_index_sequence<count_members<T>()>{});
  }
}

template <class T>
void name_field(const type&, std::size_t offset, const field_text& into) {
  const T& whole = *reinterpret_cast<const T*>(blank<T>);
  put_name(whole, address_of(blank<T>) + offset, "", into);
}

}  // namespace strata::gc::detail
