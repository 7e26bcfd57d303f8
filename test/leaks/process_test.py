"""strata leaks as a command: statuses, processes, signals, questions, and what it refuses."""

import json
import signal
import subprocess
import time

from leaks_case import CORPUS, CORPUS_LSAN, INCLUDE, STRATA, LeaksCase, amount, main

QUESTIONS = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strata/leaks.h>
int64_t strata_leak_check(void) __attribute__((weak));
static void* volatile kept;
static void lose(int size) { *(char*)malloc(size) = 1; }
static void scrub(void) { volatile char stack[8192]; for (int i = 0; i < 8192; ++i) stack[i] = 0; }
int main(void) {
  if (strata_leak_check == NULL) return 3;
  kept = malloc(10);
  printf("%d", (int)strata_leak_check());
  lose(100);
  scrub();
  printf(" %d", (int)strata_leak_check());
  lose(200);
  scrub();
  printf(" %d\n", (int)strata_leak_check());
  return 0;
}
"""

FORKS = r"""
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
struct node { struct node* next; char rest[40]; };
static struct node* volatile before;
static void lose(int size) { *(char*)malloc(size) = 1; }
static void scrub(void) { volatile char stack[8192]; for (int i = 0; i < 8192; ++i) stack[i] = 0; }
static void* wait_for_ever(void* block) { for (;;) pause(); return block; }
int main(void) {
  pthread_t thread;
  before = calloc(1, sizeof(struct node));
  pthread_create(&thread, NULL, wait_for_ever, malloc(64));  // only that thread knows it
  if (fork() == 0) {
    before->next = calloc(1, sizeof(struct node));  // is kept by a block from before the fork
    lose(30);
    scrub();
    exit(0);
  }
  wait(NULL);
  return 0;
}
"""


class Process(LeaksCase):
    def test_statuses(self):
        for command, options, status in (((CORPUS, "direct"), (), 23),
                                         ((CORPUS, "direct"), ("--exit-status", "1"), 1),
                                         ((CORPUS, "direct"), ("--exit-status", "0"), 0),
                                         ((CORPUS, "in_global"), (), 0),
                                         ((CORPUS, "no such name"), (), 99)):  # fmt: skip
            with self.subTest(command=command[1], options=options):
                self.assertEqual(self.strata("leaks", *options, "--", *command).returncode, status)

    def test_a_killed_program_is_not_looked_at(self):
        program = self.program("#include <stdlib.h>\nint main(void) { return malloc(1) == NULL ? 0 : (abort(), 0); }")
        done = self.strata("leaks", "--", program)
        self.assertEqual(done.returncode, -signal.SIGABRT)
        self.assertIn("did not come to an end of its own", done.stderr)

    def test_a_program_that_allocates_nothing(self):
        done = self.strata("leaks", "--", self.program("int main(void) { return 7; }"))
        self.assertEqual(done.returncode, 7)
        self.assertIn("allocated nothing", done.stderr)

    def test_output_is_the_programs(self):
        done = self.strata("leaks", "--", "echo", "hello")
        self.assertEqual((done.stdout, done.returncode), ("hello\n", 0))

    def test_text(self):
        done = self.strata("leaks", "--", CORPUS, "chain")
        self.assertRegex(done.stderr, r"definitely lost +24 B in 1 block\n")
        self.assertRegex(done.stderr, r"indirectly lost +48 B in 2 blocks\n")
        self.assertRegex(done.stderr, r"\n  24 B in 1 block, definitely lost\n +.*make_node  corpus.cpp:\d+\n"
                                      r" +.*chain  corpus.cpp:\d+\n +main  corpus.cpp:\d+\n")  # fmt: skip
        self.assertTrue(done.stderr.isascii())

    def test_reachable(self):
        found = self.leak(CORPUS, "in_chain", options=("--reachable",))
        nodes = [amount(group) for group in found["held"] if "make_node" in group["site"]["function"]]
        self.assertEqual(nodes, [(1, 24)] * 3)
        self.assertEqual(sum(group["bytes"] for group in found["held"]), found["reachable"]["bytes"])

    def test_questions(self):
        program = self.program(QUESTIONS, f"-I{INCLUDE}")
        file = self.directory / "leaks.json"
        done = self.strata("leaks", "--json", "-o", file, "--", program)
        self.assertEqual(done.stdout, "0 1 2\n")
        checks = json.loads(file.read_text(encoding="utf-8"))["checks"]
        self.assertEqual([one["when"] for one in checks], ["question"] * 3 + ["end"])
        self.assertEqual([amount(one["definite"]) for one in checks], [(0, 0), (1, 100), (2, 300), (2, 300)])
        self.assertEqual(done.returncode, 23)

    def test_questions_while_threads_work(self):
        """Blocks that a thread is just allocating, freeing or resizing are not lost."""
        program = self.program(r"""
            #include <pthread.h>
            #include <stdatomic.h>
            #include <stdint.h>
            #include <stdio.h>
            #include <stdlib.h>
            int64_t strata_leak_check(void) __attribute__((weak));
            static atomic_int ends;
            static void* work(void* seed) {
              struct node { struct node* next; } *list = NULL;
              unsigned dice = (unsigned)(uintptr_t)seed;
              for (int i = 0; !ends; ++i) {
                dice = dice * 1664525 + 1013904223;
                struct node* made = calloc(1, 16 + dice % 512);
                made->next = list;
                list = made;
                if (i % 3 == 0) list = realloc(list, 16 + dice % 4096);
                for (int left = i % 50 == 49 ? 49 : 0; left > 0; --left) {
                  struct node* gone = list;
                  list = list->next;
                  free(gone);
                }
              }
              for (struct node* next; list != NULL; list = next) next = list->next, free(list);
              return NULL;
            }
            int main(void) {
              pthread_t all[3];
              int64_t lost = 0;
              for (uintptr_t i = 0; i < 3; ++i) pthread_create(&all[i], NULL, work, (void*)i);
              for (int i = 0; i < 30; ++i) lost += strata_leak_check();
              ends = 1;
              for (int i = 0; i < 3; ++i) pthread_join(all[i], NULL);
              printf("%d\n", (int)lost);
              return 0;
            }
            """)  # fmt: skip
        done = self.strata("leaks", "--json", "--", program)
        self.assertEqual((done.stdout, done.returncode), ("0\n", 0), done.stderr)

    def test_questions_without_the_command(self):
        program = self.program(QUESTIONS, f"-I{INCLUDE}")
        self.assertEqual(self.strata("run", "--quiet", "--", program).stdout, "-1 -1 -1\n")
        done = self.strata("record", "--quiet", "--every", "-o", self.directory / "file", "--", program)
        self.assertEqual((done.stdout, done.returncode), ("-1 -1 -1\n", 0))

    def test_a_signal(self):
        program = self.program(r"""
            #include <stdio.h>
            #include <stdlib.h>
            #include <unistd.h>
            static void lose(void) { *(char*)malloc(77) = 1; }
            static void scrub(void) { volatile char stack[8192]; for (int i = 0; i < 8192; ++i) stack[i] = 0; }
            int main(void) {
              lose();
              scrub();
              puts("ready");
              fflush(stdout);
              while (getchar() != EOF) continue;
              return 0;
            }
            """)  # fmt: skip
        file = self.directory / "leaks.json"
        with subprocess.Popen([STRATA, "leaks", "--json", "-o", file, "--signal", "USR1", "--", program],
                              env=self.variables(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as command:  # fmt: skip
            self.assertEqual(command.stdout.readline(), b"ready\n")
            command.send_signal(signal.SIGUSR1)
            time.sleep(0.3)
            command.stdin.close()
            self.assertEqual(command.wait(), 23)
        checks = json.loads(file.read_text(encoding="utf-8"))["checks"]
        self.assertEqual([one["when"] for one in checks], ["signal", "end"])
        self.assertEqual([amount(one["definite"]) for one in checks], [(1, 77), (1, 77)])

    def test_a_debugger_holds_it(self):
        program = self.program(r"""
            #include <stdlib.h>
            #include <sys/prctl.h>
            #include <sys/ptrace.h>
            #include <sys/wait.h>
            #include <unistd.h>
            int main(void) {
              int ends[2];
              char byte = 0;
              pid_t parent = getpid();
              free(malloc(1));
              prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
              if (pipe(ends) != 0) return 3;
              if (fork() == 0) {
                if (ptrace(PTRACE_SEIZE, parent, 0, 0) != 0) byte = 1;
                if (write(ends[1], &byte, 1) != 1) return 3;
                while (waitpid(parent, NULL, __WALL) == parent) continue;
                return 0;
              }
              return read(ends[0], &byte, 1) == 1 ? byte : 3;
            }
            """)  # fmt: skip
        done = self.strata("leaks", "--", program)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"not looked at: its threads cannot be stopped: .*debugger")

    def test_forks(self):
        checks = self.leaks(self.program(FORKS.replace("#include", "#include <pthread.h>\n#include", 1)))
        self.assertEqual([amount(one["definite"]) for one in checks], [(1, 30), (0, 0)])
        self.assertEqual([amount(one["indirect"]) for one in checks], [(0, 0), (0, 0)])

    def test_children(self):
        checks = self.leaks("sh", "-c", f"{CORPUS} direct; {CORPUS} in_global", status=23)
        corpus = [one for one in checks if one["executable"] == CORPUS]
        self.assertEqual([amount(one["definite"]) for one in corpus], [(1, 100), (0, 0)])

    def test_suppressed_by_file_and_library(self):
        for pattern in ("corpus.cpp", "strata_leaks_corpus$", "direct()$"):
            with self.subTest(pattern=pattern):
                file = self.make("suppressions", f"leak:{pattern}\n")
                found = self.leak(CORPUS, "direct", options=("--suppress", file))
                self.assertEqual(amount(found["suppressed"]), (1, 100))

    def test_refusals(self):
        bad = self.make("bad", "leak:a\nnonsense\n")
        for options, program, status, part in (((), "no such program", 127, "no such program"),
                                               (("--suppress", bad), CORPUS, 2, "line 2"),
                                               (("--suppress", "none"), CORPUS, 2, "none: No such file"),
                                               (("--signal", "KILL"), CORPUS, 2, "KILL"),
                                               (("--exit-status", "256"), CORPUS, 2, "256"),
                                               (("-o", "/no/such/file"), CORPUS, 2, "/no/such/file"),
                                               ((), CORPUS_LSAN, 2, "LeakSanitizer")):  # fmt: skip
            with self.subTest(options=options):
                self.assert_one_line(self.strata("leaks", *options, "--", program), status, part)
        self.assert_one_line(self.strata("leaks"), 2, "no program given")


if __name__ == "__main__":
    main()
