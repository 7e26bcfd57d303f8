#include "cli/model/leaks/stopped_process.hpp"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/model/map/process.hpp"

namespace strata::cli::leaks {
namespace {

// What follows the name in /proc/.../stat: state, parent.
struct task_facts {
  char state = '?';
  pid_t parent = 0;
};
task_facts facts_of(const std::string& task) {
  std::string text;
  map::read_text(task + "/stat", text);
  const std::size_t name_ends = text.rfind(") ");
  if (name_ends == std::string::npos || name_ends + 4 >= text.size()) return {};
  const char* after = text.c_str() + name_ends + 2;
  return {*after, static_cast<pid_t>(std::strtol(after + 2, nullptr, 10))};
}

std::string task_path(pid_t pid, pid_t thread) {
  return "/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread);
}

bool has_ended(const task_facts& task) {
  return task.state == 'Z' || task.state == 'X' || task.state == '?';
}

std::vector<std::uint64_t> register_set(pid_t thread, unsigned long which) {
  constexpr std::size_t most_words = 2048;
  std::vector<std::uint64_t> words(most_words);
  iovec to{words.data(), words.size() * sizeof words[0]};
  if (ptrace(static_cast<__ptrace_request>(PTRACE_GETREGSET), thread, which, &to) != 0)
    to.iov_len = 0;
  words.resize(to.iov_len / sizeof words[0]);
  return words;
}

// The kernel tells how many registers there are; that tells the machine.
void read_registers(stopped_thread& of) {
  constexpr std::size_t words_of_x86_64 = 27;
  constexpr std::size_t words_of_aarch64 = 34;
  of.registers = register_set(of.id, NT_PRSTATUS);
  if (of.registers.size() == words_of_x86_64) {
    of.stack_pointer = of.registers[19];
    of.thread_pointer = of.registers[21];  // fs_base
    of.vector_registers = register_set(of.id, NT_X86_XSTATE);
  } else if (of.registers.size() == words_of_aarch64) {
    of.stack_pointer = of.registers[31];
    of.is_tls_below = false;
    const auto pointer = register_set(of.id, NT_ARM_TLS);
    if (!pointer.empty()) of.thread_pointer = pointer[0];
    of.vector_registers = register_set(of.id, NT_PRFPREG);
  }
}

}  // namespace

stopped_process::stopped_process(pid_t pid) : pid_(pid) {
  while (error_.empty() && stop_new_threads()) continue;
  if (error_.empty() && threads_.empty()) error_ = "it has ended";
  for (stopped_thread& one : threads_) {
    read_registers(one);
    if (one.stack_pointer == 0 && error_.empty()) error_ = "its registers are not known here";
  }
}

stopped_process::~stopped_process() {
  for (const stopped_thread& one : threads_) {
    ptrace(PTRACE_DETACH, one.id, nullptr, reinterpret_cast<void*>(std::intptr_t{one.signal}));
  }
}

// False: there was none.
bool stopped_process::stop_new_threads() {
  bool found = false;
  std::error_code failure;
  const std::string tasks = "/proc/" + std::to_string(pid_) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, failure)) {
    const auto thread =
        static_cast<pid_t>(std::strtol(task.path().filename().c_str(), nullptr, 10));
    if (std::find(known_.begin(), known_.end(), thread) != known_.end()) continue;
    known_.push_back(thread);
    found = true;
    stop(thread);
    if (!error_.empty()) break;
  }
  return found;
}

void stopped_process::stop(pid_t thread) {
  if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) {
    const int reason = errno;
    if (reason == ESRCH || has_ended(facts_of(task_path(pid_, thread)))) return;
    error_ = std::string("its threads cannot be stopped: ") + std::strerror(reason) +
             " (a debugger holds them, or the system forbids ptrace)";
    return;
  }
  ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
  wait_until_stopped(thread);
}

void stopped_process::wait_until_stopped(pid_t thread) {
  siginfo_t what{};
  // Looks first: the end of a program that is our child is for those to hear who wait for it.
  if (waitid(P_PID, static_cast<id_t>(thread), &what, WEXITED | WSTOPPED | WNOWAIT | __WALL) != 0)
    return;
  const bool is_stopped = what.si_code == CLD_TRAPPED || what.si_code == CLD_STOPPED;
  if (!is_stopped && thread == pid_ && facts_of(task_path(pid_, thread)).parent == getpid()) return;
  int status = 0;
  if (waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status)) return;
  stopped_thread made;
  made.id = thread;
  made.is_first = thread == pid_;
  if (status >> 16 == 0) made.signal = WSTOPSIG(status);  // it was about to take one
  threads_.push_back(std::move(made));
}

}  // namespace strata::cli::leaks
