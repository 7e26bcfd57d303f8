#include "gc/waiting_keys.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <vector>

namespace strata::gc {
namespace {

class GcWaitingKeys : public testing::Test {
 protected:
  GcWaitingKeys() { EXPECT_TRUE(waiting_.open(std::size_t{1} << 20)); }

  std::multiset<void*> woken() {
    std::multiset<void*> found;
    while (void** each = waiting_.take_woken()) found.insert(each[0]);
    return found;
  }

  waiting_keys waiting_;
};

TEST_F(GcWaitingKeys, AreWokenByTheirKeyAlone) {
  std::array<int, 3> keys{};
  std::array<std::array<void*, 2>, 4> ephemerons{};
  for (std::size_t at = 0; at < 4; ++at) ephemerons[at] = {&keys[at / 2], nullptr};
  EXPECT_TRUE(waiting_.empty());
  for (auto& each : ephemerons) waiting_.add(each.data());
  waiting_.wake(&keys[2]);
  EXPECT_TRUE(woken().empty());
  waiting_.wake(&keys[1]);
  EXPECT_EQ((std::multiset<void*>{&keys[1], &keys[1]}), woken());
  waiting_.wake(&keys[1]);
  EXPECT_TRUE(woken().empty());
  EXPECT_FALSE(waiting_.empty());
  std::size_t left = 0;
  waiting_.take_all([&](void** each) {
    EXPECT_EQ(&keys[0], each[0]);
    ++left;
  });
  EXPECT_EQ(2U, left);
  EXPECT_TRUE(waiting_.empty());
}

// Whatever lies between keys: heads are near each other where they are, and far apart for the others.
TEST_F(GcWaitingKeys, AreFoundAtAnyDistance) {
  constexpr std::size_t count = 3000;
  std::vector<std::array<void*, 2>> ephemerons(count);
  for (std::uintptr_t stride : {16, 48, 1024, 1040, 65536}) {
    std::uintptr_t first = std::uintptr_t{1} << 40;
    for (std::size_t at = 0; at < count; ++at) {
      ephemerons[at][0] = base::pointer_to(first + at * stride);
      waiting_.add(ephemerons[at].data());
    }
    for (auto& each : ephemerons) {
      waiting_.wake(each[0]);
      ASSERT_EQ(each.data(), waiting_.take_woken());
      ASSERT_EQ(nullptr, waiting_.take_woken());
    }
    EXPECT_TRUE(waiting_.empty());
  }
}

TEST_F(GcWaitingKeys, AgreeWithAMultisetOfKeys) {
  constexpr std::size_t count = 20000;
  std::mt19937 random{7};
  std::vector<int> keys(count / 3);
  std::vector<std::array<void*, 2>> ephemerons(count);
  std::multiset<void*> expected;
  for (auto& each : ephemerons) {
    each[0] = &keys[random() % keys.size()];
    waiting_.add(each.data());
    expected.insert(each[0]);
    void* key = &keys[random() % keys.size()];
    std::size_t wanted = expected.count(key);
    expected.erase(key);
    waiting_.wake(key);
    ASSERT_EQ(wanted, woken().count(key));
    ASSERT_EQ(expected.empty(), waiting_.empty());
  }
  std::multiset<void*> left;
  waiting_.take_all([&](void** each) { left.insert(each[0]); });
  EXPECT_EQ(expected, left);
}

}  // namespace
}  // namespace strata::gc
