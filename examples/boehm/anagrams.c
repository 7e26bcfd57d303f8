// Groups the words of a text by their letters: nothing is freed, and the groups that nobody looks at any more go.
#include <gc/gc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
  struct word* next;
  char *text, *letters;
};
enum { rows = 1024 };
static struct word* table[rows];  // static data is a root

static int by_value(const void* a, const void* b) { return *(const char*)a - *(const char*)b; }

static unsigned row_of(const char* letters) {
  unsigned hash = 5381;
  while (*letters != '\0') hash = hash * 33 + (unsigned char)*letters++;
  return hash % rows;
}

static void add(const char* text) {
  struct word* made = GC_MALLOC(sizeof *made);
  made->text = GC_STRDUP(text);
  made->letters = GC_STRDUP(text);
  qsort(made->letters, strlen(text), 1, by_value);
  struct word** row = &table[row_of(made->letters)];
  made->next = *row;
  *row = made;
}

int main(void) {
  GC_INIT();
  char text[16];
  for (int round = 0; round < 50; ++round) {
    memset(table, 0, sizeof table);  // the last round's words are garbage
    for (int i = 0; i < 20000; ++i) {
      snprintf(text, sizeof text, "%05d", i * 7919 % 20000);
      add(text);
    }
  }
  int found = 0;
  for (struct word* each = table[row_of("00123")]; each != NULL; each = each->next)
    found += strcmp(each->letters, "00123") == 0;
  printf(
      "%d of the numbers have the digits 00123; a heap of %zu MiB for %zu MiB, %lu collections\n",
      found, GC_get_heap_size() >> 20, GC_get_total_bytes() >> 20, (unsigned long)GC_get_gc_no());
  return found == 36 && GC_get_heap_size() < 32 << 20 ? 0 : 1;
}
