#include "gc/weak_set.hpp"

#include <gtest/gtest.h>

#include <array>
#include <unordered_set>

namespace strata::gc {
namespace {

// Objects of three words: a header, a key and a value.
using object = std::array<void*, 3>;

// What a collection of objects in plain memory knows: which live.
class living {
 public:
  explicit living(found& in) : in_(in) {}
  bool keep(void*& of) const { return reached_.count(of) != 0; }
  void trace(void*& of) {
    if (!reached_.insert(of).second) return;
    ++traced;
    in_.reached(of);
  }
  [[nodiscard]] bool is_young(const void*) const { return false; }
  [[nodiscard]] bool is_old(const void*) const { return true; }
  [[nodiscard]] bool is_marked(void* of) const { return reached_.count(of) != 0; }

  unsigned traced = 0;

 private:
  found& in_;
  std::unordered_set<void*> reached_;
};

class GcWeakSet : public testing::Test {
 protected:
  GcWeakSet() { set_.open(1000); }
  static void* place(object& of) { return &of[1]; }
  void** pair(object& of, object& key, object& value) {
    of = {nullptr, place(key), place(value)};
    return &of[1];
  }
  void reach(object& of) {
    void* at = place(of);
    living_.trace(at);
    living_.traced = 0;
  }
  // How many values were traced.
  unsigned settle_and_clear() {
    set_.settle_lives(living_);
    while (!set_.clear_some(living_, 1)) continue;
    return living_.traced;
  }
  static bool is_whole(const object& pair) { return pair[1] != nullptr && pair[2] != nullptr; }
  static bool is_clear(const object& pair) { return pair[1] == nullptr && pair[2] == nullptr; }

  weak_set set_;
  living living_{set_.of_old};
};

// One that has waited comes back while another has not been looked at yet: both count.
TEST_F(GcWeakSet, AWokenEphemeronTakesNobodysPlace) {
  object key{}, other_key{}, dead_key{}, value{}, other_value{}, dead_value{};
  object waiting{}, found{}, dead{};
  set_.of_old.waiting.add(pair(waiting, key, value));
  reach(key);  // wakes it
  reach(other_key);
  set_.of_old.ephemerons.push(pair(found, other_key, other_value));
  set_.of_old.waiting.add(pair(dead, dead_key, dead_value));

  EXPECT_EQ(settle_and_clear(), 2u);
  EXPECT_TRUE(is_whole(waiting));
  EXPECT_TRUE(is_whole(found));
  EXPECT_TRUE(is_clear(dead));
}

// It is woken before what has been found is looked at, of which none leads on.
TEST_F(GcWeakSet, AWokenEphemeronIsLookedAtBesideTheDead) {
  object key{}, dead_key{}, value{}, dead_value{};
  object waiting{}, dead{};
  set_.of_old.waiting.add(pair(waiting, key, value));
  reach(key);  // wakes it
  set_.of_old.ephemerons.push(pair(dead, dead_key, dead_value));

  EXPECT_EQ(settle_and_clear(), 1u);
  EXPECT_TRUE(is_whole(waiting));
  EXPECT_TRUE(is_clear(dead));
}

// A value wakes it, and its own leads to the key of one that both passes have found dead.
TEST_F(GcWeakSet, AWokenEphemeronLeadsOn) {
  object key{}, waiting_key{}, last_key{}, dead_key{}, value{};
  object found{}, waiting{}, last{}, dead{};
  set_.of_old.waiting.add(pair(waiting, waiting_key, last_key));
  reach(key);
  set_.of_old.ephemerons.push(pair(dead, dead_key, value));
  set_.of_old.ephemerons.push(pair(last, last_key, value));
  set_.of_old.ephemerons.push(pair(found, key, waiting_key));

  EXPECT_EQ(settle_and_clear(), 3u);
  EXPECT_TRUE(is_whole(found));
  EXPECT_TRUE(is_whole(waiting));
  EXPECT_TRUE(is_whole(last));
  EXPECT_TRUE(is_clear(dead));
}

// The pause is not longer for those that wait, since they have been looked at beside the program.
TEST_F(GcWeakSet, ThoseThatWaitAreNotLookedAtAgain) {
  constexpr std::size_t count = 100;
  std::array<object, count> keys{}, waiting{};
  object value{};
  for (std::size_t at = 0; at < count; ++at)
    set_.of_old.waiting.add(pair(waiting[at], keys[at], value));
  std::uint64_t before = set_.ephemeron_looks();
  EXPECT_EQ(settle_and_clear(), 0u);
  EXPECT_EQ(set_.ephemeron_looks(), before);
  for (const object& each : waiting) EXPECT_TRUE(is_clear(each));
}

// In any order that chains may be found in, with some that are dead between them.
TEST_F(GcWeakSet, ChainsAreFollowedInAnyOrder) {
  constexpr std::size_t length = 100;
  for (std::size_t step : {1, 7, 37, 99}) {
    std::array<object, length + 1> keys{};
    std::array<object, length> pairs{};
    std::array<object, length> dead_keys{}, dead{};
    for (std::size_t each = 0; each < length; ++each) {
      std::size_t at = each * step % length;
      if (step == 99) at = length - 1 - each;
      set_.of_old.ephemerons.push(pair(pairs[at], keys[at], keys[at + 1]));
      set_.of_old.ephemerons.push(pair(dead[at], dead_keys[at], dead_keys[(at + 1) % length]));
    }
    living now{set_.of_old};
    void* first = place(keys[0]);
    now.trace(first);
    std::uint64_t before = set_.ephemeron_looks();
    set_.finish(now, set_.of_old, weak_set::cleaners::of_all_objects);
    EXPECT_LE(set_.ephemeron_looks() - before, 4 * 2 * length);
    EXPECT_EQ(now.traced, length + 1);
    for (std::size_t at = 0; at < length; ++at) {
      EXPECT_TRUE(is_whole(pairs[at]));
      EXPECT_TRUE(is_clear(dead[at]));
    }
    EXPECT_EQ(set_.of_old.ephemerons.size(), length);
    set_.of_old.clear();
  }
}

}  // namespace
}  // namespace strata::gc
