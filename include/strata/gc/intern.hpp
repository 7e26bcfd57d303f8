// gc::intern_table: one object for each content. docs/gc/intern.md introduces it.
//
//   struct symbols {                                      // says what a key is
//     static std::uint64_t hash(std::string_view key) { return gc::hash_of(key); }
//     static bool matches(const symbol& object, std::string_view key);
//     static gc::unrooted<symbol> make(gc::mutator& self, std::string_view key);
//   };
//   gc::intern_table<symbol, symbols> table{heap};
//   gc::local<symbol> s = table.intern(self, "car");      // the one that there is, or a new one
//
// The table keeps nothing alive: an entry goes with its object. Any thread with a mutator may look up and
// add. Keys must not lie in the heap, since adding may collect. Keys of one content have one hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <strata/gc/array.hpp>
#include <strata/gc/mutator.hpp>
#include <strata/gc/weak.hpp>

namespace strata::gc {

struct intern_statistics {
  std::size_t entries = 0;  // some of which may have died since the last collection
  std::size_t slots = 0;
  std::size_t held_bytes = 0;  // of tables, on their way out included
  std::uint64_t longest_probe = 0;
};

// Of any bytes; the same in each run of the program only.
STRATA_GC_API std::uint64_t hash_of(std::string_view bytes) noexcept;

namespace detail {

class intern_core;
STRATA_GC_API intern_core* make_intern_core(core& of);
STRATA_GC_API void destroy_intern_core(intern_core* table);
// Whether an object has the key that one looks for.
struct intern_query {
  std::uint64_t hash;
  bool (*matches)(const intern_query& query, const void* object);
};
// Null when there is none.
STRATA_GC_API void* intern_find(intern_core& table, mutator& self, const intern_query& query);
// The one that is there by now, or else this one, which is then the one.
STRATA_GC_API void* intern_add(intern_core& table, mutator& self, const intern_query& query,
                               void* object);
STRATA_GC_API intern_statistics intern_statistics_of(intern_core& table);

}  // namespace detail

template <class T, class Traits>
class intern_table {
 public:
  // Throws std::bad_alloc.
  explicit intern_table(heap& of) : table_(detail::make_intern_core(of.core())) {}
  intern_table(const intern_table&) = delete;
  intern_table& operator=(const intern_table&) = delete;
  // Before the heap goes.
  ~intern_table() { detail::destroy_intern_core(table_); }

  // May collect, and throws what making the object throws; std::bad_alloc when the table can't grow.
  template <class Key>
  unrooted<T> intern(mutator& self, const Key& key) {
    query<Key> wanted{key};
    if (void* found = detail::intern_find(*table_, self, wanted)) return as_unrooted(self, found);
    local<T> made = Traits::make(self, key);
    return as_unrooted(self, detail::intern_add(*table_, self, wanted, made.get()));
  }
  // Null when there is none.
  template <class Key>
  unrooted<T> find(mutator& self, const Key& key) {
    return as_unrooted(self, detail::intern_find(*table_, self, query<Key>{key}));
  }
  [[nodiscard]] intern_statistics statistics() const {
    return detail::intern_statistics_of(*table_);
  }

 private:
  template <class Key>
  struct query : detail::intern_query {
    explicit query(const Key& of) : intern_query{Traits::hash(of), &has_key}, key(of) {}
    static bool has_key(const intern_query& self, const void* object) {
      return Traits::matches(*static_cast<const T*>(object), static_cast<const query&>(self).key);
    }
    const Key& key;
  };
  static unrooted<T> as_unrooted(mutator& self, void* object) {
    return {self, static_cast<T*>(object)};
  }

  detail::intern_core* table_;
};

// Strings that are arrays of char.
struct string_traits {
  static std::uint64_t hash(std::string_view key) { return hash_of(key); }
  static bool matches(const array<char>& object, std::string_view key) {
    return std::string_view{object.data(), object.size()} == key;
  }
  static unrooted<array<char>> make(mutator& self, std::string_view key) {
    local<array<char>> made = self.make<array<char>>(key.size());
    if (!key.empty()) std::memcpy(made->data(), key.data(), key.size());
    return made;
  }
};
using string_table = intern_table<array<char>, string_traits>;

}  // namespace strata::gc
