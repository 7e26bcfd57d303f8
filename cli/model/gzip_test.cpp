#include "cli/model/gzip.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

namespace strata::cli {
namespace {

std::string unpacked(std::string packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string made(std::size_t{1} << 22, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(made.data());
  stream.avail_out = static_cast<uInt>(made.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  made.resize(stream.total_out);
  inflateEnd(&stream);
  return made;
}

TEST(Gzip, ComesBack) {
  std::mt19937_64 dice(1);
  std::string noise;
  for (int i = 0; i < 300'000; ++i) noise += static_cast<char>(dice());
  for (const std::string& text :
       {std::string(), std::string("x"), std::string(1 << 20, 'a'), noise}) {
    EXPECT_EQ(unpacked(gzipped(text)), text);
  }
}

TEST(Gzip, PieceByPiece) {
  gzip_writer writer;
  std::string all;
  for (int i = 0; i < 50'000; ++i) {
    const std::string piece = std::to_string(i) + "\n";
    writer << piece;
    all += piece;
  }
  const std::string packed = writer.finish();
  EXPECT_LT(packed.size(), all.size() / 2);
  EXPECT_EQ(unpacked(packed), all);
}

}  // namespace
}  // namespace strata::cli
