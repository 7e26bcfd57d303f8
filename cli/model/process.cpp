#include "cli/model/process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace strata::cli {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

bool redirect(int from, int to) { return from < 0 || dup2(from, to) >= 0; }

// Runs in the new process between fork and exec: system calls only.
[[noreturn]] void become_in_child(const command& what, char* const* arguments,
                                  char* const* variables, const sigset_t& mask, int failure_pipe) {
  if (what.orphans == orphan_policy::is_killed) prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (redirect(what.input, 0) && redirect(what.output, 1) && redirect(what.errors, 2)) {
    sigprocmask(SIG_SETMASK, &mask, nullptr);
    execve(what.path.c_str(), arguments, variables);
  }
  const int reason = errno;
  [[maybe_unused]] const ssize_t written = write(failure_pipe, &reason, sizeof reason);
  _exit(127);
}

// The errno that the child sent before it gave up; 0 when exec closed the pipe.
int read_failure(int pipe) {
  int reason = 0;
  ssize_t size;
  do {
    size = read(pipe, &reason, sizeof reason);
  } while (size < 0 && errno == EINTR);
  return size == sizeof reason ? reason : 0;
}

// Stops with the program, so that the shell takes the terminal back. Only for job control: who
// sends SIGSTOP to the program alone will also continue it alone.
void stop_along(int stop_signal) {
  if (stop_signal == SIGTSTP || stop_signal == SIGTTIN || stop_signal == SIGTTOU) {
    kill(getpid(), SIGSTOP);
  }
}

// Takes in what happened to the program. True: it ended.
bool note_child(pid_t pid, ending& result) {
  int status = 0;
  rusage usage{};
  while (wait4(pid, &status, WNOHANG | WUNTRACED, &usage) == pid) {
    if (WIFSTOPPED(status)) {
      stop_along(WSTOPSIG(status));
      continue;
    }
    result.wait_status = status;
    result.usage = usage;
    result.ended_ns = now_ns();
    return true;
  }
  return false;
}

}  // namespace

environment environment::current() {
  environment result;
  for (char** entry = environ; *entry != nullptr; ++entry) result.entries_.emplace_back(*entry);
  return result;
}

void environment::set(const std::string& name, const std::string& value) {
  unset(name);
  entries_.push_back(name + "=" + value);
}

void environment::unset(const std::string& name) {
  std::erase_if(entries_, [&](const std::string& entry) { return entry.starts_with(name + "="); });
}

std::string environment::get(const std::string& name) const {
  for (const std::string& entry : entries_) {
    if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
  }
  return {};
}

void environment::prepend_preload(const std::string& library) {
  const std::string others = get("LD_PRELOAD");
  set("LD_PRELOAD", others.empty() ? library : library + ":" + others);
}

int ending::shell_status() const {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

double ending::wall_seconds() const { return static_cast<double>(ended_ns - started_ns) * 1e-9; }
double ending::user_seconds() const { return seconds_of(usage.ru_utime); }
double ending::system_seconds() const { return seconds_of(usage.ru_stime); }

std::uint64_t ending::peak_resident_bytes() const {
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

blocked_signals::blocked_signals(std::initializer_list<int> signals) {
  sigemptyset(&set_);
  for (int signal : signals) sigaddset(&set_, signal);
  sigprocmask(SIG_BLOCK, &set_, &before_);
}

blocked_signals::~blocked_signals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

started_process start(const command& what, const sigset_t& mask) {
  std::vector<char*> arguments = pointers_to(what.arguments);
  std::vector<char*> variables = pointers_to(what.variables.entries());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {.error = errno};
  descriptor failure(ends[0]);
  descriptor failure_in_child(ends[1]);

  started_process result{.started_ns = now_ns()};
  result.pid = fork();
  if (result.pid == 0) {
    become_in_child(what, arguments.data(), variables.data(), mask, failure_in_child.get());
  }
  if (result.pid < 0) {
    result.error = errno;
    return result;
  }
  failure_in_child.reset();
  result.error = read_failure(failure.get());
  if (result.error != 0) waitpid(result.pid, nullptr, 0);
  return result;
}

int become(const command& what) {
  std::vector<char*> arguments = pointers_to(what.arguments);
  std::vector<char*> variables = pointers_to(what.variables.entries());
  execve(what.path.c_str(), arguments.data(), variables.data());
  return errno;
}

finished_process run_to_end(const command& what) {
  constexpr int long_us = 1'000'000'000;
  return run_to_end(what, [] { return long_us; });
}

finished_process run_to_end(const command& what, const std::function<int()>& meanwhile) {
  return run_to_end(
      what, [&](bool) { return meanwhile(); }, 0);
}

finished_process run_to_end(const command& what, const std::function<int(bool)>& meanwhile,
                            int kept) {
  signal(SIGCHLD, SIG_DFL);  // an inherited 'ignore' would leave nothing to wait for
  const blocked_signals blocked{SIGCHLD, SIGINT,   SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1,
                                SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP, SIGURG};
  const started_process process = start(what, blocked.before());
  finished_process result{.pid = process.pid, .error = process.error};
  if (process.error != 0) return result;
  result.end.started_ns = process.started_ns;
  bool has_kept = false;
  while (!note_child(process.pid, result.end)) {
    const int wait_us = meanwhile(has_kept);
    const timespec span{wait_us / 1'000'000, wait_us % 1'000'000 * 1000};
    siginfo_t info{};
    const int signal = sigtimedwait(&blocked.set(), &info, &span);
    has_kept = signal > 0 && signal == kept;
    if (signal > 0 && signal != kept && signal != SIGCHLD && must_forward(info, process.pid)) {
      kill(process.pid, signal);
    }
  }
  // What arrived meanwhile was meant for the program; it must not end the report.
  const timespec at_once{};
  while (sigtimedwait(&blocked.set(), nullptr, &at_once) > 0) continue;
  return result;
}

bool must_forward(const siginfo_t& info, pid_t program) {
  if (info.si_signo == SIGCHLD || info.si_signo == SIGURG) return false;
  return info.si_code <= 0 && info.si_pid != program;
}

void end_like(int wait_status) {
  if (!WIFSIGNALED(wait_status)) _exit(WEXITSTATUS(wait_status));
  const int number = WTERMSIG(wait_status);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // the limit alone does not hold back a core_pattern pipe
  signal(number, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  kill(getpid(), number);
  _exit(128 + number);
}

std::uint64_t launch_floor_bytes() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  ending result;
  if (pid < 0 || wait4(pid, &result.wait_status, 0, &result.usage) != pid) return 0;
  return result.peak_resident_bytes();
}

}  // namespace strata::cli
