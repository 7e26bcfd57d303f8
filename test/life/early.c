/* Allocation before main: from an IFUNC resolver, from .preinit_array, from a constructor of the
 * earliest priority; the blocks are still whole in main and after it. */
#define _GNU_SOURCE
#include "check.h"

static size_t* blocks[64];
static int block_count;

static void allocate_some(void) {
  for (size_t size = 8; size < 200000 && block_count < 64; size *= 4) {
    blocks[block_count++] = make_filled(size);
  }
}

#if defined(LIFE_DYNAMIC)
/* The resolver runs while the program is being relocated. A static program resolves before it has
 * thread-local storage, where no allocator can work. */
static int chosen_at_load(void) { return 42; }

__attribute__((no_stack_protector)) static int (*resolve(void))(void) {
  allocate_some();
  return chosen_at_load;
}

int resolved(void) __attribute__((ifunc("resolve")));
#endif

__attribute__((section(".preinit_array"), used)) static void (*before_constructors)(void) =
    allocate_some;

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
#if defined(LIFE_DYNAMIC)
  CHECK(resolved() == 42);
  CHECK(block_count == 24);
#else
  CHECK(block_count == 16);
#endif
  free_all();
  exercise(1);
  atexit(allocate_some);
  return 0;
}
