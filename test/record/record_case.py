"""What the tests of recording share.

Each test file is run as: python3 FILE STRATA RECORDER C_COMPILER. RECORDER is libstrata_record.so.
"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cli"))
from cli_case import COMPILER, LIBRARY, STRATA, CliCase, main  # noqa: E402,F401


class RecordCase(CliCase):
    def variables(self, **more):
        return super().variables(**{"STRATA_RECORDER": LIBRARY, **more})

    def program(self, source, *options):
        return self.compile("program", "#define _GNU_SOURCE\n" + source, "-O1", "-g", "-pthread",
                            "-fno-builtin", "-fno-inline", *options)  # fmt: skip

    def cpp_program(self, source, *options):
        path = self.directory / "program"
        subprocess.run([COMPILER, "-x", "c++", "-", "-g", "-o", path, *options, "-lstdc++"], input=source,
                       text=True, check=True)  # fmt: skip
        return path

    def record(self, *command, options=("--every",), status=0):
        """Records the command; the file."""
        file = self.directory / "recording.strata"
        done = self.strata("record", *options, "-o", file, "--", *command)
        self.assertEqual(done.returncode, status, done.stderr)
        return file

    def report(self, file, *options):
        """The report's JSON."""
        done = self.strata("report", "--json", *options, file)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def sites(self, found):
        """Figures by function; none has two lines that allocate."""
        made = {one["function"]: one for one in found["sites"]}
        self.assertEqual(len(made), len(found["sites"]))
        return made
