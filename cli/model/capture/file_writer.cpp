#include "cli/model/capture/file_writer.hpp"

#include <fcntl.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>

namespace strata::cli::capture {
namespace {

constexpr int level = 3;

void put_fixed(std::string& to, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<char>(value >> shift));
}

}  // namespace

file_writer::file_writer(const std::string& path)
    : path_(path),
      file_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)),
      compressor_(ZSTD_createCCtx()) {
  if (!file_) {
    error_ = "cannot write " + path_ + ": " + std::strerror(errno);
    return;
  }
  ZSTD_CCtx_setParameter(compressor_, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(compressor_, ZSTD_c_checksumFlag, 1);
  std::string header(file_magic);
  put_fixed(header, file_version);
  append(header);
}

file_writer::~file_writer() { ZSTD_freeCCtx(compressor_); }

void file_writer::write(block_kind kind, const byte_writer& content) {
  if (!error_.empty()) return;
  plain_.assign(1, static_cast<char>(kind));
  plain_ += content.bytes();
  packed_.resize(ZSTD_compressBound(plain_.size()));
  const std::size_t length =
      ZSTD_compress2(compressor_, packed_.data(), packed_.size(), plain_.data(), plain_.size());
  if (ZSTD_isError(length) != 0) {
    error_ = std::string("cannot compress: ") + ZSTD_getErrorName(length);
    return;
  }
  packed_.resize(length);
  std::string head;
  put_fixed(head, static_cast<std::uint32_t>(length));
  append(head + packed_);
}

void file_writer::append(const std::string& bytes) {
  if (!write_all(file_.get(), bytes))
    error_ = "cannot write " + path_ + ": " + std::strerror(errno);
  bytes_ += bytes.size();
}

}  // namespace strata::cli::capture
