// Processes that are short of something: address space (start it under `ulimit -v`), or pages that
// may stay unlocked.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include <cerrno>
#include <initializer_list>

#include "check.h"
#include "resident.h"

namespace {

constexpr size_t mib = size_t{1} << 20;

void* exercise_thread(void* seed) {
  for (size_t round = 0; round < 50; ++round) {
    exercise(round + reinterpret_cast<size_t>(seed));
  }
  return nullptr;
}

void use_threads() {
  pthread_attr_t small_stack;
  pthread_attr_init(&small_stack);
  CHECK(pthread_attr_setstacksize(&small_stack, 256 * 1024) == 0);
  pthread_t threads[4];
  for (size_t i = 0; i < 4; ++i) {
    CHECK(pthread_create(&threads[i], &small_stack, exercise_thread, reinterpret_cast<void*>(i)) ==
          0);
  }
  for (pthread_t thread : threads) {
    CHECK(pthread_join(thread, nullptr) == 0);
  }
}

// Allocates until nothing is left; the blocks form a list. Returns the bytes.
size_t use_up(size_t block_bytes) {
  void* first = nullptr;
  size_t bytes = 0;
  errno = 0;
  while (void* block = malloc(block_bytes)) {
    *static_cast<void**>(block) = first;
    first = block;
    bytes += block_bytes;
  }
  CHECK(errno == ENOMEM);
  while (first != nullptr) {
    void* next = *static_cast<void**>(first);
    free(first);
    first = next;
  }
  return bytes;
}

void address_space() {
  rlimit limit{};
  CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
  CHECK(limit.rlim_cur != RLIM_INFINITY);
  exercise(1);
  use_threads();
  for (int round = 0; round < 3; ++round) {
    for (size_t block_bytes : {size_t{100}, size_t{10000}, 64 * 1024 + size_t{1}, 3 * mib}) {
      CHECK(use_up(block_bytes) >= limit.rlim_cur / 4);
      exercise(2);
    }
  }
  use_threads();
}

double seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Should locking populate what is only reserved, this process is the one to be killed.
void volunteer_for_the_oom_killer() {
  const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file >= 0) {
    (void)!write(file, "1000", 4);
    close(file);
  }
}

void locked() {
  volunteer_for_the_oom_killer();
  exercise(1);
  const double begin = seconds();
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    CHECK(errno == EPERM || errno == ENOMEM);
    exit(exit_skipped);
  }
  CHECK(seconds() - begin < 5);
  CHECK(resident_bytes() < 128 * mib);
  for (size_t round = 0; round < 200; ++round) {
    exercise(round);
  }
  use_threads();
  size_t* blocks[100];
  for (size_t i = 0; i < 100; ++i) {
    blocks[i] = make_filled(i * 20000);
  }
  CHECK(resident_bytes() < 400 * mib);
  for (size_t* block : blocks) {
    free_filled(block);
  }
  exercise(2);
  CHECK(seconds() - begin < 20);
}

constexpr mode modes[] = {
    {"address_space", address_space},
    {"locked", locked},
};

}  // namespace

int main(int argc, char** argv) {
  return run_mode(argc, argv, modes, sizeof modes / sizeof *modes);
}
