// The direct memory of a heap (include/strata/gc/direct.hpp).
//
//   live --object dies, at a collection--> due --> freed        by the next allocation that needs room,
//     | release                             ^                   and by heap::run_cleaners
//     v                                     | last lease ends
//   released ---- no lease: freed ----> leased, and nobody's
//
//   used_bytes_ = what is charged of all blocks whose memory is not freed <= limit_
//   soft_limit_ = twice what the last full collection has left, an eighth of the limit at least: who passes
//                 it collects, so that small objects with much memory behind them are paced by the latter
//
// Up to 32 KiB come from chunks, more from the system. One lock guards all; nobody who holds it allocates
// in the heap.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "gc/chunks.hpp"
#include "gc/row.hpp"
#include "gc/weak_table.hpp"
#include "strata/gc/direct.hpp"

namespace strata::gc {

class direct_space;

struct detail::direct_block {
  direct_space* owner = nullptr;
  std::byte* data = nullptr;     // null once freed
  std::size_t charged = 0;       // bytes
  direct_block* next = nullptr;  // that nobody uses
  std::uint32_t leases = 0;
  bool released = false;   // by the program: freed with the last lease
  bool abandoned = false;  // no object knows it any more: it goes with its memory
};

class direct_space final : public weak_table {
 public:
  using block = detail::direct_block;

  direct_space() = default;
  ~direct_space();
  // Before the first buffer; false when the system refuses. limit: of bytes.
  bool open(std::size_t limit, std::size_t most_buffers);

  // Null when that would pass the limit: the soft one, or the hard one.
  enum class within { soft_limit, limit };
  block* take(std::size_t bytes, within which);
  void adopt(block* taken, void* object);
  void release(block* of);
  void forget(block* of);
  void lease(block* of);
  void end_lease(block* of);
  // Frees the memory of dead buffers; returns of how many.
  std::size_t free_due();
  // Until somebody has freed memory, but not for longer.
  void wait(std::uint64_t ms);

  direct_statistics statistics();
  void finish(const survivors& of, collected what) override;

 private:
  struct entry {
    void* object;
    block* of;
  };
  static constexpr std::size_t most_chunk_bytes = 32 * base::KiB;

  static std::size_t charge_for(std::size_t bytes);
  std::byte* take_memory(std::size_t charged);
  void free_memory(block& of);
  void free_if_idle(block& of);
  block* take_block();
  void finish(row<entry>& entries, const survivors& of);

  std::mutex lock_;
  std::condition_variable freed_;
  std::uint64_t frees_ = 0;
  chunks chunks_;
  std::size_t limit_ = 0;
  std::size_t soft_limit_ = 0;
  std::size_t used_bytes_ = 0;
  row<entry> young_;
  row<entry> old_;
  row<block*> due_;
  row<block> blocks_;  // all there ever were at once
  block* unused_ = nullptr;
  direct_statistics statistics_;
};

}  // namespace strata::gc
