// Boost.Context's switch on three kinds of stacks: Strata's, those of a Boost.Pool, and those that
// are a mapping each, with a page below that is protected.
//
// Where mappings end, protected_fixedsize_stack has no page protected, and only asserts that it was:
// a program without assertions goes on without guards. Here it ends as without memory.
#define BOOST_ENABLE_ASSERT_HANDLER
#include <strata/stack_pool.hpp>

#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <optional>

#include "direct.hpp"

void boost::assertion_failed(const char* /*expression*/, const char* /*function*/,
                             const char* /*file*/, long /*line*/) {
  throw std::bad_alloc();
}
void boost::assertion_failed_msg(const char* /*expression*/, const char* message,
                                 const char* /*function*/, const char* /*file*/, long /*line*/) {
  crowd::fail(message);
}

namespace {

namespace context = boost::context;

// Where each fiber goes on, while it does not run; the last one is main's.
std::vector<context::fiber> fibers;
std::uint32_t current = 0;
std::uint32_t former = 0;  // who has switched last
std::uint32_t main_side = 0;
bool last_turn = false;

// What has been switched from is known only to who is switched to.
void switch_to(std::uint32_t next) {
  former = current;
  current = next;
  context::fiber came = std::move(fibers[next]).resume();
  if (came) fibers[former] = std::move(came);
}

[[gnu::noinline]] void pass_on() { switch_to(crowd::round.next()); }  // see strata.cpp

context::fiber body(context::fiber&& came) {
  fibers[former] = std::move(came);
  {
    crowd::belongings mine(current);
    switch_to(main_side);
    while (!last_turn) pass_on();
    if (mine.are_whole()) ++crowd::ended_whole;
  }
  current = main_side;
  return std::move(fibers[main_side]);
}

struct strata_stacks {
  explicit strata_stacks(const crowd::plan& asked)
      : pool({.stack_bytes = asked.stack_bytes, .most_idle = asked.fibers}), stacks(pool) {}
  strata::stack_pool pool;
  strata::boost_stack<context::stack_context> stacks;
};
struct pooled_stacks {
  explicit pooled_stacks(const crowd::plan& asked) : stacks(asked.stack_bytes) {}
  context::pooled_fixedsize_stack stacks;
};
struct protected_stacks {
  explicit protected_stacks(const crowd::plan& asked) : stacks(asked.stack_bytes) {}
  context::protected_fixedsize_stack stacks;
};

template <class Stacks>
class on_context {
 public:
  explicit on_context(const crowd::plan& asked) : from_(asked) {
    fibers.resize(asked.fibers + 1);
    main_side = current = asked.fibers;
  }
  void make(std::uint32_t number) {
    last_turn = false;
    fibers[number] = context::fiber(std::allocator_arg, from_.stacks, body);
    switch_to(number);
  }
  static void go(std::uint32_t number) { switch_to(number); }
  static void end(std::uint32_t number) {
    last_turn = true;
    switch_to(number);
  }

 private:
  Stacks from_;
};

constexpr crowd::contender contenders[] = {
    {"strata-context", crowd::live_directly<on_context<strata_stacks>>},
    {"context-pooled", crowd::live_directly<on_context<pooled_stacks>>},
    {"context-protected", crowd::live_directly<on_context<protected_stacks>>},
};

}  // namespace

int main(int count, char** words) { return crowd::run(contenders, count, words); }
