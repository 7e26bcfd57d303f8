// Where a container's memory comes from, in three ways, so that the same work can be done in each and
// its results compared.
//
//   from_heap           std::allocator: what the others have to agree with
//   through_pmr         std::pmr::polymorphic_allocator over a std::pmr::memory_resource
//   directly<Resource>  strata::allocator
//
// A family has allocator<T>, and get<T>() for one.
#pragma once

#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>

#include <strata/resource.hpp>

namespace strata {

struct from_heap {
  template <class T>
  using allocator = std::allocator<T>;
  template <class T>
  [[nodiscard]] allocator<T> get() const {
    return {};
  }
};

struct through_pmr {
  template <class T>
  using allocator = std::pmr::polymorphic_allocator<T>;
  template <class T>
  [[nodiscard]] allocator<T> get() const {
    return allocator<T>(from);
  }
  std::pmr::memory_resource* from;
};

template <resource Resource>
struct directly {
  template <class T>
  using allocator = strata::allocator<T, Resource>;
  template <class T>
  [[nodiscard]] allocator<T> get() const {
    return allocator<T>(*from);
  }
  Resource* from;
};

template <class Family>
using text_of =
    std::basic_string<char, std::char_traits<char>, typename Family::template allocator<char>>;

// Text of the family, of any length from none to beyond what a string holds in place.
template <class Family>
text_of<Family> numbered_text(const Family& family, unsigned number) {
  text_of<Family> made(number % 70, 'a', family.template get<char>());
  for (char& each : made) each = static_cast<char>('a' + number++ % 26);
  return made;
}

}  // namespace strata
