"""strata advise --try: what the advice promises is what the program then saves; blocks that are routed are blocks
like any other; and what can't be tried is refused in a line.
"""

import subprocess
import sys
import unittest

from advise_test import ALL, FAULTS
from replay_case import ReplayCase, main

LONG = "--long" in sys.argv

# Blocks of one site in an arena, and all that can be done with them.
LIFE = r"""
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
enum { many = 1000 };
static char* blocks[many];
static size_t size_of(int i) { return 20 + i % 90; }
static char* node(int i) { return malloc(size_of(i)); }
static void check(int what) { if (!what) { puts("wrong"); exit(1); } }
static void make(void) {
  for (int i = 0; i < many; ++i) {
    blocks[i] = node(i);
    check((uintptr_t)blocks[i] % 16 == 0);
    check(malloc_usable_size(blocks[i]) >= size_of(i));
    memset(blocks[i], i, size_of(i));
  }
}
static void clear(int from, int step) {
  for (int i = from; i < many; i += step) {
    check(blocks[i][0] == (char)i && blocks[i][size_of(i) - 1] == (char)i);
    free(blocks[i]);
  }
}
static void* clear_odd(void* unused) { clear(1, 2); return unused; }
static void* make_all(void* unused) { make(); return unused; }
static void grow(void) {
  for (int i = 0; i < many; i += 100) {
    char* longer = realloc(blocks[i], 5000);
    check(longer[0] == (char)i && longer[size_of(i) - 1] == (char)i);
    blocks[i] = realloc(longer, size_of(i));
    check(blocks[i][size_of(i) - 1] == (char)i);
  }
}
static void in_thread(void* (*what)(void*)) {
  pthread_t thread;
  pthread_create(&thread, NULL, what, NULL);
  pthread_join(thread, NULL);
}
static void fork_it(void) {
  pid_t child = fork();
  if (child == 0) {
    clear(0, 1);
    make();
    clear(0, 1);
    _exit(0);
  }
  int status = 1;
  check(waitpid(child, &status, 0) == child && status == 0);
}
int main(void) {
  for (int round = 0; round < 40; ++round) {
    make();
    if (round % 4 == 1) in_thread(clear_odd), clear(0, 2);
    if (round % 4 == 2) clear(0, 1), in_thread(make_all), clear(0, 1);
    if (round % 4 == 3) { if (round == 3) fork_it(); grow(); clear(0, 1); }
    if (round % 4 == 0) clear(0, 1);
  }
  puts("done");
  return 0;
}
"""

# The site is behind functions of the library, and so is another of them.
STRINGS = r"""
#include <string>
#include <vector>
static std::vector<std::string> names(int count) {
  std::vector<std::string> all;
  all.reserve(count);
  for (int i = 0; i < count; ++i) all.emplace_back(40 + i % 20, 'n');
  return all;
}
int main() {
  std::vector<std::string> kept;
  kept.reserve(400);
  for (int round = 0; round < 40; ++round) {
    std::vector<std::string> passing = names(1000);
    for (int i = 0; i < 10; ++i) kept.emplace_back(100 + i, 'k');
  }
  return kept.size() == 400 ? 0 : 1;
}
"""

MISUSE = r"""
#include <stdlib.h>
#include <string.h>
static char* blocks[1000];
static char* node(int i) { return malloc(20 + i % 90); }
int main(int count, char** values) {
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 1000; ++i) blocks[i] = node(i);
    if (count > 1 && strcmp(values[1], "double") == 0) free(blocks[5]), free(blocks[5]);
    if (count > 1 && strcmp(values[1], "inside") == 0) free(blocks[80] + 16);
    for (int i = 0; i < 1000; ++i) free(blocks[i]);
  }
  return 0;
}
"""

GROWN_BY_HAND = r"""
#include <stdlib.h>
static char* longer(char* old, int bytes) { char* made = malloc(bytes); free(old); return made; }
int main(void) {
  for (int round = 0; round < 400; ++round) {
    char* text = NULL;
    for (int i = 1; i <= 20; ++i) text = longer(text, 50 * i);
    free(text);
  }
  return 0;
}
"""


class Try(ReplayCase):
    def tried(self, file, number, *more, runs=1):
        return self.json("advise", file, "--try", number, "-n", runs, *more)

    def number_of(self, found, kind):
        return 1 + [one["kind"] for one in found["findings"]].index(kind)

    def assert_close(self, promised, measured):
        self.assertGreater(promised, 0)
        self.assertAlmostEqual(measured / promised, 1, delta=0.1)

    def assert_kept(self, file, kind, number=1):
        """What the advice of this kind promises most of is measured, within 10 %."""
        key, place = {"temporary": ("saved_operations", "stack"), "together": ("saved_operations", "arena"),
                      "grown": ("saved_operations", "reserve"), "one_size": ("saved_bytes", "pool"),
                      "pinned": ("saved_bytes", "pool")}[kind]  # fmt: skip
        all_of_it = self.tried(file, number)
        promise = all_of_it["findings"][number - 1]
        tried = all_of_it["tried"]
        self.assertEqual((promise["kind"], tried["place"]), (kind, place))
        self.assert_close(promise[key], tried[key])
        self.assert_close(all_of_it["operations"], tried["operations"])
        for way in ("as_it_is", "site_found", "routed"):
            self.assertEqual(tried[way]["differs"], [])

    def test_promises_are_kept(self):
        for kind in ("temporary", "together", "grown", "one_size", "pinned"):
            with self.subTest(kind):
                source = FAULTS + f"int main(void) {{ {kind}(); return 0; }}\n"
                self.assert_kept(self.record(self.program(source)), kind)

    @unittest.skipUnless(LONG, "a long test")
    def test_promises_of_five_faults_in_one_program(self):
        # Items enough that what the pool has in reserve is little of what it saves.
        file = self.record(self.program((FAULTS + ALL).replace("items = 100000", "items = 150000")))
        found = self.json("advise", file)
        for kind in ("temporary", "together", "grown", "one_size", "pinned"):
            with self.subTest(kind):
                self.assert_kept(file, kind, self.number_of(found, kind))

    def test_routed_blocks_are_blocks_like_any_other(self):
        file = self.record(self.program(LIFE))
        tried = self.tried(file, 1)["tried"]
        self.assertEqual((tried["place"], tried["routed"]["differs"]), ("arena", []))
        self.assertGreater(tried["blocks"], 40_000)
        self.assertGreater(tried["resets"], 20)

    def test_sites_behind_a_library(self):
        program = self.directory / "strings"
        subprocess.run(["c++", "-x", "c++", "-", "-o", program, "-O1", "-g"], input=STRINGS, text=True, check=True)
        file = self.record(program)
        found = self.json("advise", file)
        self.assertIn("names", found["findings"][0]["function"])
        tried = self.tried(file, 1)["tried"]
        self.assertEqual(tried["routed"]["differs"], [])
        self.assert_close(found["findings"][0]["blocks"], tried["blocks"])
        self.assert_close(found["findings"][0]["saved_operations"], tried["saved_operations"])

    def test_another_command(self):
        program = self.program(FAULTS + "int main(int n, char** v) { while (n-- > 0) temporary(); return 0; }\n")
        file = self.record(program)
        tried = self.tried(file, 1, "--", program, "twice")["tried"]
        self.assertEqual(tried["command"][1:], ["twice"])
        self.assertEqual((tried["blocks"], tried["saved_operations"]), (40_000, 80_000))

    def test_misuse_is_still_told(self):
        program = self.program(MISUSE)
        file = self.record(program)
        for how, message in {"double": "double free", "inside": "inside a block, not its start"}.items():
            with self.subTest(how):
                script = f"{program} {how} 2>&1 | grep -q '{message}' && echo told"
                tried = self.tried(file, 1, "--", "sh", "-c", script)["tried"]
                self.assertEqual(tried["routed"]["differs"], [])
                self.assertGreater(tried["blocks"], 900)

    def test_text(self):
        file = self.record(self.program(FAULTS + "int main(void) { temporary(); return 0; }\n"))
        done = self.strata("advise", file, "--try", "1", "-n", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.isascii())
        self.assertRegex(done.stdout, r"operations less +40\.0 k +40\.0 k  of 40\.\d k")
        self.assertRegex(done.stdout, r"2 runs each way")
        self.assertEqual(done.stdout.count("       routed "), 3)
        self.assertEqual(done.stderr, "")

    def test_refusals(self):
        program = self.program(GROWN_BY_HAND)
        file = self.record(program)
        self.assert_one_line(self.strata("advise", file, "--try", "1"), 2, "can't be tried", "the program itself")
        self.assert_one_line(self.strata("advise", file, "--try", "2"), 2, "no advice 2, but 1 in all")
        self.assert_one_line(self.strata("advise", file, "--try", "0"), 2, "no advice 0")
        self.assert_one_line(self.strata("advise", file, "--try", "one"), 2, "--try")
        self.assert_one_line(self.strata("advise", file, "-n", "3"), 2, "--try")
        self.assert_one_line(self.strata("advise", file, "--", "true"), 2, "--try")
        self.assert_one_line(self.strata("advise", file, "--try", "1", "--"), 2, "no program")
        self.assert_one_line(self.strata("advise", file, "--try", "1", "--", "./nothing"), 2, "./nothing")

    def test_programs_that_have_changed(self):
        source = FAULTS + "int main(void) { temporary(); return 0; }\n"
        program = self.program(source)
        file = self.record(program)
        done = self.strata("advise", file, "--try", "1", "--", "true")
        self.assert_one_line(done, 2, "true never came to the site")
        kept = program.rename(self.directory / "kept")
        self.assert_one_line(self.strata("advise", file, "--try", "1"), 2, "program")
        self.assertEqual(self.tried(file, 1, "--", kept)["tried"]["blocks"], 20_000)
        self.program(source + "int another;\n")
        self.assert_one_line(self.strata("advise", file, "--try", "1"), 2, "has changed since it was recorded")


if __name__ == "__main__":
    main()
