#include "alloc/depot.hpp"

#include <bit>
#include <cstring>

namespace strata::alloc {
namespace {

constexpr std::size_t most_bytes = 256 * base::KiB;  // of one class

constinit depot depots[ground::class_count];

}  // namespace

depot& depot_of(std::size_t number) { return depots[number]; }

void set_up_depots() {
  for (std::size_t number = 1; number < ground::class_count; ++number)
    depots[number].set_up(number);
}

void depot::set_up(std::size_t number) {
  std::size_t batch_bytes = batch_of(number) * ground::class_bytes(number);
  std::size_t shelves = base::larger(2, base::smaller(most_shelves, most_bytes / batch_bytes));
  all_ = (1U << shelves) - 1;
  empty_.store(all_, std::memory_order_relaxed);
}

std::size_t depot::claim(std::atomic<std::uint32_t>& word) {
  std::uint32_t seen = word.load(std::memory_order_relaxed);
  while (seen != 0) {
    std::uint32_t bit = seen & (~seen + 1);
    // acquire: pairs with the release that set the bit, so that the shelf is seen as it was left.
    seen = word.fetch_and(~bit, std::memory_order_acquire);
    if ((seen & bit) != 0) return static_cast<std::size_t>(std::countr_zero(bit));
    seen &= ~bit;
  }
  return most_shelves;
}

bool depot::put(const ground::entry* batch, std::size_t count) {
  // relaxed: the allowance is a guide; a batch more or less does no harm.
  if (batches() >= allowed_.load(std::memory_order_relaxed)) return false;
  std::size_t at = claim(empty_);
  if (at == most_shelves) return false;
  shelves_[at].count = count;
  std::memcpy(shelves_[at].blocks, batch, count * sizeof(ground::entry));
  // A fork in the middle of this may have made the shelf look empty in the child.
  empty_.fetch_and(~(1U << at), std::memory_order_relaxed);
  full_.fetch_or(1U << at, std::memory_order_release);
  return true;
}

std::size_t depot::take(ground::entry* into) {
  std::uint32_t allowed = allowed_.load(std::memory_order_relaxed);
  if (allowed < most_shelves) allowed_.store(allowed + 1, std::memory_order_relaxed);
  return remove(into);
}

std::size_t depot::remove(ground::entry* into) {
  std::size_t at = claim(full_);
  if (at == most_shelves) return 0;
  std::size_t count = shelves_[at].count;
  std::memcpy(into, shelves_[at].blocks, count * sizeof(ground::entry));
  empty_.fetch_or(1U << at, std::memory_order_release);
  return count;
}

std::size_t depot::trim() {
  auto allowed = static_cast<std::uint32_t>(
      base::larger(least_allowed, allowed_.load(std::memory_order_relaxed) / 2));
  allowed_.store(allowed, std::memory_order_relaxed);
  std::size_t held = batches();
  return held > allowed ? held - allowed : 0;
}

std::size_t depot::batches() const {
  return static_cast<std::size_t>(std::popcount(full_.load(std::memory_order_relaxed)));
}

std::size_t depot::held() const {
  std::size_t blocks = 0;
  std::uint32_t full = full_.load(std::memory_order_acquire);
  for (std::size_t at = 0; at < most_shelves; ++at) {
    if ((full >> at) & 1) blocks += shelves_[at].count;
  }
  return blocks;
}

void depot::reset_in_child() {
  empty_.store(all_ & ~full_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

}  // namespace strata::alloc
