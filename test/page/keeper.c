// Allocates what the tests know: 1000 blocks of 3000 bytes by load, of which 100 stay; 20,000 temporary
// ones of 64 by churn; 40 of 100,000 by cache, which stay. It takes half a second, so that its memory is
// looked at. With -DNEWER of load 50 stay, churn has gone, cache makes 60, and note, which is new, 500,000
// bytes in one. It maps three times 2 MiB, of which one goes, and its pools give out: requests 500 blocks of 100
// bytes, of which it is emptied once, and names 30 of 200. Prints where the eighth block of cache and the last one of load lie.
#include <stdio.h>
#include <stdlib.h>
#include <strata/annotate.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef NEWER
enum { kept_of_load = 50, cache_makes = 60 };
#else
enum { kept_of_load = 100, cache_makes = 40 };
#endif

static void* loaded[1000];
static void* cached[cache_makes];

static void rest(void) {
  const struct timespec time = {0, 100 * 1000 * 1000};
  nanosleep(&time, NULL);
}

static void load(void) {
  for (int i = 0; i < 1000; ++i) loaded[i] = memset(malloc(3000), 1, 3000);
}

#ifdef NEWER
static void* noted;
static void note(void) { noted = memset(malloc(500000), 1, 500000); }
#else
static void churn(void) {
  for (int i = 0; i < 20000; ++i) free(malloc(64));
}
#endif

static void cache(void) {
  for (int i = 0; i < cache_makes; ++i) cached[i] = memset(malloc(100000), 1, 100000);
}

static void* map(void) {
  void* made = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memset(made, 1, 1);  // so that it is no jump to mmap
}

static void map_three(void) {
  void* first = map();
  map();
  map();
  munmap(first, 2 << 20);
}

static char requests[50000];
static char names[6000];

static void serve_request(int i) {
  STRATA_ANNOTATE_ALLOCATED(requests, "requests", requests + 100 * i, 100);
}
static void intern(int i) { STRATA_ANNOTATE_ALLOCATED(names, "names", names + 200 * i, 200); }

static void use_pools(void) {
  for (int i = 0; i < 500; ++i) serve_request(i);
  STRATA_ANNOTATE_EMPTIED(requests);
  for (int i = 0; i < 30; ++i) intern(i);
}

static void run(void) {
  load();
  map_three();
  use_pools();
  rest();
#ifdef NEWER
  note();
#else
  churn();
#endif
  rest();
  for (int i = kept_of_load; i < 1000; ++i) free(loaded[i]);
  rest();
  cache();
  rest();
}

int main(void) {
  rest();
  run();
  char line[64];  // stdout's own buffer would be a block
  const int length = snprintf(line, sizeof line, "%p %p\n", cached[7], loaded[kept_of_load - 1]);
  return write(1, line, (size_t)length) == length ? 0 : 1;
}
