"""First-class heaps: each block with its stack and with the heap that it is in; all of them go when the heap does."""

import pathlib
import unittest

from record_case import LIBRARY, RecordCase, main

INCLUDE = pathlib.Path(__file__).resolve().parent.parent.parent / "include"

PLANTED = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strata/strata.h>
#include <strata/leaks.h>
#include <stdio.h>
static strata_heap* parser(void) { return strata_heap_create(); }
static strata_heap* cache(void) { return strata_heap_create(); }
static void fill(strata_heap* heap, int blocks) {
  for (int i = 0; i < blocks; ++i) strata_heap_malloc(heap, 100);
}
static void mixed(strata_heap* heap) {
  free(strata_heap_malloc(heap, 40));                  /* one alone */
  strata_heap_calloc(heap, 10, 30);
  strata_heap_aligned_alloc(heap, 256, 5000);
  strata_heap_malloc(heap, 3 << 20);                   /* a large one */
}
static void grow(strata_heap* heap) {
  char* made = strata_heap_realloc(heap, NULL, 10);
  made = strata_heap_realloc(heap, made, 1000);
  made = realloc(made, 2000);                          /* stays in its heap */
  (void)made;
}
static void requests(void) {
  for (int i = 0; i < 50; ++i) {
    strata_heap* heap = parser();
    fill(heap, 20);
    if (i == 0) { mixed(heap); grow(heap); }
    strata_heap_destroy(heap);
  }
}
static void* kept;
static void* plain(void) { return malloc(77); }
int main(void) {
  requests();
  kept = plain();
  strata_heap* heap = cache();
  fill(heap, 7);
  void** holds = strata_heap_malloc(heap, sizeof(void*));
  *holds = malloc(12345);
  int64_t lost = strata_leak_check();
  if (lost > 0) return 3;
  return kept == NULL;
}
"""

# Function, heap: blocks and bytes in all, at the end.
TRUTH = {
    ("fill", "[heap made by parser]"): (1000, 100000, 0, 0),
    ("mixed", "[heap made by parser]"): (4, 40 + 300 + 5000 + (3 << 20), 0, 0),
    ("grow", "[heap made by parser]"): (3, 3010, 0, 0),
    ("fill", "[heap made by cache]"): (7, 700, 7, 700),
    ("main", "[heap made by cache]"): (1, 8, 1, 8),
    ("plain", None): (1, 77, 1, 77),
    ("main", None): (1, 12345, 1, 12345),
}


class HeapsTest(RecordCase):
    def planted(self):
        return self.program(PLANTED, f"-I{INCLUDE}", "-x", "none", LIBRARY)

    def figures(self, one):
        return (one["total"]["blocks"], one["total"]["bytes"],
                one["at_end"]["blocks"], one["at_end"]["bytes"])  # fmt: skip

    def by_stack(self, found):
        made = {}
        for stack in found["stacks"]:
            calls = [call["function"] for call in stack["calls"]]
            heap = calls.pop(0) if calls[0].startswith("[") else None
            if not calls[-1].startswith("_start") and "main" not in calls:
                continue  # of libc's, before main
            seen = made.get((calls[0], heap), (0, 0, 0, 0))
            made[calls[0], heap] = tuple(map(sum, zip(seen, self.figures(stack))))
        return made

    def test_every_block_is_in_it(self):
        file = self.record(self.planted())
        found = self.report(file)
        seen = self.by_stack(found)
        for key, figures in TRUTH.items():
            self.assertEqual(seen.get(key), figures, key)
        self.assertEqual({heap for _, heap in seen}, {heap for _, heap in TRUTH})
        self.assertEqual(found["summary"]["unknown_frees"], 0)
        heaps = {one["function"]: one for one in found["heaps"]}
        self.assertEqual(set(heaps), {"[heap made by parser]", "[heap made by cache]"})
        self.assertEqual(heaps["[heap made by parser]"]["total"]["blocks"], 1007)
        self.assertEqual(heaps["[heap made by parser]"]["line"], 9)
        self.assertEqual(self.figures(heaps["[heap made by cache]"]), (8, 708, 8, 708))
        # A site is where a block was allocated, whichever heap it is in.
        sites = {one["function"]: one for one in found["sites"]}
        self.assertEqual(sites["fill"]["total"]["blocks"], 1007)

    def test_reports_in_text(self):
        file = self.record(self.planted())
        text = self.strata("report", file).stdout
        self.assertRegex(text, r"in first-class heaps[^\0]*\[heap made by parser\]")
        folded = self.strata("report", "--folded", "--at", "total", file).stdout
        self.assertIn("main;requests;fill;[heap made by parser] 100000\n", folded)
        done = self.strata("advise", file)
        self.assertNotIn("[heap", done.stdout, "a heap is an arena already")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_sample_forgets_what_went_with_its_heap(self):
        source = PLANTED.replace("i < 50", "i < 20000").replace("requests();\n", "requests(); requests();\n")
        program = self.program(source, f"-I{INCLUDE}", "-x", "none", LIBRARY)
        found = self.report(self.record(program, options=("--sample", "4K")))
        parser = {one["function"]: one for one in found["heaps"]}["[heap made by parser]"]
        self.assertEqual(parser["at_end"]["blocks"], 0)
        self.assertAlmostEqual(parser["total"]["bytes"] / (2 * (20000 * 2000 + (3 << 20) + 8350)), 1, delta=0.1)  # fmt: skip
        self.assertEqual(found["lost"]["samples"], 0)

    def test_what_a_heap_holds_is_not_lost(self):
        done = self.strata("leaks", self.planted())
        self.assertNotIn("12345", done.stdout + done.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    main()
