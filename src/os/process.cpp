#include "os/process.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

#include "base/text.hpp"
#include "os/syscall.hpp"

namespace strata::os {
namespace {

// Large enough for the environments that we meet; a longer one is cut at its end.
char early_environment[32 * 1024];
std::size_t early_environment_length = 0;

// Before libc has run, `environ` is null and the kernel's copy must do.
void read_early_environment() {
  if (early_environment_length != 0) return;
  early_environment_length =
      read_file("/proc/self/environ", early_environment, sizeof early_environment);
}

long open_for_reading(const char* path) {
  return raw_syscall(SYS_openat, AT_FDCWD, as_long(path), O_RDONLY | O_CLOEXEC);
}

std::uint64_t ns_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

void each_environment(void (*visit)(const char* entry)) {
  if (::environ != nullptr) {
    for (char** entry = ::environ; *entry != nullptr; ++entry) visit(*entry);
    return;
  }
  read_early_environment();
  const char* end = early_environment + early_environment_length;
  for (const char* entry = early_environment; entry < end;) {
    visit(entry);
    while (entry < end && *entry != '\0') ++entry;
    ++entry;
  }
}

bool runs_with_borrowed_rights() { return getauxval(AT_SECURE) != 0; }

std::size_t read_file(const char* path, char* buffer, std::size_t capacity) {
  long file = open_for_reading(path);
  if (failed(file)) return 0;
  std::size_t length = 0;
  while (length + 1 < capacity) {
    long got = raw_syscall(SYS_read, file, as_long(buffer + length),
                           static_cast<long>(capacity - 1 - length));
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  raw_syscall(SYS_close, file);
  buffer[length] = '\0';
  return length;
}

void write_error(const char* text, std::size_t length) {
  while (length > 0) {
    long written = raw_syscall(SYS_write, STDERR_FILENO, as_long(text), static_cast<long>(length));
    if (written <= 0) return;
    text += written;
    length -= static_cast<std::size_t>(written);
  }
}

void executable_path(char* buffer, std::size_t capacity) {
  long length = raw_syscall(SYS_readlinkat, AT_FDCWD, as_long("/proc/self/exe"), as_long(buffer),
                            static_cast<long>(capacity - 1));
  buffer[failed(length) ? 0 : length] = '\0';
}

std::int32_t process_id() { return static_cast<std::int32_t>(raw_syscall(SYS_getpid)); }
std::int32_t parent_process_id() { return static_cast<std::int32_t>(raw_syscall(SYS_getppid)); }
std::int32_t thread_id() { return static_cast<std::int32_t>(raw_syscall(SYS_gettid)); }

std::uint64_t coarse_ms() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000000;
}

std::uint64_t monotonic_ns() { return ns_of(CLOCK_MONOTONIC); }
std::uint64_t thread_cpu_ns() { return ns_of(CLOCK_THREAD_CPUTIME_ID); }

void work_in_background() {
  sched_param none{};
  raw_syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, as_long(&none));
}

void wait(std::atomic<std::uint32_t>* word, std::uint32_t expected) {
  raw_syscall(SYS_futex, as_long(word), FUTEX_WAIT_PRIVATE, static_cast<long>(expected), 0);
}

void wait_until(std::atomic<std::uint32_t>* word, std::uint32_t expected,
                std::uint64_t deadline_ns) {
  struct timespec until;
  until.tv_sec = static_cast<time_t>(deadline_ns / 1000000000);
  until.tv_nsec = static_cast<long>(deadline_ns % 1000000000);
  // FUTEX_WAIT takes a span of time; with a bit set it is a point of CLOCK_MONOTONIC.
  raw_syscall(SYS_futex, as_long(word), FUTEX_WAIT_BITSET_PRIVATE, static_cast<long>(expected),
              as_long(&until), 0, static_cast<long>(FUTEX_BITSET_MATCH_ANY));
}

void wake_one(std::atomic<std::uint32_t>* word) {
  raw_syscall(SYS_futex, as_long(word), FUTEX_WAKE_PRIVATE, 1);
}

void wake_all(std::atomic<std::uint32_t>* word) {
  raw_syscall(SYS_futex, as_long(word), FUTEX_WAKE_PRIVATE, INT_MAX);
}

signal_mask block_signals() {
  constexpr auto bit = [](int signal) { return signal_mask{1} << (signal - 1); };
  const signal_mask all_but_faults = ~(bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) |
                                       bit(SIGTRAP) | bit(SIGABRT) | bit(SIGSYS));
  signal_mask before = 0;
  raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, as_long(&all_but_faults), as_long(&before),
              sizeof before);
  return before;
}

void restore_signals(signal_mask before) {
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, as_long(&before), 0, sizeof before);
}

namespace {

void* map_shared(long file, std::size_t bytes) {
  long result = raw_syscall(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                            MAP_SHARED, file, 0);
  return failed(result) ? nullptr : base::pointer_to(static_cast<std::uintptr_t>(result));
}

}  // namespace

void* map_shared_file(const char* path, std::size_t bytes) {
  long file = raw_syscall(SYS_openat, AT_FDCWD, as_long(path),
                          O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (failed(file)) return nullptr;
  bool sized = !failed(raw_syscall(SYS_ftruncate, file, static_cast<long>(bytes)));
  void* mapped = sized ? map_shared(file, bytes) : nullptr;
  raw_syscall(SYS_close, file);
  return mapped;
}

void* map_existing_file(const char* path, std::size_t bytes) {
  long file = raw_syscall(SYS_openat, AT_FDCWD, as_long(path), O_RDWR | O_CLOEXEC);
  if (failed(file)) return nullptr;
  bool fits = raw_syscall(SYS_lseek, file, 0, SEEK_END) == static_cast<long>(bytes);
  void* mapped = fits ? map_shared(file, bytes) : nullptr;
  raw_syscall(SYS_close, file);
  return mapped;
}

void nudge(std::int32_t pid) { raw_syscall(SYS_kill, pid, SIGURG); }

bool process_runs(std::int32_t pid) {
  constexpr long no_such_process = -3;  // ESRCH
  if (raw_syscall(SYS_kill, pid, 0) == no_such_process) return false;
  char path[32];
  base::text(path, sizeof path) << "/proc/" << pid << "/stat";
  char line[128];
  if (read_file(path, line, sizeof line) == 0) return true;
  const char* state = line;  // PID (name) STATE
  for (const char* at = line; *at != '\0'; ++at) {
    if (*at == ')') state = at;
  }
  return state[0] != ')' || state[1] != ' ' || state[2] != 'Z';
}

void sleep_us(std::uint32_t microseconds) {
  struct timespec span = {0, static_cast<long>(microseconds) * 1000};
  raw_syscall(SYS_nanosleep, as_long(&span), 0);
}

std::uint64_t random_word() {
  std::uint64_t word = monotonic_ns();
  raw_syscall(SYS_getrandom, reinterpret_cast<long>(&word), sizeof word, GRND_NONBLOCK);
  return word;
}

void abort_process() { abort(); }

}  // namespace strata::os
