// Types that a runtime makes while it runs, and their unloading. docs/gc/metaspace.md introduces it.
//
//   gc::loader (managed)         what the program holds: the loader's mirror
//     ^        | data_
//     |        v
//   mirror | loader's data | type | names, fields ... | type | ...     in chunks beside the heap
//             ^                ^
//             '--- home ------ | <-- header of each object of the type
//
//   reachable: mirror --> its parent's mirror, and `attached`
//              object --> its type's loader's mirror
//   a loader whose mirror is not reachable at a full collection goes, with all its types
//
// A type must not be used but while its loader's mirror, or an object of one of its types, is held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <strata/gc/mutator.hpp>

namespace strata::gc {

class loader;

// No room for descriptions, after a last full collection.
class metaspace_exhausted : public out_of_memory {
 public:
  [[nodiscard]] const char* what() const noexcept override {
    return "strata::gc: the metaspace is full after a full collection";
  }
};

enum class field_kind : std::uint8_t { plain, reference };
struct field {
  const char* name = "";
  std::uint32_t offset = 0;  // of references a multiple of 8
  field_kind kind = field_kind::plain;
};

// What objects of an array type are made of, behind their length.
enum class elements : std::uint8_t { none, plain, references, structs };

struct type_definition {
  std::string_view name = {};
  std::size_t bytes = 0;  // of an object without its header; of an array nothing but elements
  std::span<const field> fields = {};  // of an object, or of an array's element
  elements of = elements::none;
  std::size_t element_bytes = 0;  // of plain data and structs; of structs at most 512
};

// Names a type for longer than it lives: indices are used again, with another generation.
struct type_id {
  std::uint32_t index = ~std::uint32_t{0};
  std::uint32_t generation = 0;
  bool operator==(const type_id&) const = default;
};

struct metaspace_statistics {
  std::size_t loaders = 0;
  std::size_t types = 0;
  std::size_t used_bytes = 0;  // chunks that loaders have
  std::size_t held_bytes = 0;  // what the system backs
  std::uint64_t loaders_made = 0;
  std::uint64_t loaders_unloaded = 0;
};

namespace detail {
struct loader_data;
STRATA_GC_API loader_data* make_loader_data(mutator& self);
STRATA_GC_API void drop_loader_data(mutator& self, loader_data* data) noexcept;
STRATA_GC_API void bind_mirror(mutator& self, loader_data* data, void* mirror);
STRATA_GC_API loader* mirror_of(const type& of);
}  // namespace detail

// A loader's mirror: it lives as long as something refers to it or to an object of its types.
class loader {
 public:
  explicit loader(detail::loader_data* data) noexcept : data_(data) {}
  ref<loader> parent;
  // What the runtime wants to live as long as the loader: its table of statics, say.
  ref<array<ref<void*>>> attached;

 private:
  friend const type& define_type(const local<loader>& in, const type_definition& of);
  detail::loader_data* data_;
};
template <>
struct fields<loader> : list<&loader::parent, &loader::attached> {};

// May collect, as any allocation. parent: kept alive by the new one; may be null.
inline unrooted<loader> make_loader(mutator& self, const local<loader>& parent) {
  detail::loader_data* data = detail::make_loader_data(self);
  try {
    local<loader> made = self.make<loader>(data);
    made->parent = parent;
    detail::bind_mirror(self, data, made.get());
    return made;
  } catch (...) {
    detail::drop_loader_data(self, data);
    throw;
  }
}
inline unrooted<loader> make_loader(mutator& self) {
  return make_loader(self, local<loader>{self});
}

// Copies the definition, names and all. May collect. Throws std::invalid_argument when a reference lies
// outside of its object or across a word, std::length_error when the description is longer than 60 KiB.
STRATA_GC_API const type& define_type(const local<loader>& in, const type_definition& of);

// ---- Looking back. Null, or nothing, for types of C++.

inline const type& dynamic_type(const void* object) {
  return *detail::type_of_object(const_cast<void*>(object));
}
inline unrooted<loader> loader_of(mutator& self, const type& of) {
  return {self, detail::mirror_of(of)};
}
STRATA_GC_API std::span<const field> fields_of(const type& of);
STRATA_GC_API type_id id_of(const type& of);
// Null when the type was unloaded; otherwise `keeper` holds its loader.
STRATA_GC_API const type* find_type(local<loader>& keeper, type_id id);

STRATA_GC_API metaspace_statistics metaspace_of(const heap& of);

}  // namespace strata::gc
