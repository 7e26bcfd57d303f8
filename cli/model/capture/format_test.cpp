#include "cli/model/capture/format.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "cli/model/capture/file_reader.hpp"
#include "cli/model/capture/file_writer.hpp"

namespace strata::cli::capture {
namespace {

TEST(Bytes, NumbersComeBack) {
  byte_writer to;
  const std::vector<std::uint64_t> numbers = {0, 1, 127, 128, 1u << 31, ~std::uint64_t{0}};
  const std::vector<std::int64_t> differences = {0, -1, 1, INT64_MIN, INT64_MAX, -64, 64};
  for (std::uint64_t one : numbers) to.number(one);
  for (std::int64_t one : differences) to.difference(one);
  to.text("text");
  byte_reader from(to.bytes());
  for (std::uint64_t one : numbers) EXPECT_EQ(from.number(), one);
  for (std::int64_t one : differences) EXPECT_EQ(from.difference(), one);
  EXPECT_EQ(from.text(), "text");
  EXPECT_TRUE(from.good());
  EXPECT_TRUE(from.done());
  from.byte();
  EXPECT_FALSE(from.good());
}

TEST(Bytes, LengthsBeyondTheEnd) {
  byte_writer to;
  to.number(1000);
  byte_reader from(to.bytes());
  EXPECT_EQ(from.text(), "");
  EXPECT_FALSE(from.good());
  byte_reader endless(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11));
  endless.number();
  EXPECT_FALSE(endless.good());
}

TEST(Bytes, RealsAreFinite) {
  for (const double one : {0.0, -1.5, 1e300}) {
    byte_writer to;
    to.real(one);
    byte_reader from(to.bytes());
    EXPECT_EQ(from.real(), one);
    EXPECT_TRUE(from.good());
  }
  for (const double one : {HUGE_VAL, -HUGE_VAL, std::nan("")}) {
    byte_writer to;
    to.real(one);
    byte_reader from(to.bytes());
    EXPECT_EQ(from.real(), 0);
    EXPECT_FALSE(from.good());
  }
}

class Blocks : public testing::Test {
 protected:
  std::string path() const { return folder_.path() + "/file"; }
  void write(int count) {
    file_writer to(path());
    ASSERT_EQ(to.error(), "");
    for (int i = 0; i < count; ++i) {
      to.write(block_kind::resident, resident{static_cast<std::uint32_t>(i), 5, 7});
    }
  }
  std::string content() const {
    std::ifstream from(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(from), {}};
  }
  void replace(const std::string& with) { std::ofstream(path(), std::ios::binary) << with; }
  // How many can be read.
  int read(bool& broken) {
    file_reader from(path());
    EXPECT_EQ(from.error(), "");
    block_kind kind{};
    byte_reader content;
    int count = 0;
    while (from.next(kind, content)) {
      EXPECT_EQ(kind, block_kind::resident);
      EXPECT_EQ(get<resident>(content).process, static_cast<std::uint32_t>(count++));
    }
    broken = from.broken();
    return count;
  }

  temporary_directory folder_;
};

TEST_F(Blocks, ComeBack) {
  write(10);
  bool broken = true;
  EXPECT_EQ(read(broken), 10);
  EXPECT_FALSE(broken);
}

TEST_F(Blocks, OfAnyLength) {
  std::vector<std::string> contents;
  for (const std::size_t length :
       {0U, 1U, 65534U, 65535U, 65536U, 70'000U, 3U, 1'000'000U, 131'071U}) {
    std::string& one = contents.emplace_back();
    for (std::size_t i = 0; i < length; ++i) one.push_back(static_cast<char>(i * i >> 7));
  }
  {
    file_writer to(path());
    for (const std::string& one : contents) {
      byte_writer content;
      content.text(one);
      to.write(block_kind::symbols, content);
    }
  }
  file_reader from(path());
  block_kind kind{};
  byte_reader content;
  for (const std::string& one : contents) {
    ASSERT_TRUE(from.next(kind, content));
    EXPECT_EQ(content.text(), one);
    EXPECT_TRUE(content.done());
  }
  EXPECT_FALSE(from.next(kind, content));
  EXPECT_FALSE(from.broken());
}

TEST_F(Blocks, CutAtEachByte) {
  write(10);
  const std::string whole = content();
  int most = 0;
  for (std::size_t length = header_bytes; length < whole.size(); ++length) {
    replace(whole.substr(0, length));
    bool broken = false;
    const int count = read(broken);
    EXPECT_GE(count, most);
    EXPECT_LT(count, 10);
    most = count;
  }
  EXPECT_EQ(most, 9);
}

// Some bits mean nothing to zstd: what is read then is what was written.
TEST_F(Blocks, ChangedAtEachByte) {
  write(3);
  const std::string whole = content();
  std::size_t unnoticed = 0;
  for (std::size_t at = header_bytes; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 8);
    replace(changed);
    bool broken = false;
    const int count = read(broken);
    EXPECT_EQ(broken, count < 3) << at;
    if (!broken) ++unnoticed;
  }
  EXPECT_LT(unnoticed, whole.size() / 10);
}

TEST_F(Blocks, OthersFiles) {
  replace("something else");
  EXPECT_EQ(file_reader(path()).error(), "is no recording of strata record");
  replace("");
  EXPECT_EQ(file_reader(path()).error(), "is no recording of strata record");
  const auto of_version = [&](std::uint32_t version) {
    std::string header(file_magic);
    for (int shift = 0; shift < 32; shift += 8) header += static_cast<char>(version >> shift);
    replace(header);
    return file_reader(path()).error();
  };
  EXPECT_NE(of_version(file_version + 1).find("newer strata"), std::string::npos);
  EXPECT_NE(of_version(file_version - 1).find("older strata"), std::string::npos);
  EXPECT_EQ(of_version(file_version), "");
  EXPECT_EQ(of_version(0), "is damaged");
}

}  // namespace
}  // namespace strata::cli::capture
