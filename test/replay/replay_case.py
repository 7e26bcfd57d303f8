"""What the tests of replay and advice share. Each test file is run as: python3 FILE STRATA LIBRARY C_COMPILER.
Recorder and router are beside the library.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cli"))
from cli_case import LIBRARY, CliCase, main  # noqa: E402,F401


class ReplayCase(CliCase):
    def variables(self, **more):
        return super().variables(
            **{"STRATA_RECORDER": str(pathlib.Path(LIBRARY).parent / "libstrata_record.so"),
               "STRATA_ROUTER": str(pathlib.Path(LIBRARY).parent / "libstrata_route.so"), **more}
        )

    def program(self, source):
        return self.compile("program", "#define _GNU_SOURCE\n" + source, "-O1", "-g", "-pthread",
                            "-fno-builtin", "-fno-inline")  # fmt: skip

    def record(self, *command, options=("--every",)):
        """Records the command; the file."""
        file = self.directory / "recording.strata"
        done = self.strata("record", "--quiet", *options, "-o", file, "--", *command)
        self.assertEqual(done.returncode, 0, done.stderr)
        return file

    def json(self, verb, *options):
        done = self.strata(verb, "--json", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)
