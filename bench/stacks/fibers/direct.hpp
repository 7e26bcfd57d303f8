// The life of crowd.hpp where a fiber can switch to any other: the next is looked up in a list, and
// there is no scheduler. A Kind has
//
//   explicit Kind(const plan&)
//   void make(number)     a fiber that runs until it waits; throws std::bad_alloc at a limit
//   void go(number)       from main to that fiber, until one of them comes back to main
//   void end(number)      the fiber finds that its turn is the last, ends, and its stack is free
//
// and its fibers ask round.next() whom to go on with.
#pragma once

#include <algorithm>
#include <numeric>

#include "crowd.hpp"

namespace crowd {

// Who comes next. main_side stands for the one who started the fibers.
class rounds {
 public:
  void begin(const std::vector<std::uint32_t>& order, std::size_t switches,
             std::uint32_t main_side) {
    order_ = order.data();
    size_ = order.size();
    at_ = 0;
    left_ = switches;
    main_side_ = main_side;
  }
  std::uint32_t next() {
    if (left_ == 0) return main_side_;
    --left_;
    if (++at_ == size_) at_ = 0;
    return order_[at_];
  }
  [[nodiscard]] bool is_over() const { return left_ == 0; }

 private:
  const std::uint32_t* order_ = nullptr;
  std::size_t size_ = 0;
  std::size_t at_ = 0;
  std::size_t left_ = 0;
  std::uint32_t main_side_ = 0;
};
inline rounds round;
inline std::uint32_t ended_whole = 0;

inline std::vector<std::uint32_t> ring_of(std::uint32_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

template <class Kind>
void pass_around(Kind& kind, const char* key, const std::vector<std::uint32_t>& order,
                 std::uint32_t turns, std::uint32_t main_side) {
  std::size_t switches = order.size() * turns;
  // A first turn is not counted: processors learn where each goes on.
  round.begin(order, order.size(), main_side);
  kind.go(order[0]);
  stopwatch passing;
  round.begin(order, switches, main_side);
  kind.go(order[0]);
  tell(key, passing.ns_each(switches));
  expect(round.is_over(), "main went on too early");
}

// How many could be made.
template <class Kind>
std::uint32_t make_all(Kind& kind, std::uint32_t wanted) {
  for (std::uint32_t number = 0; number < wanted; ++number) {
    try {
      kind.make(number);
    } catch (const std::bad_alloc&) {
      return number;
    }
  }
  return wanted;
}

template <class Kind>
double end_all(Kind& kind, std::uint32_t count) {
  ended_whole = 0;
  stopwatch ending;
  for (std::uint32_t number = 0; number < count; ++number) kind.end(number);
  expect(ended_whole == count, "a fiber's stack has changed");
  return ending.ns_each(count);
}

template <class Kind>
void live_directly(const plan& asked) {
  // Before memory is read: it belongs to the bench.
  std::vector<std::uint32_t> ring = ring_of(asked.fibers);
  std::vector<std::uint32_t> leaping = ring;
  memory before = memory_now();
  Kind kind(asked);
  stopwatch creating;
  std::uint32_t made = make_all(kind, asked.fibers);
  double create_ns = creating.ns_each(made);
  expect(made > 0, "no fiber could be made");
  tell_created(made, asked, create_ns, before);

  ring.resize(made);
  leaping.resize(made);
  std::ranges::stable_sort(leaping, {}, wave_of);
  std::vector<std::uint32_t> few = ring_of(std::min(made, asked.few()));
  pass_around(kind, "few_ns", few, asked.turns_of_few(), asked.fibers);
  pass_around(kind, "ring_ns", ring, turns_of_all, asked.fibers);
  pass_around(kind, "random_ns", leaping, turns_of_all, asked.fibers);
  tell("end_ns", end_all(kind, made));
  stopwatch again;
  std::uint32_t second = make_all(kind, made);
  // At a limit it may be some fewer: the one that could not be made may have left something behind.
  expect(second == made || (second > 0 && made < asked.fibers), "fewer fibers than before");
  tell("again_ns", again.ns_each(second));
  end_all(kind, second);
}

}  // namespace crowd
