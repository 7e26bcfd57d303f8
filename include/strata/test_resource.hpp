// Test resource: for tests of code that allocates. Finds what the code does wrong with its memory,
// and what becomes of it when there is none.
//
//     | pad: 16, or the alignment |  block: n  | pad: 16 |      one block of upstream's
//     | fd fd fd ...              | cd cd cd.. | fd fd.. |      dd dd dd ... once freed
//
//     ledger (strata/detail/ledger.hpp): each block's address, size, alignment, number; also of
//     freed ones, for a while
//
//   double, foreign and interior frees   the ledger doesn't know the address, as live
//   wrong sizes and alignments           the ledger knows others
//   writes past either end               the pads have changed: seen at free, and by verify()
//   reads of fresh or freed memory       patterns that stand out
//   leaks                                what is live when the resource is destroyed
//
// Each either stops the process, or is counted, so that a test can assert it; then the resource
// does what is right: a wrong free does nothing, one with a wrong size frees the block as it is.
// Leaks are reported and given back to upstream.
//
// exception_loop(memory, code) runs the code with a limit of 0 allocations, then 1, 2 ... until a
// run in which nothing was refused, and looks after each whether as much is live as before. So
// every path on which memory runs out is taken once, and a path that loses a block is named by the
// allocation that failed. What the code throws ends that run; unless nothing was refused: then it
// goes on to the caller. The code starts from the same state each time.
//
//   time      O(n) a block of n bytes, for the patterns; the loop runs the code once for each of
//             its allocations
//   overhead  32 bytes a block, or 16 and its alignment; 43 to 171 in the ledger
//   threads   any
//   exhausted null: when upstream is, when the ledger can't grow, or at the limit
//
// After bslma::TestAllocator (BDE), whose loop this is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <utility>

#include <strata/detail/fence.hpp>
#include <strata/detail/fork.hpp>
#include <strata/detail/ledger.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

enum class report_style : std::uint8_t { stop, count };

// What code does wrong; the names are in strata/detail/support.hpp: double_free, foreign_free,
// interior_free, wrong_size, overflow, underflow, and still_in_use for a leak that exception_loop
// found.
using test_fault = detail::misuse;

struct test_resource_options {
  report_style style = report_style::stop;
  const char* name = "test_resource";  // in messages; outlives the resource
};

class STRATA_RESOURCES_API test_resource {
 public:
  using options = test_resource_options;
  static constexpr std::uint64_t no_limit = UINT64_MAX;

  test_resource() : test_resource(options()) {}
  explicit test_resource(options chosen) : test_resource(std::pmr::new_delete_resource(), chosen) {}
  explicit test_resource(std::pmr::memory_resource* upstream, options chosen = {});
  test_resource(const test_resource&) = delete;
  test_resource& operator=(const test_resource&) = delete;
  ~test_resource();

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept;

  // So many allocations more succeed; those after them are refused.
  void limit_allocations(std::uint64_t more) noexcept;
  [[nodiscard]] std::uint64_t allocations_left() const noexcept;
  // Refused at a limit, since that was set.
  [[nodiscard]] std::uint64_t refused() const noexcept;

  // What was found and counted.
  [[nodiscard]] std::size_t faults() const noexcept;
  [[nodiscard]] std::size_t faults(test_fault kind) const noexcept;
  void forget_faults() noexcept;

  // In all: successful ones, and bytes as they were asked for.
  [[nodiscard]] std::uint64_t allocations() const noexcept;
  [[nodiscard]] std::size_t live_blocks() const noexcept;
  [[nodiscard]] std::size_t live_bytes() const noexcept;
  // What is live, and the oldest of it, to stderr.
  void report() const noexcept;

  // In a live block.
  [[nodiscard]] bool owns(const void* address) const noexcept;
  [[nodiscard]] resource_statistics statistics() const noexcept;
  // Looks at the pads of all live blocks. A fault is stopped for or counted, each time.
  void verify() const;
  template <class Visit>
  void each_region(Visit visit) const;

  // exception_loop's: the oldest block that is live and has this number or a later one.
  struct leak {
    std::size_t blocks = 0;  // 0: none leaked
    std::size_t bytes = 0;
    const void* first = nullptr;
    std::size_t first_bytes = 0;
    std::uint64_t first_allocation = 0;  // its number in the run, from 1
  };
  [[nodiscard]] leak leaked_since(std::uint64_t last_number, std::size_t live_blocks,
                                  std::size_t live_bytes) const noexcept;
  // Counts it, or stops: allocation `failed` of a run failed, and this leaked.
  void fault_leak(const leak& found, std::uint64_t failed) noexcept;

 private:
  using entry = detail::ledger::entry;

  static constexpr std::size_t lead_bytes(std::size_t alignment) {
    return alignment < detail::fence_bytes ? detail::fence_bytes : alignment;
  }
  static constexpr std::size_t room_of(const entry& one) { return one.bytes == 0 ? 1 : one.bytes; }
  static constexpr std::size_t whole_bytes(std::size_t room, std::size_t alignment) {
    return lead_bytes(alignment) + room + detail::fence_bytes;
  }
  void fault(test_fault kind, const void* address, std::size_t bytes) const noexcept;
  void check_pads(const entry& one) const noexcept;
  void give_back(entry& one) noexcept;

  options chosen_;
  std::pmr::memory_resource* upstream_;
  mutable detail::fork_safe<std::mutex> mutex_;  // guards all that follows
  detail::ledger ledger_;
  std::uint64_t left_ = no_limit;
  std::uint64_t refused_ = 0;
  std::size_t held_bytes_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t peak_used_bytes_ = 0;
  mutable std::array<std::size_t, 16> faults_{};
};

template <class Visit>
void test_resource::each_region(Visit visit) const {
  std::lock_guard hold(mutex_);
  ledger_.each([&](const entry& one) {
    std::size_t lead = lead_bytes(one.alignment());
    visit(region{detail::pointer_to(one.address - lead), lead, region_kind::overhead});
    visit(region{detail::pointer_to(one.address), room_of(one), region_kind::live});
    visit(region{detail::pointer_to(one.address + room_of(one)), detail::fence_bytes,
                 region_kind::overhead});
  });
}

struct exception_loop_result {
  std::uint64_t runs = 0;  // the last one had all the memory that it asked for
  // The run that leaked, where one did; it was the last.
  std::uint64_t failed_allocation =
      0;  // this allocation of it was refused, counted from 1; 0: none leaked
  test_resource::leak leaked;

  [[nodiscard]] bool passed() const { return failed_allocation == 0; }
};

// Runs code() again and again, with one allocation more each time. See the head of this file.
template <class Code>
exception_loop_result exception_loop(test_resource& memory, Code code) {
  exception_loop_result result;
  detail::undo unlimited([&] { memory.limit_allocations(test_resource::no_limit); });
  while (true) {
    std::uint64_t last_number = memory.allocations();
    std::size_t blocks = memory.live_blocks();
    std::size_t bytes = memory.live_bytes();
    memory.limit_allocations(result.runs);
    ++result.runs;
    try {
      code();
    } catch (...) {
      if (memory.refused() == 0) throw;
    }
    memory.verify();
    if (memory.refused() == 0) return result;
    result.leaked = memory.leaked_since(last_number, blocks, bytes);
    if (result.leaked.blocks != 0) {
      result.failed_allocation = result.runs;
      memory.fault_leak(result.leaked, result.failed_allocation);
      return result;
    }
  }
}
template <class Code>
exception_loop_result exception_loop(as_pmr<test_resource>& memory, Code code) {
  return exception_loop(*memory, std::move(code));
}

}  // namespace strata
