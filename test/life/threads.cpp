// The life of threads: destructors that allocate as a thread ends, thousands of threads one after
// another and at once, blocks freed by another thread than the one that made them.
#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "check.h"
#include "resident.h"

namespace {

constexpr size_t mib = size_t{1} << 20;

pthread_t start(void* (*body)(void*), void* argument = nullptr) {
  pthread_t thread;
  CHECK(pthread_create(&thread, nullptr, body, argument) == 0);
  return thread;
}

void* join(pthread_t thread) {
  void* result = nullptr;
  CHECK(pthread_join(thread, &result) == 0);
  return result;
}

// ---- Destructors of a thread's own data: they run in rounds, after and before the allocator's own
// clean-up, and allocate and free all the same.

constexpr size_t key_count = 4;
pthread_key_t keys[key_count];
std::atomic<size_t> destructor_runs;

struct key_data {
  size_t index;
  size_t rounds_left;
  size_t* kept;
};

void end_key_data(void* value) {
  key_data* data = static_cast<key_data*>(value);
  free_filled(data->kept);
  exercise(data->index);
  ++destructor_runs;
  if (data->rounds_left-- == 0) {
    free(data);
    return;
  }
  data->kept = make_filled(2000);
  CHECK(pthread_setspecific(keys[data->index], data) == 0);
}

void set_key(size_t index) {
  key_data* data = static_cast<key_data*>(malloc(sizeof(key_data)));
  *data = {index, 2, make_filled(100000)};  // glibc runs destructors in four rounds
  CHECK(pthread_setspecific(keys[index], data) == 0);
}

struct allocating_destructor {
  std::vector<size_t*> blocks;
  ~allocating_destructor() {
    for (size_t* block : blocks) {
      free_filled(block);
    }
    exercise(blocks.size());
  }
};
thread_local allocating_destructor local_blocks;

void* use_destructors(void*) {
  for (size_t i = 0; i < key_count; ++i) {
    set_key(i);
  }
  for (size_t i = 0; i < 50; ++i) {
    local_blocks.blocks.push_back(make_filled(i * 100));
  }
  return make_filled(777);
}

void destructors() {
  constexpr size_t count = 2000;
  for (size_t i = 0; i < key_count; ++i) {
    CHECK(pthread_key_create(&keys[i], end_key_data) == 0);
  }
  size_t early = 0;
  for (size_t i = 0; i < count; ++i) {
    free_filled(static_cast<size_t*>(join(start(use_destructors))));
    if (i == count / 10) {
      early = resident_bytes();
    }
  }
  CHECK(destructor_runs == count * key_count * 3);
  CHECK(resident_bytes() < early + 16 * mib);  // a cache stranded at each exit would show
}

// ---- Ten thousand threads, one after another.

void* live_shortly(void* argument) {
  exercise(reinterpret_cast<size_t>(argument));
  return make_filled(reinterpret_cast<size_t>(argument) % 5000);
}

void sequence() {
  size_t early = 0;
  for (size_t i = 0; i < 10000; ++i) {
    free_filled(static_cast<size_t*>(join(start(live_shortly, reinterpret_cast<void*>(i)))));
    if (i == 1000) {
      early = resident_bytes();
    }
  }
  CHECK(resident_bytes() < early + 16 * mib);
}

// ---- As many at once as the machine lets us have, up to ten thousand.

sem_t gate;
std::atomic<size_t> arrived;

void* stay_for_a_while(void* argument) {
  const size_t index = reinterpret_cast<size_t>(argument);
  size_t* small = make_filled(index % 500);
  size_t* medium = make_filled(2000);
  ++arrived;
  while (sem_wait(&gate) != 0) {
    CHECK(errno == EINTR);
  }
  free_filled(small);
  free_filled(make_filled(300));
  return medium;
}

void crowd() {
  CHECK(sem_init(&gate, 0, 0) == 0);
  pthread_attr_t small_stack;
  pthread_attr_init(&small_stack);
  CHECK(pthread_attr_setstacksize(&small_stack, 64 * 1024) == 0);
  std::vector<pthread_t> threads;
  while (threads.size() < 10000) {
    pthread_t thread;
    const int error = pthread_create(&thread, &small_stack, stay_for_a_while,
                                     reinterpret_cast<void*>(threads.size()));
    if (error != 0) {
      CHECK(error == EAGAIN);
      break;
    }
    threads.push_back(thread);
  }
  while (arrived < threads.size()) {
    sched_yield();
  }
  for (size_t i = 0; i < threads.size(); ++i) {
    CHECK(sem_post(&gate) == 0);
  }
  for (pthread_t thread : threads) {
    free_filled(static_cast<size_t*>(join(thread)));
  }
  std::printf("%zu threads at once\n", threads.size());
  if (threads.size() < 1000) {
    std::exit(exit_skipped);
  }
}

// ---- A pipeline: each thread frees half of what comes in and passes on the rest.

class queue {
 public:
  void put(size_t* block) {
    const std::lock_guard<std::mutex> guard(lock_);
    blocks_.push_back(block);
  }
  bool take(size_t*& block) {
    const std::lock_guard<std::mutex> guard(lock_);
    if (blocks_.empty()) {
      return false;
    }
    block = blocks_.front();
    blocks_.pop_front();
    return true;
  }
  size_t size() {
    const std::lock_guard<std::mutex> guard(lock_);
    return blocks_.size();
  }

 private:
  std::mutex lock_;
  std::deque<size_t*> blocks_;
};

constexpr size_t stage_count = 4;
constexpr size_t produced_count = 300000;
queue stages[stage_count];
std::atomic<size_t> freed_count;

void* produce(void*) {
  for (size_t i = 0; i < produced_count; ++i) {
    stages[0].put(make_filled(i % 97 == 0 ? i % 40000 : i % 600));
    while (i % 64 == 0 && stages[0].size() > 5000) {
      sched_yield();
    }
  }
  return nullptr;
}

void* consume(void* argument) {
  const size_t own = reinterpret_cast<size_t>(argument);
  for (size_t turn = 0; freed_count < produced_count; ++turn) {
    size_t* block = nullptr;
    if (!stages[own].take(block)) {
      sched_yield();
    } else if (turn % 2 == 0 && own + 1 < stage_count) {
      stages[own + 1].put(block);
    } else {
      free_filled(block);
      ++freed_count;
    }
  }
  return nullptr;
}

void handoff() {
  std::vector<pthread_t> threads;
  threads.push_back(start(produce));
  for (size_t i = 0; i < stage_count; ++i) {
    threads.push_back(start(consume, reinterpret_cast<void*>(i)));
  }
  for (pthread_t thread : threads) {
    join(thread);
  }
  CHECK(freed_count == produced_count);
}

constexpr mode modes[] = {
    {"destructors", destructors},
    {"sequence", sequence},
    {"crowd", crowd},
    {"handoff", handoff},
};

}  // namespace

int main(int argc, char** argv) {
  return run_mode(argc, argv, modes, sizeof modes / sizeof *modes);
}
