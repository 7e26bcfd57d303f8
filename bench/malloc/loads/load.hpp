// What the loads share: arguments, random numbers, threads, and a meter of live bytes.
//
//   larson threads=4 blocks=1000
//
// Each load is one program with parameters of the form name=value. It does a fixed amount of work,
// the same in every run, prints nothing, and ends with status 0; 1 and a line when memory did not
// hold what was written to it or could not be had, 2 and a line for a wrong argument.
#ifndef STRATA_BENCH_LOAD_HPP
#define STRATA_BENCH_LOAD_HPP

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <mutex>
#include <thread>
#include <vector>

namespace load {

struct parameter {
  const char* name;
  long* value;
  long lowest = 1;
};

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "load failed: %s\n", what);
  std::_Exit(1);
}

[[noreturn]] inline void reject(const char* argument) {
  std::fprintf(stderr, "wrong argument: %s\n", argument);
  std::_Exit(2);
}

inline void set(const char* argument, std::initializer_list<parameter> parameters) {
  const char* equals = std::strchr(argument, '=');
  if (equals == nullptr) reject(argument);
  const auto length = static_cast<size_t>(equals - argument);
  for (const parameter& one : parameters) {
    if (std::strlen(one.name) != length || std::strncmp(one.name, argument, length) != 0) continue;
    char* end = nullptr;
    errno = 0;
    *one.value = std::strtol(equals + 1, &end, 10);
    if (errno != 0 || end == equals + 1 || *end != 0 || *one.value < one.lowest) reject(argument);
    return;
  }
  reject(argument);
}

inline void parse(int argc, char** argv, std::initializer_list<parameter> parameters) {
  for (int i = 1; i < argc; ++i) set(argv[i], parameters);
}

// Pseudo-random numbers (xorshift64*), cheap beside an allocation, and the same in every run.
class random {
 public:
  explicit random(long seed) : state_((static_cast<uint64_t>(seed) + 1) * 0x9e3779b97f4a7c15) {
    for (int i = 0; i < 4; ++i) next();
  }

  uint32_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<uint32_t>((state_ * 0x2545f4914f6cdd1d) >> 32);
  }

  // In [0, limit); limit is at most 2^32.
  size_t below(size_t limit) { return (static_cast<uint64_t>(next()) * limit) >> 32; }

  // In [low, high].
  size_t between(size_t low, size_t high) { return low + below(high - low + 1); }

  bool percent(size_t chance) { return below(100) < chance; }

 private:
  uint64_t state_;
};

template <class Type>
Type* checked(Type* memory) {
  if (memory == nullptr) fail("out of memory");
  return memory;
}

inline char* allocate(size_t size) { return static_cast<char*>(checked(std::malloc(size))); }

// Writes the first and the last byte; volatile, so that no compiler drops it.
inline void touch(void* memory, size_t size) {
  volatile char* bytes = static_cast<volatile char*>(memory);
  bytes[0] = 1;
  bytes[size - 1] = 2;
}

// Writes one byte of each page.
inline void touch_pages(void* memory, size_t size) {
  volatile char* bytes = static_cast<volatile char*>(memory);
  for (size_t at = 0; at < size; at += 4096) bytes[at] = 1;
}

// Runs work(0) .. work(count - 1), each in a thread of its own, and waits for all.
template <class Work>
void run_threads(long count, Work work) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(count));
  for (long i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& one : threads) one.join();
}

// Live bytes of a load, for the pictures of resident memory: a word in the file that the
// environment variable LOAD_LIVE_FILE names, which the runner reads. Without it a word that
// nobody reads. Loads count whole steps, not single blocks, so that counting costs nothing.
class live_meter {
 public:
  live_meter() {
    const char* path = std::getenv("LOAD_LIVE_FILE");
    if (path == nullptr) return;
    const int file = open(path, O_RDWR | O_CLOEXEC);
    void* page =
        file < 0 ? MAP_FAILED : mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) fail("cannot map the file of LOAD_LIVE_FILE");
    close(file);
    bytes_ = static_cast<std::atomic<long>*>(page);
  }

  // Relaxed: the figure orders nothing.
  void add(size_t bytes) { bytes_->fetch_add(static_cast<long>(bytes), std::memory_order_relaxed); }
  void remove(size_t bytes) {
    bytes_->fetch_sub(static_cast<long>(bytes), std::memory_order_relaxed);
  }

 private:
  std::atomic<long> unread_{0};
  std::atomic<long>* bytes_ = &unread_;
};

}  // namespace load

#endif
