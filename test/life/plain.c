/* An ordinary C program: run with the library preloaded, linked with libstrata.so and linked
 * statically with libstrata.a. Checks that it is Strata that answers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <strata/strata.h>

#include "check.h"

#if defined(LIFE_PRELOADED)
static const char* version(void) {
  const char* (*answer)(void) = NULL;
  void* found = dlsym(RTLD_DEFAULT, "strata_version");
  memcpy(&answer, &found, sizeof answer);
  return answer != NULL ? answer() : NULL;
}
#else
static const char* version(void) { return strata_version(); }
#endif

static void* allocate_in_thread(void* argument) {
  for (size_t round = 0; round < 200; ++round) {
    exercise(round + (size_t)(uintptr_t)argument);
  }
  return make_filled(12345);
}

static void use_threads(void) {
  enum { count = 8 };
  pthread_t threads[count];
  for (size_t i = 0; i < count; ++i) {
    CHECK(pthread_create(&threads[i], NULL, allocate_in_thread, (void*)(uintptr_t)i) == 0);
  }
  for (size_t i = 0; i < count; ++i) {
    void* block = NULL;
    CHECK(pthread_join(threads[i], &block) == 0);
    free_filled(block);
  }
}

static void use_libc_that_allocates(void) {
  char* text = NULL;
  CHECK(asprintf(&text, "%d %s", 42, "bottles") == 10);
  char* copy = strdup(text);
  CHECK(strcmp(copy, "42 bottles") == 0);
  free(copy);
  free(text);
  FILE* file = tmpfile();
  CHECK(file != NULL);
  fprintf(file, "a line that getline allocates\n");
  rewind(file);
  char* line = NULL;
  size_t capacity = 0;
  CHECK(getline(&line, &capacity, file) == 30);
  free(line);
  fclose(file);
}

int main(void) {
  CHECK(version() != NULL);
  for (size_t round = 0; round < 100; ++round) {
    exercise(round);
  }
  void* block = NULL;
  CHECK(posix_memalign(&block, 4096, 100) == 0);
  CHECK((uintptr_t)block % 4096 == 0);
  CHECK(malloc_usable_size(block) >= 100);
  free(block);
  use_libc_that_allocates();
  use_threads();
  return 0;
}
