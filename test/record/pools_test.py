"""Pools of a program's own, on one whose every use of them is known: by every block and by a sample of malloc's, in sums
past --max-size, with threads, in the child of a fork, and where there is no recorder."""

import pathlib
import subprocess
import unittest

from record_case import RecordCase, main

INCLUDE = pathlib.Path(__file__).resolve().parent.parent.parent / "include"

PLANTED = r"""
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <strata/annotate.h>
#ifdef SILENT
#undef STRATA_ANNOTATE_ALLOCATED
#undef STRATA_ANNOTATE_FREED
#undef STRATA_ANNOTATE_EMPTIED
#define STRATA_ANNOTATE_ALLOCATED(pool, name, block, bytes) ((void)0)
#define STRATA_ANNOTATE_FREED(pool, block) ((void)0)
#define STRATA_ANNOTATE_EMPTIED(pool) ((void)0)
#endif
typedef struct arena { char* chunk; size_t used; } arena;
static void begin(arena* of) { of->chunk = malloc(65536); of->used = 0; }
static char* take(arena* of, const char* name, size_t bytes) {
  char* made = of->chunk + of->used;
  of->used += bytes;
  STRATA_ANNOTATE_ALLOCATED(of, name, made, bytes);
  return made;
}
static void clear(arena* of) { STRATA_ANNOTATE_EMPTIED(of); of->used = 0; }
static arena parser, first, second, chunks, strings, odd;

static void parse(void) { for (int i = 0; i < 100; ++i) take(&parser, "parser", 100); }
static void tokens(void) { for (int i = 0; i < 10; ++i) take(&parser, "parser", 7); }
static void rounds(void) {
  for (int i = 0; i < 3; ++i) { parse(); tokens(); clear(&parser); }
  parse();
}
/* One name, two pools: to empty one leaves the other. */
static void serve(arena* in, int blocks) { for (int i = 0; i < blocks; ++i) take(in, "request", 64); }
static void requests(void) {
  serve(&first, 5); serve(&second, 3);
  clear(&first);
}
/* A pool within a pool, both with a block at the same address. */
static void nested(void) {
  char name[] = "strings";  /* copied */
  char* chunk = take(&chunks, "chunks", 4096);
  strings.chunk = chunk;
  char* one = take(&strings, name, 16);
  memset(name, '?', sizeof(name) - 1);
  take(&strings, "strings", 16);
  STRATA_ANNOTATE_FREED(&strings, one);
}
static void oddities(void) {
  char* one = take(&odd, "odd", 10);
  STRATA_ANNOTATE_ALLOCATED(&odd, "odd", one, 30);  /* once more: the first is gone */
  STRATA_ANNOTATE_FREED(&odd, one + 1);             /* nobody's */
  STRATA_ANNOTATE_FREED(&parser, one);              /* another pool's */
  STRATA_ANNOTATE_EMPTIED(&one);                    /* of no pool */
  clear(&odd);
  STRATA_ANNOTATE_FREED(&odd, one);                 /* gone already */
  take(&odd, NULL, 5);
  take(&odd, "a name of more than sixty bytes, which is longer than any pool's name can be", 1);
}
static void handle(int number) {
  (void)number;
  STRATA_ANNOTATE_FREED(&odd, take(&odd, "handler", 2));
}
static void in_handlers(void) {
  signal(SIGUSR1, handle);
  for (int i = 0; i < 50; ++i) raise(SIGUSR1);
}

/* Each gives out its blocks; who comes next frees half of them. */
enum { threads = 4, each = 1000 };
static arena own[threads];
static char* given[threads][each];
static void fill(int number) {
  for (int i = 0; i < each; ++i) given[number][i] = take(&own[number], "worker", 8);
}
static void drop_half(int number) {
  for (int i = 0; i < each; i += 2) STRATA_ANNOTATE_FREED(&own[number], given[number][i]);
}
static pthread_barrier_t all_there;
static void* work(void* argument) {
  const int number = (int)(size_t)argument;
  fill(number);
  pthread_barrier_wait(&all_there);
  drop_half((number + 1) % threads);
  return NULL;
}
static void in_threads(void) {
  pthread_t made[threads];
  pthread_barrier_init(&all_there, NULL, threads);
  for (size_t i = 0; i < threads; ++i) pthread_create(&made[i], NULL, work, (void*)i);
  for (size_t i = 0; i < threads; ++i) pthread_join(made[i], NULL);
}
static void in_child(void) {
  const pid_t child = fork();
  if (child == 0) {
    serve(&second, 7);                                      /* at addresses of their own */
    STRATA_ANNOTATE_FREED(&second, second.chunk);           /* from before */
    STRATA_ANNOTATE_FREED(&second, second.chunk + 3 * 64);
    clear(&parser);                                         /* is empty here */
    _exit(0);
  }
  int status = 1;
  if (waitpid(child, &status, 0) != child || status != 0) exit(1);
}
static void with_names(int count) {
  for (int i = 0; i < count; ++i) {
    char name[32];
    snprintf(name, sizeof(name), "name %d", i);
    take(&odd, name, 3);
  }
}
int main(int count, char** arguments) {
  const char* what = count > 1 ? arguments[1] : "";
  arena* all[] = {&parser, &first, &second, &chunks, &odd};
  for (int i = 0; i < 5; ++i) begin(all[i]);
  for (int i = 0; i < threads; ++i) begin(&own[i]);
  if (strcmp(what, "names") == 0) { with_names(atoi(arguments[2])); return 0; }
  rounds(); requests(); nested(); oddities(); in_handlers();
  if (strcmp(what, "threads") == 0) in_threads();
  if (strcmp(what, "fork") == 0) in_child();
  return 0;
}
"""

LONG_NAME = "a name of more than sixty bytes, which is longer than any po"[:59]

# Caller of `take`, pool: blocks and bytes in all, at the end.
TRUTH = {
    ("parse", "[pool parser]"): (400, 40000, 100, 10000),
    ("tokens", "[pool parser]"): (30, 210, 0, 0),
    ("serve", "[pool request]"): (8, 512, 3, 192),
    ("nested", "[pool chunks]"): (1, 4096, 1, 4096),
    ("nested", "[pool strings]"): (2, 32, 1, 16),
    ("oddities", "[pool odd]"): (2, 40, 0, 0),
    ("oddities", "[pool ]"): (1, 5, 1, 5),
    ("oddities", f"[pool {LONG_NAME}]"): (1, 1, 1, 1),
    ("handle", "[pool handler]"): (50, 100, 0, 0),
}
UNKNOWN_FREES = 3


class PoolsTest(RecordCase):
    def planted(self, *options):
        return self.program(PLANTED, f"-I{INCLUDE}", *options)

    def figures(self, one):
        return (one["total"]["blocks"], one["total"]["bytes"],
                one["at_end"]["blocks"], one["at_end"]["bytes"])  # fmt: skip

    def by_stack(self, found):
        """Figures by caller and pool; `take` stands for its caller."""
        made = {}
        for stack in found["pools"]["stacks"]:
            pool, *calls = [call["function"] for call in stack["calls"]]
            calls = [name.split("(")[0] for name in calls if not name.startswith("take")]
            seen = made.get((calls[0], pool), (0, 0, 0, 0))
            made[calls[0], pool] = tuple(map(sum, zip(seen, self.figures(stack))))
        return made

    def assert_truth(self, found, more=None):
        truth = TRUTH | (more or {})
        self.assertEqual(self.by_stack(found), truth)
        sums = tuple(map(sum, zip(*truth.values())))
        summary = found["pools"]["summary"]
        self.assertEqual(self.figures(summary), sums)
        self.assertEqual(summary["unknown_frees"], UNKNOWN_FREES)
        self.assertEqual(sum(summary["lifetimes"]), sums[0] - sums[2])
        by_pool = {}
        for (_, pool), figures in truth.items():
            by_pool[pool] = tuple(map(sum, zip(by_pool.get(pool, (0, 0, 0, 0)), figures)))
        pools = {one["function"]: self.figures(one) for one in found["pools"]["pools"]}
        self.assertEqual(pools, by_pool)
        self.assertEqual(found["pools"]["curve"][-1][1], sums[3])
        self.assertEqual(found["lost"]["events"], 0)

    def assert_truth_and_peak(self, found):
        self.assert_truth(found)
        # What is kept of parser, request, chunks and strings, and the longer of the odd ones.
        peak = {"blocks": 100 + 3 + 1 + 1 + 1, "bytes": 10000 + 192 + 4096 + 16 + 30}
        self.assertEqual(found["pools"]["summary"]["at_peak"], peak)

    def test_every_block_is_in_it(self):
        found = self.report(self.record(self.planted()))
        self.assert_truth_and_peak(found)
        sites = {one["function"]: one for one in found["pools"]["sites"]}
        self.assertEqual(sites["take"]["total"]["blocks"], 494)
        self.assertEqual(sites["oddities"]["total"]["blocks"], 1)

    def test_a_sample_has_all_of_them(self):
        self.assert_truth_and_peak(self.report(self.record(self.planted(), options=("--sample", "64K"))))

    def test_sums_are_the_same(self):
        file = self.record(self.planted(), options=("--every", "--max-size", "1"))
        found = self.report(file)
        self.assertTrue(found["is_rolled_up"])
        self.assert_truth_and_peak(found)

    def test_blocks_and_mappings_are_as_without(self):
        found = self.report(self.record(self.planted()))
        self.assertEqual(self.sites(found)["begin"]["at_peak"], {"blocks": 9, "bytes": 9 * 65536})
        self.assertFalse([one for one in found["sites"] if one["function"].startswith("take")])
        silent = self.report(self.record(self.planted("-DSILENT")))
        self.assertIsNone(silent["pools"])
        for key in ("summary", "mappings", "heaps", "sizes", "events"):
            there, here = silent[key], found[key]
            if key == "summary":
                there, here = ({**one, "peak_ms": 0, "lifetimes": 0} for one in (there, here))
            self.assertEqual(there, here, key)

    def test_threads(self):
        found = self.report(self.record(self.planted(), "threads"))
        self.assert_truth(found, {("fill", "[pool worker]"): (4000, 32000, 2000, 16000)})

    def test_a_child_begins_with_none(self):
        file = self.record(self.planted(), "fork")
        self.assert_truth_and_peak(self.report(file))
        child = self.report(file, "--process", 2)
        self.assertEqual(self.by_stack(child), {("serve", "[pool request]"): (7, 448, 6, 384)})
        self.assertEqual(child["pools"]["summary"]["unknown_frees"], 1)

    def test_a_program_at_fixed_addresses(self):
        self.assert_truth_and_peak(self.report(self.record(self.planted("-no-pie", "-fno-pie"))))

    CPP = r"""
    struct pool {
      char bytes[240];
      void* take(int i) {
        STRATA_ANNOTATE_ALLOCATED(this, "cells", bytes + 24 * i, 24);
        return bytes + 24 * i;
      }
      void give(void* cell) { STRATA_ANNOTATE_FREED(this, cell); }
    };
    int main() {
      static pool cells;
      for (int i = 0; i < 10; ++i) cells.take(i);
      cells.give(cells.bytes + 24);
    }
    """

    def test_from_cpp(self):
        source = f"#include <strata/annotate.h>\n{self.CPP}"
        file = self.record(self.cpp_program(source, f"-I{INCLUDE}"))
        pools = {one["function"]: self.figures(one) for one in self.report(file)["pools"]["pools"]}
        self.assertEqual(pools, {"[pool cells]": (10, 240, 9, 216)})

    def test_names_are_bounded(self):
        found = self.report(self.record(self.planted(), "names", "1100"))
        pools = {one["function"]: one["total"]["blocks"] for one in found["pools"]["pools"]}
        self.assertEqual(len(pools), 1025)
        self.assertEqual(pools["[pool name 1023]"], 1)
        self.assertEqual(pools["[other pools]"], 76)

    def test_nothing_happens_without_the_recorder(self):
        done = subprocess.run([self.planted(), "threads"], capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_reports_in_text(self):
        file = self.record(self.planted())
        text = self.strata("report", file).stdout
        self.assertRegex(text, r"in pools +14\.0 KiB in 106 blocks at most")
        self.assertNotIn("[pool", text)
        table = self.strata("report", "--pools", "--at", "total", file).stdout
        self.assertRegex(table, r"pools by bytes allocated -+\n.*\n.* 39\.3 KiB .*\[pool parser\]\n")
        self.assertRegex(table, r"sites by bytes allocated -+\n.*\n.* take  ")
        folded = self.strata("report", "--pools", "--folded", "--at", "total", file).stdout
        self.assertIn("main;rounds;parse;take;[pool parser] 40000\n", folded)
        self.assertIn("[pool parser]", self.strata("report", "--pools", "--tree", file).stdout)
        self.assert_one_line(self.strata("report", "--pools", "--mappings", file), 2)

    def test_who_works_on_blocks_knows_nothing_of_them(self):
        program = self.planted()
        done = self.strata("advise", self.record(program))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("[pool", done.stdout)
        done = self.strata("leaks", program)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_none_where_none_are_told_of(self):
        file = self.record(self.program("#include <stdlib.h>\nint main(void) { free(malloc(9)); }"))
        self.assertIsNone(self.report(file)["pools"])
        self.assertNotIn("in pools", self.strata("report", file).stdout)
        self.assertIn("tells of no pools", self.strata("report", "--pools", file).stdout)


if __name__ == "__main__":
    main()
