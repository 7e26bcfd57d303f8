// What the contenders of `./dev bench stacks` share: what each fiber does, in which order they run,
// and what is measured.
//
//   PROGRAM --list                         the contenders in this program, one a line
//   PROGRAM CONTENDER FIBERS STACK_BYTES   lives the life below; prints a figure a line
//
// All do the same, on one thread:
//
//   create   each fiber begins, fills a kilobyte of its stack, and waits; then memory is read
//   few      the first 64 pass the turn around
//   ring     all pass the turn around, in the order in which they were made
//   random   all pass the turn around, in an order that leaps
//   end      each fiber finds its kilobyte as it was, and ends
//   again    all that were ended are created again: are stacks reused? And they end
//
// A switch is: one fiber stops, the next goes on.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <vector>

namespace crowd {

inline constexpr std::size_t used_bytes = 1024;
inline constexpr std::uint32_t most_few = 64;
inline constexpr std::uint32_t turns_of_all = 3;
inline constexpr std::uint32_t waves = 1024;

struct plan {
  std::uint32_t fibers = 0;
  std::size_t stack_bytes = 0;

  [[nodiscard]] std::uint32_t few() const { return fibers < most_few ? fibers : most_few; }
  // Enough to be timed, and less where a test only wants to see that all works.
  [[nodiscard]] std::uint32_t turns_of_few() const { return fibers < 100'000 ? 1000 : 100'000; }
};

// The random order is one of waves: fibers that are far apart, wave after wave. Schedulers that
// only know first in, first out can be brought to it, too.
inline std::uint32_t wave_of(std::uint32_t number) {
  return (number * 2654435769u) >> 22;  // Knuth's multiplicative hash
}
static_assert(waves == 1u << (32 - 22));

// What a fiber keeps on its stack while it waits.
class belongings {
 public:
  explicit belongings(std::uint32_t number) : number_(number) {
    for (std::uint32_t& word : words_) word = number;
    __asm__ volatile("" : : "r"(words_.data()) : "memory");
  }
  [[nodiscard]] bool are_whole() const {
    __asm__ volatile("" : : "r"(words_.data()) : "memory");
    for (std::uint32_t word : words_) {
      if (word != number_) return false;
    }
    return true;
  }

 private:
  std::uint32_t number_;
  std::array<std::uint32_t, used_bytes / sizeof(std::uint32_t)> words_;
};

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "wrong result: %s\n", what);
  std::exit(1);
}
inline void expect(bool holds, const char* what) {
  if (!holds) fail(what);
}

class stopwatch {
 public:
  void restart() { start_ = std::chrono::steady_clock::now(); }
  [[nodiscard]] double ns_each(std::size_t count) const {
    std::chrono::duration<double, std::nano> passed = std::chrono::steady_clock::now() - start_;
    return passed.count() / static_cast<double>(count);
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct memory {
  double resident_bytes = 0;
  double table_bytes = 0;
  double mappings = 0;
};

// Reads without the heap: a contender may have come to its limit of mappings.
inline memory memory_now() {
  memory now;
  static char text[1 << 16];
  if (std::FILE* status = std::fopen("/proc/self/status", "r")) {
    while (std::fgets(text, sizeof text, status) != nullptr) {
      std::string_view line = text;
      if (line.starts_with("VmRSS:")) now.resident_bytes = std::strtod(text + 6, nullptr) * 1024;
      if (line.starts_with("VmPTE:")) now.table_bytes = std::strtod(text + 6, nullptr) * 1024;
    }
    std::fclose(status);
  }
  if (std::FILE* maps = std::fopen("/proc/self/maps", "r")) {
    while (std::fgets(text, sizeof text, maps) != nullptr) ++now.mappings;
    std::fclose(maps);
  }
  return now;
}

inline void tell(const char* key, double value) { std::printf("%s %.2f\n", key, value); }
inline void tell_created(std::size_t made, const plan& asked, double create_ns,
                         const memory& before) {
  memory now = memory_now();
  auto each = static_cast<double>(made);
  tell("fibers", each);
  tell("asked", static_cast<double>(asked.fibers));
  tell("create_ns", create_ns);
  tell("total_bytes", now.resident_bytes);
  tell("resident_bytes", (now.resident_bytes - before.resident_bytes) / each);
  tell("table_bytes", (now.table_bytes - before.table_bytes) / each);
  tell("mappings", now.mappings);
}

struct contender {
  const char* name;
  void (*live)(const plan& asked);
};

inline int run(std::span<const contender> contenders, int count, char** words) {
  if (count == 2 && std::strcmp(words[1], "--list") == 0) {
    for (const contender& one : contenders) std::puts(one.name);
    return 0;
  }
  for (const contender& one : contenders) {
    if (count != 4 || std::strcmp(words[1], one.name) != 0) continue;
    plan asked{static_cast<std::uint32_t>(std::strtoul(words[2], nullptr, 10)),
               std::strtoul(words[3], nullptr, 10)};
    if (asked.fibers == 0 || asked.stack_bytes == 0) break;
    one.live(asked);
    return 0;
  }
  std::fprintf(stderr, "usage: %s --list | CONTENDER FIBERS STACK_BYTES\n", words[0]);
  return 2;
}

}  // namespace crowd
