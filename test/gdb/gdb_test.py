"""Strata's commands for gdb against what a program knows of its blocks, live and in a core dump.

    gdb_test.py LIBSTRATA.SO LIBSTRATA.A C_COMPILER

Exit status: 0 fine, 1 something is wrong, 77 no gdb that can run programs and Python here.
"""

import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

LIBRARY, STATIC, COMPILER = (os.path.abspath(path) if "/" in path else path for path in sys.argv[1:4])
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COMMANDS = ROOT / "tools/gdb/strata-gdb.py"
SKIPPED = 77
SECONDS = 100
MOST_FILE_BYTES = 1 << 30  # a core dump that has the unused reservation in it would be longer

# Run by gdb: does the commands and writes down what each answered.
RECORDER = """
import gdb, json

def answer(command):
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as wrong:
        return f"error: {wrong}\\n"

answers = [answer(command) for command in COMMANDS]
with open(ANSWERS, "w") as file:
    json.dump(answers, file)
"""

CACHED = "the start of a free block cached in the magazine of thread N"
WAITING = "the start of a freed block waiting in the quarantine"
BLOCKS = {
    "live": "the start of a live block",
    "plain": "the start of a live block",
    "cached_plain": CACHED,
    "inside": "999 bytes into a live block",
    "cached": CACHED,
    "cached_medium": CACHED,
    "others_first": CACHED,
    "others_last": CACHED,
    "slot": "the start of a free block in its span",
    "large": "the start of a live large block",
    "large + 70000": "70000 bytes into a live large block",
    "mapping": "the start of a live large block",
    "mapping + (40 << 20) - 1": "41943039 bytes into a live large block",
    "heap_block": "the start of a live block",
    "heap_large": "the start of a live large block",
    "clean": "in a clean page: free, without memory",
    "cached_large": "the start of a freed large block cached by a thread",
    "dirty": "in a dirty page: free, not yet given back",
    "&live": "in no block, run or mapping of Strata",
    "8": "in no block, run or mapping of Strata",
    "live + (512 << 20)": "in the heap's reservation, which has not grown so far yet",
}
PARANOID = BLOCKS | {
    "cached": WAITING,
    "cached_plain": WAITING,
    "cached_medium": WAITING,
    "others_first": WAITING,
    "others_last": WAITING,
    "cached_large": "the start of a freed large block waiting in the quarantine",
    "dirty": "the start of a freed large block waiting in the quarantine",
    "large - 1": "in the inaccessible page before a live large block",
    "mapping - 1": "in the inaccessible page before a live large block",
    "mapping + (40 << 20) + 4096": "in the inaccessible page behind a live large block",
}
SPARSE = BLOCKS | {"live + (512 << 20)": "in no block, run or mapping of Strata"}
FIGURES = ("strata heap", "strata spans", "strata spans 1000", "strata spans 3000", "strata spans 2000",
           "strata find-live 1000", "strata find-live 1000 1000", "strata find-live 3000 1000",
           "strata find-live sizeof (small[0]) * 1 + 39992", "strata find-live 40000 2")  # fmt: skip


def gdb_command(*more):
    settings = ("auto-load safe-path /nowhere", "debuginfod enabled off", "startup-with-shell off",
                "width 0", "height 0", "confirm off")  # fmt: skip
    options = [word for one in settings for word in ("-iex", f"set {one}")]
    return ["gdb", "-batch", "-nx", *options, *map(str, more)]


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE_BYTES, MOST_FILE_BYTES))


class GdbCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="strata-gdb-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def compile(self, name, source, *options):
        path = self.folder / name
        subprocess.run([COMPILER, "-g", "-O0", "-fno-builtin", "-I", ROOT / "include", "-o", path,
                        source, *options], check=True)  # fmt: skip
        return path

    def states(self):
        folder = pathlib.Path(LIBRARY).parent
        return self.compile("states", HERE / "states.c", f"-L{folder}", "-lstrata", "-pthread")

    def gdb(self, commands, *operands, options=()):
        """What each command answered, in order, and what else came out: the program's output."""
        session, answers = self.folder / "session.py", self.folder / "answers"
        values = f"COMMANDS = {list(commands)!r}\nANSWERS = {str(answers)!r}\n"
        session.write_text(values + RECORDER)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STRATA_")}
        done = subprocess.run(gdb_command(*options, "-x", session, *operands), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=kept,
                              timeout=SECONDS, check=False, preexec_fn=limit_files)  # fmt: skip
        self.assertTrue(answers.exists(), done.stdout)
        self.assertNotIn("Traceback", done.stdout, done.stdout)
        return json.loads(answers.read_text()), done.stdout

    def ask(self, program, commands, library=LIBRARY, stop="ready", environment=(), arguments=""):
        """The answers of a program that has stopped, by command, and its output."""
        # Which block is guarded, and then no class's, is a matter of luck.
        environment = ["STRATA_GUARD_MS=0", *environment]
        start = [f"source {COMMANDS}", *(f"set environment {one}" for one in environment)]
        if library is not None:
            start.append(f"set environment LD_PRELOAD={library}")
        start += [f"break {stop}", f"run {arguments}", "frame"]
        answers, output = self.gdb([*start, *commands, "kill"], program)
        self.assertIn(f"  {stop} (", answers[len(start) - 1], output)
        return dict(zip(commands, answers[len(start) :])), output

    def ask_core(self, program, core, commands):
        answers, _ = self.gdb([f"source {COMMANDS}", *commands], program, core)
        return dict(zip(commands, answers[1:]))

    def assert_refused(self, answer, *parts):
        self.assertEqual(answer.count("\n"), 1, answer)
        self.assertTrue(answer.startswith("error: strata: "), answer)
        self.assertNotIn("Python", answer)
        for part in parts:
            self.assertIn(part, answer)


def rows_of(answer):
    """The rows of the table in an answer, as dictionaries."""
    lines = [re.split(r"  +", line.strip()) for line in answer.splitlines()]
    head = next(i for i, line in enumerate(lines) if "spans" in line[1:2] or line[0] == "span")
    return [dict(zip(lines[head], line)) for line in lines[head + 1 :] if len(line) == len(lines[head])]


def kib(size, answers):
    """What a large block of the size occupies, in KiB."""
    page = int(re.search(r"pages of (\d+)\.0 KiB", answers["strata heap"])[1])
    return -(-size // (page * 1024)) * page


def comparable(answer):
    """Without what a core dump has more, and without the numbers of threads, which it may change."""
    lines = [line for line in answer.splitlines() if not line.startswith("  marks  ")]
    return re.sub(r"thread \d+", "thread N", "\n".join(lines))


def printed_addresses(output):
    """What the program said of its live blocks: addresses by size."""
    found = {}
    for size, address in re.findall(r"^(\d+) (0x[0-9a-f]+)$", output, re.MULTILINE):
        found.setdefault(size, set()).add(address)
    return found


def listed_addresses(answer):
    return set(re.findall(r"^  (0x[0-9a-f]+)", answer, re.MULTILINE))


class States(GdbCase):
    """Every state of a block, in every way in which the library works."""

    def try_states(self, expected, ground, *environment):
        program = self.states()
        core = self.folder / "core"
        asked = [f"strata block {name}" for name in expected] + list(FIGURES)
        answers, output = self.ask(program, [*asked, f"generate-core-file {core}"],
                                   environment=environment)  # fmt: skip
        self.check_blocks(answers, expected)
        self.check_figures(answers, printed_addresses(output), ground, expected)
        self.assertTrue(core.exists(), answers)
        from_core = self.ask_core(program, core, asked)
        self.assertEqual("marks  not in a core dump" in from_core["strata heap"], ground == "contiguous")
        for command in asked:
            self.assertEqual(comparable(from_core[command]), comparable(answers[command]))

    def check_blocks(self, answers, expected):
        for name, what in expected.items():
            first = comparable(answers[f"strata block {name}"]).splitlines()[0]
            self.assertEqual(first.partition(": ")[2], what, name)
        start = answers["strata block live"].partition(":")[0]
        end = f"{int(start, 16) + 1024:#x}"
        for name in ("live", "inside"):
            self.assertIn(f"\n  block  {start} .. {end}, number ", answers[f"strata block {name}"])
        self.assertIn("\n  heap   0x", answers["strata block heap_block"])
        self.assertIn("\n  heap   0x", answers["strata block heap_large"])
        self.assertNotIn("\n  heap   0x", answers["strata block large"])
        self.assertIn(": 40.0 MiB, a mapping of its own", answers["strata block mapping"])
        self.assertIn(f": {kib(100000, answers)} KiB, a run of its own", answers["strata block large"])

    def check_figures(self, answers, printed, ground, expected):
        summary = answers["strata heap"]
        self.assertTrue(summary.startswith(f"{ground} ground, pages of "), summary)
        large = kib(100000, answers) + kib(70000, answers)
        freed = "waiting" if expected is PARANOID else "cached"
        count = 2 if expected is PARANOID else 1
        self.assertIn(f"\n  large     2 live ({large} KiB), {count} {freed}\n", summary)
        self.assertIn("\n  mappings  1 live (40.0 MiB)\n", summary)
        self.assertIn("\n  heaps     1 first-class", summary)
        classes = {row["block size"]: row for row in rows_of(summary)}
        for size, name, live in (("1024 B", "1000", 200), ("3072 B", "3000", 30), ("2048 B", "2000", 1)):
            row = {key: value for key, value in classes[size].items() if key not in ("block size", "used")}
            figures = {key: int(value) for key, value in row.items()}
            self.assertEqual(figures["live"], live)
            states = ("live", "cached", "free slots", "waiting", "passing")
            self.assertEqual(sum(figures.get(key, 0) for key in states), figures["blocks"])
            spans = rows_of(answers[f"strata spans {name}"])
            self.assertEqual(len(spans), figures["spans"])
            for key in {"blocks", *states} & set(spans[0]):
                self.assertEqual(sum(int(span[key]) for span in spans), figures[key], key)
        self.check_freed(summary, classes, expected)
        self.check_found(answers, printed)

    def check_freed(self, summary, classes, expected):
        # All threads stand still outside of the allocator.
        self.assertNotIn("passing", summary)
        freed = {size: int(classes[size].get(self.state_of_freed(expected))) for size in ("1024 B", "3072 B")}
        self.assertGreaterEqual(freed["1024 B"], 100)
        self.assertGreaterEqual(freed["3072 B"], 20)
        found = re.search(r"cached +(\d+) blocks in .* caches, (\d+) in the depot", summary)
        magazines, depot = found.groups()
        cached = sum(int(row["cached"]) for row in classes.values())
        self.assertEqual(int(magazines) + int(depot), cached)
        self.assertEqual(int(depot) > 0, expected is not PARANOID)

    def state_of_freed(self, expected):
        return "waiting" if expected is PARANOID else "cached"

    def check_found(self, answers, printed):
        self.assertEqual(len(printed["1000"]), 200)
        for size in ("1000", "3000"):
            answer = answers[f"strata find-live {size} 1000"]
            self.assertEqual(listed_addresses(answer), printed[size])
            self.assertEqual("<label>" in answer, size == "1000")
        self.assertEqual(len(listed_addresses(answers["strata find-live 1000"])), 20)
        self.assertIn("200 live blocks of 1024 bytes (class 34); the first 20:",
                      answers["strata find-live 1000"])  # fmt: skip
        larges = printed["100000"] | printed["41943040"] | printed["70000"]
        every = "strata find-live sizeof (small[0]) * 1 + 39992"
        self.assertEqual(listed_addresses(answers[every]), larges)
        self.assertEqual(len(listed_addresses(answers["strata find-live 40000 2"])), 2)

    def test_contiguous(self):
        self.try_states(BLOCKS, "contiguous")

    def test_sparse(self):
        self.try_states(SPARSE, "sparse", "STRATA_GROUND=sparse")

    def test_counted(self):
        self.try_states(BLOCKS, "contiguous", "STRATA_COUNT=1")

    def test_paranoid(self):
        self.try_states(PARANOID, "contiguous", "STRATA_HARDEN=paranoid")

    def test_larger_pages(self):
        self.try_states(BLOCKS, "contiguous", "STRATA_PAGE_SIZE=16K")

    def test_idle_thread(self):
        """Its magazines were lifted; it has kept the one block that it may have in a register."""
        commands = ["strata block others_first", "strata block others_last", "strata heap"]
        answers, _ = self.ask(self.states(), commands, arguments="idle")
        self.assertIn(": the start of a free block in its span\n", answers[commands[0]])
        self.assertIn(": the start of a free block cached in the magazine of thread 2\n",
                      answers[commands[1]])  # fmt: skip
        self.assertNotIn("passing", answers["strata heap"])

    def test_end_of_span(self):
        """640 does not divide a span's length."""
        program = self.states()
        answers, _ = self.ask(program, ["strata block slot"])
        end = re.search(r"  span   \S+ \.\. (0x[0-9a-f]+):", answers["strata block slot"])[1]
        asked = f"strata block {end} - 1"
        answers, _ = self.ask(program, [asked])
        self.assertIn("in the end of a span, too short for a block", answers[asked])

    def test_passing(self):
        """A block that is live by all but its stamp."""
        stamp = "(unsigned long)'strata::ground::flat'.marks + (unsigned long)live / 16"
        bear = f"set var {{unsigned long}}live = {stamp}"
        answers, _ = self.ask(self.states(), [bear, "strata block live", "strata heap"])
        self.assertIn("a block that a thread is just allocating or freeing\n", answers["strata block live"])
        row = next(row for row in rows_of(answers["strata heap"]) if row["block size"] == "1024 B")
        self.assertEqual((row["live"], row["passing"]), ("199", "1"))

    def test_static(self):
        program = self.compile("states", HERE / "states.c", "-static", STATIC, "-pthread")
        commands = ["strata block live", "strata block slot", "strata block &live"]
        answers, _ = self.ask(program, commands, library=None)
        for command, name in zip(commands, ("live", "slot", "&live")):
            self.assertIn(f": {BLOCKS[name]}\n", answers[command])


class Refusals(GdbCase):
    """One line for whatever cannot be done."""

    def plain(self):
        source = self.folder / "plain.c"
        source.write_text("int main(void) { return 0; }\n")
        return self.compile("plain", source)

    def test_no_process(self):
        answers, _ = self.gdb([f"source {COMMANDS}", "strata heap", "strata block 8"], self.plain())
        for answer in answers[1:]:
            self.assert_refused(answer, "there is no process")

    def test_no_library(self):
        answers, _ = self.ask(self.plain(), ["strata heap", "strata spans"], library=None, stop="main")
        for answer in answers.values():
            self.assert_refused(answer, "no libstrata in this process")

    def test_nothing_allocated(self):
        program = self.compile("states", HERE / "states.c", "-static", STATIC, "-pthread")
        answers, _ = self.gdb([f"source {COMMANDS}", "starti", "strata heap", "kill"], program)
        self.assert_refused(answers[2], "nothing has been allocated yet")

    def test_no_debug_information(self):
        bare = self.folder / "libstrata.so"
        subprocess.run(["strip", "--strip-debug", LIBRARY, "-o", bare], check=True)
        answers, _ = self.ask(self.states(), ["strata heap"], library=bare)
        self.assert_refused(answers["strata heap"], "no debug information")

    def test_wrong_arguments(self):
        wrong = {
            "strata heap now": "usage: strata heap",
            "strata block": "usage: strata block ADDRESS",
            "strata block no_such_thing": "not an address: no_such_thing",
            "strata block label[0] +": "not an address",
            "strata spans 100 200": "not a size: 100 200",
            "strata spans 0": "not a size",
            "strata spans 40000": "no size class serves 40000 bytes",
            "strata find-live": "usage: strata find-live SIZE [COUNT]",
            "strata find-live nobody 3": "not a size: nobody",
            "strata find-live -1": "not a size: -1",
            "strata everything": "no such command: everything",
        }
        answers, _ = self.ask(self.states(), wrong)
        for command, part in wrong.items():
            self.assert_refused(answers[command], part)

    def test_unreadable_cache(self):
        damage = "set var 'strata::alloc::this_thread'.cache->heads_ = 16"
        answers, _ = self.ask(self.states(), [damage, "strata heap"])
        self.assertIn("  1 thread cache cannot be read: what is in there counts as live\n",
                      answers["strata heap"])  # fmt: skip

    def test_damaged_tables(self):
        """What the program has overwritten may make no sense; gdb says so and goes on."""
        damage = "set var 'strata::ground::(anonymous namespace)::whole'.pages = 16"
        answers, _ = self.ask(self.states(), [damage, "strata heap", "strata block live"])
        self.assert_refused(answers["strata heap"], "cannot be read")
        self.assert_refused(answers["strata block live"], "cannot be read")


class Documented(GdbCase):
    """docs/gdb.md: its session, and loading without `source`."""

    def blocks(self, language):
        text = (ROOT / "docs/gdb.md").read_text()
        return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)

    def session(self):
        """(command, the lines that the page shows for it)"""
        shown = []
        for line in "".join(self.blocks("console")).splitlines():
            if line.startswith("(gdb) "):
                shown.append((line.removeprefix("(gdb) "), []))
            elif shown and not line.startswith("$ "):
                shown[-1][1].append(line)
        return [(command, lines) for command, lines in shown if command.startswith("strata ")]

    def pattern(self, lines):
        """The page's lines as an expression: any figures, any spaces, `...` for any lines."""
        parts = []
        for line in lines:
            words = re.escape(" ".join(line.split()))
            number = re.sub(r"0x[0-9a-f]+|\d+(\\\.\d+)?", "N", words)
            figures = number.replace("N", r"(0x[0-9a-f]+|[\d.]+)")
            parts.append(".*" if line.strip() == "..." else figures + "\n")
        return "".join(parts)

    def test_session(self):
        source = self.folder / "orders.c"
        source.write_text(self.blocks("c")[0])
        shown = self.session()
        self.assertGreaterEqual(len(shown), 4)
        answers, _ = self.ask(self.compile("orders", source), [command for command, _ in shown])
        for command, lines in shown:
            given = "".join(" ".join(line.split()) + "\n" for line in answers[command].splitlines())
            self.assertTrue(re.fullmatch(self.pattern(lines), given, re.DOTALL), f"{command}\n{given}")

    def test_loaded_by_name(self):
        copy = self.folder / "libstrata.so"
        shutil.copy(LIBRARY, copy)
        (self.folder / "libstrata.so-gdb.py").symlink_to(COMMANDS)
        commands = [f"set environment LD_PRELOAD={copy}", "break ready", "run", "strata heap", "kill"]
        trust = ["-iex", f"add-auto-load-safe-path {self.folder}:{COMMANDS.parent}"]
        answers, _ = self.gdb(commands, self.states(), options=trust)
        self.assertTrue(answers[3].startswith("contiguous ground"), answers[3])


class Resources(GdbCase):
    """The program's own, which need no libstrata."""

    def ask_twice(self, program):
        commands = [f"source {COMMANDS}", "strata resources", "break ready", "run", "strata resources",
                    "continue", "strata resources", "kill"]  # fmt: skip
        answers, _ = self.gdb(commands, program)
        return answers[1], answers[4], answers[6]

    def test_table(self):
        program = self.compile("resources", HERE / "resources.c")
        before, empty, filled = self.ask_twice(program)
        self.assert_refused(before, "no process")
        self.assert_refused(empty, "other versions")
        rows = [line.split() for line in filled.splitlines()]
        self.assertEqual(rows[0], ["name", "kind", "there", "live", "blocks", "held", "peak"])
        self.assertEqual(" ".join(rows[1]), "frames bump ended 1000 B - 2.0 KiB 1.5 KiB")
        self.assertEqual(" ".join(rows[2]),
                         "sessions object_pool<session> 3 64.0 KiB 256 128 KiB 96.0 KiB")
        self.assertEqual(" ".join(rows[3]), "and 1 that found no row")

    def test_none(self):
        source = self.folder / "plain.c"
        source.write_text("void ready(void) {}\nint main(void) { ready(); ready(); }\n")
        _, first, _ = self.ask_twice(self.compile("plain", source))
        self.assert_refused(first, "no libstrata_resources")


def gdb_works():
    """Whether gdb is there, has Python and may trace."""
    if shutil.which("gdb") is None:
        return False
    probe = gdb_command("-ex", "python print('has Python')", "-ex", "run", "--args", "/bin/true")
    done = subprocess.run(probe, capture_output=True, text=True, timeout=SECONDS, check=False)
    return "has Python" in done.stdout and "exited normally" in done.stdout


if __name__ == "__main__":
    if not gdb_works():
        print("no gdb that can run programs and Python here")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1])
