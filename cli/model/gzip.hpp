// Packs a text as gzip does, piece by piece: only what is packed is kept.
#pragma once

#include <string>
#include <string_view>

struct z_stream_s;

namespace strata::cli {

class gzip_writer {
 public:
  gzip_writer();
  gzip_writer(const gzip_writer&) = delete;
  gzip_writer& operator=(const gzip_writer&) = delete;
  ~gzip_writer();

  gzip_writer& operator<<(std::string_view text);
  // All that was written, packed. To be called once, at the end.
  std::string finish();

 private:
  void pack(int how);

  z_stream_s* stream_;
  std::string waiting_;
  std::string packed_;
};

inline std::string gzipped(std::string_view text) {
  gzip_writer writer;
  writer << text;
  return writer.finish();
}

}  // namespace strata::cli
