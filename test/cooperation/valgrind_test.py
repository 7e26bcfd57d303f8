"""Programs under Valgrind's tools, with glibc's malloc and with Strata in each form.

Exit status: 0 fine, 1 something is wrong, 77 no Valgrind here.
"""

import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree

from cooperation_case import ARCHIVED, LINKED, SHARED, SKIPPED, STRATA, CooperationCase, main

# What Memcheck says of heap_faults.c: the kind, and the function that did it.
OF_HEAPS = [
    ("InvalidWrite", "write_past_the_end"),
    ("InvalidRead", "read_after_free"),
    ("InvalidRead", "read_after_free_by_strata"),
    ("InvalidRead", "read_after_destruction"),
    ("UninitCondition", "read_unset"),
    ("InvalidFree", "free_twice"),
    ("InvalidWrite", "write_past_one_of_a_batch"),
    ("InvalidWrite", "write_past_a_sized_block"),
    ("Leak_DefinitelyLost", "leak_a_block_of_a_batch"),
    ("Leak_DefinitelyLost", "leak_a_heap"),
    ("Leak_IndirectlyLost", "leak_a_heap"),
]
TOOLS = ("callgrind", "helgrind", "drd", "massif", "dhat")


def function_of(error, names):
    """The first of the functions in the error's first stack."""
    called = [frame.findtext("fn") for frame in error.find("stack")]
    return next((name for name in called if name in names), called[-1])


class ValgrindCase(CooperationCase):
    def memcheck(self, command, *options, library=None):
        """The errors as XML elements, and the finished process."""
        file = self.folder / "memcheck.xml"
        preload = {"LD_PRELOAD": library} if library else {}
        done = self.run_in_folder(["valgrind", "--leak-check=full", "--show-leak-kinds=definite,indirect",
                                   "--child-silent-after-fork=yes", "--xml=yes", f"--xml-file={file}",
                                   *options, *command], **preload)  # fmt: skip
        return xml.etree.ElementTree.parse(file).findall("error"), done

    def found_in(self, program, names, *options, library=None):
        errors, done = self.memcheck([program], *options, library=library)
        self.assertIn("end\n", done.stdout)
        return [(error.findtext("kind"), function_of(error, names)) for error in errors]

    def assert_silent(self, command, *options, library=SHARED):
        errors, done = self.memcheck(command, *options, library=library)
        self.must_end_well(done)
        self.assertEqual([xml.etree.ElementTree.tostring(error) for error in errors], [])
        return done


class Memcheck(ValgrindCase):
    def test_same_faults_as_with_glibc(self):
        source = pathlib.Path(__file__).with_name("faults.cpp").read_text(encoding="utf-8")
        names = {line.split()[1][:-2] for line in source.splitlines() if line.startswith("FAULT ")}
        plain = self.compile("faults.cpp")
        expected = self.found_in(plain, names)
        self.assertEqual({name for _, name in expected}, names)
        self.assertEqual(self.found_in(plain, names, library=SHARED), expected)
        for options in (LINKED, ARCHIVED):
            self.assertEqual(self.found_in(self.compile("faults.cpp", *options), names), expected)

    def test_faults_in_heaps_and_batches(self):
        names = {name for _, name in OF_HEAPS}
        for options in (LINKED, ARCHIVED):
            found = self.found_in(self.compile("heap_faults.c", *options), names)
            self.assertEqual(sorted(set(found)), sorted(OF_HEAPS))

    def test_mixed_use_is_right(self):
        for options in (LINKED, ARCHIVED):
            program = self.compile("mixed.cpp", *options)
            self.assert_silent([program], library=None)
            # Freed blocks are handed out again at once.
            self.assert_silent([program], "--freelist-vol=0", "--redzone-size=0", library=None)

    def test_opened_at_run_time(self):
        program = self.compile("../../examples/c/dlopened.c", name="dlopened")
        self.assert_silent([program, SHARED], library=None)

    def test_programs(self):
        """No other errors than without Strata: some programs have leaks of their own."""
        orders = "create table t(a, b); insert into t values (1, 'x'), (2, 'y'); select sum(a) from t;"
        work = "import json; print(len(json.dumps([{str(i): [i] * 3} for i in range(500)])))"
        for command in (["sqlite3", ":memory:", orders], ["sort", "/etc/passwd"],
                        ["/usr/bin/python3", "-S", "-c", work]):  # fmt: skip
            if shutil.which(command[0]) is None:
                continue
            found = []
            for library in (None, SHARED):
                errors, done = self.memcheck(command, library=library)
                self.must_end_well(done)
                found.append([error.findtext("kind") for error in errors])
            self.assertEqual(found[1], found[0], command)


class OtherTools(ValgrindCase):
    def test_they_run(self):
        program = self.compile("mixed.cpp", *LINKED)
        for tool in TOOLS:
            command = ["valgrind", f"--tool={tool}", "--error-exitcode=9"]
            if tool in ("callgrind", "massif", "dhat"):
                command.append(f"--{tool}-out-file={self.folder / tool}")
            done = self.run_in_folder([*command, program])
            self.must_end_well(done)
            self.assertIn("end\n", done.stdout)

    def test_massif_sees_malloc(self):
        program, out = self.compile("mixed.cpp", *LINKED), self.folder / "massif.out"
        self.must_end_well(self.run_in_folder(["valgrind", "--tool=massif", "--detailed-freq=1",
                                               "--threshold=0", f"--massif-out-file={out}",
                                               program]))  # fmt: skip
        self.assertIn("exchange_blocks", out.read_text(encoding="utf-8"))


class Command(ValgrindCase):
    def test_no_figures_of_another_malloc(self):
        done = self.run_in_folder([STRATA, "run", "--", "valgrind", "-q", "--error-exitcode=9",
                                   self.compile("mixed.cpp", *LINKED)])  # fmt: skip
        self.must_end_well(done)
        self.assertNotIn("0 in 0 blocks", done.stdout)


if __name__ == "__main__":
    if shutil.which("valgrind") is None or subprocess.call(["valgrind", "-q", "/bin/true"]) != 0:
        print("no Valgrind that works here")
        sys.exit(SKIPPED)
    main()
