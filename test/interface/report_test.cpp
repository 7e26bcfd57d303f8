// What glibc lets a program ask of its malloc: mallinfo, malloc_info, malloc_stats, mallopt,
// malloc_trim.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr size_t mib = size_t{1} << 20;

std::string read_all(FILE* file) {
  std::string text;
  std::rewind(file);
  char buffer[4096];
  for (size_t length; (length = std::fread(buffer, 1, sizeof buffer, file)) > 0;) {
    text.append(buffer, length);
  }
  return text;
}

// Every element that opens closes again, in order; declarations and empty elements stand alone.
bool well_formed(const std::string& text) {
  std::vector<std::string> open;
  size_t elements = 0;
  size_t at = text.find('<');
  for (; at != std::string::npos; at = text.find('<', at)) {
    const size_t end = text.find('>', at);
    if (end == std::string::npos) {
      return false;
    }
    const std::string tag = text.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(0, tag.find_first_of(" \t\n/", tag[0] == '/' ? 1 : 0));
    at = end;
    ++elements;
    if (tag[0] == '?' || tag[0] == '!' || tag.back() == '/') {
      continue;
    }
    if (tag[0] != '/') {
      open.push_back(name);
    } else if (open.empty() || "/" + open.back() != name) {
      return false;
    } else {
      open.pop_back();
    }
  }
  return open.empty() && elements > 0;
}

// The total in use: ordinary blocks and those with mappings of their own.
size_t used_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(Mallinfo, FollowsWhatIsAllocated) {
  const size_t before = used_bytes();
  std::vector<void*> blocks;
  for (int i = 0; i < 640; ++i) {
    blocks.push_back(malloc(100 * 1024));
    std::memset(blocks.back(), 1, 100 * 1024);
  }
  const size_t during = used_bytes();
  EXPECT_GE(during, before + 55 * mib);
  EXPECT_LE(during, before + 90 * mib);
  for (void* block : blocks) {
    free(block);
  }
  EXPECT_LE(used_bytes(), during - 55 * mib);
}

TEST(Mallinfo, IsPlausible) {
  void* block = malloc(3 * mib);
  const struct mallinfo2 wide = mallinfo2();
  EXPECT_GT(wide.arena + wide.hblkhd, 0u);
  EXPECT_LT(wide.arena + wide.hblkhd, size_t{64} << 30);
  EXPECT_LE(wide.uordblks, wide.arena + wide.hblkhd);
  EXPECT_LE(wide.fordblks, wide.arena + wide.hblkhd);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const struct mallinfo narrow = mallinfo();
#pragma GCC diagnostic pop
  EXPECT_GT(narrow.arena + narrow.hblkhd, 0);
  EXPECT_GE(narrow.uordblks, 0);
  free(block);
}

TEST(MallocInfo, WritesWellFormedXml) {
  FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(malloc_info(0, file), 0);
  const std::string text = read_all(file);
  std::fclose(file);
  EXPECT_EQ(text.rfind("<malloc", 0), 0u) << text;
  EXPECT_TRUE(well_formed(text)) << text;
}

TEST(MallocInfo, RefusesUnknownOptions) { EXPECT_NE(malloc_info(1, stderr), 0); }

TEST(MallocStats, PrintsToStderr) {
  FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  const int kept = dup(STDERR_FILENO);
  std::fflush(stderr);
  dup2(fileno(file), STDERR_FILENO);
  malloc_stats();
  std::fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  EXPECT_GT(read_all(file).size(), 20u);
  std::fclose(file);
}

TEST(Mallopt, AcceptsWhatGlibcKnows) {
  EXPECT_EQ(mallopt(M_MMAP_THRESHOLD, 1 << 20), 1);
  EXPECT_EQ(mallopt(M_TRIM_THRESHOLD, 1 << 20), 1);
  EXPECT_EQ(mallopt(M_ARENA_MAX, 1), 1);
}

TEST(MallocTrim, SaysWhetherItReturnedMemory) {
  std::vector<void*> blocks;
  for (int i = 0; i < 20000; ++i) {
    blocks.push_back(malloc(1000));
    std::memset(blocks.back(), 1, 1000);
  }
  for (void* block : blocks) {
    free(block);
  }
  EXPECT_EQ(malloc_trim(0), 1);
  const int again = malloc_trim(0);
  EXPECT_TRUE(again == 0 || again == 1);
}

}  // namespace
