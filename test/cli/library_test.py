"""The command with the real libstrata.so: what the library reports arrives and adds up."""

import json

from cli_case import CliCase, main

PROGRAM = """
    #include <stdlib.h>
    #include <sys/wait.h>
    #include <unistd.h>
    int main(int count, char** values) {
      (void)values;
      for (int i = 0; i < 100000; ++i) free(malloc(24));
      for (int i = 0; i < 1000; ++i) {
        volatile char* block = malloc(10000);
        block[0] = 1;
      }
      if (count > 1 && fork() == 0) {
        for (int i = 0; i < 50000; ++i) free(malloc(100));
        exit(0);
      }
      wait(NULL);
      if (count > 2) abort();
      return 5;
    }
"""


class Library(CliCase):
    def figures(self, *arguments):
        program = self.compile("program", PROGRAM, "-O0")
        file = self.directory / "figures.json"
        result = self.strata("run", "--stats", file, "--", program, *arguments)
        return result, json.loads(file.read_text())

    def test_counts(self):
        result, figures = self.figures()
        self.assertEqual(result.returncode, 5)
        self.assertRegex(result.stderr, r"allocations +101 k")
        (process,) = figures["processes"]
        self.assertTrue(process["main"] and process["counted"] and process["final"])
        self.assertGreaterEqual(process["allocations"], 101000)
        self.assertLess(process["allocations"], 102000)
        self.assertGreaterEqual(process["live_bytes"], 10_000_000)
        self.assertLess(process["live_bytes"], 11_000_000)
        self.assertGreaterEqual(process["peak_live_bytes"], process["live_bytes"])
        self.assertEqual(sum(bucket["allocations"] for bucket in process["histogram"]),
                         process["allocations"])
        self.assertEqual(process["allocations"] - process["frees"], process["live_blocks"])

    def test_child_has_figures_of_its_own(self):
        _, figures = self.figures("child")
        self.assertEqual(len(figures["processes"]), 2)
        (child,) = [process for process in figures["processes"] if not process["main"]]
        self.assertEqual(child["parent_pid"], figures["pid"])
        self.assertGreaterEqual(child["allocations"], 50000)

    def test_program_that_aborts(self):
        result, figures = self.figures("child", "abort")
        self.assertEqual(result.returncode, -6)
        self.assertIn("killed by SIGABRT", result.stderr)
        self.assertTrue(any(process["main"] for process in figures["processes"]))

    def test_limit(self):
        program = self.compile("large", """
            #include <stdlib.h>
            int main(void) { return malloc(100 << 20) == NULL; }
        """, "-O0")
        self.assertEqual(self.strata("run", "--quiet", "--", program).returncode, 0)
        self.assertEqual(self.strata("run", "--quiet", "--limit", "50M", "--", program).returncode,
                         1)
        self.assertRegex(self.strata("run", "--limit", "50M", "--", program).stderr,
                         r"failures +1 ")

    def test_compare(self):
        result = self.strata("compare", "-n", "2", "--", "sh", "-c",
                             "seq 20000 | sort -r | tail -n 1")
        self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == "__main__":
    main()
