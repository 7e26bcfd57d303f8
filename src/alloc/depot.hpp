// The depot: batches of cached blocks on their way from threads that free to threads that allocate,
// handed over without a lock.
//
//   full_    0 0 1 0 1 0 ..   bit i: shelf i holds a batch, which whoever clears the bit owns
//   empty_   1 1 0 0 0 1 ..   bit i: shelf i is empty, and whoever clears the bit may fill it
//
// A shelf with neither bit is in somebody's hands. Every change of hands is one atomic operation on
// a word, so there is nothing to be confused by reuse (no ABA). A thread that is stopped for ever
// between the two operations loses one batch, nothing else.
//
// What the depot may hold follows demand: every take, also one in vain, allows one batch more, and
// every trim halves the allowance. A class that is only freed to keeps little here, because each block
// in the depot pins its span.
//
// The idea of whole magazines changing hands is Bonwick and Adams', 2001 (vmem and magazines).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ground/address_map.hpp"
#include "ground/size_class.hpp"

namespace strata::alloc {

inline constexpr std::size_t most_batch = 32;  // blocks in a batch

// How many blocks a batch of the class has at most.
constexpr std::size_t batch_of(std::size_t number) {
  if (number == 0) return 1;
  std::size_t by_bytes = 32 * base::KiB / ground::class_bytes(number);
  return base::larger(2, base::smaller(most_batch, by_bytes));
}

class depot {
 public:
  void set_up(std::size_t number);

  // Copies the batch in; false when the depot holds what it may.
  bool put(const ground::entry* batch, std::size_t count);
  // Copies a batch out, at most most_batch blocks; 0 when there is none.
  std::size_t take(ground::entry* into);
  // The same, but for giving the blocks back to their spans: not a sign of demand.
  std::size_t remove(ground::entry* into);

  // Halves the allowance; returns how many batches are above it.
  std::size_t trim();

  // Blocks held; exact when nobody is putting or taking.
  [[nodiscard]] std::size_t held() const;
  [[nodiscard]] std::size_t batches() const;

  // In a forked child: batches that were in other threads' hands are lost, their shelves not.
  void reset_in_child();

 private:
  static constexpr std::size_t most_shelves = 16;
  static constexpr std::uint32_t least_allowed = 1;

  struct shelf {
    std::size_t count;
    ground::entry blocks[most_batch];
  };

  // Claims one of the bits of the word for the caller; most_shelves when there is none.
  static std::size_t claim(std::atomic<std::uint32_t>& word);

  std::atomic<std::uint32_t> full_{0};
  std::atomic<std::uint32_t> empty_{0};
  std::atomic<std::uint32_t> allowed_{least_allowed};  // batches
  std::uint32_t all_ = 0;
  shelf shelves_[most_shelves] = {};
};

depot& depot_of(std::size_t number);
void set_up_depots();

}  // namespace strata::alloc
