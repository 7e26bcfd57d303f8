/* Defragmentation: a table whose rows can move gives back what deleted rows have left in holes. */
#include <stdio.h>
#include <stdlib.h>
#include <strata/strata.h>
#include <string.h>

enum { count = 200000, size = 300 };
static char* rows[count];
static strata_stats now; /* 9 KiB: not for a small stack */

static unsigned long resident_mib(void) {
  strata_trim(0); /* what is free anyway shall not count */
  strata_stats_get(&now);
  return now.resident_bytes >> 20;
}

int main(void) {
  for (int i = 0; i < count; ++i) {
    if ((rows[i] = malloc(size)) == NULL) return 1;
    memset(rows[i], i % 100, size);
  }
  for (int i = 0; i < count; ++i) {
    if (i % 5 == 0) continue; /* each span of rows keeps some */
    free(rows[i]);
    rows[i] = NULL;
  }
  unsigned long before = resident_mib();
  unsigned long in_holes = now.free_slot_bytes >> 20;
  for (int i = 0; i < count; ++i) {
    char* moved = strata_move(rows[i]); /* null: it lies well, or is null itself */
    if (moved != NULL) rows[i] = moved;
  }
  unsigned long after = resident_mib();
  printf("%lu MiB, %lu of them in holes; after moving %lu MiB\n", before, in_holes, after);
  for (int i = 0; i < count; i += 5) {
    if (rows[i][size - 1] != i % 100) return 1;
  }
  return after < before / 2 ? 0 : 1;
}
