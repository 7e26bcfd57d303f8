// The descriptions of types made at run time, by loader (include/strata/gc/loader.hpp).
//
//   loader_data  chunks --> | next, order | data, types, names ... | free ... |   1 KiB first, then doubling
//                           | next, order | types, names ......... |
//   ids_         | type, generation | null, generation + 1 | ...  an index is free where its type is null
//
// Descriptions are bumped into their loader's chunks and never freed alone. At a full collection the
// loaders whose mirrors have not been reached give their chunks back; tracers reach a mirror by each
// object of the loader's types (each_edge). No object of such a type is left then, so nobody looks at the
// chunks any more: sweeping is by marks, not by types.
//
// To define types is rare: one lock guards everything. Nobody who holds it allocates in the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "base/list.hpp"
#include "gc/chunks.hpp"
#include "gc/row.hpp"
#include "gc/weak_table.hpp"
#include "strata/gc/loader.hpp"

namespace strata::gc {

struct chunk_header {
  chunk_header* next;
  unsigned order;
};

struct loaded_type : type {
  detail::loader_data* home = nullptr;
  loaded_type* next = nullptr;  // of the same loader
  const field* fields = nullptr;
  std::uint32_t field_count = 0;
  type_id id;
};

struct detail::loader_data : base::list_node<detail::loader_data> {
  void* mirror = nullptr;
  chunk_header* chunks = nullptr;  // the last one first
  std::byte* cursor = nullptr;
  std::byte* end = nullptr;
  loaded_type* types = nullptr;
};

class metaspace final : public weak_table {
 public:
  // Null, or false, when there is no room below the limit or below the point where a collection pays.
  detail::loader_data* make(std::size_t limit);
  void drop(detail::loader_data* data);
  void bind(detail::loader_data* data, void* mirror);
  const type* define(detail::loader_data& in, const type_definition& of, std::size_t limit);
  // Null when it was unloaded.
  const loaded_type* find(type_id id);

  // Before the first loader; false when the system refuses.
  bool open(std::size_t most_bytes);
  // When to collect before more is taken: twice what the last collection has left, at least.
  [[nodiscard]] std::size_t soft_limit();
  metaspace_statistics statistics();
  void finish(const survivors& of, collected what) override;

 private:
  struct id_entry {
    loaded_type* at;
    std::uint32_t generation;
  };

  bool add_chunk(detail::loader_data& to, std::size_t least_bytes, std::size_t limit);
  static void* bump(detail::loader_data& in, std::size_t bytes);
  void number(loaded_type& made);
  void free_chunks(chunk_header* first);
  void unload(detail::loader_data& data);

  std::mutex lock_;  // guards all of these
  chunks chunks_;
  base::list<detail::loader_data> loaders_;
  row<id_entry> ids_;
  row<std::uint32_t> free_ids_;
  std::size_t soft_limit_ = least_soft_limit;
  metaspace_statistics statistics_;
  static constexpr std::size_t least_soft_limit = base::MiB;
};

}  // namespace strata::gc
