// Appends blocks to the file of a recording.
#pragma once

#include <string>

#include "cli/model/capture/format.hpp"
#include "cli/model/file.hpp"

struct ZSTD_CCtx_s;

namespace strata::cli::capture {

class file_writer {
 public:
  // Writes nothing, for a recording that others look at while it goes on.
  file_writer() = default;
  // Makes the file anew; error() says why it cannot be written.
  explicit file_writer(const std::string& path);
  file_writer(const file_writer&) = delete;
  file_writer& operator=(const file_writer&) = delete;
  ~file_writer();

  const std::string& error() const { return error_; }
  std::uint64_t bytes() const { return bytes_; }
  bool writes() const { return compressor_ != nullptr; }

  void write(block_kind kind, const byte_writer& content);
  template <typename Content>
  void write(block_kind kind, const Content& content) {
    byte_writer bytes;
    put(bytes, content);
    write(kind, bytes);
  }

 private:
  void append(const std::string& bytes);

  std::string path_;
  descriptor file_;
  ZSTD_CCtx_s* compressor_ = nullptr;
  std::string plain_;
  std::string packed_;
  std::uint64_t bytes_ = 0;
  std::string error_;
};

}  // namespace strata::cli::capture
