// Brings blocks into every state that `strata block` tells apart, says on stdout where they are, and
// stops in ready().
//
//     states        at once
//     states idle   after its second thread has fallen idle and its magazines were lifted
//
// Output: `SIZE ADDRESS` of each live block that was asked for with this size. The other addresses are
// in variables.
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strata/strata.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

// What each block of 1000 bytes begins with.
const char label[] = "a label";

static const char** small[300];
static char *medium[50], *slots[20];
static char *live, *inside, *plain, *cached, *cached_plain, *cached_medium, *cached_large, *slot;
static char *large, *mapping, *heap_block, *heap_large, *clean, *dirty;
static char *others_first, *others_last;  // the second thread freed them, in this order
static int other_is_ready[2], other_may_end[2];

void ready(void);
void ready(void) {}

static void* must(void* block) {
  if (block == NULL) abort();
  return block;
}

static void make_live(void) {
  for (size_t i = 0; i < COUNT(small); ++i) {
    small[i] = must(malloc(1000));
    *small[i] = label;
    if (i >= 100) printf("1000 %p\n", (void*)small[i]);
  }
  for (size_t i = 0; i < COUNT(medium); ++i) {
    medium[i] = must(malloc(3000));
    if (i >= 20) printf("3000 %p\n", (void*)medium[i]);
  }
  // They fill their class, so that they have no canary.
  plain = must(aligned_alloc(64, 64));
  cached_plain = must(aligned_alloc(64, 64));
  live = (char*)small[200];
  inside = live + 999;
  large = must(malloc(100000));
  mapping = must(malloc(40 << 20));
  cached_large = must(malloc(200000));
  dirty = must(malloc(900 * 1024));
  strata_heap* heap = must(strata_heap_create());
  heap_block = must(strata_heap_malloc(heap, 2000));
  heap_large = must(strata_heap_malloc(heap, 70000));
  printf("100000 %p\n41943040 %p\n70000 %p\n", (void*)large, (void*)mapping, (void*)heap_large);
}

// Free slots and a page without memory: what was freed before a trim.
static void make_trimmed(void) {
  for (size_t i = 0; i < COUNT(slots); ++i) slots[i] = must(malloc(600));
  for (size_t i = 0; i < COUNT(slots); i += 2) free(slots[i]);
  slot = slots[10];
  char* trimmed = must(malloc(800 * 1024));
  // The last of its pages is the last to be used again.
  clean = trimmed + 800 * 1024 - 1;
  free(trimmed);
  malloc_trim(0);
}

// More small blocks than a magazine holds, so that some go on to the depot; more large ones than a thread
// keeps.
static void make_freed(void) {
  for (size_t i = 0; i < 100; ++i) free(small[i]);
  for (size_t i = 0; i < 20; ++i) free(medium[i]);
  free(cached_large);
  free(dirty);
  cached = (char*)small[99];
  cached_medium = medium[19];
  free(cached_plain);
}

static void* run_other(void* nothing) {
  char byte = 0;
  others_first = must(malloc(500));
  others_last = must(malloc(500));
  free(others_first);
  free(others_last);
  if (write(other_is_ready[1], &byte, 1) != 1 || read(other_may_end[0], &byte, 1) < 0) abort();
  return nothing;
}

static pthread_t start_other(void) {
  pthread_t other;
  char byte = 0;
  if (pipe(other_is_ready) != 0 || pipe(other_may_end) != 0) abort();
  if (pthread_create(&other, NULL, run_other, NULL) != 0) abort();
  if (read(other_is_ready[0], &byte, 1) != 1) abort();
  return other;
}

// Four seconds with allocations, by which the clock goes on: a thread is idle after two.
static void let_other_fall_idle(void) {
  struct timespec pause = {0, 10 * 1000 * 1000};
  for (int i = 0; i < 400; ++i) {
    for (int j = 0; j < 100; ++j) free(must(malloc(200)));
    nanosleep(&pause, NULL);
  }
}

int main(int count, char** values) {
  (void)values;
  make_live();
  make_trimmed();
  fflush(stdout);
  pthread_t other = start_other();
  if (count > 1) let_other_fall_idle();
  make_freed();
  ready();
  close(other_may_end[1]);
  pthread_join(other, NULL);
  return 0;
}
