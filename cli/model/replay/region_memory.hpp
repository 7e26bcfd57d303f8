// The memory that a policy takes its regions from: addresses that grow upwards from one reservation, as
// those of brk do, with a count of what is taken.
//
//   | region | region | gap | region | not used yet ............ |
//   start    held_bytes = sum of the regions       ^ top_        end
//
// A region goes into the first gap that is long enough, else to the top. Pages are the system's when
// they are first touched, and again when their region is given back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory_resource>

namespace strata::cli::replay {

class region_memory final : public std::pmr::memory_resource {
 public:
  region_memory();
  region_memory(const region_memory&) = delete;
  region_memory& operator=(const region_memory&) = delete;
  ~region_memory() override;

  std::uint64_t held_bytes() const { return held_bytes_; }
  // Of pages that were touched; asks the system.
  std::uint64_t touched_bytes() const;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* region, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  void add_gap(std::uintptr_t start, std::size_t bytes);

  std::uintptr_t start_ = 0;
  std::uintptr_t end_ = 0;
  std::uintptr_t top_ = 0;
  std::map<std::uintptr_t, std::size_t> gaps_;  // bytes by start
  std::uint64_t held_bytes_ = 0;
};

}  // namespace strata::cli::replay
