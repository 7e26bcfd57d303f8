/* Faults with the blocks of strata.h's own functions, as in faults.cpp.
 *
 *     heap_faults         one after the other
 *     heap_faults NAME    this one */
#include <stdio.h>
#include <stdlib.h>
#include <strata/strata.h>
#include <string.h>

#define FAULT __attribute__((noinline)) void

static volatile char sink;

FAULT write_past_the_end(void);
FAULT read_after_free(void);
FAULT read_after_free_by_strata(void);
FAULT read_after_destruction(void);
FAULT read_unset(void);
FAULT free_twice(void);
FAULT write_past_one_of_a_batch(void);
FAULT write_past_a_sized_block(void);
FAULT leak_a_block_of_a_batch(void);
FAULT leak_a_heap(void);

FAULT write_past_the_end(void) {
  strata_heap* heap = strata_heap_create();
  char* block = strata_heap_malloc(heap, 24);
  strata_heap_malloc(heap, 24);
  block[24] = 1;
  strata_heap_destroy(heap);
}

FAULT read_after_free(void) {
  strata_heap* heap = strata_heap_create();
  char* block = strata_heap_calloc(heap, 10, 10);
  free(block);
  sink = block[50];
  strata_heap_destroy(heap);
}

FAULT read_after_free_by_strata(void) {
  strata_heap* heap = strata_heap_create();
  char* block = strata_heap_aligned_alloc(heap, 256, 100000);
  block[50] = 1;
  strata_free(block);
  sink = block[50];
  strata_heap_destroy(heap);
}

FAULT read_after_destruction(void) {
  strata_heap* heap = strata_heap_create();
  char* block = strata_heap_realloc(heap, strata_heap_calloc(heap, 1, 10), 100);
  strata_heap_destroy(heap);
  sink = block[5];
}

FAULT read_unset(void) {
  strata_heap* heap = strata_heap_create();
  char* block = strata_heap_malloc(heap, 100);
  if (block[50] == 'x') puts("by chance");
  strata_heap_destroy(heap);
}

FAULT free_twice(void) {
  strata_heap* heap = strata_heap_create();
  char* block = strata_heap_malloc(heap, 100);
  free(block);
  strata_free(block);
  strata_heap_destroy(heap);
}

FAULT write_past_one_of_a_batch(void) {
  void* blocks[10];
  strata_malloc_batch(20, 10, blocks);
  ((char*)blocks[5])[20] = 1;
  strata_free_batch(blocks, 10);
}

FAULT write_past_a_sized_block(void) {
  strata_sized_block line = strata_malloc_sized(100);
  ((char*)line.block)[line.size] = 1;
  free(line.block);
}

FAULT leak_a_block_of_a_batch(void) {
  void* blocks[10];
  strata_malloc_batch(20, 10, blocks);
  strata_free_batch(blocks, 9);
}

FAULT leak_a_heap(void) {
  strata_heap* heap = strata_heap_create();
  for (int i = 0; i < 3; ++i) strata_heap_malloc(heap, 100);
}

static const struct {
  const char* name;
  void (*run)(void);
} faults[] = {
    {"write_past_the_end", write_past_the_end},
    {"read_after_free", read_after_free},
    {"read_after_free_by_strata", read_after_free_by_strata},
    {"read_after_destruction", read_after_destruction},
    {"read_unset", read_unset},
    {"free_twice", free_twice},
    {"write_past_one_of_a_batch", write_past_one_of_a_batch},
    {"write_past_a_sized_block", write_past_a_sized_block},
    {"leak_a_block_of_a_batch", leak_a_block_of_a_batch},
    {"leak_a_heap", leak_a_heap},
};

/* So that no address of a block is left on the stack. */
__attribute__((noinline)) static void forget(void) {
  volatile char used[4096];
  for (size_t i = 0; i < sizeof used; ++i) used[i] = 0;
}

int main(int count, char** values) {
  for (size_t i = 0; i < sizeof faults / sizeof *faults; ++i) {
    if (count > 1 && strcmp(values[1], faults[i].name) != 0) continue;
    faults[i].run();
    forget();
  }
  puts("end");
}
