// An array whose elements are made from their indices, also of a type that cannot be copied.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace strata::base {

namespace detail {
template <typename T, std::size_t... Index>
constexpr std::array<T, sizeof...(Index)> numbered(std::index_sequence<Index...>) {
  return {{T(Index)...}};
}
}  // namespace detail

template <typename T, std::size_t Count>
constexpr std::array<T, Count> numbered() {
  return detail::numbered<T>(std::make_index_sequence<Count>{});
}

}  // namespace strata::base
