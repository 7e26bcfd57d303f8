#include "cli/model/trial.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace strata::cli {
namespace {

// How long output is still waited for after the program ended.
constexpr std::uint64_t patience_ns = 500'000'000;

// A pipe whose reading end is ours.
struct output_pipe {
  descriptor reading;
  descriptor writing;
};

bool open_pipe(output_pipe& pipe) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  pipe = {descriptor(ends[0]), descriptor(ends[1])};
  return fcntl(pipe.reading.get(), F_SETFL, O_NONBLOCK) == 0;
}

// Takes in what the pipe holds; closes it at its end.
void drain(output_pipe& pipe, output_digest& digest) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t size = read(pipe.reading.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return pipe.reading.reset();
    digest.add({buffer.data(), static_cast<std::size_t>(size)});
  }
}

// True once the process ended; fills in how.
bool reap(pid_t pid, ending& end) {
  if (end.ended_ns != 0) return true;
  if (wait4(pid, &end.wait_status, WNOHANG, &end.usage) != pid) return false;
  end.ended_ns = now_ns();
  return true;
}

void empty(const descriptor& signals) {
  signalfd_siginfo info{};
  while (read(signals.get(), &info, sizeof info) > 0) continue;
}

// Reads both outputs until the program ended and they are closed.
void follow(pid_t pid, const descriptor& signals, output_pipe& output, output_pipe& errors,
            trial& result) {
  while (!reap(pid, result.end) || output.reading || errors.reading) {
    int wait_ms = -1;
    if (result.end.ended_ns != 0) {
      const std::uint64_t waited = now_ns() - result.end.ended_ns;
      result.cut = waited >= patience_ns;
      if (result.cut) return;
      wait_ms = static_cast<int>((patience_ns - waited) / 1'000'000 + 1);
    }
    pollfd events[] = {{output.reading.get(), POLLIN, 0},
                       {errors.reading.get(), POLLIN, 0},
                       {signals.get(), POLLIN, 0}};
    poll(events, 3, wait_ms);
    empty(signals);
    if (output.reading) drain(output, result.output);
    if (errors.reading) drain(errors, result.errors);
  }
}

}  // namespace

void output_digest::add(std::string_view bytes) {
  std::uint64_t hash = hash_;
  for (char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  hash_ = hash;
  length_ += bytes.size();
}

trial run_trial(command what) {
  trial result;
  output_pipe output;
  output_pipe errors;
  signal(SIGCHLD, SIG_DFL);
  const blocked_signals blocked{SIGCHLD};
  const descriptor signals(signalfd(-1, &blocked.set(), SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals || !open_pipe(output) || !open_pipe(errors)) {
    result.error = errno;
    return result;
  }
  what.output = output.writing.get();
  what.errors = errors.writing.get();
  const started_process process = start(what, blocked.before());
  result.error = process.error;
  if (result.error != 0) return result;
  output.writing.reset();
  errors.writing.reset();
  result.end.started_ns = process.started_ns;
  follow(process.pid, signals, output, errors, result);
  return result;
}

}  // namespace strata::cli
