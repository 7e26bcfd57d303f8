"""strata replay: figures of programs whose every allocation is known, all policies, refusals."""

import re
import unittest
import xml.etree.ElementTree as ElementTree

from replay_case import ReplayCase, main

PROGRAM = r"""
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void* held[1000];
static void fill(void) { for (int i = 0; i < 1000; ++i) held[i] = malloc(100 + i % 400); }
static void holes(void) { for (int i = 0; i < 1000; i += 2) free(held[i]); }
static void large(void) { for (int i = 0; i < 1000; i += 2) held[i] = malloc(600); }
static void grow(void) {
  char* text = NULL;
  for (int i = 1; i <= 50; ++i) text = realloc(text, i * 1000);
  free(text);
}
int main(int count, char** values) {
  (void)values;
  if (count > 1) {
    if (fork() == 0) {
      free(malloc(5000000));
      return 0;
    }
    wait(NULL);
  }
  fill();
  holes();
  large();
  grow();
  return 0;
}
"""
HERE = ["first-fit", "first-fit-address", "next-fit", "next-fit-address", "best-fit", "segregated-fit", "tlsf",
        "bitmap", "buddy", "pools", "bump"]  # fmt: skip


class Replay(ReplayCase):
    def setUp(self):
        super().setUp()
        self.file = self.record(self.program(PROGRAM))

    def test_all_policies(self):
        found = self.json("replay", self.file)
        self.assertEqual(found["schema"], "strata-replay-1")
        report = self.json("report", self.file)["summary"]
        self.assertEqual(found["peak_bytes"], report["at_peak"]["bytes"])
        self.assertEqual(found["end_bytes"], report["at_end"]["bytes"])
        self.assertEqual(found["allocations"] + found["resizes"], report["total"]["blocks"])
        self.assertEqual(found["resizes"], 49)
        self.assertEqual([one["name"] for one in found["policies"]], [*HERE, "strata", "libc"])
        for one in found["policies"]:
            with self.subTest(one["name"]):
                self.assertEqual(one["outcome"], "done")
                self.assertEqual(one["operations"], found["operations"])
                self.assertEqual(one["end"]["asked_bytes"], found["end_bytes"])
                self.assertGreaterEqual(one["peak"]["footprint_bytes"], found["peak_bytes"])
                self.assertEqual(len(one["ns_by_round"]), 3)
                self.assertGreater(one["ns_per_operation"], 0)
                self.assertLessEqual(len(one["curve"]), 512)
                for operation, asked, granted, footprint in one["curve"]:
                    self.assertLessEqual(asked, granted)
                    self.assertLessEqual(operation, found["operations"])
                    if one["name"] in HERE:
                        self.assertLessEqual(granted, footprint)
        footprint = {one["name"]: one["peak"]["footprint_bytes"] for one in found["policies"]}
        self.assertLess(footprint["best-fit"], footprint["buddy"])
        self.assertLess(footprint["best-fit"], footprint["bump"])
        # Holes of 100 to 500 bytes are of no use for blocks of 600.
        self.assertGreater(footprint["best-fit"], 1.2 * found["peak_bytes"])

    def test_text_and_picture(self):
        picture = self.directory / "picture.svg"
        done = self.strata("replay", "--policy", "tlsf,libc,bump", "--svg", picture, self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.isascii())
        rows = re.findall(r"^  (tlsf|libc|bump) +[\d.]+ [KM]?i?B +\d+\.\d\d .* [\d.]+$", done.stdout, re.MULTILINE)
        self.assertEqual(rows, ["tlsf", "libc", "bump"], done.stdout)
        root = ElementTree.parse(picture).getroot()
        self.assertEqual(len(root.findall("{http://www.w3.org/2000/svg}polygon")), 9)

    def test_bump_starts_anew_when_all_is_free(self):
        program = self.program(r"""
            #include <stdlib.h>
            int main(void) {
              for (int i = 0; i < 1000; ++i) {
                void* one = malloc(2000);
                void* two = malloc(2000);
                free(one);
                free(two);
              }
              return 0;
            }
            """)  # fmt: skip
        (bump,) = self.json("replay", "--policy", "bump", self.record(program))["policies"]
        self.assertGreaterEqual(bump["resets"], 1000)
        self.assertLess(bump["peak"]["footprint_bytes"], 50000)

    def test_strata_takes_the_same_each_time(self):
        program = self.program(r"""
            #include <stdlib.h>
            static void* held[20000];
            int main(void) {
              unsigned at = 1;
              for (int i = 0; i < 2000000; ++i) {
                at = at * 1664525 + 1013904223;
                void** one = &held[(at >> 8) % (i < 1000000 ? 20000 : 200)];
                free(*one);
                *one = malloc(16 << (at >> 28) % 8);
              }
              return 0;
            }
            """)  # fmt: skip
        file = self.record(program)
        found = [self.json("replay", "--policy", "strata", file)["policies"][0] for _ in range(3)]
        for one in found[1:]:
            self.assertEqual(one["peak"], found[0]["peak"])
            self.assertTrue(one["curve"] == found[0]["curve"], "curves differ")

    def test_processes(self):
        file = self.record(self.program(PROGRAM), "fork")
        self.assertEqual(self.json("replay", "--policy", "tlsf", file)["peak_bytes"], 5000000)
        numbers = [one["number"] for one in self.json("report", file)["processes"] if one["peak_bytes"] < 5000000]
        parent = self.json("replay", "--policy", "tlsf", "--process", *numbers, file)
        self.assertEqual(parent["resizes"], 49)

    def test_out_of_memory_and_broken_helpers_are_rows(self):
        """Others go on."""
        done = self.strata("replay", "--policy", "strata,tlsf", self.file, env={"STRATA_LIBRARY": "/none.so"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^  strata +STRATA_LIBRARY=/none.so: ")
        self.assertRegex(done.stdout, r"(?m)^  tlsf +[\d.]+ KiB")
        program = self.program(r"""
            #include <stdlib.h>
            int main(void) {
              void* all[400];
              for (int i = 0; i < 400; ++i) all[i] = malloc(1UL << 30);
              for (int i = 0; i < 400; ++i) if (all[i] != NULL) free(all[i]);
              return 0;
            }
            """)  # fmt: skip
        file = self.record(program)
        found = self.json("replay", "--policy", "tlsf,pools,buddy", file)["policies"]
        self.assertEqual({one["outcome"] for one in found}, {"refused"})
        self.assertLess(found[0]["operations"], 400)

    def test_a_cut_recording(self):
        whole = self.file.read_bytes()
        self.file.write_bytes(whole[: len(whole) - 20])
        found = self.json("replay", "--policy", "first-fit", self.file)
        self.assertGreater(found["operations"], 1000)
        for size in range(len(whole) - 20, 0, -len(whole) // 40):
            self.file.write_bytes(whole[:size])
            cut = self.strata("replay", "--policy", "bump", self.file)
            if cut.returncode != 0:
                break
        self.assert_one_line(cut, 2, "up to where the recording ends")

    def test_refusals(self):
        self.assert_one_line(self.strata("replay", self.file, "--policy", "worst-fit"), 2, "worst-fit")
        self.assert_one_line(self.strata("replay", self.file, "--process", "77"), 2, "no process 77")
        self.assert_one_line(self.strata("replay", "/dev/null"), 2, "no recording")
        self.assert_one_line(self.strata("replay", self.file, "--limit", "0"), 2)
        self.assert_one_line(self.strata("replay", self.file, "--svg", "/none/picture.svg"), 2, "/none")
        self.assert_one_line(self.strata("replay"), 2)
        program = self.program(PROGRAM)
        self.assert_one_line(
            self.strata("replay", self.record(program, options=("--sample", "1K"))), 2, "is a sample")
        self.assert_one_line(
            self.strata("replay", self.record(program, options=("--every", "--max-size", "1"))), 2, "--max-size")


if __name__ == "__main__":
    main()
