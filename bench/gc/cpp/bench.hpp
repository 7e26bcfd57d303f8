// What the C++ contenders of `./dev bench gc` share with those in Java and Go: random numbers, checksums,
// the histogram of operations, and the order of a run.
//
//   CONTENDER WORKLOAD SIZE COUNT ...     what follows is the contender's
//
// A run prepares, passes through the work once to warm up, and once more to be measured. It prints a
// figure a line: checksum, wall_ns and cpu_ns of the second pass, how long its operations took, and how
// long the collector stopped the threads meanwhile. When there is no memory left it prints one line that
// says so, and ends with status 1; with 2 after wrong arguments.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>

namespace bench {

// Numbers that look random and are the same in every run and language (Marsaglia's xorshift64).
class draw {
 public:
  explicit draw(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // In [0, bound); bound is less than 2^31.
  std::size_t below(std::size_t bound) { return (next() >> 32) * bound >> 32; }

 private:
  std::uint64_t state_;
};

class checksum {
 public:
  void add(std::int64_t value) { sum_ = sum_ * 31 + static_cast<std::uint64_t>(value); }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }

 private:
  std::uint64_t sum_ = 0;
};

inline std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
inline std::int64_t cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

// Times in 32 buckets a doubling: what is read from it is right to a thirty-second.
//
//   ns < 64    bucket = ns
//   otherwise  bucket = 32 * shift + (ns >> shift), where ns >> shift is from 32 to 63
class histogram {
 public:
  void add(std::int64_t ns) {
    auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
    auto shift =
        static_cast<std::uint64_t>(std::max(static_cast<int>(std::bit_width(value)) - 6, 0));
    ++buckets_[32 * shift + (value >> shift)];
    ++count_;
    total_ns_ += value;
    longest_ns_ = std::max(longest_ns_, value);
  }
  void add(const histogram& other) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    total_ns_ += other.total_ns_;
    longest_ns_ = std::max(longest_ns_, other.longest_ns_);
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // The time that `share` of all don't exceed.
  [[nodiscard]] std::uint64_t quantile_ns(double share) const {
    auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::uint64_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > wanted) return std::min(end_of(i), longest_ns_);
    }
    return longest_ns_;
  }
  // NAME_count, NAME_p50_ns and so on.
  void print(const char* name) const {
    std::printf("%s_count %llu\n", name, static_cast<unsigned long long>(count_));
    std::printf("%s_total_ns %llu\n", name, static_cast<unsigned long long>(total_ns_));
    for (auto [label, share] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}})
      std::printf("%s_%s_ns %llu\n", name, label,
                  static_cast<unsigned long long>(quantile_ns(share)));
    std::printf("%s_max_ns %llu\n", name, static_cast<unsigned long long>(longest_ns_));
  }

 private:
  static std::uint64_t end_of(std::uint64_t bucket) {
    if (bucket < 64) return bucket;
    std::uint64_t shift = bucket / 32 - 1;
    return ((bucket - 32 * shift + 1) << shift) - 1;
  }

  std::array<std::uint64_t, std::size_t{60} * 32> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t total_ns_ = 0;
  std::uint64_t longest_ns_ = 0;
};

// Operations one after the other: the end of each is the beginning of the next.
class stopwatch {
 public:
  explicit stopwatch(histogram& into) : into_(into), last_ns_(now_ns()) {}
  void lap() {
    std::int64_t now = now_ns();
    into_.add(now - last_ns_);
    last_ns_ = now;
  }

 private:
  histogram& into_;
  std::int64_t last_ns_;
};

struct arguments {
  const char* workload;
  std::size_t size;
  std::size_t count;
  char** rest;  // null at its end
};

[[noreturn]] inline void wrong_usage(const char* rest) {
  std::fprintf(stderr, "usage: WORKLOAD SIZE COUNT %s\n", rest);
  std::exit(2);
}
[[noreturn]] inline void out_of_memory() {
  std::fprintf(stderr, "out of memory\n");
  std::_Exit(1);
}

inline arguments parse(int argc, char** argv, int more, const char* usage) {
  if (argc != 4 + more) wrong_usage(usage);
  std::int64_t size = std::atoll(argv[2]);
  std::int64_t count = std::atoll(argv[3]);
  if (size <= 0 || count <= 0) wrong_usage(usage);
  return {argv[1], static_cast<std::size_t>(size), static_cast<std::size_t>(count), argv + 4};
}

// Memory: see plain.hpp. Work: constructor prepares, pass() does the work, drop() releases what is by hand.
template <class Memory, template <class> class Work>
void run(typename Memory::mutator& self, typename Memory::heap& heap, const arguments& chosen) {
  Work<Memory> work{heap, self, chosen.size, chosen.count};
  histogram operations;
  checksum result;
  result.add(static_cast<std::int64_t>(work.pass(self, operations)));
  operations = {};
  heap.begin_measuring(self);
  std::int64_t wall = now_ns();
  std::int64_t cpu = cpu_ns();
  result.add(static_cast<std::int64_t>(work.pass(self, operations)));
  cpu = cpu_ns() - cpu;
  wall = now_ns() - wall;
  work.drop(self);
  std::printf("checksum %016llx\n", static_cast<unsigned long long>(result.sum()));
  std::printf("wall_ns %lld\ncpu_ns %lld\n", static_cast<long long>(wall),
              static_cast<long long>(cpu));
  operations.print("operation");
  heap.print_measured(self);
}

}  // namespace bench
