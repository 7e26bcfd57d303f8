// Boost.Fiber, scheduler and all, on two kinds of stacks: Strata's and those of a Boost.Pool. A
// fiber waits at a gate (a condition variable), and passes the turn on by yielding.
#include <strata/stack_pool.hpp>

#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <mutex>

#include "crowd.hpp"

namespace {

namespace fibers = boost::fibers;

// Who waits here goes on, the first first, when it is opened.
class gate {
 public:
  void wait() {
    std::unique_lock hold(mutex_);
    changed_.wait(hold, [this] { return open_; });
  }
  void open() {
    {
      std::lock_guard hold(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }

 private:
  fibers::mutex mutex_;
  fibers::condition_variable changed_;
  bool open_ = false;
};

// So many fibers yield so many turns each. The clock runs from the first turn of the last of them
// to the end.
class passing {
 public:
  passing(std::uint32_t count, std::uint32_t turns) : left_(count), count_(count), turns_(turns) {}
  void take_part() {
    if (++begun_ == count_) clock_.restart();
    for (std::uint32_t turn = 0; turn <= turns_; ++turn) boost::this_fiber::yield();
    if (--left_ > 0) return;
    ns_ = clock_.ns_each(std::size_t{count_} * turns_);
    over_.open();
  }
  double wait() {
    over_.wait();
    return ns_;
  }

 private:
  std::uint32_t left_;
  std::uint32_t count_;
  std::uint32_t turns_;
  std::uint32_t begun_ = 0;
  double ns_ = 0;
  crowd::stopwatch clock_;
  gate over_;
};

struct stage {
  explicit stage(const crowd::plan& asked)
      : few(asked.few(), asked.turns_of_few()),
        ring(asked.fibers, crowd::turns_of_all),
        random(asked.fibers, crowd::turns_of_all),
        few_count(asked.few()) {}

  gate to_few, to_ring, to_end;
  std::vector<gate> to_random{crowd::waves};
  passing few, ring, random;
  std::uint32_t few_count;
  std::uint32_t ended_whole = 0;
};

void body(stage& on, std::uint32_t number) {
  crowd::belongings mine(number);
  if (number < on.few_count) {
    on.to_few.wait();
    on.few.take_part();
  }
  on.to_ring.wait();
  on.ring.take_part();
  on.to_random[crowd::wave_of(number)].wait();
  on.random.take_part();
  on.to_end.wait();
  if (mine.are_whole()) ++on.ended_whole;
}
void short_body(stage& on, std::uint32_t number) {
  crowd::belongings mine(number);
  on.to_end.wait();
  if (mine.are_whole()) ++on.ended_whole;
}

template <class Stacks>
double make_all(std::vector<fibers::fiber>& all, Stacks& stacks, const crowd::plan& asked,
                stage& on, void (*run)(stage&, std::uint32_t)) {
  crowd::stopwatch creating;
  all.reserve(asked.fibers);
  for (std::uint32_t number = 0; number < asked.fibers; ++number) {
    all.emplace_back(fibers::launch::dispatch, std::allocator_arg, stacks,
                     [run, &on, number] { run(on, number); });
  }
  return creating.ns_each(asked.fibers);
}

double end_all(std::vector<fibers::fiber>& all, stage& on) {
  crowd::stopwatch ending;
  on.to_end.open();
  for (fibers::fiber& each : all) each.join();
  double ns = ending.ns_each(all.size());
  crowd::expect(on.ended_whole == all.size(), "a fiber's stack has changed");
  all.clear();
  return ns;
}

template <class Stacks>
void live(Stacks& stacks, const crowd::plan& asked, const crowd::memory& before) {
  std::vector<fibers::fiber> all;
  stage first(asked);
  double create_ns = make_all(all, stacks, asked, first, body);
  crowd::tell_created(all.size(), asked, create_ns, before);
  first.to_few.open();
  crowd::tell("few_ns", first.few.wait());
  first.to_ring.open();
  crowd::tell("ring_ns", first.ring.wait());
  for (gate& each : first.to_random) each.open();
  crowd::tell("random_ns", first.random.wait());
  crowd::tell("end_ns", end_all(all, first));
  stage second(asked);
  crowd::tell("again_ns", make_all(all, stacks, asked, second, short_body));
  end_all(all, second);
}

void on_strata(const crowd::plan& asked) {
  crowd::memory before = crowd::memory_now();
  strata::stack_pool pool({.stack_bytes = asked.stack_bytes, .most_idle = asked.fibers});
  strata::boost_stack<boost::context::stack_context> stacks(pool);
  live(stacks, asked, before);
}
void on_pooled(const crowd::plan& asked) {
  crowd::memory before = crowd::memory_now();
  fibers::pooled_fixedsize_stack stacks(asked.stack_bytes);
  live(stacks, asked, before);
}

constexpr crowd::contender contenders[] = {
    {"strata-fiber", on_strata},
    {"fiber-pooled", on_pooled},
};

}  // namespace

int main(int count, char** words) { return crowd::run(contenders, count, words); }
