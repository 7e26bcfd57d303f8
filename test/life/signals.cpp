// Signals that interrupt the allocator wherever it is: a timer fires every 200 µs, and its handler
// jumps out of malloc for good, or forks a child that allocates. Afterwards allocation goes on.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "check.h"

namespace {

constexpr int wanted_jumps = 4000;
constexpr int wanted_forks = 100;

sigjmp_buf landing;
volatile sig_atomic_t armed;
volatile int signals_seen;
std::atomic<bool> stopping;

void set_timer(long microseconds) {
  const itimerval timer = {{0, microseconds}, {0, microseconds}};
  CHECK(setitimer(ITIMER_REAL, &timer, nullptr) == 0);
}

void set_handler(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  CHECK(sigaction(SIGALRM, &action, nullptr) == 0);
}

void jump_out(int) {
  if (armed) {
    armed = 0;
    signals_seen = signals_seen + 1;
    siglongjmp(landing, 1);
  }
}

// A slot is emptied before its block is freed and filled after it is whole, so that a jump loses a
// block at most and never leaves a dangling one.
constexpr size_t slot_count = 512;
size_t* volatile slots[slot_count];
volatile uint64_t step;

void churn_slots() {
  for (;;) {
    const uint64_t now = step * 6364136223846793005 + 1442695040888963407;
    step = now;
    const size_t index = (now >> 33) % slot_count;
    size_t* block = slots[index];
    slots[index] = nullptr;
    if (block != nullptr) {
      free_filled(block);
    }
    if (now >> 63) {
      const bool large = (now >> 40) % 64 == 0;
      slots[index] = make_filled((now >> 50) % (large ? 100000 : 700));
    }
  }
}

void jump_many_times() {
  set_handler(jump_out);
  set_timer(200);
  while (signals_seen < wanted_jumps * times) {
    if (sigsetjmp(landing, 1) == 0) {
      armed = 1;
      churn_slots();
    }
  }
  set_timer(0);
  for (size_t* volatile& slot : slots) {
    if (slot != nullptr) {
      free_filled(slot);
      slot = nullptr;
    }
  }
  for (size_t round = 0; round < 1000; ++round) {
    exercise(round);
  }
}

void* allocate_until_stopped(void*) {
  size_t rounds = 0;
  while (!stopping.load(std::memory_order_relaxed)) {
    exercise(rounds++);
  }
  CHECK(rounds > 0);
  return nullptr;
}

// The threads inherit a mask that keeps the timer's signal with the main thread.
template <typename Work>
void beside_other_threads(Work work) {
  constexpr int count = 3;
  pthread_t threads[count];
  sigset_t timer_signal;
  sigemptyset(&timer_signal);
  sigaddset(&timer_signal, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &timer_signal, nullptr);
  for (pthread_t& thread : threads) {
    CHECK(pthread_create(&thread, nullptr, allocate_until_stopped, nullptr) == 0);
  }
  pthread_sigmask(SIG_UNBLOCK, &timer_signal, nullptr);
  work();
  stopping = true;
  for (pthread_t thread : threads) {
    CHECK(pthread_join(thread, nullptr) == 0);
  }
}

void fork_and_allocate(int) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    for (size_t round = 0; round < 5; ++round) {
      exercise(round);
    }
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  signals_seen = signals_seen + 1;
}

void fork_many_times() {
  set_handler(fork_and_allocate);
  set_timer(2000);
  for (size_t round = 0; signals_seen < wanted_forks * times; ++round) {
    exercise(round);
  }
  set_timer(0);
}

constexpr mode modes[] = {
    {"longjmp", jump_many_times},
    {"longjmp_threads", [] { beside_other_threads(jump_many_times); }},
    {"fork", fork_many_times},
    {"fork_threads", [] { beside_other_threads(fork_many_times); }},
};

}  // namespace

int main(int argc, char** argv) {
  return run_mode(argc, argv, modes, sizeof modes / sizeof *modes);
}
