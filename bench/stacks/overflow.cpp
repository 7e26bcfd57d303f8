// One of very many fibers comes to the end of its stack: it is told by its name, and ends. The
// others go on, and end with right results.
//
//   overflow FIBERS STACK_BYTES
#include <strata/stack_pool.hpp>

#include <string>

#include "fibers/crowd.hpp"
#include "fibers/switch.hpp"

namespace {

constexpr std::uint32_t rounds = 3;

struct fiber {
  std::array<char, 16> name{};
  strata::fiber_stack stack;
  void* at = nullptr;
  bool is_done = false;
};

std::vector<fiber> fibers;
std::uint32_t current = 0;
void* scheduler = nullptr;
std::uint32_t deep_one = 0;
std::uint32_t ended_whole = 0;
std::uint64_t turns = 0;

// What the hook was told. It runs in a handler of a signal, which must not print.
std::string told_name(64, '\0');
std::size_t told_limit_bytes = 0;
unsigned told = 0;

void yield() { strata_bench_switch(&fibers[current].at, scheduler); }
[[noreturn]] void end(void* /*argument*/) {
  fibers[current].is_done = true;
  yield();
  crowd::fail("a fiber that had ended went on");
}

volatile bool forever = true;
__attribute__((noinline)) int dig(int depth) {
  volatile char room[200];
  room[0] = static_cast<char>(depth);
  return forever ? dig(depth + 1) + room[0] : 0;
}

void body() {
  {
    crowd::belongings mine(current);
    for (std::uint32_t round = 0; round < rounds; ++round) {
      yield();
      ++turns;
      if (current == deep_one && round == 1) dig(0);
    }
    if (mine.are_whole()) ++ended_whole;
  }
  end(nullptr);
}

void on_overflow(strata::stack_overflow& overflow, void* /*argument*/) {
  ++told;
  std::strncpy(told_name.data(), overflow.name, told_name.size() - 1);
  told_limit_bytes = overflow.stack.bytes;
  overflow.restart(end, nullptr);
}

void make_all(strata::stack_pool& pool) {
  for (std::uint32_t number = 0; number < fibers.size(); ++number) {
    fiber& one = fibers[number];
    std::snprintf(one.name.data(), one.name.size(), "fiber-%u", number);
    one.stack = pool.acquire(one.name.data());
    one.at = first_switch_to(one.stack.top, body);
  }
}

void run_all() {
  for (std::uint32_t round = 0; round <= rounds; ++round) {
    for (current = 0; current < fibers.size(); ++current) {
      if (!fibers[current].is_done) strata_bench_switch(&scheduler, fibers[current].at);
    }
  }
}

void check() {
  for (const fiber& each : fibers) crowd::expect(each.is_done, "a fiber has not ended");
  crowd::expect(told == 1, "not one overflow");
  crowd::expect(ended_whole == fibers.size() - 1, "another fiber's stack has changed");
  // The deep one has no third turn.
  crowd::expect(turns == fibers.size() * std::uint64_t{rounds} - 1, "turns are missing");
  crowd::expect(std::strcmp(told_name.c_str(), fibers[deep_one].name.data()) == 0, "another name");
}

}  // namespace

int main(int count, char** words) {
  std::size_t wanted = count == 3 ? std::strtoul(words[1], nullptr, 10) : 0;
  std::size_t stack_bytes = count == 3 ? std::strtoul(words[2], nullptr, 10) : 0;
  if (wanted == 0 || stack_bytes == 0) {
    std::fprintf(stderr, "usage: %s FIBERS STACK_BYTES\n", words[0]);
    return 2;
  }
  strata::stack_pool pool({.stack_bytes = stack_bytes, .on_overflow = on_overflow});
  fibers.resize(wanted);
  deep_one = static_cast<std::uint32_t>(wanted / 2);
  make_all(pool);
  run_all();
  check();
  for (fiber& each : fibers) pool.release(each.stack);
  pool.verify();
  std::printf("overflow of '%s' at %zu bytes; the other %u of %zu ended with right results\n",
              told_name.c_str(), told_limit_bytes, ended_whole, wanted);
}
