"""Recording through the life of processes: forks, execs, threads that come and go, signals, other users of
the library's interface."""

import signal
import unittest

from record_case import RecordCase, main


class Life(RecordCase):
    def test_forked_child_has_its_own_figures(self):
        program = self.program(r"""
            #include <stdlib.h>
            #include <sys/wait.h>
            #include <unistd.h>
            static void* kept[10];
            static void before(void) { for (int i = 0; i < 10; ++i) kept[i] = malloc(100); }
            static void in_child(void) { for (int i = 0; i < 5; ++i) kept[i] = malloc(2000); }
            static void after(void) { for (int i = 0; i < 4; ++i) free(malloc(300)); }
            int main(void) {
              before();
              if (fork() == 0) {
                for (int i = 0; i < 10; ++i) free(kept[i]);
                in_child();
                _exit(0);
              }
              wait(NULL);
              after();
              return 0;
            }""")  # fmt: skip
        file = self.record(program)
        parent = self.report(file, "--process", "1")
        child = self.report(file, "--process", "2")
        self.assertEqual([one["forked_from"] for one in parent["processes"]], [None, 1])
        self.assertEqual(self.sites(parent)["before"]["at_end"], {"blocks": 10, "bytes": 1000})
        self.assertEqual(self.sites(parent)["after"]["total"], {"blocks": 4, "bytes": 1200})
        self.assertNotIn("in_child", self.sites(parent))
        self.assertEqual(self.sites(child)["in_child"]["at_end"], {"blocks": 5, "bytes": 10000})
        self.assertEqual(child["summary"]["total"]["blocks"], 5)
        self.assertEqual(child["summary"]["unknown_frees"], 10)

    def test_exec_begins_anew(self):
        program = self.program(r"""
            #include <stdlib.h>
            #include <unistd.h>
            static void first(void) { for (int i = 0; i < 3; ++i) malloc(1000); }
            static void second(void) { for (int i = 0; i < 7; ++i) malloc(5000); }
            int main(int count, char** values) {
              if (count > 1) { second(); return 3; }
              first();
              execl(values[0], values[0], "again", (char*)NULL);
              return 1;
            }""")  # fmt: skip
        file = self.record(program, status=3)
        found = self.report(file)
        one, two = found["processes"]
        self.assertEqual(one["pid"], two["pid"])
        self.assertEqual(two["command"][1:], ["again"])
        self.assertEqual(self.sites(found)["second"]["at_end"], {"blocks": 7, "bytes": 35000})
        before = self.report(file, "--process", "1")
        self.assertEqual(self.sites(before)["first"]["total"], {"blocks": 3, "bytes": 3000})
        self.assertNotIn("second", self.sites(before))

    def test_many_short_threads(self):
        program = self.program(r"""
            #include <pthread.h>
            #include <stdlib.h>
            static void* work(void* nothing) {
              for (int i = 0; i < 10; ++i) free(malloc(24));
              return nothing;
            }
            int main(void) {
              for (int i = 0; i < 1000; ++i) {
                pthread_t one[2];
                for (int k = 0; k < 2; ++k) pthread_create(&one[k], NULL, work, NULL);
                for (int k = 0; k < 2; ++k) pthread_join(one[k], NULL);
              }
              return 0;
            }""")  # fmt: skip
        found = self.report(self.record(program))
        self.assertEqual(self.sites(found)["work"]["total"], {"blocks": 20000, "bytes": 480000})
        self.assertEqual(self.sites(found)["work"]["temporary_blocks"], 20000)
        self.assertEqual(set(found["lost"].values()), {0})

    def test_blocks_that_go_from_thread_to_thread(self):
        """An address that one thread frees and another gets at once has its lives in order."""
        program = self.program(r"""
            #include <pthread.h>
            #include <stdatomic.h>
            #include <stdlib.h>
            static _Atomic(void*) box[64];
            static void* work(void* nothing) {
              for (int i = 0; i < 100000; ++i) free(atomic_exchange(&box[i % 64], malloc(40)));
              return nothing;
            }
            int main(void) {
              pthread_t one[4];
              for (int k = 0; k < 4; ++k) pthread_create(&one[k], NULL, work, NULL);
              for (int k = 0; k < 4; ++k) pthread_join(one[k], NULL);
              return 0;
            }""")  # fmt: skip
        found = self.report(self.record(program))
        site = self.sites(found)["work"]
        self.assertEqual(site["total"], {"blocks": 400000, "bytes": 16000000})
        self.assertEqual(site["at_end"], {"blocks": 64, "bytes": 2560})
        self.assertEqual(found["summary"]["unknown_frees"], 0)
        self.assertEqual(set(found["lost"].values()), {0})

    def test_handlers_that_allocate_and_jump(self):
        program = self.program(r"""
            #include <setjmp.h>
            #include <signal.h>
            #include <stdlib.h>
            #include <sys/time.h>
            static sigjmp_buf back;
            static volatile int strikes;
            static void* inside(void) { return malloc(16); }
            static void strike(int number) {
              (void)number;
              free(inside());
              if (++strikes % 2 == 0) siglongjmp(back, 1);
            }
            static void* outside(void) { return malloc(80); }
            int main(void) {
              signal(SIGALRM, strike);
              struct itimerval often = {{0, 500}, {0, 500}};
              sigsetjmp(back, 1);
              setitimer(ITIMER_REAL, &often, NULL);
              while (strikes < 2000) free(outside());
              return 0;
            }""")  # fmt: skip
        found = self.report(self.record(program))
        sites = self.sites(found)
        self.assertLess(abs(sites["inside"]["total"]["blocks"] - 2000), 100)
        self.assertGreater(sites["outside"]["total"]["blocks"], 2000)

    def test_library_loaded_late(self):
        self.compile("late.so", """
            #include <stdlib.h>
            void* from_late(void) { return malloc(777); }""", "-shared", "-fPIC", "-g", "-O1", "-fno-builtin")  # fmt: skip
        program = self.program(r"""
            #include <dlfcn.h>
            #include <stdlib.h>
            int main(int count, char** values) {
              (void)count;
              void* (*make)(void) = (void* (*)(void))dlsym(dlopen(values[1], RTLD_NOW), "from_late");
              return make() == NULL;
            }""", "-ldl")  # fmt: skip
        found = self.report(self.record(program, self.directory / "late.so"))
        self.assertEqual(self.sites(found)["from_late"]["at_end"], {"blocks": 1, "bytes": 777})

    def test_program_that_closes_all_files(self):
        program = self.program(r"""
            #include <stdlib.h>
            #include <unistd.h>
            static void* some(void) { return malloc(123); }
            int main(void) {
              for (int i = 3; i < 1024; ++i) close(i);
              return some() == NULL;
            }""")  # fmt: skip
        self.assertEqual(self.sites(self.report(self.record(program)))["some"]["total"]["bytes"], 123)

    def test_how_the_program_ends(self):
        for number in (signal.SIGKILL, signal.SIGABRT):
            file = self.record("sh", "-c", f"kill -{int(number)} $$", status=-number)
            self.assertIn(f"killed by {number.name}", self.strata("report", file).stdout)
        file = self.record("sh", "-c", "exit 9", status=9)
        self.assertIn("ended with status 9", self.strata("report", file).stdout)


if __name__ == "__main__":
    main()
