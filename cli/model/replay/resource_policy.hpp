// A resource of strata/*.hpp as a policy.
#pragma once

#include <strata/free_list.hpp>
#include <strata/tlsf.hpp>
#include <utility>

#include "cli/model/replay/mapped_array.hpp"
#include "cli/model/replay/policy.hpp"
#include "cli/model/replay/region_memory.hpp"

namespace strata::cli::replay {

// Bytes that a resource has before each block and doesn't count as used.
template <typename Resource>
inline constexpr std::uint64_t tag_bytes_of = 0;
template <fit Fit>
inline constexpr std::uint64_t tag_bytes_of<free_list<Fit>> = 8;
template <>
inline constexpr std::uint64_t tag_bytes_of<tlsf> = 8;

template <typename Resource, std::size_t Alignment = malloc_alignment>
class resource_policy : public policy {
 public:
  template <typename... Options>
  explicit resource_policy(Options&&... options)
      : resource_(&memory_, std::forward<Options>(options)...) {}

  std::size_t run(std::span<const operation> operations) final {
    for (std::size_t i = 0; i < operations.size(); ++i) {
      if (!run(operations[i])) return i;
    }
    return operations.size();
  }
  usage now() final {
    usage made{asked_, rounded_, memory_.held_bytes()};
    if constexpr (!can_reset)
      made.granted = resource_.statistics().used_bytes + live_blocks_ * tag_bytes_of<Resource>;
    if constexpr (requires { resource_.reached_bytes(); })
      made.footprint = resource_.reached_bytes();
    return made;
  }
  std::uint64_t resets() const final { return resets_; }

  Resource& resource() { return resource_; }
  // As the usage's, but of pages that were touched alone; asks the system.
  std::uint64_t touched_bytes() const { return memory_.touched_bytes(); }
  std::uint64_t asked_bytes() const { return asked_; }

 private:
  // Such as bump: what it has in use are also blocks that were freed.
  static constexpr bool can_reset = requires(Resource & one) { one.reset(); };

  struct block {
    void* address;
    std::uint64_t bytes;
  };

  static std::uint64_t rounded(std::uint64_t bytes) {
    return bytes == 0 ? Alignment : (bytes + Alignment - 1) & ~(Alignment - 1);
  }
  bool run(const operation& one) {
    blocks_.reach(one.slot);
    block& of = blocks_[one.slot];
    switch (one.what) {
      case action::allocate:
        return allocate(one.bytes, of);
      case action::free:
        deallocate(of);
        return true;
      case action::resize:
        return resize(one.bytes, of);
    }
    return true;
  }

  bool allocate(std::uint64_t bytes, block& into) {
    void* made = resource_.try_allocate(bytes, Alignment);
    if (made == nullptr) return false;
    into = {made, bytes};
    note(bytes);
    ++live_blocks_;
    return true;
  }
  void deallocate(const block& of) {
    resource_.deallocate(of.address, of.bytes, Alignment);
    asked_ -= of.bytes;
    --live_blocks_;
    if constexpr (can_reset) {
      rounded_ -= rounded(of.bytes);
      if (live_blocks_ == 0) reset();
    }
  }
  void note(std::uint64_t bytes) {
    asked_ += bytes;
    if constexpr (can_reset) rounded_ += rounded(bytes);
  }
  void reset() {
    resource_.reset();
    ++resets_;
  }
  // As realloc does where a block can't stay: the new one is there before the old one goes.
  bool resize(std::uint64_t bytes, block& of) {
    if constexpr (requires { resource_.resize(of.address, bytes, bytes); }) {
      if (of.bytes != 0 && bytes != 0 && resource_.resize(of.address, of.bytes, bytes)) {
        asked_ -= of.bytes;
        rounded_ -= rounded(of.bytes);
        note(bytes);
        of.bytes = bytes;
        return true;
      }
    }
    const block before = of;
    if (!allocate(bytes, of)) return false;
    deallocate(before);
    return true;
  }

  region_memory memory_;
  Resource resource_;
  mapped_array<block> blocks_;
  std::uint64_t asked_ = 0;
  std::uint64_t rounded_ = 0;  // where it can reset: of live blocks, to their alignment
  std::uint64_t live_blocks_ = 0;
  std::uint64_t resets_ = 0;
};

}  // namespace strata::cli::replay
