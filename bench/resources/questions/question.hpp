// What the programs of `./dev bench resources` share. Each answers one question: it has loads, and
// contenders that do the same work.
//
//   PROGRAM --list                    prints a line `LOAD CONTENDER` for each pair
//   PROGRAM LOAD CONTENDER [ROUNDS]   does the work once; prints only what went wrong
//
// A contender is a type. A load is a function template over it, so that each pair is compiled as a user
// would write it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace question {

struct answer {
  const char* load;
  const char* contender;
  void (*run)(std::size_t rounds);
  std::size_t rounds;
};

// Keeps a value, and what it points to, from being optimised away.
template <class T>
void use(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "wrong result: %s\n", what);
  std::exit(1);
}

// Numbers that look random and are the same in every run (Marsaglia's xorshift64).
class draw {
 public:
  explicit draw(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>((*this)()) % bound; }

 private:
  std::uint64_t state_;
};

inline int run(std::span<const answer> answers, int count, char** words) {
  if (count == 2 && std::strcmp(words[1], "--list") == 0) {
    for (const answer& one : answers) std::printf("%s %s\n", one.load, one.contender);
    return 0;
  }
  for (const answer& one : answers) {
    if (count < 3 || std::strcmp(words[1], one.load) != 0) continue;
    if (std::strcmp(words[2], one.contender) != 0) continue;
    one.run(count > 3 ? std::strtoul(words[3], nullptr, 10) : one.rounds);
    return 0;
  }
  std::fprintf(stderr, "usage: %s --list | LOAD CONTENDER [ROUNDS]\n", words[0]);
  return 2;
}

}  // namespace question
