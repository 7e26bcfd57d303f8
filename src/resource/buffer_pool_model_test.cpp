// Every order of events of small cases, through detail::fair_queue.
//
// A world is a queue and up to four actors. An actor does what a thread does to a pool, one atomic step
// at a time: a section under the lock, an allocation outside of it, telling one waiter, waking, timing
// out. The explorer tries each enabled step in each state. States that were met before are not entered
// again: what can happen from there has been tried. The queue can't be copied, so a state is reached by
// doing its steps again from the start.
//
//   begin --+--------------------------------> granted --> build --> hold --> release ... --> done
//           `--> in line --+--> woken --> (granted, or closed: done)     `--> refund
//                          `--> time is over: leave, or wait to be told after all
//
//   after each section: its actor tells those whose wait has ended, one step for each
#include <strata/detail/fair_queue.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace strata::detail {
namespace {

constexpr std::uint64_t poolable = sizeof(ready_buffer);

// What goes wrong on purpose, to show that it is found.
enum class bug {
  none,
  release_serves_nobody,
  refund_serves_nobody,
  timeout_serves_nobody,
  close_tells_nobody,
  release_tells_one_only,
  refund_keeps_bytes,
  newcomers_pass,
};

enum class doing { acquire, close };
struct task {
  doing what = doing::acquire;
  std::vector<std::uint64_t> sizes = {poolable};
  bool timed = false;     // its time may be over at any moment
  bool may_fail = false;  // upstream may have no memory
  std::size_t tenant = 0;
};

enum class phase { begin, in_line, time_is_over, build, hold, done };
struct actor {
  std::vector<task> tasks;
  std::size_t at = 0;
  phase where = phase::begin;
  bool told = false;
  claim own;
  std::vector<std::uint64_t> held;
  std::vector<ready_buffer*> whole;  // the buffers behind those of the poolable size
  std::deque<std::size_t> to_tell;

  [[nodiscard]] const task& current() const { return tasks[at]; }
};

struct scenario {
  std::uint64_t total;
  std::vector<std::vector<task>> actors;
  std::vector<std::uint32_t> weights = {};
};

class world {
 public:
  world(const scenario& from, bug planted)
      : queue_(from.total, poolable, from.weights), total_(from.total), planted_(planted) {
    for (const auto& tasks : from.actors) {
      actors_.emplace_back();
      actors_.back().tasks = tasks;
    }
  }

  struct move {
    std::size_t who;
    enum { go_on, fail, time_out, wake } how;
  };
  [[nodiscard]] std::vector<move> moves() const {
    std::vector<move> found;
    for (std::size_t i = 0; i < actors_.size(); ++i) {
      const actor& one = actors_[i];
      if (!one.to_tell.empty()) {
        found.push_back({i, move::go_on});
        continue;
      }
      switch (one.where) {
        case phase::build:
          if (one.current().may_fail) found.push_back({i, move::fail});
          [[fallthrough]];
        case phase::begin:
        case phase::hold:
          found.push_back({i, move::go_on});
          break;
        case phase::in_line:
          if (one.current().timed) found.push_back({i, move::time_out});
          [[fallthrough]];
        case phase::time_is_over:
          if (one.told) found.push_back({i, move::wake});
          break;
        case phase::done:
          break;
      }
    }
    return found;
  }

  void make(move next) {
    actor& one = actors_[next.who];
    if (!one.to_tell.empty()) {
      actors_[one.to_tell.front()].told = true;
      one.to_tell.pop_front();
    } else if (next.how == move::time_out) {
      time_out(next.who);
    } else if (next.how == move::wake) {
      wake(next.who);
    } else if (one.where == phase::begin) {
      one.current().what == doing::close ? close(next.who) : begin(next.who);
    } else if (one.where == phase::build) {
      next.how == move::fail ? refund(next.who) : build(one);
    } else {
      release(next.who);
    }
    check_state();
  }

  // What is wrong; empty: nothing.
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

  // When no move is left.
  void check_end() {
    for (const actor& one : actors_) {
      if (one.where != phase::done) complain("somebody waits for ever");
    }
    if (queue_.available_bytes() != total_) complain("bytes are missing");
    if (!line_.empty()) complain("somebody is in line");
  }

  // Equal for states that behave alike.
  [[nodiscard]] std::string key() const {
    std::string made;
    auto add = [&](std::uint64_t value) { made += static_cast<char>(value + 1); };
    add(queue_.free_bytes());
    add(queue_.ready_bytes());
    add(queue_.closed());
    for (const actor& one : actors_) {
      add(one.at);
      add(static_cast<std::uint64_t>(one.where));
      add(one.told);
      add(static_cast<std::uint64_t>(one.own.state));
      add(one.own.taken_count);
      add(queue_.head() == &one.own);
      for (std::uint64_t bytes : one.held) add(bytes);
      add(100);
      for (std::size_t who : one.to_tell) add(who);
      add(101);
    }
    for (std::size_t who : line_) add(who);
    add(102);
    for (std::size_t who : history_) add(who);
    return made;
  }

 private:
  // ---- Sections. Each ends as the pool's do.

  enum class cause { begin, release, refund, timeout, close };
  void end_section(std::size_t who, cause why) {
    // Buffers that were trimmed are not missed: a world lives shortly.
    static_cast<void>(queue_.trimmed());
    if (planted_ == bug::release_serves_nobody && why == cause::release) return;
    if (planted_ == bug::refund_serves_nobody && why == cause::refund) return;
    if (planted_ == bug::timeout_serves_nobody && why == cause::timeout) return;
    std::size_t told = 0;
    for (claim* over = queue_.serve(); over != nullptr; over = over->next) {
      std::size_t ended = index_of(over);
      if (over->state == claim_state::granted) note_grant(ended);
      if (over->state == claim_state::closed) std::erase(line_, ended);
      if (planted_ == bug::close_tells_nobody && why == cause::close) continue;
      if (planted_ == bug::release_tells_one_only && why == cause::release && told++ > 0) continue;
      actors_[who].to_tell.push_back(ended);
    }
    static_cast<void>(queue_.trimmed());
  }

  void begin(std::size_t who) {
    actor& one = actors_[who];
    one.own = claim();
    one.own.tenant = one.current().tenant;
    one.own.buffers = one.current().sizes.size();
    for (std::uint64_t bytes : one.current().sizes) {
      one.own.need_bytes += bytes;
      one.own.whole_buffers += bytes == poolable ? 1 : 0;
    }
    one.told = false;
    if (take(one.own)) {
      if (!line_.empty()) complain("a newcomer passed a waiter");
      one.where = phase::build;
      end_section(who, cause::begin);
    } else if (queue_.closed()) {
      next_task(one);
    } else {
      queue_.enqueue(one.own);
      line_.push_back(who);
      one.where = phase::in_line;
    }
  }

  bool take(claim& one) {
    if (planted_ != bug::newcomers_pass || line_.empty()) return queue_.take(one);
    // As if the line were not there.
    for (std::size_t who : line_) queue_.withdraw(actors_[who].own);
    bool taken = queue_.take(one);
    for (std::size_t who : line_) queue_.enqueue(actors_[who].own);
    return taken;
  }

  void time_out(std::size_t who) {
    actor& one = actors_[who];
    if (one.own.state != claim_state::waiting) {
      one.where = phase::time_is_over;
      return;
    }
    queue_.withdraw(one.own);
    std::erase(line_, who);
    if (queue_.tenants() > 1) history_.push_back(who);
    next_task(one);
    end_section(who, cause::timeout);
  }

  void wake(std::size_t who) {
    actor& one = actors_[who];
    if (one.own.state == claim_state::granted)
      one.where = phase::build;
    else if (one.own.state == claim_state::closed)
      next_task(one);
    else
      complain("woken for nothing");
  }

  void build(actor& one) {
    one.held = one.current().sizes;
    one.where = phase::hold;
    for (std::uint64_t bytes : one.held) {
      if (bytes != poolable) continue;
      if (ready_buffer* ready = one.own.taken) {
        one.own.taken = ready->next;
        one.whole.push_back(ready);
      } else {
        one.whole.push_back(&memory_.emplace_back());
      }
    }
    one.own.taken_count = 0;
    one.own.state = claim_state::outside;
  }

  void refund(std::size_t who) {
    actor& one = actors_[who];
    if (planted_ == bug::refund_keeps_bytes)
      one.own.state = claim_state::withdrawn;
    else
      queue_.refund(one.own);
    next_task(one);
    end_section(who, cause::refund);
  }

  void release(std::size_t who) {
    actor& one = actors_[who];
    std::uint64_t bytes = one.held.back();
    one.held.pop_back();
    if (bytes == poolable) {
      queue_.put(one.whole.back());
      one.whole.pop_back();
    } else {
      queue_.put_bytes(bytes, &one);
    }
    if (one.held.empty()) next_task(one);
    end_section(who, cause::release);
  }

  void close(std::size_t who) {
    queue_.close();
    next_task(actors_[who]);
    end_section(who, cause::close);
  }

  static void next_task(actor& one) {
    ++one.at;
    one.where = one.at < one.tasks.size() ? phase::begin : phase::done;
  }

  // ---- What must hold

  void note_grant(std::size_t who) {
    for (std::size_t ahead : line_) {
      if (ahead == who) break;
      if (actors_[ahead].own.tenant == actors_[who].own.tenant) complain("served out of turn");
    }
    std::erase(line_, who);
    if (queue_.tenants() > 1) history_.push_back(who);
  }

  void check_state() {
    std::uint64_t lent = 0;
    for (const actor& one : actors_) {
      if (one.own.state == claim_state::granted) lent += one.own.need_bytes;
      for (std::uint64_t bytes : one.held) lent += bytes;
    }
    if (lent + queue_.free_bytes() + queue_.ready_bytes() != total_)
      complain("bytes are not conserved");
    if (queue_.waiting() != line_.size()) complain("the line has another length");
    const claim* head = queue_.head();
    if ((head != nullptr) != !line_.empty()) complain("a line without a head");
    if (head != nullptr && head->need_bytes <= queue_.available_bytes()) {
      complain("the head's need fits and was not granted");
    }
    if (queue_.closed() && (head != nullptr || queue_.ready_bytes() != 0))
      complain("closed, and not empty");
    if (wrong_.empty() && planted_ == bug::none) queue_.verify();
  }

  void complain(const char* what) {
    if (wrong_.empty()) wrong_ = what;
  }
  std::size_t index_of(const claim* one) const {
    std::size_t i = 0;
    while (&actors_[i].own != one) ++i;
    return i;
  }

  fair_queue queue_;
  std::uint64_t total_;
  bug planted_;
  std::deque<actor> actors_;
  std::deque<ready_buffer> memory_;
  std::vector<std::size_t> line_;  // who waits, in the order of arrival
  // Who left the line, where there are several tenants: how far each is ahead follows from it.
  std::vector<std::size_t> history_;
  std::string wrong_;
};

struct explored {
  std::uint64_t states = 0;
  double orders = 0;  // of events, from begin to end
  std::string wrong;
};

class explorer {
 public:
  explorer(const scenario& from, bug planted) : from_(from), planted_(planted) {}
  explored run() {
    found_.orders = visit();
    found_.states = seen_.size();
    return found_;
  }

 private:
  // The number of ways to the end from where path_ leads.
  double visit() {
    world now(from_, planted_);
    for (world::move each : path_) now.make(each);
    std::vector<world::move> next = now.moves();
    if (next.empty()) now.check_end();
    if (!now.wrong().empty()) {
      if (found_.wrong.empty()) found_.wrong = now.wrong();
      return 1;
    }
    if (next.empty()) return 1;
    auto [place, is_new] = seen_.emplace(now.key(), 0);
    if (!is_new) return place->second;
    double ways = 0;
    for (world::move each : next) {
      path_.push_back(each);
      ways += visit();
      path_.pop_back();
      if (!found_.wrong.empty()) break;
    }
    return place->second = ways;
  }

  const scenario& from_;
  bug planted_;
  std::vector<world::move> path_;
  std::map<std::string, double> seen_;
  explored found_;
};

constexpr std::uint64_t p = poolable;

task take(std::vector<std::uint64_t> sizes) { return {.sizes = std::move(sizes)}; }
task timed(std::vector<std::uint64_t> sizes) { return {.sizes = std::move(sizes), .timed = true}; }
task failing(std::vector<std::uint64_t> sizes) {
  return {.sizes = std::move(sizes), .may_fail = true};
}
task of_tenant(std::size_t tenant, task one) {
  one.tenant = tenant;
  return one;
}
const task closing = {.what = doing::close};

const std::map<std::string, scenario> scenarios = {
    {"one buffer, twice for each of three",
     {p, {{take({p}), take({p})}, {take({p}), take({p})}, {take({p}), take({p})}}}},
    {"one buffer for four", {p, {{take({p})}, {take({p})}, {take({p})}, {take({p})}}}},
    {"a large one among small ones",
     {3 * p, {{take({p}), take({p})}, {take({3 * p})}, {take({p}), take({p})}, {take({p})}}}},
    {"a large one whose time is over",
     {2 * p, {{take({p}), take({p})}, {timed({2 * p})}, {take({p})}, {timed({p})}}}},
    {"all are timed",
     {2 * p, {{timed({p}), timed({2 * p})}, {timed({2 * p})}, {timed({p, 1})}, {timed({3})}}}},
    {"upstream fails",
     {p, {{failing({p}), failing({p - 1})}, {failing({p})}, {take({p})}, {failing({1})}}}},
    {"upstream fails, and times are over",
     {2 * p, {{failing({2 * p})}, {timed({p + 1})}, {failing({p, p})}, {timed({p})}}}},
    {"several at once", {3 * p, {{take({p, p}), take({p, 2})}, {take({1, p})}, {take({p, p, p})}}}},
    {"several at once, failing",
     {3 * p, {{failing({p, p, 1})}, {failing({p, p})}, {timed({p, p, p})}, {take({p})}}}},
    {"odd sizes dissolve ready ones",
     {2 * p, {{take({p}), take({p + 1})}, {take({p}), take({2})}, {take({2 * p - 1})}}}},
    {"close", {p, {{take({p}), take({p})}, {take({p})}, {timed({1})}, {closing}}}},
    {"close, and upstream fails",
     {2 * p, {{failing({p}), take({p})}, {failing({2 * p})}, {timed({p, 1})}, {closing}}}},
    {"close twice", {p, {{take({p}), closing}, {take({1})}, {take({p})}, {closing, take({p})}}}},
    {"tenants",
     {2 * p,
      {{take({p}), take({p})},
       {of_tenant(1, timed({2 * p}))},
       {of_tenant(1, failing({p}))},
       {take({p})}},
      {3, 1}}},
};

TEST(BufferPoolModel, EveryOrderOfEventsKeepsWhatMustHold) {
  for (const auto& [name, each] : scenarios) {
    explored found = explorer(each, bug::none).run();
    EXPECT_EQ(found.wrong, "") << name;
    EXPECT_GT(found.states, 500u) << name;
    EXPECT_GT(found.orders, 1000) << name;
    RecordProperty("orders", std::to_string(found.orders));
  }
}

// A world in which something was broken on purpose, and what the explorer says of it.
struct planted {
  bug what;
  const char* where;
  const char* said;
};
class PlantedBug : public testing::TestWithParam<planted> {};

TEST_P(PlantedBug, IsFound) {
  EXPECT_EQ(explorer(scenarios.at(GetParam().where), GetParam().what).run().wrong, GetParam().said);
}

constexpr const char* not_granted = "the head's need fits and was not granted";
constexpr const char* for_ever = "somebody waits for ever";
INSTANTIATE_TEST_SUITE_P(
    BufferPoolModel, PlantedBug,
    testing::Values(planted{bug::release_serves_nobody, "one buffer for four", not_granted},
                    planted{bug::refund_serves_nobody, "upstream fails", not_granted},
                    planted{bug::timeout_serves_nobody, "a large one whose time is over",
                            not_granted},
                    planted{bug::close_tells_nobody, "close", for_ever},
                    planted{bug::release_tells_one_only, "a large one among small ones", for_ever},
                    planted{bug::refund_keeps_bytes, "upstream fails", "bytes are not conserved"},
                    planted{bug::newcomers_pass, "a large one among small ones",
                            "a newcomer passed a waiter"}));

}  // namespace
}  // namespace strata::detail
