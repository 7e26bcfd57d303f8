// Strata's stacks, with a switch that is as short as it can be: what stacks themselves cost.
#include <strata/stack_pool.hpp>

#include "direct.hpp"
#include "switch.hpp"

namespace {

using strata::stack_guard;

struct fiber {
  strata::fiber_stack stack;
  void* at = nullptr;
};

// The last one is main's.
std::vector<fiber> fibers;
std::uint32_t current = 0;
std::uint32_t main_side = 0;
bool last_turn = false;

void switch_to(std::uint32_t next) {
  void** from = &fibers[current].at;
  current = next;
  strata_bench_switch(from, fibers[next].at);
}

// Not inline: body would keep addresses for its next turn in registers, which come back from a stack
// that may be far away. The next switch would wait for that; as it is, processors look ahead.
[[gnu::noinline]] void pass_on() { switch_to(crowd::round.next()); }

void body() {
  {
    crowd::belongings mine(current);
    switch_to(main_side);
    while (!last_turn) pass_on();
    if (mine.are_whole()) ++crowd::ended_whole;
  }
  switch_to(main_side);
}

template <stack_guard Guard>
class on_strata {
 public:
  explicit on_strata(const crowd::plan& asked)
      : pool_({.stack_bytes = asked.stack_bytes, .most_idle = asked.fibers, .guard = Guard}) {
    fibers.resize(asked.fibers + 1);
    main_side = current = asked.fibers;
  }
  void make(std::uint32_t number) {
    last_turn = false;
    fiber& one = fibers[number];
    one.stack = pool_.acquire("worker");
    one.at = first_switch_to(one.stack.top, body);
    switch_to(number);
  }
  static void go(std::uint32_t number) { switch_to(number); }
  void end(std::uint32_t number) {
    last_turn = true;
    switch_to(number);
    pool_.release(fibers[number].stack);
  }

 private:
  strata::stack_pool pool_;
};

constexpr crowd::contender contenders[] = {
    {"strata", crowd::live_directly<on_strata<stack_guard::markers>>},
    {"strata-canary", crowd::live_directly<on_strata<stack_guard::canary>>},
};

}  // namespace

int main(int count, char** words) { return crowd::run(contenders, count, words); }
