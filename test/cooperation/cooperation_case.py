"""What the tests of this folder share: the library's forms, programs compiled in a folder of the test,
and programs run there. Each test is called with

    LIBSTRATA.SO LIBSTRATA.A STRATA C_COMPILER C++_COMPILER
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHARED, STATIC, STRATA, CC, CXX = sys.argv[1:6]
SKIPPED = 77
SECONDS = 120

LINKED = (f"-L{pathlib.Path(SHARED).parent}", f"-Wl,-rpath,{pathlib.Path(SHARED).parent}",
          "-Wl,--no-as-needed", "-lstrata")  # fmt: skip
ARCHIVED = ("-Wl,--undefined=strata_version", "-Wl,--undefined=strata_malloc", STATIC)


class CooperationCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="strata-cooperation-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)

    def compile(self, source, *options, name=None, compiler=None):
        path = self.folder / (name or f"{pathlib.Path(source).stem}-{len(os.listdir(self.folder))}")
        if compiler is None:
            compiler = CXX if source.endswith(".cpp") else CC
        standard = "-std=c++20" if source.endswith(".cpp") else "-std=gnu11"
        subprocess.run([compiler, standard, "-g", "-O0", "-w", "-fno-builtin", "-pthread", "-I", ROOT / "include",
                        "-o", path, HERE / source, *options], check=True)  # fmt: skip
        return path

    def run_in_folder(self, command, **variables):
        """The finished process; its stderr is in stdout."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith("STRATA_") and name != "LD_PRELOAD"}  # fmt: skip
        return subprocess.run([str(word) for word in command], cwd=self.folder, env=kept | variables,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=SECONDS, check=False)  # fmt: skip

    def must_end_well(self, done):
        self.assertEqual(done.returncode, 0, done.stdout)


def main():
    unittest.main(argv=sys.argv[:1])
