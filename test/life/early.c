/* Allocation before main: from .preinit_array and from a constructor of the earliest priority; the
 * blocks are still whole in main and after it. (An IFUNC resolver runs before there is thread-local
 * storage, where no allocator with a thread cache can work.) */
#define _GNU_SOURCE
#include "check.h"

static size_t* blocks[64];
static int block_count;

static void allocate_some(void) {
  for (size_t size = 8; size < 200000 && block_count < 64; size *= 4) {
    blocks[block_count++] = make_filled(size);
  }
}

__attribute__((section(".preinit_array"),
               used)) static void (*before_constructors)(void) = allocate_some;

__attribute__((constructor(101))) static void in_first_constructor(void) { allocate_some(); }

static void free_all(void) {
  while (block_count > 0) {
    free_filled(blocks[--block_count]);
  }
}

__attribute__((destructor(101))) static void in_last_destructor(void) {
  allocate_some();
  free_all();
}

int main(void) {
  CHECK(block_count == 16);
  free_all();
  exercise(1);
  atexit(allocate_some);
  return 0;
}
