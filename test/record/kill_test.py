"""Recordings that end early, and files that are not what they should be.

RECORD_KILLS in the environment: how many moments are tried (default 50).
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import time
import unittest

from record_case import STRATA, RecordCase, main

# Each round allocates at two sites and frees: what was recorded of it can be checked wherever it ends.
ROUNDS = r"""
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
static void* held[1000];
static void* brief(void) { return malloc(48); }
static void* lasting(void) { return malloc(96); }
int main(int count, char** values) {
  long rounds = count > 2 ? atol(values[2]) : 1L << 60;
  for (long i = 0; i < rounds; ++i) {
    void* one = brief();
    free(held[i % 1000]);
    held[i % 1000] = lasting();
    free(one);
  }
  if (count > 1) fclose(fopen(values[1], "w"));
  return 0;
}
"""


class Kills(RecordCase):
    def setUp(self):
        super().setUp()
        self.rounds = self.program(ROUNDS)
        self.file = self.directory / "recording.strata"

    def start(self, *arguments):
        return subprocess.Popen([STRATA, "record", "--quiet", "--every", "-o", self.file, "--", self.rounds,
                                 *map(str, arguments)], env=self.variables(), stderr=subprocess.PIPE)  # fmt: skip

    def child_of(self, parent):
        path = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
        for _ in range(1000):
            if children := path.read_text(encoding="ascii").split():
                return int(children[0])
            time.sleep(0.001)
        self.fail("no child")

    def check(self, found):
        sites = {one["function"]: one for one in found["sites"]}
        if "lasting" not in sites:
            return
        brief, lasting = sites["brief"], sites["lasting"]
        self.assertIn(brief["total"]["blocks"] - lasting["total"]["blocks"], (0, 1))
        self.assertIn(brief["at_end"]["blocks"], (0, 1))
        expected = min(1000, lasting["total"]["blocks"])
        self.assertIn(lasting["at_end"]["blocks"], (expected, expected - 1))
        self.assertEqual(lasting["at_end"]["bytes"], 96 * lasting["at_end"]["blocks"])

    def test_at_any_moment(self):
        dice = random.Random(11)
        read = 0
        for number in range(int(os.environ.get("RECORD_KILLS", "50"))):
            with self.subTest(moment=number), self.start() as command:
                child = self.child_of(command.pid)
                time.sleep(dice.random() * 0.5)
                os.kill(command.pid if number % 2 == 0 else child, signal.SIGKILL)
                command.wait()
                if number % 2 == 0:
                    os.kill(child, signal.SIGKILL)
                done = self.strata("report", "--json", self.file)
                if done.returncode == 2 and "ends before anything was recorded" in done.stderr:
                    continue
                self.assertEqual(done.returncode, 0, done.stderr)
                found = json.loads(done.stdout)
                self.assertEqual(found["is_complete"], number % 2 == 1)
                self.check(found)
                read += 1
        self.assertGreater(read, 30)

    def test_the_program_goes_on_without_the_command(self):
        mark = self.directory / "done"
        with self.start(mark, 3000000) as command:
            child = self.child_of(command.pid)
            time.sleep(0.2)
            command.kill()
            command.wait()
            for _ in range(300):
                if mark.exists():
                    break
                time.sleep(0.1)
            else:
                os.kill(child, signal.SIGKILL)
        self.assertTrue(mark.exists())

    def test_symbols_of_a_killed_recording(self):
        with self.start() as command:
            child = self.child_of(command.pid)
            time.sleep(0.7)
            command.kill()
            os.kill(child, signal.SIGKILL)
        found = self.report(self.file)
        self.assertIn("lasting", {one["function"] for one in found["sites"]})
        self.assertIn("stopped before the program ended", self.strata("report", self.file).stdout)
        self.rounds.unlink()  # what was found out before is in the file
        self.assertIn("lasting", {one["function"] for one in self.report(self.file)["sites"]})


class Files(RecordCase):
    def setUp(self):
        super().setUp()
        self.file = self.record(self.program(ROUNDS), self.directory / "mark", 20000)
        self.whole = self.file.read_bytes()

    def damaged(self, content):
        path = self.directory / "damaged.strata"
        path.write_bytes(content)
        return path

    def test_cut_anywhere(self):
        dice = random.Random(5)
        for _ in range(60):
            cut = dice.randrange(len(self.whole))
            done = self.strata("report", "--json", self.damaged(self.whole[:cut]))
            if done.returncode == 0:
                self.assertFalse(json.loads(done.stdout)["is_complete"])
            else:
                self.assert_one_line(done, 2, "damaged.strata: ")

    def test_changed_anywhere(self):
        dice = random.Random(6)
        for _ in range(60):
            content = bytearray(self.whole)
            for _ in range(dice.randrange(1, 9)):
                content[dice.randrange(len(content))] = dice.randrange(256)
            done = self.strata("report", "--json", self.damaged(content))
            if done.returncode != 0:
                self.assert_one_line(done, 2, "damaged.strata: ")

    def test_refusals(self):
        newer = bytearray(self.whole)
        newer[8] = 200
        cases = {
            ("report",): ["FILE"],
            ("report", "/no/such/file"): ["/no/such/file: No such file"],
            ("report", str(self.directory)): ["is a directory"],
            ("report", STRATA): ["is no recording"],
            ("report", str(self.damaged(b""))): ["is no recording"],
            ("report", "--at", "noon", str(self.file)): ["--at: noon"],
            ("report", "--process", "99", str(self.file)): ["has no process 99"],
            ("report", "--tree", "--json", str(self.file)): ["excludes"],
            ("record", "--sample", "many", "--", "true"): ["--sample: many"],
            ("record", "--sample", "0", "--", "true"): ["--sample: 0"],
            ("record", "-o", "/no/such/folder/file", "--", "true"): ["cannot write /no/such/folder/file"],
            ("record", "--", "no-such-program"): ["no-such-program"],
        }
        for arguments, parts in cases.items():
            with self.subTest(arguments=arguments):
                done = self.strata(*arguments)
                self.assert_one_line(done, 127 if "no-such-program" in arguments else 2, *parts)
        done = self.strata("report", self.damaged(newer))
        self.assert_one_line(done, 2, "newer strata (version 200")
        older = bytearray(self.whole)
        older[8] = 1
        done = self.strata("report", self.damaged(older))
        self.assert_one_line(done, 2, "older strata (version 1 of")


if __name__ == "__main__":
    main()
