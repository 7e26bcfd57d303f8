#include <strata/intrusive.hpp>

#include <map>
#include <random>
#include <string>
#include <vector>

#include <strata/ownership.hpp>

#include "resource/ownership_subjects.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

using namespace subjects;

template <class Base>
struct carried : Base {
  explicit carried(int& in) : life(in) {}
  virtual ~carried() = default;
  counted_life life;
};

TEST(Intrusive, CountsInTheObjectAndFreesAtOnce) {
  int lives = 0;
  auto one = make_intrusive<carried<intrusive_count>>(lives);
  intrusive_rc<carried<intrusive_count>> from_pointer(one.get());
  EXPECT_EQ(one.strong_count(), 2u);
  EXPECT_EQ(one, from_pointer);
  auto moved = std::move(from_pointer);
  auto* raw = std::move(moved).into_raw();
  EXPECT_EQ(one.strong_count(), 2u);
  moved = intrusive_rc<carried<intrusive_count>>::from_raw(raw);
  one.reset();
  EXPECT_EQ(lives, 1);
  moved = nullptr;
  EXPECT_EQ(lives, 0);
}

TEST(Intrusive, ADerivedObjectIsSharedAsItsBase) {
  struct more : carried<intrusive_count> {
    using carried::carried;
    std::string text = "a string that is too long for the string's own buffer";
  };
  int lives = 0;
  intrusive_rc<carried<intrusive_count>> base = make_intrusive<more>(lives);
  intrusive_rc<const carried<intrusive_count>> fixed = base;
  EXPECT_EQ(fixed.strong_count(), 2u);
  base.reset();
  fixed.reset();
  EXPECT_EQ(lives, 0);
}

TEST(Intrusive, AgreesWithTheModel) {
  using object = carried<intrusive_atomic_count>;
  int lives = 0;
  std::mt19937 random(3);
  std::vector<intrusive_rc<object>> owners;
  for (int turn = 0; turn < 5000; ++turn) {
    if (owners.empty() || random() % 4 == 0) {
      owners.push_back(make_intrusive<object>(lives));
    } else {
      auto which = owners.begin() + static_cast<std::ptrdiff_t>(random() % owners.size());
      if (random() % 2 == 0)
        owners.push_back(intrusive_rc<object>(which->get()));
      else
        owners.erase(which);
    }
    if (turn % 64 != 0) continue;
    std::map<object*, std::uint32_t> count;
    for (const auto& each : owners) ++count[each.get()];
    ASSERT_EQ(count.size(), static_cast<std::size_t>(lives));
    for (const auto& each : owners) ASSERT_EQ(each.strong_count(), count[each.get()]);
  }
  owners.clear();
  EXPECT_EQ(lives, 0);
}

TEST(IntrusiveDeathTest, TooManyOwnersStop) {
  local_counting::single local(UINT32_MAX);
  EXPECT_DEATH(local.add(), "strata: ownership: too many owners");
  atomic_counting::single atomic(INT32_MAX);
  EXPECT_DEATH(atomic.add(), "strata: ownership: too many owners");
}

}  // namespace
}  // namespace strata
