"""strata report: its texts, the figures of a moment, and the difference of two recordings."""

import json
import re
import unittest

from figures_test import PLANTED
from record_case import RecordCase, main

# Two waves of which one has gone before the other comes, with some time between.
WAVES = r"""
#include <stdlib.h>
#include <unistd.h>
static void* blocks[1000];
static void first(void) { for (int i = 0; i < 1000; ++i) blocks[i] = malloc(100); }
static void second(void) { for (int i = 0; i < 500; ++i) blocks[i] = malloc(150); }
static void empty(int count) { for (int i = 0; i < count; ++i) free(blocks[i]); }
int main(void) {
  first();
  usleep(PAUSE_US);
  empty(1000);
  second();
  usleep(PAUSE_US);
  empty(500);
  return 0;
}
"""

# What differs: a constant of one function, and a function that only one has.
VERSION = r"""
#include <stdlib.h>
static void* kept[200];
static void same(void) { for (int i = 0; i < 10; ++i) kept[i] = malloc(1000); }
static void grows(void) { for (int i = 0; i < COUNT; ++i) kept[100 + i] = malloc(40); }
static void is_new(void) { kept[99] = malloc(COUNT > 5 ? 70000 : 0); }
int main(void) {
  same();
  grows();
  if (COUNT > 5) is_new();
  return 0;
}
"""


class Reports(RecordCase):
    def setUp(self):
        super().setUp()
        self.file = self.record(self.program(PLANTED))

    def test_text(self):
        done = self.strata("report", self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"recorded +every block")
        self.assertRegex(done.stdout, r"peak +\S+ \S+ in 300 blocks")
        rows = re.findall(r"(\w+)  <stdin>:\d+$", done.stdout, re.MULTILINE)
        self.assertEqual(rows[:2], ["wave", "keep"])
        self.assertTrue(done.stdout.isascii())

    def test_tree(self):
        done = self.strata("report", "--tree", "--at", "count", self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(done.stdout.index("outer "), done.stdout.index("churn "))

    def test_folded(self):
        done = self.strata("report", "--folded", self.file)
        lines = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
        wave = [value for stack, value in lines.items() if stack.endswith("main;wave")]
        self.assertEqual(wave, ["819200"])
        self.assertEqual(sum(map(int, lines.values())), 919200)
        end = self.strata("report", "--folded", "--at", "end", self.file).stdout
        self.assertIn("main;keep 100000\n", end)
        self.assertNotIn("wave", end)



class Moments(RecordCase):
    def setUp(self):
        super().setUp()
        self.file = self.waves(30000)

    def waves(self, pause_us, options=("--every",)):
        return self.record(self.program(WAVES, f"-DPAUSE_US={pause_us}"), options=options)

    def moment_with(self, live_bytes):
        """The last moment at which so much was live."""
        curve = self.report(self.file)["curve"]["live_bytes"]
        return f"{max(ms for ms, live in curve if live == live_bytes)}ms"

    def at(self, moment, file=None):
        """Live bytes by function."""
        found = self.report(file or self.file, "--at", moment)
        live = {one["function"]: one["at_moment"]["bytes"] for one in found["sites"]}
        self.assertEqual(sum(live.values()), found["summary"]["at_moment"]["bytes"])
        return live

    def test_each_wave_has_its_time(self):
        found = self.report(self.file)
        self.assertIsNone(found["moment_ms"])
        self.assertNotIn("at_moment", found["summary"])
        self.assertEqual(found["summary"]["at_peak"]["bytes"], 100000)
        self.assertEqual(self.at(self.moment_with(100000)), {"first": 100000, "second": 0})
        self.assertEqual(self.at(self.moment_with(75000)), {"first": 0, "second": 75000})
        self.assertEqual(self.at("0s"), {"first": 0, "second": 0})
        self.assertEqual(self.at(f"{found['length_ms']}ms"), {"first": 0, "second": 0})

    def test_texts(self):
        moment = self.moment_with(75000)
        done = self.strata("report", "--at", moment, self.file)
        self.assertRegex(done.stdout, r"then +73.2 KiB in 500 blocks live, after \S+ ms")
        self.assertRegex(done.stdout, r"(?m)^ +73.2 KiB +- +- .*second  <stdin>")
        self.assertIn("main;second 75000\n", self.strata("report", "--folded", "--at", moment, self.file).stdout)
        tree = self.strata("report", "--tree", "--at", moment, self.file).stdout
        self.assertIn("second", tree)
        self.assertNotIn("first", tree)

    def test_refusals(self):
        for text in ("noon", "-1s", "5", "1.5 s"):
            self.assert_one_line(self.strata("report", f"--at={text}", self.file), 2, "--at: ", "is none of peak")
        self.assert_one_line(self.strata("report", "--at", "1h", self.file), 2, "ends after")

    def test_where_only_sums_are_left(self):
        file = self.waves(300000, options=("--every", "--max-size", "1"))
        found = self.report(file)
        self.assertTrue(found["is_rolled_up"])
        self.assert_one_line(self.strata("report", "--at", f"{found['length_ms']}ms", file), 2,
                             "has no events after", "max-size")  # fmt: skip
        self.assertEqual(sum(self.at("0s", file).values()), 0)


class Differences(RecordCase):
    def setUp(self):
        super().setUp()
        self.few = self.version(3)
        self.many = self.version(12)

    def version(self, count):
        file = self.record(self.program(VERSION, f"-DCOUNT={count}"))
        return file.rename(self.directory / f"{count}.strata")

    def difference(self, *options):
        done = self.strata("report", "--json", "--diff", self.few, *options, self.many)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_json(self):
        found = self.difference("--at", "end")
        self.assertEqual(found["unit"], "bytes")
        sites = {one["function"]: (one["other"], one["this"], one["difference"]) for one in found["sites"]}
        self.assertEqual(sites, {"same": (10000, 10000, 0), "grows": (120, 480, 360), "is_new": (0, 70000, 70000)})
        self.assertEqual(found["summary"], {"this": 80480, "other": 10120, "difference": 70360})
        stacks = {one["calls"][0]["function"]: one["difference"] for one in found["stacks"]}
        self.assertEqual(stacks, {"same": 0, "grows": 360, "is_new": 70000})
        counts = {one["function"]: one["difference"] for one in self.difference("--at", "count")["sites"]}
        self.assertEqual(counts, {"same": 0, "grows": 9, "is_new": 1})

    def test_of_itself(self):
        done = self.strata("report", "--json", "--diff", self.many, self.many)
        self.assertEqual({one["difference"] for one in json.loads(done.stdout)["stacks"]}, {0})

    def test_texts(self):
        done = self.strata("report", "--diff", self.few, self.many)
        rows = re.findall(r"(\S+ \S+) +(\w+)  <stdin>:\d+$", done.stdout, re.MULTILINE)
        self.assertEqual(rows, [("+68.4 KiB", "is_new"), ("+360 B", "grows")])
        self.assertRegex(done.stdout, r"\+68.7 KiB  in all")
        back = self.strata("report", "--diff", self.many, self.few).stdout
        self.assertIn("-68.4 KiB", back)
        tree = self.strata("report", "--tree", "--diff", self.few, self.many).stdout
        self.assertLess(tree.index("main"), tree.index("is_new"))
        self.assertNotIn("same", tree)

    def test_folded(self):
        done = self.strata("report", "--folded", "--diff", self.few, self.many)
        lines = {stack.rpartition(";")[2]: (int(other), int(here))
                 for stack, other, here in (line.rsplit(" ", 2) for line in done.stdout.splitlines())}  # fmt: skip
        self.assertEqual(lines, {"same": (10000, 10000), "grows": (120, 480), "is_new": (0, 70000)})

    def test_refusals(self):
        self.assert_one_line(self.strata("report", "--diff", "/no/such/file", self.many), 2, "/no/such/file: ")
        self.assert_one_line(self.strata("report", "--diff", self.few, "--pprof", "x", self.many), 2, "excludes")


if __name__ == "__main__":
    main()
