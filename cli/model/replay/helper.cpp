#include "cli/model/replay/helper.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "cli/model/process.hpp"
#include "cli/model/replay/routed_policy.hpp"

namespace strata::cli::replay {
namespace {

// All of it, or false.
bool receive(int socket, void* into, std::size_t bytes) {
  auto* at = static_cast<char*>(into);
  while (bytes > 0) {
    const ssize_t got = recv(socket, at, bytes, MSG_WAITALL);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool send_all(int socket, const void* from, std::size_t bytes) {
  const auto* at = static_cast<const char*>(from);
  while (bytes > 0) {
    const ssize_t sent = send(socket, at, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool send_trace(int socket, const trace& of, const pass_request& request) {
  bool goes_well = send_all(socket, &request, sizeof request);
  if (!goes_well) return false;
  of.each_batch([&](std::span<const operation> batch) {
    for (; goes_well && !batch.empty();) {
      const std::uint64_t count = std::min(batch.size(), trace::batch_operations);
      goes_well = send_all(socket, &count, sizeof count) &&
                  send_all(socket, batch.data(), count * sizeof(operation));
      batch = batch.subspan(count);
    }
    return goes_well;
  });
  const std::uint64_t none = 0;
  return goes_well && send_all(socket, &none, sizeof none);
}

std::string how_it_died(pid_t helper) {
  int status = 0;
  waitpid(helper, &status, 0);
  if (WIFSIGNALED(status)) return "stopped by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

int serve_as_helper() {
  pass_request request;
  if (!receive(STDIN_FILENO, &request, sizeof request)) return 1;
  routed_policy policy(request.kind);
  pass replayed(policy, request);
  static std::array<operation, trace::batch_operations> batch;
  bool goes_on = true;
  for (;;) {
    std::uint64_t count = 0;
    if (!receive(STDIN_FILENO, &count, sizeof count) || count > batch.size()) return 1;
    if (count == 0) break;
    if (!receive(STDIN_FILENO, batch.data(), count * sizeof(operation))) return 1;
    if (goes_on) goes_on = replayed.run(std::span(batch).first(count));
  }
  const pass_figures& figures = replayed.finish();
  return send_all(STDIN_FILENO, &figures, sizeof figures) ? 0 : 1;
}

std::string run_in_helper(const helper_seat& seat, const trace& of, const pass_request& request,
                          pass_figures& into) {
  into = {};
  into.how = outcome::died;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return std::strerror(errno);
  const descriptor ours(ends[0]);
  descriptor theirs(ends[1]);
  command what{.path = seat.program,
               .arguments = {"strata", helper_word},
               .variables = environment::current(),
               .input = theirs.get(),
               .orphans = orphan_policy::is_killed};
  if (seat.library.empty())
    what.variables.unset("LD_PRELOAD");
  else
    what.variables.set("LD_PRELOAD", seat.library);
  // What a policy takes is not to hang on how fast it is replayed.
  what.variables.set("STRATA_CLOCK", "0");
  const blocked_signals none{};
  const started_process helper = start(what, none.before());
  if (helper.error != 0) return std::strerror(helper.error);
  theirs.reset();
  const bool is_sent = send_trace(ours.get(), of, request);
  if (pass_figures got; is_sent && receive(ours.get(), &got, sizeof got)) {
    into = got;
    waitpid(helper.pid, nullptr, 0);
    return {};
  }
  shutdown(ours.get(), SHUT_RDWR);
  return how_it_died(helper.pid);
}

}  // namespace strata::cli::replay
