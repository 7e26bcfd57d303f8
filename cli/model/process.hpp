// Starts programs and waits for them. The program shares the terminal and the process group of
// the command, so that it behaves as if it had been started alone.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "cli/model/file.hpp"

namespace strata::cli {

// Environment as a list of NAME=VALUE.
class environment {
 public:
  // A copy of this process's own.
  static environment current();

  void set(const std::string& name, const std::string& value);
  void unset(const std::string& name);
  std::string get(const std::string& name) const;  // empty when not set
  // Puts library in front of what LD_PRELOAD names already.
  void prepend_preload(const std::string& library);
  const std::vector<std::string>& entries() const { return entries_; }

 private:
  std::vector<std::string> entries_;
};

enum class orphan_policy {
  lives_on,  // the program outlives a killed strata, as it outlives a killed shell
  is_killed
};

// What to start.
struct command {
  std::string path;                      // the file
  std::vector<std::string> arguments{};  // from argv[0] on
  environment variables{};
  int input = -1;  // descriptors for 0, 1 and 2; -1: those of this process
  int output = -1;
  int errors = -1;
  orphan_policy orphans = orphan_policy::lives_on;
};

// How a program ended.
struct ending {
  int wait_status = 0;  // as from wait(2)
  rusage usage{};       // of the program and of the descendants that it waited for
  std::uint64_t started_ns = 0;
  std::uint64_t ended_ns = 0;

  // As a shell shows it: the exit status, or 128 plus the signal.
  int shell_status() const;
  double wall_seconds() const;
  double user_seconds() const;
  double system_seconds() const;
  // The highest resident size of any one process among them.
  std::uint64_t peak_resident_bytes() const;
};

// CLOCK_MONOTONIC.
std::uint64_t now_ns();

// A started program, or errno in error.
struct started_process {
  pid_t pid = -1;
  int error = 0;
  std::uint64_t started_ns = 0;
};

// Signals blocked while this lives; the programs started meanwhile get the mask from before.
class blocked_signals {
 public:
  blocked_signals(std::initializer_list<int> signals);
  blocked_signals(const blocked_signals&) = delete;
  blocked_signals& operator=(const blocked_signals&) = delete;
  ~blocked_signals();

  const sigset_t& set() const { return set_; }
  const sigset_t& before() const { return before_; }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

// Starts the program with the signal mask.
//
// Plain fork, on purpose. The kernel counts the resident size before exec towards the program's
// own peak (ru_maxrss). After vfork or posix_spawn that is all of this process; after fork it is
// only the pages that it wrote, less than any dynamic program needs.
started_process start(const command& what, const sigset_t& mask);

// Becomes the program. Returns only on failure, with errno.
int become(const command& what);

// A program that ended; error: it could not be started, with errno.
struct finished_process {
  pid_t pid = -1;
  int error = 0;
  ending end{};
};

// Starts the program, passes on signals that this process is sent, and waits for the end.
finished_process run_to_end(const command& what);
// The same, and calls meanwhile() whenever the microseconds that it returned have passed. kept: a signal that
// is not passed on; the next call of meanwhile(), which comes at once, is told of it.
finished_process run_to_end(const command& what, const std::function<int()>& meanwhile);
finished_process run_to_end(const command& what, const std::function<int(bool)>& meanwhile,
                            int kept);

// Must a signal that arrived here be sent on to the program? Those from the terminal reach the
// whole process group by themselves, and what the program sent to its group has reached it.
bool must_forward(const siginfo_t& info, pid_t program);

// Ends this process the way the program ended: by the same signal or with the same status.
[[noreturn]] void end_like(int wait_status);

// The highest resident size that a process has, started from here, before it does anything.
std::uint64_t launch_floor_bytes();

}  // namespace strata::cli
