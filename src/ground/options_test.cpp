#include "ground/options.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "base/bits.hpp"

namespace strata::ground {
namespace {

options defaults() {
  options made = {};
  made.limit_bytes = 1;
  made.purge_ms = 1;
  return made;
}

TEST(Options, ReadsSizes) {
  struct {
    const char* entry;
    std::size_t bytes;
  } const good[] = {
      {"STRATA_LIMIT=0", 0},
      {"STRATA_LIMIT=512", 512},
      {"STRATA_LIMIT=512K", 512 * base::KiB},
      {"STRATA_LIMIT=3m", 3 * base::MiB},
      {"STRATA_LIMIT=2G", 2 * base::GiB},
      {"STRATA_LIMIT=2GiB", 2 * base::GiB},
      {"STRATA_LIMIT=2gb", 2 * base::GiB},
      {"STRATA_LIMIT=1T", base::TiB},
      {"STRATA_LIMIT=7B", 7},
      {"STRATA_LIMIT=18446744073709551615", SIZE_MAX},
  };
  for (const auto& one : good) {
    options into = defaults();
    EXPECT_TRUE(parse_option(one.entry, into)) << one.entry;
    EXPECT_EQ(into.limit_bytes, one.bytes) << one.entry;
  }
}

// Each is refused and changes nothing.
TEST(Options, RefusesMalformedValues) {
  for (const char* entry : {"STRATA_LIMIT=",
                            "STRATA_LIMIT=K",
                            "STRATA_LIMIT=-1",
                            "STRATA_LIMIT=1.5G",
                            "STRATA_LIMIT=1X",
                            "STRATA_LIMIT=1KK",
                            "STRATA_LIMIT= 1",
                            "STRATA_LIMIT=1 ",
                            "STRATA_LIMIT=18446744073709551616",
                            "STRATA_LIMIT=16777216T",
                            "STRATA_PURGE_MS=",
                            "STRATA_PURGE_MS=1K",
                            "STRATA_PURGE_MS=ten",
                            "STRATA_PURGE_MS=99999999999999999999",
                            "STRATA_COUNT=",
                            "STRATA_COUNT=2",
                            "STRATA_COUNT=yes",
                            "STRATA_COUNT=01",
                            "STRATA_GROUND=",
                            "STRATA_GROUND=flat",
                            "STRATA_GROUND=spars",
                            "STRATA_GROUND=sparser",
                            "STRATA_GROUND=auto|sparse",
                            "STRATA_VERBOSE=true"}) {
    options into = defaults();
    EXPECT_FALSE(parse_option(entry, into)) << entry;
    EXPECT_EQ(into.limit_bytes, 1u) << entry;
    EXPECT_EQ(into.purge_ms, 1u) << entry;
    EXPECT_EQ(into.ground, ground_auto) << entry;
    EXPECT_FALSE(into.count || into.verbose) << entry;
  }
}

TEST(Options, RefusesUnknownNames) {
  options into = defaults();
  for (const char* entry : {"STRATA_LIMITS=1", "STRATA_LIMI=1", "strata_limit=1", "LIMIT=1",
                            "STRATA_LIMIT", "STRATA_=1", "=", ""}) {
    EXPECT_FALSE(parse_option(entry, into)) << entry;
  }
}

TEST(Options, ReadsFlagsNumbersChoicesAndPaths) {
  options into = defaults();
  EXPECT_TRUE(parse_option("STRATA_COUNT=1", into) && into.count);
  EXPECT_TRUE(parse_option("STRATA_COUNT=0", into) && !into.count);
  EXPECT_TRUE(parse_option("STRATA_PURGE_MS=0250", into));
  EXPECT_EQ(into.purge_ms, 250u);
  EXPECT_TRUE(parse_option("STRATA_GROUND=sparse", into));
  EXPECT_EQ(into.ground, ground_sparse);
  EXPECT_TRUE(parse_option("STRATA_GROUND=contiguous", into));
  EXPECT_EQ(into.ground, ground_contiguous);
  EXPECT_TRUE(parse_option("STRATA_GROUND=auto", into));
  EXPECT_EQ(into.ground, ground_auto);
  EXPECT_TRUE(parse_option("STRATA_STATS_DIR=/tmp/a b=c", into));
  EXPECT_STREQ(into.stats_directory, "/tmp/a b=c");
  EXPECT_TRUE(parse_option("STRATA_PAGE_SIZE=16K", into));
  EXPECT_EQ(into.page_bytes, 16 * base::KiB);
}

// ---- Reading the environment

TEST(ReadOptions, TakesDefaultsAndTheEnvironment) {
  setenv("STRATA_LIMIT", "5M", 1);
  unsetenv("STRATA_PURGE_MS");
  setenv("NOT_STRATA_LIMIT", "7", 1);
  read_options();
  EXPECT_EQ(option().limit_bytes, 5 * base::MiB);
  EXPECT_EQ(option().purge_ms, 1000u);
  EXPECT_STREQ(option().stats_directory, "");
  unsetenv("STRATA_LIMIT");
  read_options();
  EXPECT_EQ(option().limit_bytes, 0u);
}

std::string warnings_of_environment(const char* name, const char* value) {
  setenv(name, value, 1);
  testing::internal::CaptureStderr();
  read_options();
  unsetenv(name);
  return testing::internal::GetCapturedStderr();
}

TEST(ReadOptions, NamesAnIgnoredEntryOnce) {
  EXPECT_EQ(warnings_of_environment("STRATA_LIMIT", "much"),
            "strata: ignored: STRATA_LIMIT=much (no such option, or no such value)\n");
  EXPECT_EQ(warnings_of_environment("STRATA_LIMITS", "1"),
            "strata: ignored: STRATA_LIMITS=1 (no such option, or no such value)\n");
  EXPECT_EQ(warnings_of_environment("STRATA_LIBRARY", "/x/libstrata.so"), "")
      << "the command's own";
}

TEST(ReadOptions, CutsALongWarningToOneLine) {
  std::string warning = warnings_of_environment("STRATA_LIMIT", std::string(1000, 'x').c_str());
  EXPECT_LT(warning.size(), 257u);
  EXPECT_EQ(warning.find('\n'), warning.size() - 1);
}

// ---- The page docs/options.md

std::string kind_in_words(const std::string& type, const std::string& choices) {
  if (type == "flag") return "0 or 1";
  if (type == "size") return "size";
  if (type == "path") return "path";
  if (type == "number") return "number";
  std::string words;
  for (char each : choices) words += each == '|' ? std::string(", ") : std::string(1, each);
  return words;
}

std::string page_of_the_table() {
  std::ostringstream page;
  page
      << "# Options\n\n"
         "The library reads these environment variables once, when the process starts. An unknown\n"
         "or malformed one is named in a warning on stderr and ignored.\n\n"
         "A size is a number of bytes, or a number with one of the suffixes `K`, `M`, `G`, `T`\n"
         "(powers of 1024; `KiB`, `kb` and so on mean the same).\n\n"
         "| Variable | Value | Default | Meaning |\n"
         "|---|---|---|---|\n";
#define STRATA_OPTION_LINE(type, name, variable, preset, choices, help)           \
  page << "| `" << (variable) << "` | " << kind_in_words(#type, choices) << " | " \
       << (*(preset) == '\0' ? "none" : "`" preset "`") << " | " << (help) << " |\n";
  STRATA_OPTIONS(STRATA_OPTION_LINE)
#undef STRATA_OPTION_LINE
  page << "\nThis page is made from the table in `src/base/option_table.hpp` by a unit test: "
          "change the\n"
          "table, then run `strata_unit --gtest_filter=OptionsPage.*` with "
          "`STRATA_UPDATE_DOCS=1`.\n";
  return page.str();
}

std::string path_of_the_page() {
  std::string here = __FILE__;
  return here.substr(0, here.rfind("src/ground/")) + "docs/options.md";
}

TEST(OptionsPage, SaysWhatTheTableSays) {
  std::string made = page_of_the_table();
  if (const char* update = std::getenv("STRATA_UPDATE_DOCS"); update != nullptr && *update == '1') {
    std::ofstream(path_of_the_page()) << made;
  }
  std::ifstream file(path_of_the_page());
  ASSERT_TRUE(file) << path_of_the_page();
  std::stringstream found;
  found << file.rdbuf();
  EXPECT_EQ(found.str(), made) << "run this test with STRATA_UPDATE_DOCS=1 and commit the page";
}

}  // namespace
}  // namespace strata::ground
