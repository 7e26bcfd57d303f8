// The histogram of pauses: four buckets a doubling.
//
//   bucket of ns = 4 * log2(ns) + the two bits behind its highest; below 4 ns, ns: 4 to 7 are never used
#include <algorithm>
#include <bit>

#include "strata/gc/heap.hpp"

namespace strata::gc {
namespace {

std::size_t bucket_of(std::uint64_t ns) {
  if (ns < 4) return static_cast<std::size_t>(ns);
  auto log = static_cast<unsigned>(std::bit_width(ns)) - 1;
  std::size_t bucket = 4 * log + ((ns >> (log - 2)) & 3);
  return bucket < pause_histogram::bucket_count ? bucket : pause_histogram::bucket_count - 1;
}

}  // namespace

std::uint64_t pause_histogram::end_ns(std::size_t bucket) {
  if (bucket < 8) return bucket < 4 ? bucket : 3;
  auto log = static_cast<unsigned>(bucket / 4);
  return ((5 + bucket % 4) << (log - 2)) - 1;
}

void pause_histogram::add(std::uint64_t ns) {
  ++buckets_[bucket_of(ns)];
  ++count_;
  total_ns_ += ns;
  if (ns > longest_ns_) longest_ns_ = ns;
}

std::uint64_t pause_histogram::quantile_ns(double share) const {
  auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    below += buckets_[bucket];
    if (below > wanted || below == count_) {
      return end_ns(bucket) < longest_ns_ ? end_ns(bucket) : longest_ns_;
    }
  }
  return longest_ns_;
}

pause_histogram pause_histogram::since(const pause_histogram& earlier) const {
  pause_histogram later;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    later.buckets_[bucket] = buckets_[bucket] - earlier.buckets_[bucket];
    if (later.buckets_[bucket] != 0) later.longest_ns_ = std::min(end_ns(bucket), longest_ns_);
  }
  later.count_ = count_ - earlier.count_;
  later.total_ns_ = total_ns_ - earlier.total_ns_;
  return later;
}

}  // namespace strata::gc
