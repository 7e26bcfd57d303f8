#include "cli/model/capture/file_reader.hpp"

#include <sys/stat.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>

namespace strata::cli::capture {
namespace {

// Of an unpacked block; most are shorter.
constexpr std::size_t piece_bytes = std::size_t{64} << 10;

std::uint32_t fixed(const std::string& from, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(from[at + i])} << 8 * i;
  }
  return value;
}

}  // namespace

file_reader::file_reader(const std::string& path)
    : file_(std::fopen(path.c_str(), "rbe"), std::fclose), decompressor_(ZSTD_createDCtx()) {
  struct stat facts {};
  if (file_ == nullptr) {
    error_ = std::strerror(errno);
  } else if (fstat(fileno(file_.get()), &facts) == 0 && S_ISDIR(facts.st_mode)) {
    error_ = "is a directory";
  } else if (!read(packed_, header_bytes) || !packed_.starts_with(file_magic)) {
    error_ = "is no recording of strata record";
  } else if (const std::uint32_t version = fixed(packed_, file_magic.size());
             version > file_version) {
    error_ = "was recorded by a newer strata (version " + std::to_string(version) +
             " of the format; this one reads version " + std::to_string(file_version) + ")";
  } else if (version == 0) {
    error_ = "is damaged";
  } else if (version < file_version) {
    error_ = "was recorded by an older strata (version " + std::to_string(version) +
             " of the format; this one reads version " + std::to_string(file_version) + ")";
  }
}

file_reader::~file_reader() { ZSTD_freeDCtx(decompressor_); }

bool file_reader::next(block_kind& kind, byte_reader& content) {
  if (!error_.empty() || broken_) return false;
  const int first = std::fgetc(file_.get());
  if (first == EOF) return false;
  std::ungetc(first, file_.get());
  broken_ = true;
  if (!read(packed_, 8)) return false;
  const std::uint32_t length = fixed(packed_, 0);
  const std::uint32_t sum = fixed(packed_, 4);
  if (length == 0 || length > most_block_bytes || !read(packed_, length) || !unpack() ||
      checksum(plain_) != sum) {
    return false;
  }
  broken_ = false;
  kind = static_cast<block_kind>(plain_[0]);
  content = byte_reader(plain_.substr(1));
  return true;
}

bool file_reader::read(std::string& into, std::size_t bytes) {
  into.clear();
  // Piece by piece: a length that is wrong must not take that much memory.
  constexpr std::size_t piece = std::size_t{1} << 20;
  while (into.size() < bytes) {
    const std::size_t had = into.size();
    const std::size_t wanted = std::min(bytes - had, piece);
    into.resize(had + wanted);
    const std::size_t got = std::fread(into.data() + had, 1, wanted, file_.get());
    bytes_ += got;
    if (got < wanted) return false;
  }
  return true;
}

bool file_reader::unpack() {
  ZSTD_inBuffer from{packed_.data(), packed_.size(), 0};
  std::size_t made = 0;
  for (bool is_full = true; from.pos < from.size || is_full;) {
    if (made > most_block_bytes) return false;
    const std::size_t room = made + piece_bytes;
    if (buffer_.size() < room) buffer_.resize(room);
    ZSTD_outBuffer to{buffer_.data() + made, room - made, 0};
    const std::size_t result = ZSTD_decompressStream(decompressor_, &to, &from);
    if (ZSTD_isError(result) != 0 || result == 0)
      return false;  // 0: the stream ends, as no recording's does
    made += to.pos;
    is_full = to.pos == to.size;
  }
  plain_ = std::string_view(buffer_).substr(0, made);
  return !plain_.empty();
}

}  // namespace strata::cli::capture
