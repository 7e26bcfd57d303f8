#include "os/code_place.hpp"

#include <gtest/gtest.h>
#include <link.h>
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/bits.hpp"

namespace strata::os {
namespace {

std::string bytes_in(const std::string& path, std::uint64_t offset, std::size_t count) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  std::string bytes(count, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  return bytes;
}

std::string bytes_at(std::uintptr_t address, std::size_t count) {
  return {base::pointer_to<const char>(address), count};
}

int some_function(int value) { return value * 3 + 1; }

TEST(CodePlace, IsWhereTheFileHasTheCode) {
  const auto here = reinterpret_cast<std::uintptr_t>(&some_function);
  code_place place;
  ASSERT_TRUE(find_code(here, place));
  EXPECT_EQ(bytes_in("/proc/self/exe", place.offset, 16), bytes_at(here, 16));
  EXPECT_EQ(bytes_at(place.image, 4), ELFMAG);
}

TEST(CodePlace, IsKnownInLibraries) {
  const auto in_libc = reinterpret_cast<std::uintptr_t>(&::qsort);
  code_place place;
  code_place own;
  ASSERT_TRUE(find_code(in_libc, place));
  ASSERT_TRUE(find_code(reinterpret_cast<std::uintptr_t>(&some_function), own));
  const build_id id = build_id_of(place.image);
  const build_id own_id = build_id_of(own.image);
  ASSERT_GT(id.count, 0u);
  const std::size_t shorter = std::min(id.count, own_id.count);
  EXPECT_TRUE(shorter == 0 || std::memcmp(id.bytes, own_id.bytes, shorter) != 0);
}

TEST(CodePlace, IsNotOfData) {
  code_place place;
  const std::vector<int> on_heap(100);
  EXPECT_FALSE(find_code(reinterpret_cast<std::uintptr_t>(on_heap.data()), place));
  EXPECT_FALSE(find_code(16, place));
}

}  // namespace
}  // namespace strata::os
