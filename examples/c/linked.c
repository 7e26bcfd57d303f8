/* A program linked with Strata: malloc is Strata's, and strata.h offers what libc does not. */
#include <stdio.h>
#include <stdlib.h>
#include <strata/strata.h>

static int add_up(void* block, size_t usable_size, void* context) {
  (void)block;
  *(size_t*)context += usable_size;
  return 0; /* go on */
}

int main(void) {
  /* The block tells how large it really is: a growing buffer can use all of it. */
  strata_sized_block line = strata_malloc_sized(1000);
  if (line.block == NULL) return 1;
  printf("asked for 1000 bytes, may use %zu\n", line.size);

  /* Many blocks of a size in one call; free and strata_free take each other's blocks. */
  void* blocks[100];
  if (strata_malloc_batch(48, 100, blocks) != 100) return 1;
  free(blocks[0]);
  strata_free_batch(blocks + 1, 99);

  size_t live = 0;
  strata_walk(add_up, &live);
  free(line.block);
  size_t later = 0;
  strata_walk(add_up, &later);
  printf("live before and after that free: %zu bytes less\n", live - later);

  static strata_stats now; /* 9 KiB: not for a small stack */
  strata_stats_get(&now);
  printf("kept ready for this program's threads: %s\n", now.cached_bytes > 0 ? "some" : "none");
  return live - later == line.size ? 0 : 1;
}
