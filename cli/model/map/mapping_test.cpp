#include "cli/model/map/mapping.hpp"

#include <gtest/gtest.h>

namespace strata::cli::map {
namespace {

const char* const smaps =
    "400000-401000 r-xp 00000000 08:01 17                 /usr/bin/a program\n"
    "Size:                  4 kB\n"
    "Rss:                   4 kB\n"
    "Pss:                   2 kB\n"
    "VmFlags: rd ex mr mw me\n"
    "401000-402000 rw-p 00001000 08:01 17                 /usr/bin/a program\n"
    "Rss:                   4 kB\n"
    "Shared_Dirty:          1 kB\n"
    "Private_Dirty:         3 kB\n"
    "402000-404000 rw-p 00000000 00:00 0 \n"
    "AnonHugePages:      2048 kB\n"
    "Locked:                8 kB\n"
    "500000-600000 ---p 00000000 00:00 0 \n"
    "7f0000000000-7f0000001000 r--p 00000000 08:01 18     /lib/libx.so.1 (deleted)\n"
    "7f0000001000-7f0000002000 r-xp 00001000 08:01 18     /lib/libx.so.1 (deleted)\n"
    "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0      [stack]\n";

TEST(Mappings, SmapsAreRead) {
  address_space all;
  ASSERT_EQ(parse_mappings(smaps, all), "");
  ASSERT_EQ(all.mappings.size(), 7u);
  EXPECT_TRUE(all.has_usage);
  const mapping& text = all.mappings[0];
  EXPECT_EQ(text.start, 0x400000u);
  EXPECT_EQ(text.bytes(), 4096u);
  EXPECT_EQ(text.path, "/usr/bin/a program");
  EXPECT_EQ(text.memory.resident_bytes, 4096u);
  EXPECT_EQ(text.memory.proportional_bytes, 2048u);
  EXPECT_EQ(all.mappings[1].memory.dirty_bytes, 4096u);
  EXPECT_EQ(all.mappings[2].memory.huge_bytes, 2u << 20);
  EXPECT_EQ(all.mappings[2].memory.locked_bytes, 8192u);
}

TEST(Mappings, PurposesAreTold) {
  address_space all;
  ASSERT_EQ(parse_mappings(smaps, all), "");
  classify(all);
  EXPECT_EQ(all.program, "/usr/bin/a program");
  const purpose expected[] = {purpose::program,  purpose::program, purpose::program,
                              purpose::reserved, purpose::library, purpose::library,
                              purpose::stack};
  for (std::size_t i = 0; i < all.mappings.size(); ++i) {
    EXPECT_EQ(all.mappings[i].what, expected[i]) << i;
  }
  EXPECT_EQ(all.mappings[2].label, "/usr/bin/a program (zeroed data)");
}

TEST(Mappings, AddressesAreFound) {
  address_space all;
  ASSERT_EQ(parse_mappings(smaps, all), "");
  EXPECT_EQ(find(all, 0x400fff), &all.mappings[0]);
  EXPECT_EQ(find(all, 0x401000), &all.mappings[1]);
  EXPECT_EQ(find(all, 0x404000), nullptr);
  EXPECT_EQ(find(all, 0), nullptr);
  EXPECT_EQ(find(all, ~0ull), nullptr);
}

TEST(Mappings, MapsHaveNoUsage) {
  address_space all;
  ASSERT_EQ(parse_mappings("1000-2000 rw-p 00000000 00:00 0 \n", all), "");
  EXPECT_FALSE(all.has_usage);
}

TEST(Mappings, OneThatGrewMeanwhileContinues) {
  address_space all;
  ASSERT_EQ(
      parse_mappings("1000-2000 rw-p 00000000 00:00 0\n1000-4000 rw-p 00000000 00:00 0\n", all),
      "");
  ASSERT_EQ(all.mappings.size(), 2u);
  EXPECT_EQ(all.mappings[1].start, 0x2000u);
}

TEST(Mappings, WrongLinesAreNamed) {
  for (const char* wrong :
       {"x", "2000-1000 rw-p 00000000 00:00 0", "1000-2000 rw- 00000000 00:00 0", "Rss: 4 kB",
        "1000-2000 rw-p 00000000 00:00 0\nRss: many kB", "1000-2000 rw-p 0 00:00 x",
        "3000-4000 rw-p 00000000 00:00 0\n1000-2000 rw-p 00000000 00:00 0"}) {
    address_space all;
    EXPECT_NE(parse_mappings(wrong, all).find("is not one of"), std::string::npos) << wrong;
  }
  address_space all;
  EXPECT_EQ(parse_mappings("", all), "no mappings in it");
}

}  // namespace
}  // namespace strata::cli::map
