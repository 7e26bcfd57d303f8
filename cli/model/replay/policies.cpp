// The table of policies, and how each is set up.
#include <algorithm>
#include <bit>
#include <strata/bitmap.hpp>
#include <strata/buddy.hpp>
#include <strata/bump.hpp>
#include <strata/pools.hpp>

#include "cli/model/replay/resource_policy.hpp"

namespace strata::cli::replay {
namespace {

// A buddy in a region that is more than long enough. Its lowest free block serves first: what it has
// reached is how long its region would have to be.
class buddy_heap {
 public:
  buddy_heap(std::pmr::memory_resource* upstream, std::size_t bytes) : blocks_(bytes, upstream) {}

  void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    void* made = blocks_.try_allocate(bytes, alignment);
    if (made == nullptr) return nullptr;
    const auto at = reinterpret_cast<std::uintptr_t>(made);
    if (start_ == 0) start_ = at;
    reached_ = std::max(reached_, at - start_ + blocks_.block_bytes(bytes, alignment));
    return made;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    blocks_.deallocate(block, bytes, alignment);
  }
  resource_statistics statistics() const noexcept { return blocks_.statistics(); }
  // With half a byte of tables for each block of 64.
  std::uint64_t reached_bytes() const { return reached_ + reached_ / 128; }

 private:
  buddy blocks_;
  std::uintptr_t start_ = 0;
  std::uint64_t reached_ = 0;
};

region_options regions_for(const trace_facts& of) {
  const std::size_t bytes = region_bytes_for(of);
  return {.first_region_bytes = bytes, .most_region_bytes = bytes};
}

template <typename FreeList, list_order Order>
std::unique_ptr<policy> make_free_list(const trace_facts& of) {
  return std::make_unique<resource_policy<FreeList>>(
      free_list_options{.order = Order, .regions = regions_for(of)});
}

std::unique_ptr<policy> make_tlsf(const trace_facts& of) {
  return std::make_unique<resource_policy<tlsf>>(regions_for(of));
}

std::unique_ptr<policy> make_bitmap(const trace_facts& of) {
  const std::size_t bytes = region_bytes_for(of);
  return std::make_unique<resource_policy<bitmap>>(
      bitmap_options{.first_region_bytes = bytes, .most_region_bytes = bytes});
}

std::unique_ptr<policy> make_buddy(const trace_facts& of) {
  constexpr std::uint64_t least = std::uint64_t{1} << 20;
  constexpr std::uint64_t most = std::uint64_t{1} << 36;
  const std::uint64_t need = std::min(of.peak_bytes, most) + of.most_blocks * 64;
  const std::uint64_t bytes = std::clamp(std::bit_ceil(std::min(need, most)) * 8, least, most);
  return std::make_unique<resource_policy<buddy_heap>>(bytes);
}

std::unique_ptr<policy> make_bump(const trace_facts& of) {
  const std::size_t bytes = region_bytes_for(of);
  return std::make_unique<resource_policy<bump>>(
      bump_options{.first_chunk_bytes = bytes, .most_chunk_bytes = bytes});
}

std::unique_ptr<policy> make_pools(const trace_facts& /*of*/) {
  return std::make_unique<resource_policy<pools, type_alignment>>();
}

constexpr policy_kind kinds[] = {
    {"first-fit", "the block freed last that is long enough", seat::here,
     make_free_list<first_fit, list_order::lifo>},
    {"first-fit-address", "the lowest block that is long enough", seat::here,
     make_free_list<first_fit, list_order::address>},
    {"next-fit", "as first-fit, from where the last search ended", seat::here,
     make_free_list<next_fit, list_order::lifo>},
    {"next-fit-address", "as first-fit-address, from where the last search ended", seat::here,
     make_free_list<next_fit, list_order::address>},
    {"best-fit", "the shortest block that is long enough", seat::here,
     make_free_list<best_fit, list_order::lifo>},
    {"segregated-fit", "a list for each of 1024 classes of size", seat::here,
     make_free_list<segregated_fit, list_order::lifo>},
    {"tlsf", "segregated by two levels, in constant time", seat::here, make_tlsf},
    {"bitmap", "runs of blocks of 64 bytes", seat::here, make_bitmap},
    {"buddy", "powers of two from 64 bytes on", seat::here, make_buddy},
    {"pools", "a slab for each of 32 classes of size", seat::here, make_pools},
    {"bump", "one pointer, reset whenever everything is free", seat::here, make_bump},
    {"strata", "malloc of libstrata.so", seat::under_strata, nullptr},
    {"libc", "malloc of the system", seat::under_libc, nullptr},
};

}  // namespace

std::span<const policy_kind> all_policies() { return kinds; }

std::vector<const policy_kind*> policies_of(const std::string& list, std::string& wrong) {
  std::vector<const policy_kind*> made;
  wrong.clear();
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t end = std::min(list.find(',', from), list.size());
    const std::string word = list.substr(from, end - from);
    from = end + 1;
    bool is_known = false;
    for (const policy_kind& one : kinds) {
      if (word != "all" && word != one.name) continue;
      is_known = true;
      if (std::find(made.begin(), made.end(), &one) == made.end()) made.push_back(&one);
    }
    if (is_known) continue;
    wrong = word;
    return {};
  }
  return made;
}

std::size_t region_bytes_for(const trace_facts& of) {
  constexpr std::uint64_t least = std::uint64_t{4} << 10;
  constexpr std::uint64_t most = std::uint64_t{4} << 20;
  return std::bit_floor(std::clamp(of.peak_bytes / 64, least, most));
}

}  // namespace strata::cli::replay
