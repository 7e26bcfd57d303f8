// What the ground asks of the process: environment, files under /proc, the clock, signals, waiting.
// Nothing here allocates or changes errno.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace strata::os {

// Calls visit(entry) for each "NAME=value".
void each_environment(void (*visit)(const char* entry));

// True in a set-user-id program: its environment is somebody else's.
bool runs_with_borrowed_rights();

// Reads at most capacity - 1 bytes and ends them with NUL. Returns the length; 0 when it can't.
std::size_t read_file(const char* path, char* buffer, std::size_t capacity);
// Writes all of text to stderr, as far as stderr takes it.
void write_error(const char* text, std::size_t length);
// The path of the running executable, cut to fit.
void executable_path(char* buffer, std::size_t capacity);

std::int32_t process_id();
std::int32_t parent_process_id();
std::int32_t thread_id();

// Milliseconds of a clock that never goes back and costs a few nanoseconds to read; good to some
// 4 ms.
std::uint64_t coarse_ms();
std::uint64_t monotonic_ns();
// Of processors, by the calling thread so far.
std::uint64_t thread_cpu_ns();
// The calling thread's work can wait: when it wakes up, it doesn't take the processor from one that runs.
void work_in_background();

// Sleeps while *word == expected, or until woken; may return early.
void wait(std::atomic<std::uint32_t>* word, std::uint32_t expected);
// The same, and no longer than until monotonic_ns() is deadline_ns.
void wait_until(std::atomic<std::uint32_t>* word, std::uint32_t expected,
                std::uint64_t deadline_ns);
void wake_one(std::atomic<std::uint32_t>* word);
void wake_all(std::atomic<std::uint32_t>* word);
// Tells the processor that this is a spinning wait.
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("yield");
#endif
}

// Tells the processor to fetch what is about to be written to, and to take it from others that have it.
inline void prefetch_to_write(const void* at) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*static_cast<const char*>(at)));
#else
  __builtin_prefetch(at, 1);
#endif
}

using signal_mask = std::uint64_t;
// Blocks every signal but those that a faulting instruction raises; returns the mask before.
signal_mask block_signals();
void restore_signals(signal_mask before);

// Unpredictable.
std::uint64_t random_word();

// A file of `bytes` bytes, mapped shared and writable; null when it can't be made.
void* map_shared_file(const char* path, std::size_t bytes);
// One that exists and has as many bytes; null when it can't be had.
void* map_existing_file(const char* path, std::size_t bytes);

// Whether it runs, or could: it is neither gone nor a zombie. True where /proc can't tell.
bool process_runs(std::int32_t pid);
// Cuts a wait for signals short, if the process is in one for this; otherwise nothing comes of it.
void nudge(std::int32_t pid);
void sleep_us(std::uint32_t microseconds);

[[noreturn]] void abort_process();

}  // namespace strata::os
