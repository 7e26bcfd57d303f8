"""A program's own resources in what `strata run` reports.

python3 FILE STRATA LIBRARY PROGRAM STATIC_PROGRAM MODULE
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

STRATA, LIBRARY, SHARED, STATIC, MODULE = sys.argv[1:6]


class Watch(unittest.TestCase):
    def run_program(self, program, *arguments):
        """(text report, figures) of a run that ends well."""
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "figures.json")
            result = subprocess.run(
                [STRATA, "run", "--stats", file, "--", program, *arguments], timeout=60,
                env={**os.environ, "STRATA_LIBRARY": LIBRARY}, capture_output=True, text=True,
                check=False)
            self.assertEqual(result.returncode, 0, result.stderr)
            return result.stderr, json.loads(file.read_text())

    def rows_of(self, process):
        return {row["name"]: row for row in process["resources"]}

    def rows(self, program, *arguments):
        text, figures = self.run_program(program, *arguments)
        self.assertEqual(len(figures["processes"]), 1)
        return text, self.rows_of(figures["processes"][0])

    def test_all_have_ended(self):
        for program in (SHARED, STATIC):
            text, rows = self.rows(program, "return")
            request = rows["request"]
            self.assertEqual((request["instances"], request["made"]), (0, 100))
            self.assertEqual(request["kind"], "bump")
            self.assertEqual(request["live_bytes"], 1000, "of the last, at its end")
            self.assertEqual(request["peak_live_bytes"], 1000)
            self.assertGreaterEqual(request["held_bytes"], 1000)
            self.assertIsNone(request["live_blocks"])
            self.assertEqual(rows["of the process"]["live_bytes"], 0)
            self.assertGreaterEqual(rows["of the process"]["peak_live_bytes"], 3000)
            self.assertEqual(rows["budget"]["peak_live_bytes"], 600)
            self.assertIn("the program's own resources", text)
            self.assertRegex(text, r"(?m)^  request +bump +ended +1000 B +- ")

    def test_exit_asks_those_that_may_be_asked(self):
        for program in (SHARED, STATIC):
            _, rows = self.rows(program, "exit")
            orders = rows["orders"]
            self.assertEqual((orders["instances"], orders["live_blocks"]), (1, 2))
            self.assertGreaterEqual(orders["live_bytes"], 400)
            self.assertEqual(rows["budget"]["live_bytes"], 600)
            self.assertEqual(rows["of the process"]["live_blocks"], 1)

    def test_without_destructors_shows_what_was_published(self):
        _, rows = self.rows(SHARED, "quick")
        self.assertEqual(rows["orders"]["live_blocks"], 2)
        self.assertEqual(rows["budget"]["live_bytes"], 600)

    def test_child_has_a_table_of_its_own(self):
        _, figures = self.run_program(SHARED, "fork")
        child, parent = [self.rows_of(process) for process in
                         sorted(figures["processes"], key=lambda process: process["main"])]
        self.assertEqual(child["of the child"]["live_bytes"], 70)
        self.assertEqual(child["budget"]["live_bytes"], 600)
        self.assertNotIn("of the child", parent)

    def test_module_that_was_closed(self):
        _, rows = self.rows(SHARED, "module", MODULE)
        self.assertEqual(rows["in a module"]["live_bytes"], 500)
        self.assertEqual(rows["request"]["made"], 100)

    def test_without_strata_nothing_is_missing(self):
        for program in (SHARED, STATIC):
            self.assertEqual(subprocess.run([program, "exit"], check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
