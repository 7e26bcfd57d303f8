// The depot: batches of cached blocks of one class on their way from threads that free to threads
// that allocate, handed over without a lock (batch_stack.hpp). What a thread itself soon wants back does
// not come here but stays in its stash (stash.hpp).
//
// What it may hold follows reuse. A batch that it refuses goes back to its spans; a batch that it is
// asked for in vain comes from them. Where one thread was refused and another then asks the depot was
// too small, and each such pair allows one batch more. Demand alone allows nothing: a program that only
// grows, or only shrinks, keeps little here, because each block in the depot pins its span. Nor does
// the demand of the thread that was refused: a wave of its own blocks is better put in order by their
// spans, from which they come back side by side, than handed back as it came. What nobody took since
// the last trim goes back, and is allowed no longer.
//
// The idea of whole magazines changing hands, and of the working set that sizes the depot, is Bonwick
// and Adams', 2001 (vmem and magazines).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "alloc/batch_stack.hpp"
#include "ground/size_class.hpp"

namespace strata::alloc {

// How many blocks a batch of the class has at most.
constexpr std::size_t batch_of(std::size_t number) {
  if (number == 0) return 1;
  std::size_t by_bytes = 16 * base::KiB / ground::class_bytes(number);
  return base::larger(2, base::smaller(most_batch, by_bytes));
}

// How many batches go to or come from the bin in one visit: a visit has a cost of its own, and blocks
// that come in one are neighbours more often.
inline constexpr std::size_t most_visit = 16;
constexpr std::size_t batches_a_visit(std::size_t number) {
  if (number == 0) return 1;
  std::size_t by_bytes = 64 * base::KiB / (batch_of(number) * ground::class_bytes(number));
  return base::larger(1, base::smaller(most_visit, by_bytes));
}

class alignas(base::cache_line_bytes) depot {
 public:
  explicit constexpr depot(std::size_t number)
      : most_allowed_(static_cast<std::uint32_t>(most_bytes / batch_bytes(number))),
        slack_(static_cast<std::uint32_t>(batches_a_visit(number) - 1)) {}

  // Whether it may hold one batch more.
  [[nodiscard]] bool has_room() const {
    return batches() < allowed_.load(std::memory_order_relaxed) + slack_;
  }
  void put(batch* full) { stack_.push(full); }
  // A batch, now the caller's; null when there is none. by: whoever asks, a thread's own address.
  batch* take(const void* by);
  // The same, but for giving the blocks back to their spans: not a sign of demand.
  batch* remove() { return stack_.pop(); }
  // Tells that a batch of `by` went back to its spans for want of room.
  void note_refused(const void* by);

  // Returns how many batches nobody took since the last trim: the caller removes them.
  std::size_t trim();

  // Blocks held; exact when nobody is putting or taking.
  [[nodiscard]] std::size_t held() const;
  [[nodiscard]] std::size_t batches() const { return stack_.depth(); }

 private:
  static constexpr std::uint32_t least_allowed = 1;
  static constexpr std::size_t most_bytes = 4 * base::MiB;
  static constexpr std::size_t batch_bytes(std::size_t number) {
    return base::larger(1, batch_of(number) * ground::class_bytes(number));
  }

  batch_stack stack_;
  // relaxed, all: they guide; a batch more or less does no harm.
  std::atomic<std::uint32_t> allowed_{least_allowed};
  std::atomic<std::uint32_t> refused_{0};  // and not asked for since
  std::atomic<const void*> refused_to_{nullptr};
  std::atomic<std::uint32_t> lowest_{0};  // batches held since the last trim, at the least
  std::uint32_t most_allowed_;
  std::uint32_t slack_;  // so many more are taken before a visit to the bin
};

// An empty batch; null when there is no memory.
batch* take_empty_batch();
void give_empty_batch(batch* empty);

depot& depot_of(std::size_t number);

}  // namespace strata::alloc
