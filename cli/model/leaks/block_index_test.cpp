#include "cli/model/leaks/block_index.hpp"

#include <gtest/gtest.h>

namespace strata::cli::leaks {
namespace {

block made(std::uint64_t start, std::uint64_t bytes) { return {start, bytes, 0, 1}; }

TEST(BlockIndex, FindsStartsInteriorsAndNothingBehind) {
  const block_index index({made(0x20000, 100), made(0x10000, 24), made(0x10020, 16)});
  EXPECT_EQ(index.find(0x10000), 0u);
  EXPECT_EQ(index.find(0x10017), 0u);
  EXPECT_EQ(index.find(0x10018), no_block);
  EXPECT_EQ(index.find(0x10020), 1u);
  EXPECT_EQ(index.find(0x20063), 2u);
  EXPECT_EQ(index.find(0x20064), no_block);
  EXPECT_EQ(index.find(0xffff), no_block);
  EXPECT_EQ(index.find(0), no_block);
  EXPECT_EQ(index.find(UINT64_MAX), no_block);
}

TEST(BlockIndex, FindsBlocksThatBeganPagesBefore) {
  const block_index index({made(0x10010, 0x5000), made(0x16000, 16)});
  for (std::uint64_t at = 0x10010; at < 0x15010; at += 0x7f8) EXPECT_EQ(index.find(at), 0u) << at;
  EXPECT_EQ(index.find(0x15010), no_block);
  EXPECT_EQ(index.find(0x16008), 1u);
}

TEST(BlockIndex, FindsBlocksThatAreFarApart) {
  const block_index index({made(0x10000, 16), made(0x7f0000000000, 16)});
  EXPECT_EQ(index.find(0x10008), 0u);
  EXPECT_EQ(index.find(0x7f0000000008), 1u);
  EXPECT_EQ(index.find(0x100000), no_block);
}

TEST(BlockIndex, EmptyBlocksAndArraysHaveAPlace) {
  const block_index index({made(0x10000, 0), made(0x10020, 8)});
  EXPECT_EQ(index.find(0x10000), 0u);
  EXPECT_EQ(index.find(0x10001), no_block);
  EXPECT_EQ(index.find(0x10028), 1u);
  EXPECT_EQ(index.find(0x10029), no_block);
}

TEST(BlockIndex, OneAtEachPlace) {
  const block_index index({{0x10000, 16, 0, 0}, {0x10000, 32, 0, 5}});
  ASSERT_EQ(index.all().size(), 1u);
  EXPECT_EQ(index[0].order, 5u);
}

TEST(BlockIndex, OfNothingFindsNothing) { EXPECT_EQ(block_index({}).find(0), no_block); }

}  // namespace
}  // namespace strata::cli::leaks
