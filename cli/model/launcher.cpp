#include "cli/model/launcher.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>

namespace strata::cli {
namespace {

static_assert(std::is_trivially_copyable_v<trial>);

struct request {
  std::size_t arguments = 0;
  std::size_t variables = 0;
  std::size_t text_bytes = 0;  // of what follows: path, arguments and variables, each with its 0
  int input = -1;
  orphan_policy orphans = orphan_policy::lives_on;
};

// False: the other side is gone.
bool read_all(int file, void* into, std::size_t bytes) {
  auto* at = static_cast<char*>(into);
  while (bytes > 0) {
    const ssize_t count = read(file, at, bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    bytes -= static_cast<std::size_t>(count);
  }
  return true;
}

bool write_value(int file, const void* value, std::size_t bytes) {
  return write_all(file, {static_cast<const char*>(value), bytes});
}

command command_of(const request& one, const std::string& text) {
  std::size_t at = 0;
  const auto next = [&] {
    std::string word = text.c_str() + at;
    at += word.size() + 1;
    return word;
  };
  command made{.path = next(), .input = one.input, .orphans = one.orphans};
  for (std::size_t i = 0; i < one.arguments; ++i) made.arguments.push_back(next());
  for (std::size_t i = 0; i < one.variables; ++i) {
    const std::string entry = next();
    const std::size_t mark = entry.find('=');
    if (mark != std::string::npos)
      made.variables.set(entry.substr(0, mark), entry.substr(mark + 1));
  }
  return made;
}

[[noreturn]] void serve(int file) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  request one;
  while (read_all(file, &one, sizeof one)) {
    std::string text(one.text_bytes, '\0');
    if (!read_all(file, text.data(), text.size())) break;
    const trial done = run_trial(command_of(one, text));
    if (!write_value(file, &done, sizeof done)) break;
  }
  _exit(0);
}

}  // namespace

launcher::launcher() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
  ours_ = descriptor(ends[0]);
  const descriptor its(ends[1]);
  pid_ = fork();
  if (pid_ != 0) return;
  ours_.reset();
  serve(its.get());
}

launcher::~launcher() {
  ours_.reset();
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

trial launcher::run(const command& what) {
  std::string text = what.path + '\0';
  for (const std::string& each : what.arguments) text += each + '\0';
  for (const std::string& each : what.variables.entries()) text += each + '\0';
  const request one{what.arguments.size(), what.variables.entries().size(), text.size(), what.input,
                    what.orphans};
  trial done;
  if (pid_ < 0 || !write_value(ours_.get(), &one, sizeof one) || !write_all(ours_.get(), text) ||
      !read_all(ours_.get(), &done, sizeof done))
    done.error = EPIPE;
  return done;
}

}  // namespace strata::cli
