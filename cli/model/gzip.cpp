#include "cli/model/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>
#include <utility>

namespace strata::cli {
namespace {

constexpr int level = 6;
constexpr int window_bits = 15 + 16;  // the largest window, and gzip's header
constexpr int memory_level = 8;
constexpr std::size_t piece_bytes = std::size_t{1} << 16;

}  // namespace

gzip_writer::gzip_writer() : stream_(new z_stream{}) {
  if (deflateInit2(stream_, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    delete stream_;
    throw std::bad_alloc();
  }
}

gzip_writer::~gzip_writer() {
  deflateEnd(stream_);
  delete stream_;
}

gzip_writer& gzip_writer::operator<<(std::string_view text) {
  while (!text.empty()) {
    const std::size_t taken = std::min(text.size(), piece_bytes);
    waiting_ += text.substr(0, taken);
    text.remove_prefix(taken);
    if (waiting_.size() >= piece_bytes) pack(Z_NO_FLUSH);
  }
  return *this;
}

std::string gzip_writer::finish() {
  pack(Z_FINISH);
  return std::move(packed_);
}

void gzip_writer::pack(int how) {
  stream_->next_in = reinterpret_cast<Bytef*>(waiting_.data());
  stream_->avail_in = static_cast<uInt>(waiting_.size());
  do {
    const std::size_t had = packed_.size();
    packed_.resize(had + piece_bytes);
    stream_->next_out = reinterpret_cast<Bytef*>(packed_.data() + had);
    stream_->avail_out = static_cast<uInt>(piece_bytes);
    deflate(stream_, how);
    packed_.resize(packed_.size() - stream_->avail_out);
  } while (stream_->avail_out == 0);
  waiting_.clear();
}

}  // namespace strata::cli
