// Making objects in memory that is there.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <strata/detail/support.hpp>

namespace strata::detail {

// By a constructor, or the members of an aggregate.
template <class T, class... Arguments>
T* construct(void* place, Arguments&&... arguments) {
  if constexpr (std::is_constructible_v<T, Arguments...>)
    return ::new (place) T(std::forward<Arguments>(arguments)...);
  else
    return ::new (place) T{std::forward<Arguments>(arguments)...};
}

// count elements, each of the same arguments; if one throws, those before it are destroyed.
template <class T, class... Arguments>
void construct_all(T* first, std::size_t count, Arguments&... arguments) {
  std::size_t made = 0;
  undo back([&] {
    while (made > 0) std::destroy_at(first + --made);
  });
  for (; made < count; ++made) construct<T>(first + made, arguments...);
  back.forget();
}

}  // namespace strata::detail
