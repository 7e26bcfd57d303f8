"""Programs that are built with a sanitizer and use Strata: linked, archived, and by `strata run`.

Exit status: 0 fine, 1 something is wrong, 77 no compiler with AddressSanitizer here.
"""

import json
import shutil
import subprocess
import sys
import tempfile

from cooperation_case import ARCHIVED, CC, CXX, LINKED, SKIPPED, STRATA, CooperationCase, main

OF_HEAPS = {
    "write_past_the_end": "heap-buffer-overflow",
    "read_after_free": "heap-use-after-free",
    "read_after_free_by_strata": "heap-use-after-free",
    "read_after_destruction": "heap-use-after-free",
    "free_twice": "double-free",
    "write_past_one_of_a_batch": "heap-buffer-overflow",
    "write_past_a_sized_block": "heap-buffer-overflow",
}
OF_MALLOC = {
    "write_past_the_end": "heap-buffer-overflow",
    "read_after_free": "heap-use-after-free",
    "free_of_new": "alloc-dealloc-mismatch",
}
SANITIZERS = {
    "address": "AddressSanitizer",
    "leak": "LeakSanitizer",
    "thread": "ThreadSanitizer",
    "memory": "MemorySanitizer",
}


def can_build(compiler, sanitizer):
    """Whether the compiler is there and has the sanitizer, and its programs run here."""
    if shutil.which(compiler) is None:
        return False
    with tempfile.TemporaryDirectory(prefix="strata-cooperation-") as folder:
        program = f"{folder}/probe"
        command = [compiler, f"-fsanitize={sanitizer}", "-x", "c", "-", "-o", program]
        source = "int main(void) { return 0; }"
        built = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
        return built.returncode == 0 and subprocess.run([program], check=False,
                                                        capture_output=True).returncode == 0  # fmt: skip


COMPILERS = [one for one in dict.fromkeys((CC, "clang-14")) if can_build(one, "address")]


def cxx_of(compiler):
    return CXX if compiler == CC else compiler.replace("clang", "clang++")


class SanitizerCase(CooperationCase):
    def build(self, source, sanitizer, compiler, *options):
        if source.endswith(".cpp"):
            compiler = cxx_of(compiler)
        return self.compile(source, f"-fsanitize={sanitizer}", *options, compiler=compiler)

    def assert_found(self, kind, done):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"AddressSanitizer: {kind}", done.stdout.replace("attempting ", ""))


class WithTheLibrary(SanitizerCase):
    def test_faults(self):
        for compiler in COMPILERS:
            for options in (LINKED, ARCHIVED):
                program = self.build("heap_faults.c", "address", compiler, *options)
                for fault, kind in OF_HEAPS.items():
                    self.assert_found(kind, self.run_in_folder([program, fault]))
                done = self.run_in_folder([program, "leak_a_heap"])
                self.assertIn("Direct leak", done.stdout)
                self.assertIn("Indirect leak of 300 byte(s) in 3 object(s)", done.stdout)

    def test_mixed_use_is_right(self):
        for compiler in COMPILERS:
            for sanitizer in ("address", "leak", "thread"):
                if not can_build(compiler, sanitizer):
                    continue
                for options in (LINKED, ARCHIVED):
                    program = self.build("mixed.cpp", sanitizer, compiler, *options)
                    self.must_end_well(self.run_in_folder([program]))


class Command(SanitizerCase):
    def test_run_finds_the_faults(self):
        for compiler in COMPILERS:
            program = self.build("faults.cpp", "address", compiler)
            for fault, kind in OF_MALLOC.items():
                alone = self.run_in_folder([program, fault])
                done = self.run_in_folder([STRATA, "run", "--", program, fault])
                self.assert_found(kind, done)
                self.assertEqual(done.returncode, alone.returncode)
                said = f"strata: {program}: AddressSanitizer's malloc serves it; Strata is not preloaded"
                self.assertEqual(done.stdout.count(said), 1, done.stdout)
                self.assertNotIn("allocations", done.stdout)

    def test_every_sanitizer_with_a_malloc(self):
        for compiler in COMPILERS:
            for sanitizer, name in SANITIZERS.items():
                if not can_build(compiler, sanitizer):
                    continue
                program = self.build("faults.cpp", sanitizer, compiler)
                done = self.run_in_folder([STRATA, "run", program, "none"])
                self.must_end_well(done)
                self.assertIn(f": {name}'s malloc serves it", done.stdout)

    def test_stats_say_who_served(self):
        program, stats = self.build("faults.cpp", "address", COMPILERS[0]), self.folder / "stats.json"
        self.must_end_well(self.run_in_folder([STRATA, "run", "--stats", stats, program, "none"]))
        figures = json.loads(stats.read_text(encoding="utf-8"))
        self.assertEqual((figures["sanitizer"], figures["library"]), ("AddressSanitizer", ""))
        self.assertEqual(figures["processes"], [])

    def test_what_cannot_be_done(self):
        program = self.build("faults.cpp", "address", COMPILERS[0])
        for verb in (["run", "--limit", "1G"], ["compare"]):
            done = self.run_in_folder([STRATA, *verb, program, "none"])
            self.assertIn(done.returncode, (2, 126))
            self.assertIn("AddressSanitizer's malloc serves it", done.stdout)
            self.assertNotIn("end", done.stdout)

    def test_others_are_run_as_ever(self):
        for options in ((), ARCHIVED):
            done = self.run_in_folder([STRATA, "run", self.compile("faults.cpp", *options), "none"])
            self.must_end_well(done)
            self.assertIn("  allocations  ", done.stdout)


if __name__ == "__main__":
    if not COMPILERS:
        print("no compiler with AddressSanitizer here")
        sys.exit(SKIPPED)
    main()
