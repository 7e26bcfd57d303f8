#include "cli/model/contest.hpp"

#include <gtest/gtest.h>

namespace strata::cli {
namespace {

outcome with_output(const std::string& text) {
  outcome result;
  result.output.add(text);
  return result;
}

contest two_contenders(std::vector<outcome> base, std::vector<outcome> other) {
  contest all;
  all.contenders = {{.choice = {"glibc", ""}, .outcomes = std::move(base)},
                    {.choice = {"other", "/lib/other.so"}, .outcomes = std::move(other)}};
  return all;
}

ending lasting(double seconds) {
  ending end;
  end.ended_ns = static_cast<std::uint64_t>(seconds * 1e9);
  return end;
}

TEST(Contest, FindsADifferenceInAnyRun) {
  const outcome usual = with_output("a");
  const contest same = two_contenders({usual, usual}, {usual, usual});
  EXPECT_TRUE(same.differences(same.contenders[1]).empty());
  const contest unlike = two_contenders({usual, usual}, {usual, with_output("b")});
  EXPECT_EQ(unlike.differences(unlike.contenders[1]), std::vector{channel::output});
}

TEST(Contest, BlamesNobodyWhenTheBaseDoesNotRepeatItself) {
  const contest all = two_contenders({with_output("a"), with_output("b")}, {with_output("c")});
  EXPECT_FALSE(all.repeatable(channel::output));
  EXPECT_TRUE(all.repeatable(channel::status));
  EXPECT_TRUE(all.differences(all.contenders[1]).empty());
}

TEST(Contest, StillJudgesTheOtherChannels) {
  outcome failed = with_output("c");
  failed.wait_status = 256;
  const contest all = two_contenders({with_output("a"), with_output("b")}, {failed});
  EXPECT_EQ(all.differences(all.contenders[1]), std::vector{channel::status});
}

TEST(Contest, NamesAllThatAreBestBeyondNoise) {
  contest all = two_contenders({}, {});
  for (int i = 0; i < 6; ++i) {
    all.contenders[0].runs.push_back(lasting(2 + i * 0.01));
    all.contenders[1].runs.push_back(lasting(1 + i * 0.01));
  }
  EXPECT_EQ(all.best(metrics[0]), std::vector<const contender*>{&all.contenders[1]});
  all.contenders[0].runs = all.contenders[1].runs;
  EXPECT_EQ(all.best(metrics[0]).size(), 2u);
}

TEST(Hold, RunsEachContenderInEachRound) {
  contest all;
  all.runs = 2;
  all.warmup = 1;
  all.contenders = {{.choice = {"first", ""}}, {.choice = {"second", ""}}};
  const command what{
      .path = "/bin/true", .arguments = {"true"}, .variables = environment::current()};
  std::string order;
  EXPECT_EQ(hold(all, what, [&](int, int, const std::string& name) { order += name[0]; }), 0);
  EXPECT_EQ(order, "fssffs");
  for (const contender& who : all.contenders) {
    EXPECT_EQ(who.runs.size(), 2u);
    EXPECT_EQ(who.outcomes.size(), 3u);
  }
}

TEST(Hold, LetsTheBaseRepeatItselfBeforeOthersAreBlamed) {
  contest all;
  all.runs = 1;
  all.warmup = 0;
  all.contenders = {{.choice = {"first", ""}}, {.choice = {"second", ""}}};
  const command what{.path = "/bin/sh",
                     .arguments = {"sh", "-c", "echo $$; date +%N"},
                     .variables = environment::current()};
  EXPECT_EQ(hold(all, what, [](int, int, const std::string&) {}), 0);
  EXPECT_EQ(all.contenders[0].outcomes.size(), 2u);
  EXPECT_FALSE(all.repeatable(channel::output));
}

}  // namespace
}  // namespace strata::cli
