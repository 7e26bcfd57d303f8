// Allocates what the tests know: 1000 blocks of 3000 bytes by load, of which 100 stay; 20,000 temporary
// ones of 64 by churn; 40 of 100,000 by cache, which stay. It takes half a second, so that its memory is
// looked at. Prints where the eighth block of cache and the last one of load lie.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void* loaded[1000];
static void* cached[40];

static void rest(void) {
  const struct timespec time = {0, 100 * 1000 * 1000};
  nanosleep(&time, NULL);
}

static void load(void) {
  for (int i = 0; i < 1000; ++i) loaded[i] = memset(malloc(3000), 1, 3000);
}

static void churn(void) {
  for (int i = 0; i < 20000; ++i) free(malloc(64));
}

static void cache(void) {
  for (int i = 0; i < 40; ++i) cached[i] = memset(malloc(100000), 1, 100000);
}

static void run(void) {
  load();
  rest();
  churn();
  rest();
  for (int i = 100; i < 1000; ++i) free(loaded[i]);
  rest();
  cache();
  rest();
}

int main(void) {
  rest();
  run();
  char line[64];  // stdout's own buffer would be a block
  const int length = snprintf(line, sizeof line, "%p %p\n", cached[7], loaded[99]);
  return write(1, line, (size_t)length) == length ? 0 : 1;
}
