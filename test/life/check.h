/* What the programs of this folder share: a check that stops the program, filled blocks, and modes
 * chosen by name. C and C++. */
#ifndef STRATA_TEST_LIFE_CHECK_H
#define STRATA_TEST_LIFE_CHECK_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* stdio may allocate, so the message is put together for write(2) by dprintf. */
#define CHECK(condition)                                                 \
  do {                                                                   \
    if (!(condition)) {                                                  \
      dprintf(2, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                           \
    }                                                                    \
  } while (0)

/* Exit status by which a program says that this machine cannot run it. */
enum { exit_skipped = 77 };

/* A block that holds its own size and a byte pattern. */
static inline size_t* make_filled(size_t size) {
  size_t* block = (size_t*)malloc(size < sizeof(size_t) ? sizeof(size_t) : size);
  CHECK(block != NULL);
  *block = size;
  if (size > sizeof(size_t)) {
    memset(block + 1, (int)(size % 251), size - sizeof(size_t));
  }
  return block;
}

static inline void free_filled(size_t* block) {
  size_t size = *block;
  const unsigned char* bytes = (const unsigned char*)(block + 1);
  for (size_t i = 0; size > sizeof(size_t) && i < size - sizeof(size_t); ++i) {
    CHECK(bytes[i] == size % 251);
  }
  free(block);
}

/* Some filled blocks of many sizes, held together and freed in another order. */
static inline void exercise(size_t seed) {
  enum { count = 100 };
  size_t* blocks[count];
  for (size_t i = 0; i < count; ++i) {
    blocks[i] = make_filled((i * 37 + seed * 101) % (i % 10 == 0 ? 60000 : 900));
  }
  for (size_t i = 0; i < count; ++i) {
    free_filled(blocks[i * 7 % count]);
  }
}

struct mode {
  const char* name;
  void (*run)(void);
};

/* How often what depends on chance is done, in so many times its ordinary rounds: the second argument. */
static int times = 1;

/* main of a program with modes: runs the one that is named. */
static inline int run_mode(int argc, char** argv, const struct mode* modes, size_t count) {
  if (argc == 3) {
    times = atoi(argv[2]);
    CHECK(times > 0);
  }
  for (size_t i = 0; (argc == 2 || argc == 3) && i < count; ++i) {
    if (strcmp(argv[1], modes[i].name) == 0) {
      modes[i].run();
      return 0;
    }
  }
  fprintf(stderr, "usage: %s", argv[0]);
  for (size_t i = 0; i < count; ++i) {
    fprintf(stderr, "%s%s", i == 0 ? " " : "|", modes[i].name);
  }
  fputs(" [TIMES]\n", stderr);
  return 2;
}

#endif
