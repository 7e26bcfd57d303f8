// A process that is held still from outside, with the registers of its threads.
//
// PTRACE_SEIZE and PTRACE_INTERRUPT stop a thread without a signal that it could see. Threads that start
// meanwhile are found by looking again until there is none left that runs. What the threads were about to be
// told by signals they are told when they go on. When this process is killed, the kernel lets them go.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace strata::cli::leaks {

struct stopped_thread {
  pid_t id = 0;
  bool is_first = false;                        // of its process
  int signal = 0;                               // that it is owed
  std::vector<std::uint64_t> registers;         // general ones
  std::vector<std::uint64_t> vector_registers;  // that may hold pointers on their way
  std::uint64_t stack_pointer = 0;
  std::uint64_t thread_pointer = 0;  // where thread-local variables are found from
  bool is_tls_below = true;  // those stand below the thread pointer, as on x86-64; else above
};

class stopped_process {
 public:
  explicit stopped_process(pid_t pid);
  stopped_process(const stopped_process&) = delete;
  stopped_process& operator=(const stopped_process&) = delete;
  // It goes on.
  ~stopped_process();

  // Empty: it stands still.
  const std::string& error() const { return error_; }
  const std::vector<stopped_thread>& threads() const { return threads_; }

 private:
  bool stop_new_threads();
  void stop(pid_t thread);
  void wait_until_stopped(pid_t thread);

  pid_t pid_;
  std::vector<stopped_thread> threads_;
  std::vector<pid_t> known_;
  std::string error_;
};

}  // namespace strata::cli::leaks
