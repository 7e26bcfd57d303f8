// Reads the blocks of a recording's file, one after the other.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "cli/model/capture/format.hpp"

struct ZSTD_DCtx_s;

namespace strata::cli::capture {

class file_reader {
 public:
  // Opens it; error() says why that is no recording of this version.
  explicit file_reader(const std::string& path);
  file_reader(const file_reader&) = delete;
  file_reader& operator=(const file_reader&) = delete;
  ~file_reader();

  const std::string& error() const { return error_; }

  // The next block; false at the end of the file or at the first block that is not whole: broken()
  // tells which. The content is valid until the next call.
  bool next(block_kind& kind, byte_reader& content);
  bool broken() const { return broken_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  bool read(std::string& into, std::size_t bytes);
  bool unpack();

  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  ZSTD_DCtx_s* decompressor_ = nullptr;
  std::string packed_;
  std::string buffer_;      // as long as the longest block so far
  std::string_view plain_;  // of the last block, in there
  std::uint64_t bytes_ = 0;
  bool broken_ = false;
  std::string error_;
};

}  // namespace strata::cli::capture
