#include "alloc/depot.hpp"

#include "base/numbered.hpp"
#include "ground/metadata.hpp"

namespace strata::alloc {
namespace {

constinit auto depots = base::numbered<depot, ground::number_count>();
constinit batch_stack empty_batches;

}  // namespace

batch* take_empty_batch() {
  batch* one = empty_batches.pop();
  return one != nullptr ? one : ground::metadata::make<batch>();
}
void give_empty_batch(batch* empty) { empty_batches.push(empty); }

depot& depot_of(std::size_t number) { return depots[number]; }

batch* depot::take(const void* by) {
  batch* one = remove();
  if (one != nullptr) {
    auto left = static_cast<std::uint32_t>(batches());
    if (left < lowest_.load(std::memory_order_relaxed)) {
      lowest_.store(left, std::memory_order_relaxed);
    }
    return one;
  }
  lowest_.store(0, std::memory_order_relaxed);
  std::uint32_t refused = refused_.load(std::memory_order_relaxed);
  std::uint32_t allowed = allowed_.load(std::memory_order_relaxed);
  if (refused != 0 && allowed < most_allowed_ &&
      refused_to_.load(std::memory_order_relaxed) != by) {
    refused_.store(refused - 1, std::memory_order_relaxed);
    allowed_.store(allowed + 1, std::memory_order_relaxed);
  }
  return nullptr;
}

void depot::note_refused(const void* by) {
  refused_to_.store(by, std::memory_order_relaxed);
  refused_.fetch_add(1, std::memory_order_relaxed);
}

std::size_t depot::trim() {
  auto held = static_cast<std::uint32_t>(batches());
  std::uint32_t refused = refused_.load(std::memory_order_relaxed);
  std::uint32_t allowed = allowed_.load(std::memory_order_relaxed);
  // Nothing to forget: most depots are never used, and their memory is not to be written.
  if (held == 0 && refused == 0 && allowed == least_allowed) return 0;
  std::uint32_t unused = lowest_.load(std::memory_order_relaxed);
  if (unused > held) unused = held;
  lowest_.store(held - unused, std::memory_order_relaxed);
  // An eighth goes in any case, so that an allowance that serves nobody does not stay.
  std::uint32_t less = unused + (allowed + 7) / 8;
  allowed_.store(allowed > least_allowed + less ? allowed - less : least_allowed,
                 std::memory_order_relaxed);
  refused_.store(refused / 2, std::memory_order_relaxed);
  return unused;
}

std::size_t depot::held() const {
  std::size_t blocks = 0;
  stack_.each([&blocks](const batch& one) { blocks += one.count; });
  return blocks;
}

}  // namespace strata::alloc
