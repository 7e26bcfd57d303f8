#include "cli/model/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace strata::cli {
namespace {

std::string temporary_root() {
  const char* root = std::getenv("TMPDIR");
  return root != nullptr && *root != '\0' ? root : "/tmp";
}

mode_t default_mode() {
  const mode_t mask = umask(0);
  umask(mask);
  return static_cast<mode_t>(0666 & ~mask);
}

// The descriptor that /dev/stdout and its like stand for; -1 for other paths. Opening them would
// start again at the beginning of a file that others are writing.
int descriptor_named(std::string_view path) {
  constexpr std::string_view numbered = "/dev/fd/";
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  if (!path.starts_with(numbered)) return -1;
  path.remove_prefix(numbered.size());
  int number = -1;
  const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), number);
  return error == std::errc() && end == path.data() + path.size() ? number : -1;
}

}  // namespace

void descriptor::reset() {
  if (number_ >= 0) close(number_);
  number_ = -1;
}

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

temporary_directory::temporary_directory() : path_(temporary_root() + "/strata-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) path_.clear();
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

descriptor open_nameless_file() {
  std::string name = temporary_root() + "/strata-XXXXXX";
  descriptor file(mkostemp(name.data(), O_CLOEXEC));
  if (file) unlink(name.c_str());
  return file;
}

result_file::result_file(const std::string& path) : path_(path) {
  if (const int named = descriptor_named(path); named >= 0) {
    file_ = descriptor(fcntl(named, F_DUPFD_CLOEXEC, 0));
    if (!file_) fail(errno);
    return;
  }
  struct stat info {};
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) {
      fail(EISDIR);
      return;
    }
    if (!S_ISREG(info.st_mode)) {
      file_ = descriptor(open(path.c_str(), O_WRONLY | O_CLOEXEC));
      if (!file_) fail(errno);
      return;
    }
    std::error_code ignored;  // a link stays a link: its target is replaced
    path_ = std::filesystem::canonical(path, ignored).string();
    if (access(path_.c_str(), W_OK) != 0) {
      fail(errno);
      return;
    }
  }
  temporary_ = path_ + ".XXXXXX";
  file_ = descriptor(mkostemp(temporary_.data(), O_CLOEXEC));
  if (file_) return;
  temporary_.clear();
  fail(errno);
}

result_file::~result_file() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

bool result_file::commit(std::string_view text) {
  if (!write_all(file_.get(), text)) return fail(errno);
  if (temporary_.empty()) return true;
  if (fchmod(file_.get(), default_mode()) != 0) return fail(errno);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return fail(errno);
  temporary_.clear();
  return true;
}

bool result_file::fail(int reason) {
  if (!temporary_.empty()) unlink(temporary_.c_str());
  temporary_.clear();
  error_ = "cannot write " + path_ + ": " + std::strerror(reason);
  return false;
}

}  // namespace strata::cli
