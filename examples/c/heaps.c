/* First-class heaps: what belongs to one request is freed at once, without visiting each block. */
#include <stdio.h>
#include <stdlib.h>
#include <strata/strata.h>
#include <string.h>

struct header {
  struct header* next;
  char* name;
};

static char* copy(strata_heap* heap, const char* text) {
  char* made = strata_heap_malloc(heap, strlen(text) + 1);
  return made == NULL ? NULL : strcpy(made, text);
}

/* A list of n headers; everything in it comes from the heap. */
static struct header* parse(strata_heap* heap, int n) {
  struct header* first = NULL;
  for (int i = 0; i < n; ++i) {
    struct header* added = strata_heap_malloc(heap, sizeof *added);
    if (added == NULL || (added->name = copy(heap, "Accept-Encoding")) == NULL) return NULL;
    added->next = first;
    first = added;
  }
  return first;
}

int main(void) {
  for (int request = 0; request < 1000; ++request) {
    strata_heap* heap = strata_heap_create();
    if (heap == NULL) return 1;
    struct header* first = parse(heap, 100);
    if (first == NULL) return 1;
    free(first->name); /* one block may still be freed alone */
    strata_heap_destroy(heap);
  }
  static strata_stats now;
  strata_stats_get(&now);
  printf("1000 requests served, %s live\n", now.live_bytes < 1 << 20 ? "next to nothing" : "much");
  return now.live_bytes < 1 << 20 ? 0 : 1;
}
