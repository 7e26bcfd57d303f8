"""What the tests of `strata leaks` share.

Each is run as: python3 FILE STRATA RECORDER C_COMPILER CORPUS CORPUS_LSAN CYCLES INCLUDE.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "record"))
from record_case import STRATA, RecordCase, main  # noqa: E402,F401

CORPUS, CORPUS_LSAN, CYCLES, INCLUDE = sys.argv[4:8]


class LeaksCase(RecordCase):
    def leaks(self, *command, options=(), status=None, **more):
        """The JSON of the looks at the command."""
        file = self.directory / "leaks.json"
        done = self.strata("leaks", "--json", "-o", file, *options, "--", *command, **more)
        found = json.loads(file.read_text(encoding="utf-8"))
        self.assertEqual(found["schema"], "strata-leaks-1")
        self.assertEqual(done.returncode, (23 if found["has_leaks"] else 0) if status is None else status,
                         done.stderr)  # fmt: skip
        for check in found["checks"]:
            self.assertIsNone(check["problem"])
        return found["checks"]

    def leak(self, *command, **more):
        """Of one process, looked at once."""
        checks = self.leaks(*command, **more)
        self.assertEqual(len(checks), 1)
        return checks[0]


def amount(of):
    return (of["blocks"], of["bytes"])
