"""Mappings that a program makes for itself, on one whose every mapping is known: exactly, by strata record --every and
by a sample, in sums past --max-size, and in the child of a fork."""

import os
import unittest

from record_case import RecordCase, main

PLANTED = r"""
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <errno.h>
#include <unistd.h>
static size_t page;
static void check(int is_right, int line) {
  if (is_right) return;
  fprintf(stderr, "line %d\n", line);
  exit(1);
}
#define CHECK(condition) check(condition, __LINE__)
static char* some(size_t pages) {
  return mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void keep(void) { for (int i = 0; i < 10; ++i) CHECK(some(3) != MAP_FAILED); }
static void wave(void) {
  char* made[50];
  for (int i = 0; i < 50; ++i) made[i] = some(100);
  for (int i = 0; i < 50; ++i) CHECK(munmap(made[i], 100 * page - 5) == 0);
}
/* Loses its middle, then its end; the start stays. */
static void cut(void) {
  char* made = some(10);
  CHECK(munmap(made + 4 * page, 2 * page) == 0);
  CHECK(munmap(made + 6 * page, 4 * page) == 0);
}
static void reserve(void) {
  char* made = mmap(NULL, 64 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(mmap(made + 8 * page, 8 * page, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == made + 8 * page);
}
/* Three mappings, of which the first two were moved on. */
static void grow(void) {
  char* made = mremap(some(5), 5 * page, 40 * page, MREMAP_MAYMOVE);
  made = mremap(made, 40 * page, 20 * page, 0);
  made[20 * page - 1] = 1;
  /* Refused, and all stays as it was. */
  errno = 0;
  CHECK(mremap(made, 20 * page, SIZE_MAX / 2, MREMAP_MAYMOVE) == MAP_FAILED && errno != 0);
  CHECK(munmap(made + 1, page) == -1 && errno == EINVAL);
}
static void of_file(const char* path) {
  int file = open(path, O_RDONLY);
  CHECK(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, file, 0) != MAP_FAILED);
  CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, file, 0) == MAP_FAILED && errno == EINVAL);
  close(file);
}
static void push_break(void) {
  char* before = sbrk(0);
  CHECK(sbrk(100000) == before && (char*)sbrk(0) == before + 100000);
  before[99999] = 1;
  CHECK(sbrk(-30000) == before + 100000);
  CHECK(brk(before + 80000) == 0 && (char*)sbrk(0) == before + 80000);
}
static volatile int handled;
static void handle(int number) {
  (void)number;
  char* made = some(1);
  made[0] = 1;
  CHECK(munmap(made, page) == 0);
  ++handled;
}
static void in_handlers(void) {
  signal(SIGUSR1, handle);
  for (int i = 0; i < 200; ++i) raise(SIGUSR1);
}
static void in_child(void) {
  pid_t child = fork();
  if (child == 0) {
    some(77);
    _exit(0);
  }
  int status = 1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}
int main(int count, char** arguments) {
  page = (size_t)sysconf(_SC_PAGESIZE);
  keep(); wave(); cut(); reserve(); grow(); of_file(arguments[0]); push_break(); in_handlers();
  if (count > 1) in_child();
  CHECK(handled == 200);
  return 0;
}
"""

PAGE = os.sysconf("SC_PAGESIZE")

# Calls that are the site's own caller: mappings and bytes in all, at the end; what they are.
TRUTH = {
    "keep": (10, 30 * PAGE, 10, 30 * PAGE, "anonymous"),
    "wave": (50, 5000 * PAGE, 0, 0, "anonymous"),
    "cut": (1, 10 * PAGE, 1, 4 * PAGE, "anonymous"),
    "reserve": (2, 72 * PAGE, 2, 64 * PAGE, "reserved"),
    "grow": (3, 65 * PAGE, 1, 20 * PAGE, "anonymous"),
    "of_file": (1, PAGE, 1, PAGE, "file"),
    "push_break": (2, 110000, 2, 80000, "break"),
    "handle": (200, 200 * PAGE, 0, 0, "anonymous"),
}


class MappingsTest(RecordCase):
    def mapped(self, found):
        return found["mappings"]

    def by_caller(self, found):
        """Figures by function; `some` stands for its caller."""
        made = {}
        for stack in found["mappings"]["stacks"]:
            names = [call["function"] for call in stack["calls"]]
            names = [name.split("(")[0] for name in names if not name.startswith("some")]
            one = made.setdefault(names[0], [0, 0, 0, 0, set()])
            for i, (key, unit) in enumerate((figure, unit) for figure in ("total", "at_end")
                                            for unit in ("mappings", "bytes")):  # fmt: skip
                one[i] += stack[key][unit]
            one[4] |= set(stack["kinds"].split(", "))
        return made

    def assert_truth(self, found):
        seen = self.by_caller(found)
        self.assertEqual(set(seen), set(TRUTH))
        for name, (total, total_bytes, end, end_bytes, kind) in TRUTH.items():
            self.assertEqual(seen[name][:4], [total, total_bytes, end, end_bytes], name)
            self.assertIn(kind, seen[name][4], name)
        summary = found["mappings"]["summary"]
        for i, (key, unit) in enumerate([("total", "mappings"), ("total", "bytes"),
                                         ("at_end", "mappings"), ("at_end", "bytes")]):  # fmt: skip
            self.assertEqual(summary[key][unit], sum(one[i] for one in TRUTH.values()), key)
        # All of the wave stood beside what was kept before it.
        self.assertEqual(summary["at_peak"], {"mappings": 60, "bytes": 5030 * PAGE})
        self.assertEqual(summary["moved_mappings"], 2)
        self.assertEqual(sum(summary["lifetimes"]),
                         summary["total"]["mappings"] - summary["at_end"]["mappings"])  # fmt: skip
        self.assertEqual(found["mappings"]["curve"][-1][1], summary["at_end"]["bytes"])

    def test_every_mapping_is_in_it(self):
        file = self.record(self.program(PLANTED))
        found = self.report(file)
        self.assert_truth(found)
        self.assertEqual(found["lost"]["events"], 0)
        wave = {one["function"]: one for one in found["mappings"]["sites"]}["some"]
        self.assertEqual(wave["at_peak"], {"mappings": 60, "bytes": 5030 * PAGE})

    def test_a_sample_has_all_of_them(self):
        self.assert_truth(self.report(self.record(self.program(PLANTED), options=("--sample", "64K"))))

    def test_sums_are_the_same(self):
        file = self.record(self.program(PLANTED), options=("--every", "--max-size", "1"))
        found = self.report(file)
        self.assertTrue(found["is_rolled_up"])
        self.assert_truth(found)

    def test_a_child_begins_with_none(self):
        file = self.record(self.program(PLANTED), "fork")
        self.assert_truth(self.report(file))
        child = self.report(file, "--process", 2)["mappings"]["summary"]
        self.assertEqual(child["total"], {"mappings": 1, "bytes": 77 * PAGE})
        self.assertEqual(child["at_end"], child["total"])

    def test_reports_in_text(self):
        file = self.record(self.program(PLANTED))
        text = self.strata("report", file).stdout
        self.assertRegex(text, r"mapped +19\.6 MiB in 60 mappings at most")
        table = self.strata("report", "--mappings", "--at", "end", file).stdout
        self.assertIn("mappings by never unmapped", table)
        rows = {line.split()[-2]: line for line in table.splitlines() if "program" in line or "<stdin>" in line}
        self.assertIn("file", rows["of_file"])
        self.assertIn("break", rows["push_break"])
        folded = self.strata("report", "--mappings", "--folded", "--at", "total", file).stdout
        self.assertIn(f"main;wave;some {5000 * PAGE}\n", folded)
        self.assertIn("wave", self.strata("report", "--mappings", "--tree", file).stdout)
        self.assert_one_line(self.strata("report", "--mappings", "--at", "temporary", file), 2)

    def test_none_where_none_are_made(self):
        file = self.record(self.program("#include <stdlib.h>\nint main(void) { free(malloc(9)); }"))
        self.assertIsNone(self.report(file)["mappings"])
        self.assertNotIn("mapped", self.strata("report", file).stdout)
        self.assertIn("mapped nothing", self.strata("report", "--mappings", file).stdout)


if __name__ == "__main__":
    main()
