// Direct buffers: whole pages from the system, outside of any heap, under a budget.
//
//   direct_budget   max_bytes 1 MiB, reserved 12 KiB in 2 blocks
//        |
//        |  a mapping of its own for each block
//        v
//   | guard |  data ................... |  | guard |      guards: inaccessible pages, if wanted
//              ^            ^           `-- up to the page's end
//              |            |
//         direct_buffer   slice, slice ...      all hold the same holder {handles, pages, cleaner}
//
//   reserved = sum of the blocks' pages <= max_bytes; guards don't count, they have no memory
//
// For memory that devices, the kernel or other processes are to see, or that is large and lives
// long. The pages read as zero. They go back to the system at once: when the last handle dies, or
// when free() is called through any of them; then all handles are empty. A buffer's cleaner runs
// once, whichever of the two it is, before the pages go.
//
// A reservation that the budget has no room for asks the reclaimer, which may free buffers, and
// tries again; then it waits 1 ms for others to free some, asks again, waits 2 ms, 4 ms ... and is
// refused after nine waits, of half a second in all. A block longer than the budget is refused at
// once.
//
//   time      a lock, a search of O(log blocks) and a system call; two more where there are guards
//   overhead  the rest of the last page; some 80 bytes a block, some 100 a buffer; guards:
//             addresses
//   threads   all, of the budget. A handle is used by one thread at a time, its slices by others
//   exhausted null from try_allocate, empty from try_make, direct_exhausted from direct_buffer
//
// Source: java.nio.Bits.reserveMemory and DirectByteBuffer with its Cleaner (OpenJDK). Theirs
// sleeps; this wakes when something was freed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory_resource>
#include <mutex>
#include <new>
#include <span>
#include <utility>

#include <strata/detail/fork.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

enum class guard_pages : std::uint8_t { none, around };

struct direct_options {
  guard_pages guards = guard_pages::none;
  // So many bytes are missing: frees what it can. Throws nothing; any thread calls it, under no lock.
  // What it allocates of the budget itself is refused without asking.
  std::function<void(std::size_t)> reclaimer = {};
  // Waits for others to free something, each twice as long as the one before.
  unsigned waits = 9;
  unsigned first_wait_ms = 1;
};

struct direct_figures {
  std::size_t max_bytes = 0;
  std::size_t reserved_bytes = 0;  // pages
  std::size_t used_bytes = 0;      // of these, what was asked for
  std::size_t peak_reserved_bytes = 0;
  std::size_t blocks = 0;
  std::size_t waited = 0;   // reservations that found no room at first
  std::size_t refused = 0;  // of these, and of those longer than the budget
};

// How much direct memory there may be; and a resource of pages, for more than direct_buffer.
class STRATA_RESOURCES_API direct_budget {
 public:
  using options = direct_options;
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;

  // upstream: for tables only.
  explicit direct_budget(std::size_t max_bytes, options chosen = {},
                         std::pmr::memory_resource* upstream = std::pmr::get_default_resource());
  direct_budget(const direct_budget&) = delete;
  direct_budget& operator=(const direct_budget&) = delete;
  ~direct_budget();

  // Zeroed pages. Null when the budget, after waiting, or the system has no room.
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept;

  [[nodiscard]] bool owns(const void* address) const noexcept;
  [[nodiscard]] resource_statistics statistics() const noexcept;
  [[nodiscard]] direct_figures figures() const noexcept;
  void verify() const;
  // Under the lock: visit() leaves the budget alone.
  template <class Visit>
  void each_region(Visit visit) const {
    std::lock_guard inside(lock_);
    for (const auto& [start, each] : blocks_) {
      visit(region{detail::pointer_to(start), each.reserved_bytes, region_kind::live});
    }
  }

 private:
  struct mapping {
    std::size_t bytes;  // as asked for
    std::size_t reserved_bytes;
    void* range;  // with guards
    std::size_t range_bytes;
  };
  using blocks = std::pmr::map<std::uintptr_t, mapping>;

  bool reserve(std::size_t bytes) noexcept;
  void unreserve(std::size_t bytes) noexcept;
  void ask(std::size_t missing) noexcept;
  [[nodiscard]] void* map(mapping& one, std::size_t alignment) const noexcept;
  [[nodiscard]] blocks::const_iterator find(std::uintptr_t at) const noexcept;

  const std::size_t max_bytes_;
  const options chosen_;
  mutable std::mutex lock_;  // of all below
  std::condition_variable freed_;
  blocks blocks_;
  std::size_t reserved_bytes_ = 0;  // also of blocks that are about to be mapped
  std::size_t peak_bytes_ = 0;
  std::size_t live_bytes_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t waited_ = 0;
  std::size_t refused_ = 0;

  static const detail::fork_ways at_fork;
  detail::fork_member seat_{at_fork, this};
};

// The budget, or the system, had no room.
class STRATA_RESOURCES_API direct_exhausted : public std::bad_alloc {
 public:
  direct_exhausted(std::size_t wanted, const direct_figures& then) noexcept
      : wanted_bytes_(wanted), then_(then) {}
  [[nodiscard]] const char* what() const noexcept override;
  [[nodiscard]] std::size_t wanted_bytes() const noexcept { return wanted_bytes_; }
  [[nodiscard]] const direct_figures& budget() const noexcept { return then_; }

 private:
  std::size_t wanted_bytes_;
  direct_figures then_;
};

// A handle of a buffer, or of a part of it. Moves; slice() makes further ones.
class STRATA_RESOURCES_API direct_buffer {
 public:
  // Sees the bytes before they go. Throws nothing.
  using cleaner = std::function<void(std::span<std::byte>)>;

  direct_buffer() = default;
  // The budget outlives the buffer. Throws direct_exhausted.
  direct_buffer(direct_budget& budget, std::size_t bytes, cleaner at_end = {});
  [[nodiscard]] static direct_buffer try_make(direct_budget& budget, std::size_t bytes,
                                              cleaner at_end = {}) noexcept;
  direct_buffer(direct_buffer&& other) noexcept
      : holder_(std::exchange(other.holder_, nullptr)),
        start_(other.start_),
        bytes_(other.bytes_) {}
  direct_buffer& operator=(direct_buffer&& other) noexcept {
    direct_buffer taken(std::move(other));
    std::swap(holder_, taken.holder_);
    std::swap(start_, taken.start_);
    std::swap(bytes_, taken.bytes_);
    return *this;
  }
  direct_buffer(const direct_buffer&) = delete;
  direct_buffer& operator=(const direct_buffer&) = delete;
  ~direct_buffer() { drop(); }

  // Null, and 0, once the buffer was freed.
  [[nodiscard]] std::byte* data() const noexcept { return *this ? start_ : nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return *this ? bytes_ : 0; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data(), size()}; }
  explicit operator bool() const noexcept {
    // acquire: pairs with free(), so that what its thread did before is seen.
    return holder_ != nullptr && !holder_->freed.load(std::memory_order_acquire);
  }

  // A part of it, which keeps all of it alive; empty when the buffer was freed.
  [[nodiscard]] direct_buffer slice(std::size_t offset, std::size_t bytes) const noexcept;
  // Gives the pages back now, whoever still has a handle; false when that was done before.
  bool free() noexcept;

 private:
  struct holder {
    std::atomic<std::size_t> handles;
    std::atomic<bool> freed;
    direct_budget* budget;
    std::byte* start;
    std::size_t bytes;
    cleaner at_end;
  };
  void drop() noexcept;

  holder* holder_ = nullptr;
  std::byte* start_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace strata
