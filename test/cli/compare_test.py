"""strata compare: agreement of outputs, standard input, figures, exit statuses."""

import json
import os
import re
import subprocess
import time

from cli_case import LIBRARY, STRATA, CliCase, main


class Compare(CliCase):
    def compare(self, *arguments, **options):
        return self.strata("compare", *arguments, **options)

    def figures(self, *arguments, **options):
        """The JSON of a comparison that must succeed."""
        file = self.directory / "figures.json"
        result = self.compare("--json", file, *arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr + result.stdout)
        return json.loads(file.read_text())

    def library_saying(self, name, statement):
        """A library that does something when it is loaded."""
        source = "#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
        source += f"__attribute__((constructor)) static void start(void) {{ {statement} }}\n"
        return self.compile(name, source, "-shared", "-fPIC")


class Agreement(Compare):
    def test_same_everywhere(self):
        result = self.compare("-n", "2", "--", "echo", "text")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr, "")
        self.assertIn("are the same under all allocators", result.stdout)
        self.assertIn("Too few runs to tell", result.stdout)
        self.assertTrue(result.stdout.isascii())
        self.assert_nothing_left()

    def test_strata_that_changes_the_output(self):
        for statement, differs in (('puts("more"); fflush(stdout);', "stdout"),
                                   ('fputs("more", stderr);', "stderr"),
                                   ("_exit(9);", "exit status and stdout")):
            library = self.library_saying("odd.so", statement)
            result = self.compare("-n", "1", "--", "echo", "text",
                                  env={"STRATA_LIBRARY": str(library)})
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stdout, rf"Strata differs from glibc: {differs}\n")

    def test_another_library_that_changes_the_output(self):
        library = self.library_saying("libodd.so", 'puts("more"); fflush(stdout);')
        result = self.compare("-n", "1", "--with", library, "--", "echo", "text")
        self.assertEqual(result.returncode, 0)  # Strata itself is right
        self.assertIn("libodd.so differs from glibc: stdout\n", result.stdout)

    def test_output_that_is_not_repeatable(self):
        for runs in (["-n", "1", "--warmup", "0"], ["-n", "2"]):
            result = self.compare(*runs, "--", "sh", "-c", "echo $$")
            self.assertEqual(result.returncode, 0)
            self.assertIn("Not repeatable from run to run of glibc itself, and so not compared: "
                          "stdout.\n", result.stdout)
            self.assertNotIn("differs from", result.stdout)

    def test_outputs_larger_than_memory_for_them(self):
        program = ["--", "sh", "-c", "head -c 50000000 /dev/zero; head -c 1000000 /dev/zero >&2"]
        self.assertEqual(self.figures("-n", "1", "--warmup", "0", *program)["repeatable"],
                         {"status": True, "stdout": True, "stderr": True})

    def test_program_that_fails(self):
        result = self.compare("-n", "1", "--", "sh", "-c", "kill -SEGV $$")
        self.assertEqual(result.returncode, 0)
        self.assertIn("fails under glibc: exit status 139", result.stdout)

    def test_output_held_by_a_process_left_behind(self):
        began = time.monotonic()
        result = self.compare("-n", "1", "--warmup", "0", "--", "sh", "-c", "sleep 15 & echo text")
        self.assertLess(time.monotonic() - began, 14)
        self.assertIn("Processes left behind still held the output", result.stdout)


class Input(Compare):
    def test_each_run_gets_the_same(self):
        log = self.directory / "log"
        text = "".join(f"{i}\n" for i in range(100000))
        figures = self.figures("-n", "2", "--", "sh", "-c", f"md5sum >> '{log}'", input=text,
                               stdin=None)
        sums = log.read_text().splitlines()
        self.assertEqual(len(sums), 3 * len(figures["allocators"]))
        self.assertEqual(len(set(sums)), 1)
        expected = subprocess.run(["md5sum"], input=text, text=True, capture_output=True,
                                  check=True).stdout
        self.assertEqual(sums[0], expected.strip())
        self.assert_nothing_left()

    def test_closed(self):
        result = subprocess.run(["sh", "-c", '"$@" <&-', "sh", STRATA, "compare", "-n", "1", "cat"],
                                env=self.variables(), capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("fails", result.stdout)  # cat found an empty input

    def test_silent_pipe_is_explained(self):
        reading, writing = os.pipe()
        process = subprocess.Popen([STRATA, "compare", "-n", "1", "cat"], stdin=reading,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   env=self.variables())
        os.close(reading)
        self.assertIn("reading standard input", process.stderr.readline())
        os.close(writing)
        self.assertEqual(process.wait(30), 0)
        process.stderr.close()


class Figures(Compare):
    def test_rounds_and_fields(self):
        figures = self.figures("-n", "3", "--warmup", "0", "--with", LIBRARY, "--", "true")
        self.assertEqual(figures["schema"], "strata-compare-1")
        names = [allocator["name"] for allocator in figures["allocators"]]
        self.assertEqual(names[:2], ["glibc", "Strata"])
        self.assertEqual(names[-1], os.path.basename(LIBRARY))
        for allocator in figures["allocators"]:
            self.assertEqual(len(allocator["runs"]), 3)
            wall = allocator["wall_seconds"]
            self.assertLessEqual(wall["lowest"], wall["median"])
            self.assertLessEqual(wall["median"], wall["highest"])
            self.assertEqual(allocator["differs"], [])

    def test_each_allocator_is_really_preloaded(self):
        log = self.directory / "log"
        figures = self.figures("-n", "1", "--warmup", "0", "--", "sh", "-c",
                               f"echo \"$LD_PRELOAD\" >> '{log}'",
                               env={"LD_PRELOAD": "", "STRATA_COUNT": "1"})
        libraries = [allocator["library"] or "" for allocator in figures["allocators"]]
        self.assertEqual(log.read_text().splitlines(), libraries)

    def test_peak_is_the_program_s_own(self):
        # A peak far below that of this Python, which starts the command.
        figures = self.figures("-n", "1", "--", "true")
        self.assertLess(figures["allocators"][0]["peak_resident_bytes"]["median"], 4 << 20)
        self.assertGreater(figures["allocators"][0]["peak_resident_bytes"]["median"],
                           figures["launch_floor_bytes"])

    def test_difference_beyond_noise(self):
        slow = self.library_saying("libslow.so", "usleep(100000);")
        large = self.library_saying(
            "liblarge.so", "volatile char *p = malloc(64 << 20); "
                           "for (int i = 0; i < 64 << 20; i += 4096) p[i] = 1;")
        file = self.directory / "figures.json"
        result = self.compare("--json", file, "--with", slow, "--with", large, "--", "true")
        allocators = {allocator["name"]: allocator
                      for allocator in json.loads(file.read_text())["allocators"]}
        self.assertEqual(allocators["libslow.so"]["wall_seconds"]["against_base"], "higher")
        self.assertEqual(allocators["liblarge.so"]["peak_resident_bytes"]["against_base"], "higher")
        self.assertGreater(allocators["liblarge.so"]["peak_resident_bytes"]["median"], 64 << 20)
        self.assertRegex(result.stdout, r"libslow\.so +\d+\.\d\dx   #+ +slower\n")
        verdict = re.search(r"Fastest: (.*); smallest: (.*)\n", result.stdout)
        self.assertNotIn("libslow.so", verdict[1])
        self.assertNotIn("liblarge.so", verdict[2])
        self.assertRegex(result.stdout, r"\nStrata: \d\.\d\dx glibc's time.*, "
                                        r"\d\.\d\dx glibc's memory.*\n")


class Usage(Compare):
    def test_refusals(self):
        self.assert_one_line(self.compare(), 2, "no program given")
        self.assert_one_line(self.compare("-n", "0", "true"), 2, "-n")
        self.assert_one_line(self.compare("-n", "x", "true"), 2, "-n")
        self.assert_one_line(self.compare("--warmup", "-1", "true"), 2, "--warmup")
        self.assert_one_line(self.compare("--nonsense", "true"), 2, "--nonsense")
        self.assert_one_line(self.compare("no-such-program"), 127, "not found")
        self.assert_one_line(self.compare(self.directory), 126, "directory")
        self.assert_one_line(self.compare("--with", "/no/such.so", "true"), 2, "/no/such.so")
        self.assert_one_line(self.compare("--json", "/no/such/file", "true"), 2, "cannot write")


if __name__ == "__main__":
    main()
