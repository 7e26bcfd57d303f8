"""strata advise: five planted faults are found, each as what it is, and a program without any hears nothing."""

import re
import unittest

from replay_case import ReplayCase, main

# Each fault is in a function that has its name.
FAULTS = r"""
#include <stdlib.h>
#include <string.h>
enum { many = 20000, items = 100000 };
static void* blocks[items];
static void* others[many];

static void temporary(void) { for (int i = 0; i < many; ++i) free(malloc(100 + i % 50)); }

static void* node(int i) { return malloc(48 + i % 32); }
static void together(void) {
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 1000; ++i) blocks[i] = node(i);
    for (int i = 0; i < 1000; ++i) free(blocks[i]);
  }
}

static void grown(void) {
  for (int round = 0; round < 400; ++round) {
    char* text = NULL;
    for (int i = 1; i <= 20; ++i) text = realloc(text, 50 * i);
    free(text);
  }
}

/* 10 bytes take 32; freed in another order than they come. */
static void* item(void) { return malloc(10); }
static void one_size(void) {
  for (int i = 0; i < items; ++i) blocks[i] = item();
  for (int i = 0; i < many; ++i) {
    int which = i * 7919 % items;
    free(blocks[which]);
    blocks[which] = item();
  }
  for (int i = 0; i < items; ++i) free(blocks[i]);
}

static void* lasting(int i) { return malloc(60 + i % 3); }
static void* passing(int i) { return malloc(56 + i % 8); }
static void pinned(void) {
  for (int i = 0; i < many; ++i) {
    others[i] = passing(i);
    if (i % 100 == 0) lasting(i);
  }
  for (int i = 0; i < many; i += 2) free(others[i]);
  others[0] = passing(0);  /* so they don't go all at once */
  for (int i = 1; i < many; i += 2) free(others[i]);
  free(others[0]);
}
"""
ALL = "int main(void) { temporary(); together(); grown(); one_size(); pinned(); return 0; }\n"

CLEAN = r"""
#include <stdlib.h>
static void* blocks[3000];
static unsigned state = 7;
static unsigned dice(void) { return state = state * 1103515245 + 12345, state >> 8; }
static void* block(void) { return malloc(dice() % 1000); }
int main(void) {
  for (int i = 0; i < 30000; ++i) {
    int which = dice() % 3000;
    free(blocks[which]);
    blocks[which] = block();
  }
  return 0;
}
"""


class Advise(ReplayCase):
    def advise(self, source):
        found = self.json("advise", self.record(self.program(source)))
        self.assertEqual(found["schema"], "strata-advice-1")
        return found

    def one(self, source, kind, function):
        """The finding of this kind, which is at the function."""
        found = [one for one in self.advise(source)["findings"] if one["kind"] == kind]
        self.assertEqual([one["function"] for one in found], [function])
        return found[0]

    def test_five_faults_in_one_program(self):
        found = self.advise(FAULTS + ALL)
        named = {(one["kind"], one["function"]) for one in found["findings"]}
        self.assertEqual(named, {("temporary", "temporary"), ("together", "node"), ("grown", "grown"),
                                 ("one_size", "item"), ("pinned", "lasting")})  # fmt: skip

    def test_temporary(self):
        one = self.one(FAULTS + "int main(void) { temporary(); return 0; }\n", "temporary", "temporary")
        self.assertEqual((one["blocks"], one["temporary_blocks"], one["saved_operations"]), (20000, 20000, 40000))
        self.assertEqual((one["least_bytes"], one["most_bytes"]), (100, 149))

    def test_together(self):
        one = self.one(FAULTS + "int main(void) { together(); return 0; }\n", "together", "node")
        self.assertEqual((one["waves"], one["wave_blocks"], one["saved_operations"]), (20, 20000, 19980))

    def test_grown(self):
        one = self.one(FAULTS + "int main(void) { grown(); return 0; }\n", "grown", "grown")
        self.assertEqual((one["growths"], one["saved_operations"]), (7600, 7600))
        self.assertEqual(one["copied_bytes"], 400 * 50 * 190)

    def test_one_size(self):
        one = self.one(FAULTS + "int main(void) { one_size(); return 0; }\n", "one_size", "item")
        self.assertEqual((one["blocks"], one["most_live"], one["least_bytes"]), (120000, 100000, 10))
        self.assertGreater(one["saved_bytes"], 1_500_000)

    def test_pinned(self):
        one = self.one(FAULTS + "int main(void) { pinned(); return 0; }\n", "pinned", "lasting")
        self.assertGreater(one["pinned_pages"], 50)
        self.assertLessEqual(one["pinning_blocks"], 200)
        self.assertGreater(one["saved_bytes"], one["pinned_bytes"] / 2)

    def test_a_clean_program(self):
        self.assertEqual(self.advise(CLEAN)["findings"], [])
        done = self.strata("advise", self.directory / "recording.strata")
        self.assertIn("nothing to advise", done.stdout)

    def test_text(self):
        file = self.record(self.program(FAULTS + "int main(void) { temporary(); return 0; }\n"))
        done = self.strata("advise", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.isascii())
        self.assertRegex(done.stdout, r"  1  temporary: temporary  <stdin>:\d+\n")
        self.assertTrue(re.search(r"40\.0 k operations less \(\d+\.\d %\)", done.stdout), done.stdout)

    def test_refusals(self):
        program = self.program(CLEAN)
        sample = self.record(program, options=("--sample", "1K"))
        self.assert_one_line(self.strata("advise", sample), 2, "is a sample")
        self.assert_one_line(self.strata("advise", "/dev/null"), 2, "no recording")
        self.assert_one_line(self.strata("advise"), 2)


if __name__ == "__main__":
    main()
