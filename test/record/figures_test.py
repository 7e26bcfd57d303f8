"""strata record --every: the figures of a program whose every allocation is known, exactly; and of a sample,
within what chance allows."""

import math
import unittest

from record_case import RecordCase, main

PLANTED = r"""
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
static void* kept[100];
static void* blocks[4][1000];
static void keep(void) { for (int i = 0; i < 100; ++i) kept[i] = malloc(1000); }
static void wave(void) {
  void* held[200];
  for (int i = 0; i < 200; ++i) held[i] = malloc(4096);
  for (int i = 0; i < 200; ++i) free(held[i]);
}
static void churn(void) { for (int i = 0; i < 5000; ++i) free(malloc(64)); }
static void grow(void) {
  char* text = NULL;
  for (int i = 1; i <= 20; ++i) text = realloc(text, i * 100);
  free(text);
}
static void aligned(void) {
  void* block = NULL;
  for (int i = 0; i < 7; ++i) if (posix_memalign(&block, 64, 640) == 0) free(block);
}
static void zeroed(void) { for (int i = 0; i < 3; ++i) free(calloc(10, 30)); }
static void large(void) { free(malloc(50 << 20)); }
static void* work(void* mine) {
  for (int i = 0; i < 1000; ++i) ((void**)mine)[i] = malloc(32);
  return NULL;
}
static void threads(void) {
  pthread_t all[4];
  for (int i = 0; i < 4; ++i) pthread_create(&all[i], NULL, work, blocks[i]);
  for (int i = 0; i < 4; ++i) pthread_join(all[i], NULL);
  for (int i = 0; i < 4; ++i) for (int k = 0; k < 1000; ++k) free(blocks[i][k]);
}
static void outer(void) { churn(); }
int main(int count, char** values) {
  (void)values;
  keep(); wave(); outer(); grow(); aligned(); zeroed(); threads();
  if (count > 1) large();
  return 0;
}
"""

# Function: blocks and bytes in all, at the peak, at the end; temporary blocks.
TRUTH = {
    "keep": (100, 100000, 100, 100000, 100, 100000, 0),
    "wave": (200, 819200, 200, 819200, 0, 0, 1),
    "churn": (5000, 320000, 0, 0, 0, 0, 5000),
    "grow": (20, 21000, 0, 0, 0, 0, 20),
    "aligned": (7, 4480, 0, 0, 0, 0, 7),
    "zeroed": (3, 900, 0, 0, 0, 0, 3),
    "work": (4000, 128000, 0, 0, 0, 0, 0),
}


def figures(site):
    return (site["total"]["blocks"], site["total"]["bytes"], site["at_peak"]["blocks"], site["at_peak"]["bytes"],
            site["at_end"]["blocks"], site["at_end"]["bytes"], site["temporary_blocks"])  # fmt: skip


class Figures(RecordCase):
    def check(self, found):
        sites = self.sites(found)
        for function, truth in TRUTH.items():
            self.assertEqual(figures(sites[function]), truth, function)
        self.assertTrue(found["is_complete"])
        self.assertEqual(set(found["lost"].values()), {0})
        return sites

    def test_every_block(self):
        found = self.report(self.record(self.program(PLANTED)))
        sites = self.check(found)
        self.assertEqual(found["summary"]["at_peak"]["bytes"], 919200)
        self.assertEqual(sites["grow"]["resized_blocks"], 19)
        self.assertEqual(sum(sites["churn"]["lifetimes"]), 5000)
        totals = [one["total"]["bytes"] for one in found["sites"]]
        self.assertEqual(found["summary"]["total"]["bytes"], sum(totals))
        self.assertEqual(sum(one["total"]["blocks"] for one in found["sizes"]),
                         found["summary"]["total"]["blocks"])  # fmt: skip

    def test_stacks(self):
        found = self.report(self.record(self.program(PLANTED)))
        stack = next(one for one in found["stacks"] if one["calls"][0]["function"] == "churn")
        self.assertEqual([one["function"] for one in stack["calls"]][:3], ["churn", "outer", "main"])
        line = 1 + next(i for i, text in enumerate(("#define\n" + PLANTED).split("\n")) if "churn(void)" in text)
        self.assertEqual(stack["calls"][0]["line"], line)
        worker = next(one for one in found["stacks"] if one["calls"][0]["function"] == "work")
        self.assertGreaterEqual(len(worker["calls"]), 2)

    def test_peak_of_one_large_block(self):
        found = self.report(self.record(self.program(PLANTED), "more"))
        self.assertEqual(found["summary"]["at_peak"]["bytes"], (50 << 20) + 100000 +
                         sum(one["at_peak"]["bytes"] for name, one in self.sites(found).items()
                             if name not in ("large", "keep")))  # fmt: skip
        self.assertEqual(figures(self.sites(found)["large"]), (1, 50 << 20, 1, 50 << 20, 0, 0, 1))

    def test_rolled_up(self):
        program = self.program(PLANTED)
        for limit in ("1", "256"):
            found = self.report(self.record(program, options=("--every", "--max-size", limit)))
            self.assertTrue(found["is_rolled_up"])
            self.check(found)

    def test_reads_without_the_program(self):
        program = self.program(PLANTED)
        file = self.record(program)
        program.unlink()
        self.check(self.report(file))

    def test_paranoid_and_sparse(self):
        program = self.program(PLANTED)
        for option in ({"STRATA_HARDEN": "paranoid"}, {"STRATA_GROUND": "sparse"}, {"STRATA_GUARD_ALL": "1"}):
            with self.subTest(**option):
                file = self.directory / "recording.strata"
                done = self.strata("record", "--every", "-o", file, "--", program, env=option)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.check(self.report(file))

    def test_failed_realloc_leaves_the_block(self):
        program = self.program(r"""
            #include <malloc.h>
            #include <stdlib.h>
            static void* block;
            static void start(void) { block = malloc(500); }
            static void more(void) { if (realloc(block, (size_t)-1 / 4) != NULL) abort(); }
            int main(void) { start(); more(); return 0; }
            """)  # fmt: skip
        sites = self.sites(self.report(self.record(program)))
        self.assertEqual(figures(sites["start"]), (1, 500, 1, 500, 1, 500, 0))
        self.assertNotIn("more", sites)

    def test_cpp(self):
        """The standard library's calls count where they are called, inlined or not."""
        source = r"""
            #include <map>
            #include <string>
            #include <vector>
            #define APART static __attribute__((noinline))
            struct alignas(64) wide { char bytes[128]; };
            static std::map<int, std::string> known;
            APART void fill() { std::vector<int> all; for (int i = 0; i < 1000; ++i) all.push_back(i); }
            APART void aligned() { for (int i = 0; i < 5; ++i) delete new wide; }
            APART void arrays() { for (int i = 0; i < 6; ++i) delete[] new char[321]; }
            APART void know() { for (int i = 0; i < 10; ++i) known[i] = std::string(99, 'x'); }
            int main() { fill(); aligned(); arrays(); know(); }
            """
        for options in (["-O0"], ["-O2", "-fno-allocation-dce"]):
            with self.subTest(options=options):
                program = self.cpp_program(source, *options)
                sites = self.sites(self.report(self.record(program)))
                self.assertEqual(figures(sites["fill()"])[:2], (11, 4 * (2**11 - 1)))
                self.assertEqual(figures(sites["fill()"])[4:], (0, 0, 1))
                self.assertEqual(figures(sites["aligned()"])[:2], (5, 640))
                self.assertEqual(figures(sites["arrays()"])[:2], (6, 1926))
                self.assertEqual(sites["arrays()"]["temporary_blocks"], 6)
                self.assertEqual(figures(sites["know()"])[:2], (20, 10 * (100 + 72)))

    def test_sample(self):
        program = self.program(r"""
            #include <malloc.h>
            #include <stdlib.h>
            static void* kept[20000];
            static void small(void) { for (int i = 0; i < 1000000; ++i) free(malloc(100)); }
            static void held(void) { for (int i = 0; i < 20000; ++i) kept[i] = malloc(2000); }
            static void huge(void) { for (int i = 0; i < 10; ++i) free(malloc(30 << 20)); }
            int main(void) { small(); held(); huge(); return 0; }
            """)  # fmt: skip
        mean = 1 << 16
        found = self.report(self.record(program, options=("--sample", "64K")))
        self.assertEqual(found["sample_bytes"], mean)
        sites = self.sites(found)
        for function, blocks, size in (("small", 1000000, 100), ("held", 20000, 2000)):
            chance = 1 - math.exp(-size / mean)
            deviation = math.sqrt(blocks * (1 - chance) / chance)
            estimate = sites[function]["total"]["blocks"]
            self.assertLess(abs(estimate - blocks), 5 * deviation, function)
            self.assertAlmostEqual(sites[function]["total"]["bytes"] / (estimate * size), 1, places=2)
        self.assertEqual(sites["held"]["at_end"], sites["held"]["total"])
        self.assertEqual(sites["small"]["at_end"]["blocks"], 0)
        self.assertEqual(figures(sites["huge"])[:2], (10, 10 * (30 << 20)))
        self.assertLess(found["events"], 10000)


if __name__ == "__main__":
    main()
