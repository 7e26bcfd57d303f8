#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <strata/slab.hpp>

#include "resource/instructions.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

// The most that destroy() takes, with that many objects live or freed before; in the middle, at the
// ends and of what was made last.
std::optional<long> most_to_destroy(std::size_t objects, bool half_are_free) {
  slab one(sizeof(std::string), alignof(std::string));
  destroy(one, make<std::string>(one, "what is bound when it is first called"));
  std::vector<std::string*> made;
  for (std::size_t i = 0; i < objects; ++i) made.push_back(make<std::string>(one, "text"));
  std::vector<std::string*> tried = {made[0], made[objects / 2], made[objects - 1]};
  if (half_are_free) {
    for (std::size_t i = 2; i < objects - 1; i += 2) {
      if (i != objects / 2) destroy(one, made[i]);
    }
  }
  std::optional<long> most = 0;
  for (std::string* each : tried) {
    std::optional<long> taken = instructions_of([&] { destroy(one, each); });
    if (!taken) return std::nullopt;
    most = std::max(*most, *taken);
  }
  return most;
}

// An ordered pool looks for the place of each object that it takes back: boost::object_pool's destroy
// is O(n).
TEST(SlabTime, DestroyTakesTheSameWhateverIsLive) {
  for (bool half_are_free : {false, true}) {
    std::optional<long> few = most_to_destroy(10, half_are_free);
    if (!few) GTEST_SKIP() << "no stepping through a child here";
    for (std::size_t objects : {1000u, 20'000u}) {
      EXPECT_LE(most_to_destroy(objects, half_are_free).value(), *few + *few / 10) << objects;
    }
  }
}

}  // namespace
}  // namespace strata
