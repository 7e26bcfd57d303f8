// A thread's few large blocks that were freed and may be asked for again: what goes in and out of here
// needs no lock, no system call, and no page fault.
//
//   slots_    [5] -> run of 5 pages    [6] null    [7] -> run of 7 pages   ...  [64]
//
// One block a length in pages, up to 64 pages and 1 MiB in all. It lets go of everything once a second,
// and when the thread ends or falls idle; other threads may empty it at any time, so each change of
// hands is one atomic exchange. A block in it waits: the page map still tells of it, so that a second
// free of it is seen as one.
#pragma once

#include <atomic>
#include <cstddef>

#include "base/bits.hpp"

namespace strata::alloc {

struct large;

class large_cache {
 public:
  // A block of so many pages, live from here on; null when there is none. The owner calls.
  large* take(std::size_t pages);
  // Keeps a block that is freed; false: it is the caller's still. The owner calls.
  bool keep(large* freed);
  // Gives everything back. Any thread.
  void release_all();

  [[nodiscard]] std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t most_pages = 64;
  static constexpr std::size_t most_bytes = 1 * base::MiB;

  // The block of a slot, now the caller's; null when there is none.
  large* take_out(std::atomic<large*>& slot);

  std::atomic<large*> slots_[most_pages + 1] = {};
  std::atomic<std::size_t> bytes_{0};  // relaxed: it bounds, and guards nothing
};

}  // namespace strata::alloc
