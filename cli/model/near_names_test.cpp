#include "cli/model/near_names.hpp"

#include <gmock/gmock.h>

namespace strata::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NearNames, Distance) {
  EXPECT_EQ(distance_of("", "abc"), 3u);
  EXPECT_EQ(distance_of("kitten", "sitting"), 3u);
  EXPECT_EQ(distance_of("chunk", "cuhnk"), 1u);  // neighbours swapped
  EXPECT_EQ(distance_of("same", "same"), 0u);
}

TEST(NearNames, TheNearestFirstEachOnce) {
  const std::vector<std::string> names = {"chunks", "ground::chunk", "span", "chunk", "chunk"};
  EXPECT_THAT(near_names("chunl", names, 3), ElementsAre("chunk", "ground::chunk", "chunks"));
  EXPECT_THAT(near_names("CHUNK", names, 1), ElementsAre("chunk"));
  EXPECT_THAT(near_names("elephant", names, 3), IsEmpty());
}

}  // namespace
}  // namespace strata::cli
