// Files that the command opens, makes and removes: each is closed or removed by its owner.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace strata::cli {

// A file descriptor that is closed with its owner.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() { reset(); }

  void reset();
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// The last part of a path.
std::string base_name(std::string_view path);

// Writes all of text; false on error, with errno.
bool write_all(int file, std::string_view text);

// A directory of its own under $TMPDIR (or /tmp), removed with its files at the end.
class temporary_directory {
 public:
  temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory();

  // Empty when it could not be made.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// An open file without a name, for reading and writing.
descriptor open_nameless_file();

// A file that appears under its name only when it is complete: written under another name in the
// same directory, then renamed. An open file (/dev/stdout, /dev/fd/3) and what is no regular file
// (a pipe) are written directly.
class result_file {
 public:
  // Prepares to write; error() says why it cannot be done.
  explicit result_file(const std::string& path);
  result_file(const result_file&) = delete;
  result_file& operator=(const result_file&) = delete;
  ~result_file();

  // Empty: ready to write.
  const std::string& error() const { return error_; }
  // Writes the whole text and gives the file its name; false on failure, with error().
  bool commit(std::string_view text);

 private:
  bool fail(int reason);

  std::string path_;
  std::string temporary_;  // empty: written directly, or done
  descriptor file_;
  std::string error_;
};

}  // namespace strata::cli
