// zlib over each resource: zalloc and zfree have a pointer of the user's, and no size.
#include <zlib.h>

#include <string>
#include <vector>

#include "c_heap.hpp"
#include "subjects.hpp"

namespace strata {
namespace {

template <resource Resource>
z_stream stream_over(Resource& from) {
  z_stream made{};
  made.opaque = &from;
  made.zalloc = [](void* user, unsigned items, unsigned bytes) {
    return c_heap(*static_cast<Resource*>(user)).malloc(std::size_t{items} * bytes);
  };
  made.zfree = [](void* user, void* block) { c_heap(*static_cast<Resource*>(user)).free(block); };
  return made;
}

std::string sample() {
  std::string made;
  for (int i = 0; i < 4000; ++i) made += std::to_string(i * 7919 % 1000) + " and some words ";
  return made;
}

std::string compress(z_stream stream, std::string text) {
  if (deflateInit(&stream, Z_BEST_COMPRESSION) != Z_OK) return {};
  std::string made(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(made.data());
  stream.avail_out = static_cast<uInt>(made.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  made.resize(stream.total_out);
  EXPECT_EQ(deflateEnd(&stream), Z_OK);
  return made;
}

std::string expand(z_stream stream, std::string compressed, std::size_t bytes) {
  if (inflateInit(&stream) != Z_OK) return {};
  std::string made(bytes, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(made.data());
  stream.avail_out = static_cast<uInt>(made.size());
  int status = inflate(&stream, Z_FINISH);
  EXPECT_TRUE(status == Z_STREAM_END || status == Z_MEM_ERROR) << status;
  EXPECT_EQ(inflateEnd(&stream), Z_OK);
  return status == Z_STREAM_END ? made : std::string();
}

template <class Subject>
class Zlib : public WithSubject<Subject> {};
TYPED_TEST_SUITE(Zlib, all_subjects, subject_names);

TYPED_TEST(Zlib, ThereAndBackAgreesWithTheHeap) {
  std::string text = sample();
  std::string here = compress(stream_over(this->memory()), text);
  EXPECT_EQ(here, compress(z_stream{}, text));
  EXPECT_LT(here.size(), text.size() / 4);
  EXPECT_EQ(expand(stream_over(this->memory()), here, text.size()), text);
  EXPECT_GT(this->memory().statistics().peak_used_bytes, 100'000u);
}

TEST(ZlibOutOfMemory, EveryAllocationMayFail) {
  test_resource memory;
  std::string text = sample();
  std::string compressed = compress(z_stream{}, text);
  int successes = 0;
  exception_loop_result result = exception_loop(memory, [&] {
    std::string made = compress(stream_over(memory), text);
    EXPECT_TRUE(made.empty() || made == compressed);
    std::string back = expand(stream_over(memory), compressed, text.size());
    EXPECT_TRUE(back.empty() || back == text);
    successes += made == compressed && back == text ? 1 : 0;
  });
  EXPECT_TRUE(result.passed());
  EXPECT_GT(result.runs, 5u);
  EXPECT_EQ(successes, 1) << "in the last run alone";
}

}  // namespace
}  // namespace strata
