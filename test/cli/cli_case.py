"""What the tests of the `strata` command share: where it is, how to run it and to make programs.

Each test file is run as: python3 FILE STRATA LIBRARY C_COMPILER. LIBRARY is what the command
preloads as libstrata.so.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

STRATA, LIBRARY, COMPILER = sys.argv[1:4]


class CliCase(unittest.TestCase):
    """A test with a directory of its own, which is removed after it."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.directory.chmod(0o755)
        self.temporary = self.directory / "temporary"
        self.temporary.mkdir(mode=0o777)
        self.temporary.chmod(0o777)

    def variables(self, **more):
        """The environment of the command; nothing of the caller's that would change it."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("STRATA_", "FIGURES_")) and name not in
                ("LD_PRELOAD", "COLUMNS", "NO_COLOR")}
        return {**kept, "STRATA_LIBRARY": LIBRARY, "TMPDIR": str(self.temporary),
                "LC_ALL": "C", **more}

    def strata(self, *arguments, env=None, **options):
        """Runs the command to its end; output as text."""
        usual = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
        return subprocess.run([STRATA, *map(str, arguments)], timeout=60, check=False,
                              env=self.variables(**(env or {})), **{**usual, **options})

    def make(self, name, content, mode=0o755):
        """A file with this content."""
        path = self.directory / name
        path.write_text(content)
        path.chmod(mode)
        return path

    def compile(self, name, source, *options):
        """A C program or library."""
        path = self.directory / name
        subprocess.run([COMPILER, "-x", "c", "-", "-o", path, *options], input=source, text=True,
                       check=True)
        return path

    def assert_one_line(self, result, status, *parts):
        """The command refused: nothing on stdout, one line on stderr that holds the parts."""
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("strata: "), result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)
        self.assertEqual(result.returncode, status, result.stderr)

    def assert_nothing_left(self):
        """The command removed its temporary files."""
        self.assertEqual(list(self.temporary.iterdir()), [])


def main():
    unittest.main(argv=sys.argv[:1])
