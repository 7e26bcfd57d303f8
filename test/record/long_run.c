// Allocates and frees for so many seconds, from thousands of stacks, and tells how often.
//
//   long_run SECONDS
//
// Each thread goes down one of the paths of a tree of calls, and does a burst of operations at its end: a block
// comes into a slot at random, and what was there goes. Now and then blocks change threads.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
  threads = 2,
  depth = 6,
  calls = 8,
  paths = 4096,
  burst = 64,
  slots = 1 << 17,
  shared = 1 << 12
};

static _Atomic(void*) handed_on[shared];
static atomic_int is_over;
static struct own {
  uint64_t random;
  uint64_t made;
  uint64_t freed;
  uint64_t bytes;
  void* slots[slots];
} owns[threads];

static uint64_t next(struct own* one) {
  one->random ^= one->random << 13;
  one->random ^= one->random >> 7;
  return one->random ^= one->random << 17;
}

static void let_go(struct own* one, void* block) {
  if (block == NULL) return;
  free(block);
  ++one->freed;
}

static void operate(struct own* one) {
  for (int i = 0; i < burst; ++i) {
    uint64_t dice = next(one);
    size_t size = 16 + (dice & 15) * ((dice >> 4 & 63) == 0 ? 512 : 16);
    void* block = malloc(size);
    ++one->made;
    one->bytes += size;
    void** slot = &one->slots[(dice >> 16) % slots];
    if ((dice >> 40 & 63) == 0) block = atomic_exchange(&handed_on[(dice >> 46) % shared], block);
    let_go(one, *slot);
    *slot = block;
  }
}

#define CALLS(call) call(0) call(1) call(2) call(3) call(4) call(5) call(6) call(7)
#define DECLARE(n) static void step_##n(struct own* one, uint32_t path, int level);
CALLS(DECLARE)
static void go_down(struct own* one, uint32_t path, int level) {
  if (level == depth) {
    operate(one);
    return;
  }
  switch (path % calls) {
#define CHOOSE(n)                           \
  case n:                                   \
    step_##n(one, path / calls, level + 1); \
    break;
    CALLS(CHOOSE)
  }
}
#define DEFINE(n)                                                   \
  static void step_##n(struct own* one, uint32_t path, int level) { \
    go_down(one, path, level);                                      \
    __asm__ volatile("");                                           \
  }
CALLS(DEFINE)

static void* run(void* argument) {
  struct own* one = argument;
  // Of two choices the smaller: some paths are taken more often than others.
  while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
    uint64_t dice = next(one);
    uint32_t a = dice % paths, b = (dice >> 32) % paths;
    go_down(one, (a < b ? a : b) * 0x9e3779b1u >> 14, 0);
  }
  for (int i = 0; i < slots; i += 2) let_go(one, one->slots[i]);
  return NULL;
}

int main(int count, char** arguments) {
  if (count != 2) return 2;
  pthread_t made[threads];
  for (int i = 0; i < threads; ++i) {
    owns[i].random = 88172645463325252u + (uint64_t)i;
    pthread_create(&made[i], NULL, run, &owns[i]);
  }
  const double seconds = atof(arguments[1]);
  struct timespec wait = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&wait, NULL);
  atomic_store(&is_over, 1);
  uint64_t all[3] = {0};
  for (int i = 0; i < threads; ++i) {
    pthread_join(made[i], NULL);
    all[0] += owns[i].made, all[1] += owns[i].freed, all[2] += owns[i].bytes;
  }
  printf("%ju %ju %ju\n", (uintmax_t)all[0], (uintmax_t)all[1], (uintmax_t)all[2]);
  return 0;
}
