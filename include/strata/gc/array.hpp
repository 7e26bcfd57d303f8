// gc::array<E>: a row of elements in the heap, its length in the object. Elements are references, plain
// data, or structs of up to 512 bytes with references in them; they begin as zeros.
//
//   gc::local<gc::array<gc::ref<node>>> nodes = self.make<gc::array<gc::ref<node>>>(100);
//   (*nodes)[3] = n;
//
// array<E, Kind> of different Kinds are different types, for which any name will do:
//
//   using text = gc::array<char, struct text_kind>;
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>

#include <strata/gc/mutator.hpp>
#include <strata/gc/type.hpp>

namespace strata::gc {

template <class Element, class Kind>
class array {
 public:
  [[nodiscard]] std::size_t size() const { return length_; }
  // Good until the next allocation or safepoint of this thread.
  [[nodiscard]] Element* data() { return reinterpret_cast<Element*>(this + 1); }
  [[nodiscard]] const Element* data() const { return reinterpret_cast<const Element*>(this + 1); }
  Element& operator[](std::size_t at) { return data()[at]; }
  const Element& operator[](std::size_t at) const { return data()[at]; }
  Element* begin() { return data(); }
  Element* end() { return data() + length_; }
  [[nodiscard]] const Element* begin() const { return data(); }
  [[nodiscard]] const Element* end() const { return data() + length_; }

 private:
  friend class mutator;
  explicit array(std::size_t length) : length_(length) {}

  std::size_t length_;
};

template <class T>
unrooted<T> mutator::make_array(std::size_t count) {
  constexpr std::size_t element_bytes = sizeof(*std::declval<T&>().data());
  constexpr std::size_t most =
      (std::numeric_limits<std::size_t>::max() / 4 - detail::header::bytes) / element_bytes;
  if (count > most) [[unlikely]]
    detail::throw_out_of_memory();
  std::size_t payload = detail::whole_words(sizeof(T) + count * element_bytes);
  std::size_t bytes = detail::header::bytes + payload;
  void* object = nullptr;
  if (bytes <= detail::most_small_bytes) object = bump(bytes, type_of<T>);
  if (object == nullptr) {
    // Large ones come zeroed.
    object = detail::allocate_slow(*this, bytes, type_of<T>);
    if (bytes > detail::most_small_bytes) return {*this, ::new (object) T(count)};
  }
  std::memset(static_cast<std::byte*>(object) + sizeof(T), 0, payload - sizeof(T));
  return {*this, ::new (object) T(count)};
}

}  // namespace strata::gc
