"""A recording that has long outgrown --max-size: no event is missing in its sums, and a report needs bounded memory."""

import os
import pathlib
import subprocess
import unittest

from record_case import STRATA, RecordCase, main

SOURCE = pathlib.Path(__file__).with_name("long_run.c")
SECONDS = "60"
MOST_KIB = 500 * 1024


class LongRunTest(RecordCase):
    def test_sums_are_exact_and_small(self):
        program = self.program(SOURCE.read_text().replace("#define _GNU_SOURCE\n", ""))
        file = self.directory / "long.strata"
        done = subprocess.run([STRATA, "record", "--quiet", "--every", "--max-size", "8M", "-o", file, "--", program, SECONDS],
                              env=self.variables(), capture_output=True, text=True, check=True)  # fmt: skip
        made, freed, _ = map(int, done.stdout.split())
        reader = subprocess.Popen([STRATA, "report", "--json", file], env=self.variables(), stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(reader.pid, 0)
        self.assertEqual(status, 0)
        self.assertLess(used.ru_maxrss, MOST_KIB)
        found = self.report(file)
        self.assertTrue(found["is_rolled_up"])
        self.assertEqual(found["lost"]["events"], 0)
        site = {one["function"]: one for one in found["sites"]}["operate"]
        self.assertEqual(site["total"]["blocks"], made)
        self.assertEqual(site["at_end"]["blocks"], made - freed)


if __name__ == "__main__":
    main()
