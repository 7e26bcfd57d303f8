#include "alloc/live.hpp"

#include <atomic>
#include <bit>

#include "alloc/thread_cache.hpp"
#include "base/check.hpp"
#include "ground/options.hpp"
#include "os/process.hpp"

namespace strata::alloc::live {
namespace {

constexpr std::int64_t publish_bytes = 64 * 1024;

constinit std::uint64_t start_ns = 0;
constinit std::atomic<std::int64_t> total{0};
constinit std::atomic<std::int64_t> peak{0};
constinit std::atomic<std::uint64_t> failure_count{0};

void publish(std::int64_t change) {
  std::int64_t now = total.fetch_add(change, std::memory_order_relaxed) + change;
  std::int64_t highest = peak.load(std::memory_order_relaxed);
  while (now > highest && !peak.compare_exchange_weak(highest, now, std::memory_order_relaxed)) {
  }
}

void change_live(counters* counts, std::int64_t bytes) {
  counts->unpublished += bytes;
  if (counts->unpublished < publish_bytes && counts->unpublished > -publish_bytes) return;
  publish(counts->unpublished);
  counts->unpublished = 0;
}

}  // namespace

void note_start() { start_ns = os::monotonic_ns(); }
std::uint64_t started_ns() { return start_ns; }

void count_allocation(thread_cache* cache, std::size_t number, std::size_t requested,
                      std::size_t usable) {
  counters* counts = cache == nullptr ? nullptr : cache->counts();
  if (STRATA_LIKELY(counts == nullptr)) return;
  ++counts->allocations[ground::class_of_number(number)];
  counts->requested[ground::class_of_number(number)] += requested;
  std::size_t bucket = requested <= 1 ? 0 : static_cast<std::size_t>(std::bit_width(requested - 1));
  ++counts->histogram[base::smaller(bucket, histogram_size - 1)];
  if (number == large_kind) counts->large_allocated_bytes += usable;
  change_live(counts, static_cast<std::int64_t>(usable));
}

void count_free(thread_cache* cache, std::size_t number, std::size_t usable) {
  count_frees(cache, number, 1, usable);
}

void count_frees(thread_cache* cache, std::size_t number, std::size_t blocks, std::size_t usable) {
  counters* counts = cache == nullptr ? nullptr : cache->counts();
  if (STRATA_LIKELY(counts == nullptr)) return;
  counts->frees[ground::class_of_number(number)] += blocks;
  if (number == large_kind) counts->large_freed_bytes += usable;
  change_live(counts, -static_cast<std::int64_t>(usable));
}

void settle(counters& counts) {
  publish(counts.unpublished);
  counts.unpublished = 0;
}

void count_failure() { failure_count.fetch_add(1, std::memory_order_relaxed); }

std::uint64_t peak_bytes() {
  std::int64_t highest = peak.load(std::memory_order_relaxed);
  std::int64_t now = total.load(std::memory_order_relaxed);
  std::int64_t most = highest > now ? highest : now;
  return most > 0 ? static_cast<std::uint64_t>(most) : 0;
}

std::uint64_t failures() { return failure_count.load(std::memory_order_relaxed); }

}  // namespace strata::alloc::live
