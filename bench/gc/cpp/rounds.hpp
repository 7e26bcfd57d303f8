// A case of a benchmark that is timed once in each round, in turns with the others; and the line that it prints.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench.hpp"

namespace bench {

class rounds {
 public:
  explicit rounds(const char* name) : name_(name) {}
  void add(std::int64_t ns, std::size_t operations) {
    ns_each_.push_back(static_cast<double>(ns) / static_cast<double>(operations));
  }
  // What `once` takes, which does so many operations.
  template <class Once>
  void time(std::size_t operations, Once&& once) {
    std::int64_t began = now_ns();
    once();
    add(now_ns() - began, operations);
  }
  static void print_head() {
    std::printf("%-18s %6s %6s %6s\n", "ns each", "least", "median", "most");
  }
  void print() {
    std::sort(ns_each_.begin(), ns_each_.end());
    std::printf("%-18s %6.2f %6.2f %6.2f\n", name_, ns_each_.front(), ns_each_[ns_each_.size() / 2],
                ns_each_.back());
  }

 private:
  const char* name_;
  std::vector<double> ns_each_;
};

// The only argument, if there is one: how many rounds.
inline unsigned parse_rounds(int argc, char** argv) {
  long chosen = argc == 2 ? std::strtol(argv[1], nullptr, 10) : 9;
  if (argc <= 2 && chosen > 0 && chosen <= 1'000'000) return static_cast<unsigned>(chosen);
  std::fprintf(stderr, "usage: %s [ROUNDS]\n", argv[0]);
  std::exit(2);
}

}  // namespace bench
