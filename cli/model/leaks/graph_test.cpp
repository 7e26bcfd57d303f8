#include "cli/model/leaks/graph.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace strata::cli::leaks {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr loss definite = loss::definite;
constexpr loss indirect = loss::indirect;
constexpr loss suppressed = loss::suppressed;

// Blocks of 16 bytes, the first allocated first, and their edges.
lost_graph graph(std::size_t count, std::vector<std::pair<std::uint32_t, std::uint32_t>> edges) {
  lost_graph made;
  for (std::size_t i = 0; i < count; ++i) made.blocks.push_back({0x1000 + i * 16, 16, 0, i + 1});
  made.first_words.resize(count);
  std::sort(edges.begin(), edges.end());
  for (const auto& [from, to] : edges) made.edges.push_back({from, to, 0, 0});
  return made;
}
judgement judged(const lost_graph& of) { return judge(of, std::vector<bool>(of.blocks.size())); }

TEST(Graph, NobodyPointsToIt) {
  EXPECT_THAT(judged(graph(2, {})).kinds, ElementsAre(definite, definite));
}

TEST(Graph, AChainHangsOnItsFirst) {
  const judgement made = judged(graph(4, {{3, 2}, {2, 1}, {1, 0}}));
  EXPECT_THAT(made.kinds, ElementsAre(indirect, indirect, indirect, definite));
  EXPECT_TRUE(made.knots.empty());
}

TEST(Graph, ACircleHangsOnItsOldest) {
  const judgement made = judged(graph(4, {{0, 1}, {1, 2}, {2, 0}, {2, 3}}));
  EXPECT_THAT(made.kinds, ElementsAre(definite, indirect, indirect, indirect));
  EXPECT_THAT(made.knots, ElementsAre(UnorderedElementsAre(0, 1, 2)));
}

TEST(Graph, ACircleThatIsHeldHangsOnItsHolder) {
  const judgement made = judged(graph(3, {{0, 1}, {1, 0}, {2, 0}}));
  EXPECT_THAT(made.kinds, ElementsAre(indirect, indirect, definite));
}

TEST(Graph, ABlockThatPointsToItself) {
  const judgement made = judged(graph(1, {{0, 0}}));
  EXPECT_THAT(made.kinds, ElementsAre(definite));
  EXPECT_THAT(made.knots, ElementsAre(ElementsAre(0)));
}

TEST(Graph, TwoCirclesOneHoldsTheOther) {
  const judgement made = judged(graph(4, {{0, 1}, {1, 0}, {2, 3}, {3, 2}, {3, 0}}));
  EXPECT_THAT(made.kinds, ElementsAre(indirect, indirect, definite, indirect));
  EXPECT_EQ(made.knots.size(), 2u);
}

TEST(Graph, SuppressionReachesWhatHangsOnIt) {
  const lost_graph of = graph(4, {{0, 1}, {1, 2}, {3, 3}});
  const judgement made = judge(of, {false, true, false, true});
  EXPECT_THAT(made.kinds, ElementsAre(definite, suppressed, suppressed, suppressed));
  EXPECT_TRUE(made.knots.empty());
}

TEST(Graph, LongChainsNeedNoStack) {
  constexpr std::uint32_t count = 300'000;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  for (std::uint32_t i = 0; i + 1 < count; ++i) edges.emplace_back(i, i + 1);
  const judgement made = judged(graph(count, edges));
  EXPECT_EQ(std::count(made.kinds.begin(), made.kinds.end(), definite), 1);
  EXPECT_EQ(made.kinds[0], definite);
}

}  // namespace
}  // namespace strata::cli::leaks
