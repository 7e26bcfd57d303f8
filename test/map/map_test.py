"""strata map: processes whose memory is known, copies of what the kernel says of them, core dumps.

    python3 map_test.py STRATA LIBRARY C_COMPILER
"""

import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cli"))
from cli_case import LIBRARY, STRATA, CliCase, main  # noqa: E402

MIB = 1 << 20
KEEPER = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static char zeros[3 << 20];
static pthread_barrier_t started;
static void* wait(void* nothing) {
  free(malloc(1));                                                  /* glibc maps an arena */
  pthread_barrier_wait(&started);
  for (;;) getchar();
  return nothing;
}
int main(void) {
  for (int i = 0; i < 50000; ++i) memset(malloc(200), 1, 200);      /* small blocks */
  memset(malloc(500000), 1, 500000);                                /* a run of pages */
  memset(malloc(40 << 20), 1, 40 << 20);                            /* a mapping */
  char* own = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(own, 1, 16 << 20);                                         /* a quarter of it */
  mmap(NULL, 1 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(mmap(NULL, 5 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 1, 5 << 20);
  memset(zeros, 1, sizeof zeros);
  pthread_t thread;
  pthread_barrier_init(&started, NULL, 2);
  pthread_create(&thread, NULL, wait, NULL);
  pthread_setname_np(thread, "waiter");
  pthread_barrier_wait(&started);
  puts("ready");
  fflush(stdout);
  pthread_join(thread, NULL);
  return 0;
}
"""


class MapCase(CliCase):
    def setUp(self):
        super().setUp()
        self.keeper = self.compile("keeper", "#define _GNU_SOURCE\n" + KEEPER, "-O0", "-pthread")

    @contextlib.contextmanager
    def process(self, *command, **variables):
        environment = self.variables(**variables)
        with subprocess.Popen(command or [self.keeper], env=environment, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as child:  # fmt: skip
            try:
                if not command:
                    self.assertEqual(child.stdout.readline(), "ready\n")
                    self.wait_until_asleep(child.pid)
                yield child.pid
            finally:
                child.kill()

    @staticmethod
    def wait_until_asleep(pid):
        """The kernel tells the stack pointer of a thread that waits, not of one that is on its way there."""
        for syscall in pathlib.Path(f"/proc/{pid}/task").glob("*/syscall"):
            while syscall.read_text(encoding="ascii").startswith("running"):
                time.sleep(0.001)

    def map(self, target):
        done = self.strata("map", "--json", target)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def near(self, value, expected, within=MIB):
        self.assertLess(abs(value - expected), within, f"{value} for {expected}")


class Processes(MapCase):
    def check_allocator(self, found):
        """What the keeper holds; found: the JSON."""
        view = found["allocator"]
        self.assertIsNotNone(view, found["allocator_note"])
        self.assertEqual(view["mapped_blocks"], 1)
        self.near(view["mapped_bytes"], 40 * MIB)
        self.assertGreaterEqual(view["large_runs"], 1)
        self.near(view["heap"]["large"]["bytes"], 500000)
        block = next(one for one in view["classes"] if one["block_bytes"] >= 208)
        self.assertIn(block["blocks"] - block["free_blocks"], range(50000, 50600))
        self.near(view["heap"]["spans"]["bytes"], sum(one["blocks"] * one["block_bytes"] for one in view["classes"]))
        return view

    def test_what_the_allocator_has(self):
        for ground in ("contiguous", "sparse"):
            with self.subTest(ground=ground), self.process(LD_PRELOAD=LIBRARY, STRATA_GROUND=ground) as pid:
                found = self.map(pid)
                view = self.check_allocator(found)
                self.assertEqual(view["sparse"], ground == "sparse")
                spans = view["heap"]["spans"]
                self.near(spans["resident_bytes"], spans["bytes"])
                self.assertGreater(found["purposes"]["allocator"]["resident_bytes"], 50 * MIB)
                self.assertLess(found["purposes"]["allocator"]["resident_bytes"], 60 * MIB)
                labels = {one["label"] for one in found["mappings"]}
                self.assertLessEqual({"Strata: heap", "Strata: block map", "Strata: large block",
                                      "Strata: metadata"}, labels)  # fmt: skip

    def test_what_the_kernel_says(self):
        with self.process() as pid:
            found = self.map(pid)
            text = pathlib.Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8")
        resident = 1024 * sum(map(int, re.findall(r"^Rss: +(\d+) kB", text, re.MULTILINE)))
        self.near(found["totals"]["resident_bytes"], resident, 64 << 10)
        purposes = found["purposes"]
        self.near(purposes["shared"]["resident_bytes"], 5 * MIB)
        self.near(purposes["shared"]["dirty_bytes"], 5 * MIB)
        self.assertGreater(purposes["reserved"]["size_bytes"], 1 << 30)
        self.assertEqual(purposes["reserved"]["resident_bytes"], 0)
        # The keeper's own 16 MiB, and glibc's large block of 40 MiB.
        self.near(purposes["anonymous"]["resident_bytes"], 56 * MIB + 500000, 5 * MIB)
        self.assertTrue(any(re.match(r"stack of thread \d+ \(waiter\)", one["label"]) for one in found["mappings"]))
        self.assertEqual(pathlib.Path(found["program"]), self.keeper)
        self.assertIsNone(found["allocator"])
        self.assertEqual(found["allocator_note"], "Strata does not serve this process.")

    def test_pieces_add_up(self):
        """A mapping that is cut keeps its sum."""
        with self.process(LD_PRELOAD=LIBRARY) as pid:
            cut = self.map(pid)
            whole = self.directory / "smaps"
            shutil.copyfile(f"/proc/{pid}/smaps", whole)
        copied = self.map(whole)
        for key in ("size_bytes", "resident_bytes", "dirty_bytes"):
            self.near(cut["totals"][key], copied["totals"][key], 64 << 10)
        ends = [(one["start"], one["end"]) for one in cut["mappings"]]
        self.assertTrue(all(a[1] <= b[0] for a, b in zip(ends, ends[1:])))

    def test_linked_statically(self):
        library = pathlib.Path(LIBRARY).with_suffix(".a")
        self.keeper = self.compile("static", "#define _GNU_SOURCE\n" + KEEPER, "-O0", "-pthread", "-static",
                               "-x", "none", str(library))  # fmt: skip
        with self.process() as pid:
            self.check_allocator(self.map(pid))

    def test_stripped_library(self):
        stripped = self.directory / "libstrata.so"
        subprocess.run(["strip", "-o", stripped, LIBRARY], check=True)
        with self.process(LD_PRELOAD=stripped) as pid:
            found = self.map(pid)
        self.assertIsNone(found["allocator"])
        self.assertIn("has no debug information", found["allocator_note"])

    def test_replaced_library(self):
        copy = self.directory / "libstrata.so"
        shutil.copy(LIBRARY, copy)
        with self.process(LD_PRELOAD=copy) as pid:
            copy.unlink()
            self.assertIn("has been replaced", self.map(pid)["allocator_note"])

    def test_while_it_allocates(self):
        busy = self.compile("busy", r"""
            #include <stdlib.h>
            int main(void) {
              static void* blocks[10000];
              for (unsigned i = 0, x = 1;; ++i) {
                x = x * 1664525 + 1013904223;
                unsigned at = x % 10000;
                free(blocks[at]);
                blocks[at] = malloc(x >> 8 & 0xffff);
              }
            }""", "-O1")  # fmt: skip
        with self.process(busy, LD_PRELOAD=LIBRARY) as pid:
            readable = 0
            for _ in range(50):
                readable += self.map(pid)["allocator"] is not None
        self.assertGreater(readable, 25)

    def test_text_and_picture(self):
        picture = self.directory / "map.svg"
        with self.process(LD_PRELOAD=LIBRARY) as pid:
            done = self.strata("map", "--svg", picture, pid)
            everything = self.strata("map", "--all", pid)
        self.assertEqual(done.returncode, 0, done.stderr)
        for part in ("what it is for", "what the allocator has there", "  spans ", "Strata: large block",
                     "the largest mappings", "(--all)"):  # fmt: skip
            self.assertIn(part, done.stdout)
        self.assertTrue(done.stdout.isascii())
        self.assertIn("[vdso]", everything.stdout)
        root = ElementTree.parse(picture).getroot()
        titles = [one.text for one in root.iter("{http://www.w3.org/2000/svg}title")]
        self.assertTrue(any("Strata: heap" in title for title in titles))
        width = float(root.get("viewBox").split()[2])
        for box in root.iter("{http://www.w3.org/2000/svg}rect"):
            if "x" in box.attrib:
                self.assertLessEqual(float(box.get("x")) + float(box.get("width")), width)


class Files(MapCase):
    def test_maps_tell_sizes_alone(self):
        with self.process() as pid:
            copy = self.directory / "maps"
            shutil.copyfile(f"/proc/{pid}/maps", copy)
            smaps = self.map(pid)
        found = self.map(copy)
        self.assertIsNone(found["totals"]["resident_bytes"])
        self.assertEqual(found["totals"]["size_bytes"], smaps["totals"]["size_bytes"])
        self.assertEqual(pathlib.Path(found["program"]), self.keeper)
        self.assertIn("not told", self.strata("map", copy).stdout)

    @unittest.skipUnless(shutil.which("gdb"), "no gdb")
    def test_core_dump(self):
        core = self.directory / "core"
        with self.process(LD_PRELOAD=LIBRARY) as pid:
            live = self.map(pid)
            subprocess.run(["gdb", "-batch", "-nx", "-p", str(pid), "-ex", f"generate-core-file {core}"],
                           check=True, capture_output=True)  # fmt: skip
        found = self.map(core)
        for key in ("large_runs", "mapped_blocks", "mapped_bytes", "classes", "page_bytes"):
            self.assertEqual(found["allocator"][key], live["allocator"][key], key)
        self.assertIsNone(found["allocator"]["heap"]["spans"]["resident_bytes"])
        self.assertEqual(pathlib.Path(found["program"]), self.keeper)
        core.write_bytes(core.read_bytes()[:3000])
        done = self.strata("map", core)
        if done.returncode != 0:
            self.assert_one_line(done, 2)

    def test_damaged_text(self):
        """Cut short or changed: figures, or one line; never a crash."""
        whole = bytearray(pathlib.Path("/proc/self/smaps").read_bytes())
        damaged = self.directory / "damaged"
        dice = random.Random(3)
        for _ in range(100):
            data = bytearray(whole)
            for _ in range(dice.randrange(1, 20)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            del data[dice.randrange(len(data)) :]
            damaged.write_bytes(data)
            done = self.strata("map", "--json", damaged, errors="replace")
            if done.returncode == 0:
                json.loads(done.stdout)
            else:
                self.assert_one_line(done, 2)

    def test_refusals(self):
        text = self.make("text", "no mappings here\n")
        empty = self.make("empty", "")
        cases = {
            ("map",): ["PID|FILE"],
            ("map", "99999999"): ["no process has the number 99999999"],
            ("map", "123456789012345678901"): ["no process has the number"],
            ("map", "/no/such/file"): ["/no/such/file: No such file"],
            ("map", str(self.directory)): ["is a directory"],
            ("map", "/dev/null"): ["is no regular file"],
            ("map", str(text)): ["line 1 is not one of /proc/PID/smaps or maps"],
            ("map", str(empty)): ["no mappings in it"],
            ("map", STRATA): ["is an ELF file, but no core dump"],
            ("map", "--svg", "/no/such/folder/map.svg", str(os.getpid())): ["/no/such/folder/map.svg"],
        }
        for arguments, parts in cases.items():
            with self.subTest(arguments=arguments):
                self.assert_one_line(self.strata(*arguments), 2, *parts)

    def test_process_that_has_ended(self):
        child = subprocess.Popen(["true"])
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        self.assert_one_line(self.strata("map", child.pid), 2, f"process {child.pid} has ended")
        child.wait()

    @unittest.skipUnless(os.geteuid() == 0, "takes root to become somebody else")
    def test_somebody_elses_process(self):
        self.directory.chmod(0o755)
        command = self.directory / "strata"
        shutil.copy(STRATA, command)
        done = subprocess.run([command, "map", str(os.getpid())], user=65534, group=65534, extra_groups=[],
                              capture_output=True, text=True, check=False, env=self.variables())  # fmt: skip
        self.assert_one_line(done, 2, "no permission")


if __name__ == "__main__":
    main()
