#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct node {
  ref<node> next;
  long key = 0;
};

std::string described(const heap& of, format as) {
  std::string text;
  describe(
      of, [&](std::string_view part) { text += part; }, as);
  return text;
}

TEST(GcDescribe, JsonHasTheFiguresOfStatistics) {
  heap memory{{.max_bytes = 8 << 20, .plan = plan::generational}};
  mutator self{memory};
  for (long key = 0; key < 1000000; ++key) static_cast<void>(self.make<node>(nullptr, key));
  self.collect();
  heap_statistics now = memory.statistics();
  nlohmann::json told = nlohmann::json::parse(described(memory, format::json));
  EXPECT_EQ("generational", told["plan"]);
  EXPECT_EQ(8 << 20, told["max_bytes"]);
  EXPECT_EQ(now.held_bytes, told["held_bytes"]);
  EXPECT_EQ(now.committed_bytes, told["committed_bytes"]);
  EXPECT_EQ(now.allocated_bytes, told["allocated_bytes"]);
  EXPECT_EQ(now.moved_bytes, told["moved_bytes"]);
  EXPECT_EQ(now.promoted_bytes, told["promoted_bytes"]);
  EXPECT_EQ(now.live_bytes, told["live_bytes"]);
  EXPECT_EQ(now.young_collections, told["young_collections"]);
  EXPECT_EQ(now.full_collections, told["full_collections"]);
  const nlohmann::json& pauses = told["pauses"];
  EXPECT_EQ(now.pauses.count(), pauses["count"]);
  EXPECT_EQ(now.pauses.longest_ns(), pauses["longest_ns"]);
  EXPECT_EQ(now.pauses.quantile_ns(0.99), pauses["p99_ns"]);
  std::uint64_t counted = 0;
  std::uint64_t last_ns = 0;
  for (const nlohmann::json& bucket : pauses["histogram"]) {
    EXPECT_GE(bucket["to_ns"], bucket["from_ns"]);
    EXPECT_GE(bucket["from_ns"].get<std::uint64_t>(), last_ns);
    EXPECT_GT(bucket["count"], 0);
    last_ns = bucket["to_ns"];
    counted += bucket["count"].get<std::uint64_t>();
  }
  EXPECT_EQ(now.pauses.count(), counted);
  EXPECT_GE(last_ns, now.pauses.longest_ns());
}

TEST(GcDescribe, TextTellsOfEachFigure) {
  heap memory{{.max_bytes = 8 << 20}};
  EXPECT_NE(std::string::npos, described(memory, format::text).find("pauses: 0\n"));
  mutator self{memory};
  self.collect();
  self.collect();
  std::string text = described(memory, format::text);
  for (const char* each :
       {"heap: semispace\n", "max_bytes           8.0 MiB", "held_bytes", "live_bytes",
        "allocated_bytes", "moved_bytes", "collections: 0 young, 2 full\n", "pauses: 2\n", "p99_9",
        "longest", " ########################################\n"})
    EXPECT_NE(std::string::npos, text.find(each)) << each << " in\n" << text;
}

TEST(GcPauses, BucketsAreInOrderAndQuantilesAreUpperBounds) {
  pause_histogram pauses;
  for (std::size_t bucket = 1; bucket < pause_histogram::bucket_count; ++bucket)
    EXPECT_GE(pause_histogram::end_ns(bucket), pause_histogram::end_ns(bucket - 1)) << bucket;
  EXPECT_EQ(3U, pause_histogram::end_ns(7));
  EXPECT_EQ(4U, pause_histogram::end_ns(8));
  for (std::uint64_t ns = 1; ns <= 1000; ++ns) pauses.add(ns * 1000);
  EXPECT_EQ(1000U, pauses.count());
  EXPECT_EQ(1000000U, pauses.longest_ns());
  EXPECT_GE(pauses.quantile_ns(0.5), 500000U);
  EXPECT_LE(pauses.quantile_ns(0.5), 600000U);
  EXPECT_EQ(1000000U, pauses.quantile_ns(1));
}

}  // namespace
}  // namespace strata::gc
