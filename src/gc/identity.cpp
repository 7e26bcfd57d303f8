#include "strata/gc/identity.hpp"

#include <type_traits>

#include "gc/core.hpp"
#include "gc/object_inl.hpp"
#include "os/process.hpp"

namespace strata::gc {
namespace {

// relaxed, throughout: threads that ask at the same time tell each other this one value.

// Where the header has no room for it.
template <class Header>
std::uint32_t hash_by_place(core& of, void* object) {
  std::uint64_t word = Header::load(object);
  if ((word & Header::hash_behind) != 0) {
    std::size_t payload = object_bytes(object, *Header::type_in(object, word)) - Header::bytes;
    return static_cast<std::uint32_t>(
        static_cast<std::uint64_t*>(object)[payload / detail::word_bytes - 1]);
  }
  // The byte with the state alone: the marker writes its neighbour.
  auto& state = reinterpret_cast<std::uint8_t&>(Header::at(object));
  if ((word & Header::hashed) == 0)
    std::atomic_ref<std::uint8_t>(state).fetch_or(Header::hashed, std::memory_order_relaxed);
  return hash_of_place(object, of.blocks().salt_at(object));
}

template <class Header>
std::uint32_t hash_in_header(void* object) {
  static thread_local std::uint64_t last = os::random_word();
  std::atomic_ref<std::uint32_t> hash(Header::hash(object));
  std::uint32_t now = hash.load(std::memory_order_relaxed);
  if (now != 0) return now;
  last += 0x9e3779b97f4a7c15;
  auto mine = static_cast<std::uint32_t>(base::mixed(last) >> 32) | 1;
  return hash.compare_exchange_strong(now, mine, std::memory_order_relaxed) ? mine : now;
}

template <class Header>
std::uint32_t hash_of(core& of, void* object) {
  if constexpr (std::is_same_v<Header, detail::wide_header>)
    return hash_in_header<Header>(object);
  else
    return hash_by_place<Header>(of, object);
}

}  // namespace

std::uint32_t detail::identity_hash(mutator& self, void* object) noexcept {
  return hash_of<header>(self.core(), object);
}

}  // namespace strata::gc
