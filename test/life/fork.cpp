// fork from a process whose threads are all inside malloc, and from its children; vfork and exec.
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "check.h"

extern char** environ;

namespace {

std::atomic<bool> stopping;
std::atomic<size_t*> exchanged[64];

// Allocates, and frees what other threads allocated.
void* hammer(void*) {
  for (size_t round = 0; !stopping.load(std::memory_order_relaxed); ++round) {
    size_t* block = exchanged[round % 64].exchange(make_filled(round * 53 % 3000));
    if (block != nullptr) {
      free_filled(block);
    }
  }
  return nullptr;
}

void* exercise_thread(void* seed) {
  for (size_t round = 0; round < 4; ++round) {
    exercise(round + reinterpret_cast<size_t>(seed));
  }
  return nullptr;
}

void exercise_in_threads(size_t count) {
  pthread_t threads[8];
  for (size_t i = 0; i < count; ++i) {
    CHECK(pthread_create(&threads[i], nullptr, exercise_thread, reinterpret_cast<void*>(i)) == 0);
  }
  for (size_t i = 0; i < count; ++i) {
    CHECK(pthread_join(threads[i], nullptr) == 0);
  }
}

void wait_for(pid_t child) {
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// Runs work in a child, which must end well.
template <typename Work>
void in_child(Work work) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    work();
    _exit(0);
  }
  wait_for(child);
}

template <typename Work>
void while_hammering(Work work) {
  constexpr int count = 16;
  pthread_t threads[count];
  for (pthread_t& thread : threads) {
    CHECK(pthread_create(&thread, nullptr, hammer, nullptr) == 0);
  }
  work();
  stopping = true;
  for (pthread_t thread : threads) {
    CHECK(pthread_join(thread, nullptr) == 0);
  }
}

// The child frees what its parent's threads allocated, too: those threads are not there.
void free_exchanged() {
  for (std::atomic<size_t*>& slot : exchanged) {
    if (size_t* block = slot.exchange(nullptr)) {
      free_filled(block);
    }
  }
}

void fork_from_threads() {
  while_hammering([] {
    for (int i = 0; i < 80 * times; ++i) {
      in_child([] {
        free_exchanged();
        exercise_in_threads(4);
      });
    }
  });
}

void child_of_child() {
  while_hammering([] {
    for (int i = 0; i < 10; ++i) {
      in_child([] {
        exercise_in_threads(2);
        in_child([] {
          exercise_in_threads(2);
          in_child([] {
            exercise(1);
            exercise_in_threads(2);
          });
        });
        exercise_in_threads(2);
      });
    }
  });
}

void vfork_and_exec() {
  while_hammering([] {
    for (int i = 0; i < 20; ++i) {
      const pid_t child = vfork();
      CHECK(child >= 0);
      if (child == 0) {
        execl("/bin/true", "true", nullptr);
        _exit(1);
      }
      wait_for(child);
      exercise(static_cast<size_t>(i));
      pid_t spawned = 0;
      char name[] = "true";
      char* arguments[] = {name, nullptr};
      CHECK(posix_spawn(&spawned, "/bin/true", nullptr, nullptr, arguments, environ) == 0);
      wait_for(spawned);
    }
  });
}

// exit(3) in the child runs atexit functions and destructors there.
void exit_in_child() {
  static size_t* kept = make_filled(5000);
  atexit([] { free_filled(kept); });
  while_hammering([] {
    for (int i = 0; i < 20; ++i) {
      in_child([] {
        exercise(1);
        exit(0);
      });
    }
  });
}

constexpr mode modes[] = {
    {"threads", fork_from_threads},
    {"nested", child_of_child},
    {"vfork", vfork_and_exec},
    {"exit", exit_in_child},
};

}  // namespace

int main(int argc, char** argv) {
  return run_mode(argc, argv, modes, sizeof modes / sizeof *modes);
}
