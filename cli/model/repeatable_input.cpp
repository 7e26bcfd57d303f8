#include "cli/model/repeatable_input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace strata::cli {
namespace {

constexpr int quiet_input_ms = 2000;

// Copies standard input to its end. False: it could not be read or kept, with errno.
bool copy_input(const descriptor& copy) {
  pollfd event{STDIN_FILENO, POLLIN, 0};
  if (poll(&event, 1, quiet_input_ms) == 0) {
    write_all(STDERR_FILENO,
              "strata: reading standard input to its end first (</dev/null: none)\n");
  }
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t size = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size == 0;
    if (!write_all(copy.get(), {buffer.data(), static_cast<std::size_t>(size)})) return false;
  }
}

}  // namespace

descriptor repeatable_input() {
  if (isatty(STDIN_FILENO) != 0) {
    return descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  descriptor copy = open_nameless_file();
  if (copy && !copy_input(copy)) copy.reset();
  return copy;
}

}  // namespace strata::cli
