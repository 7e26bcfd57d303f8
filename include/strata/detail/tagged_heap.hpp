// Regions of tagged blocks and an index of the free ones, together: everything of free_list and tlsf
// but their names. See block_tags.hpp for the blocks, free_lists.hpp for the indexes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

#include <strata/detail/block_tags.hpp>
#include <strata/detail/free_lists.hpp>

namespace strata::detail {

template <class Index>
class STRATA_RESOURCES_API tagged_heap : public tagged_regions {
 public:
  tagged_heap(const char* name, std::pmr::memory_resource* upstream, const region_options& chosen,
              coalescing when, list_order order);
  tagged_heap(const char* name, std::span<std::byte> memory, coalescing when, list_order order);
  ~tagged_heap();

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void coalesce() noexcept;
  void release() noexcept;
  [[nodiscard]] free_figures free_space() const noexcept {
    return {free_bytes(), index_.count(), index_.largest()};
  }
  void verify() const;

 private:
  block_address cut(block_address from, std::size_t wanted) noexcept;
  block_address cut_aligned(block_address from, std::size_t wanted, std::size_t alignment) noexcept;
  block_address make_room(std::size_t wanted, std::size_t alignment) noexcept;
  void merge_freed(block_address at, std::size_t bytes, std::uint64_t flags,
                   std::uint64_t next_word) noexcept;
  void put_off(block_address at, std::size_t bytes, std::uint64_t flags) noexcept;
  bool merge_region(region_head* one) noexcept;
  bool region_became_empty(block_address first) noexcept;

  coalescing when_;
  bool unmerged_ = false;         // deferred: there was a free since the last coalesce()
  region_head* empty_ = nullptr;  // was one free block when looked at last
  Index index_;
};

}  // namespace strata::detail
