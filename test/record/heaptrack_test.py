"""strata record --every and heaptrack watch the same programs of the system and find the same: blocks in all, bytes
at the peak, bytes never freed, and the sites and stacks with the most of each.

Both count bytes as they were asked for, and a realloc as a free and an allocation; so where they differ the program
did, or one of them is wrong. What has to be seen through:

- libheaptrack_preload.so brings libstdc++ along, which allocates a pool for exceptions when it is loaded. That block
  is left out; the programs here have no libstdc++ of their own.
- heaptrack tells the address of a function without a name; ours is the offset in the file of its code.
- heaptrack's stacks begin at main where it has a name, and have functions that were inlined in the wrong order. So
  stacks are compared below main and in no order.
- heaptrack has a thread of its own, so that the C library locks its streams, and getc is on a stack from which it
  otherwise has gone when the buffer is filled.
- CPython copies its environment, in which each tool has variables of its own: six blocks in fifty thousand.
"""

import collections
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import unittest

from record_case import RecordCase, main

HEAPTRACK = shutil.which("heaptrack_print")
PARTS = pathlib.Path(HEAPTRACK or "/").resolve().parent.parent / "lib" / "heaptrack"
TOLERANCE = 0.01
SITES = 10
# heaptrack's name; our figure and its unit.
COSTS = (("allocations", "total", "blocks"), ("peak", "at_peak", "bytes"), ("leaked", "at_end", "bytes"))
ROWS = int(sys.argv[4]) if len(sys.argv) > 4 else 2000

SQL = """
CREATE TABLE word(id INTEGER PRIMARY KEY, name TEXT, weight REAL);
WITH RECURSIVE count(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM count WHERE i < {rows})
  INSERT INTO word SELECT i, 'name ' || (i * 7919 % 1000), i * 0.5 FROM count;
CREATE INDEX by_name ON word(name);
SELECT name, count(*), group_concat(id) FROM word GROUP BY name ORDER BY 2 DESC LIMIT 5;
SELECT a.name, sum(b.weight) FROM word a JOIN word b ON a.name = b.name GROUP BY a.name ORDER BY 2 LIMIT 5;
CREATE TABLE other AS SELECT name, max(weight) AS most FROM word GROUP BY name;
DELETE FROM word WHERE id % 3 = 0;
SELECT count(*) FROM word WHERE name IN (SELECT name FROM other WHERE most > 100);
"""

LUA = """
local tree = {{}}
local function grow(depth) if depth == 0 then return {{}} end return {{grow(depth - 1), grow(depth - 1)}} end
for i = 1, {rows} do tree[i] = {{name = "name " .. i, run = function() return i end}} end
local deep = grow(8)
table.sort(tree, function(a, b) return a.name < b.name end)
local text = {{}}
for i, one in ipairs(tree) do text[i] = one.name:upper():rep(2) end
local all = table.concat(text, ",")
for word in all:gmatch("%a+") do deep[word] = (deep[word] or 0) + 1 end
"""

PYTHON = """
import collections
words = ['name %d' % (i * 7919 % 1000) for i in range({rows})]
by_name = collections.defaultdict(list)
for i, word in enumerate(words):
    by_name[word].append((i, word.upper(), str(i) * 3))
total = sum(len(one[2]) for all in by_name.values() for one in all)
text = ','.join(sorted(by_name)) * 20
"""


def without_aliases(name):
    """Functions of the C library have several names for one place, and readers differ in which they take."""
    return re.sub(r"^(__GI_)?_*", "", name.split("(")[0]) or name


def below_main(calls):
    return tuple(calls[calls.index("main") + 1 :] if "main" in calls else calls)


def by_site(of_stacks):
    """Of each innermost function."""
    sums = collections.Counter()
    for calls, value in of_stacks.items():
        sums[calls[-1]] += value
    return sums


def in_no_order(of_stacks):
    sums = collections.Counter()
    for calls, value in of_stacks.items():
        sums[tuple(sorted(calls))] += value
    return sums


class Code:
    """The code of one file: where it is in memory, and in the file."""

    def __init__(self, path, base, parts):
        self.name = os.path.basename(path)
        self.base = base
        self.ranges = [(base + start, base + start + length) for start, length in parts]
        with open(path, "rb") as file:
            header = file.read(64)
            at, size, count = (*struct.unpack_from("<Q", header, 32), *struct.unpack_from("<HH", header, 54))
            file.seek(at)
            programs = [struct.unpack("<IIQQQQQQ", file.read(size)) for _ in range(count)]
        # Kind 1 is loaded: (address, offset, length in the file).
        self.loaded = [(one[3], one[2], one[5]) for one in programs if one[0] == 1]

    def offset(self, address):
        """None: not in this file."""
        if not any(start <= address < end for start, end in self.ranges):
            return None
        address -= self.base
        return next((address - start + offset for start, offset, length in self.loaded
                     if start <= address < start + length), None)  # fmt: skip


class HeaptrackFile:
    """What heaptrack wrote of a program. The format is that of its 1.4: lines of a letter and hexadecimal numbers."""

    def __init__(self, raw, interpreted, program):
        self.interpreted = interpreted
        self.code = list(self.read_code(raw, program))
        self.of_its_own = set(self.read_names("/libstdc++.so"))

    @staticmethod
    def read_code(raw, program):
        """Lines `m`: the length of the path, the path (x is the program), the base, and start and length of parts."""
        for line in set(raw.read_text(errors="replace").splitlines()):
            kind, *fields = line.split(" ")
            if kind == "m" and len(fields) > 4:
                path = os.path.realpath(program if fields[1] == "x" else fields[1])
                base, *parts = (int(one, 16) for one in fields[2:])
                if os.path.exists(path):
                    yield Code(path, base, list(zip(parts[::2], parts[1::2])))

    def read_names(self, library):
        """Names of calls in a library. Lines `s` are strings, counted from 1; `i` an address, its file's string and,
        where known, its function's."""
        strings = [""]
        for line in self.interpreted.read_text(errors="replace").splitlines():
            kind, *fields = line.split(" ")
            if kind == "s":
                strings.append(" ".join(fields[1:]))
            elif kind == "i" and len(fields) > 1 and library in strings[int(fields[1], 16)]:
                yield strings[int(fields[2], 16)] if len(fields) > 2 else f"0x{fields[0]}"

    def place(self, call):
        """A call as ours is written."""
        if not call.startswith("0x"):
            return without_aliases(call)
        found = ((code.name, code.offset(int(call, 16))) for code in self.code)
        return next((f"{name}+{offset:#x}" for name, offset in found if offset is not None), call)

    def folded(self, cost, into, env):
        """A cost of each stack, the outermost call first."""
        subprocess.run([HEAPTRACK, "--flamegraph-cost-type", cost, "-F", into, "--disable-builtin-suppressions",
                        self.interpreted], env=env, check=True, capture_output=True, timeout=120)  # fmt: skip
        sums = collections.Counter()
        for line in into.read_text().splitlines():
            stack, _, value = line.rpartition(" ")
            # It has files behind functions.
            calls = re.sub(r" \([^()]*\)(?=;|$)", "", stack.rstrip(";")).split(";")
            if calls[-1] not in self.of_its_own:
                sums[below_main([self.place(call) for call in calls])] += int(value)
        return sums


@unittest.skipUnless(HEAPTRACK and (PARTS / "libheaptrack_preload.so").exists(), "no heaptrack")
class Heaptrack(RecordCase):
    def setUp(self):
        super().setUp()
        # Nobody's settings, and nothing drawn by lot.
        self.fixed = {"HOME": str(self.directory), "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}

    def of_strata(self, *command):
        """COSTS of each stack."""
        file = self.directory / "recording.strata"
        done = self.strata("record", "--every", "-o", file, "--", *command, env=self.fixed)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = self.report(file)
        self.assertEqual(set(found["lost"].values()), {0})
        sums = [collections.Counter() for _ in COSTS]
        for stack in found["stacks"]:
            calls = below_main([without_aliases(one["function"]) for one in reversed(stack["calls"])])
            for (_, figure, unit), into in zip(COSTS, sums):
                into[calls] += stack[figure][unit]
        for (_, figure, unit), made in zip(COSTS, sums):
            self.assertEqual(made.total(), found["summary"][figure][unit])
        return sums

    def of_heaptrack(self, *command):
        """The same."""
        raw, interpreted = self.directory / "raw", self.directory / "interpreted"
        env = self.variables(LD_PRELOAD=str(PARTS / "libheaptrack_preload.so"), DUMP_HEAPTRACK_OUTPUT=str(raw),
                             **self.fixed)  # fmt: skip
        subprocess.run(command, env=env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=120)
        with raw.open("rb") as source, interpreted.open("wb") as into:
            subprocess.run([PARTS / "libexec" / "heaptrack_interpret"], stdin=source, stdout=into,
                           stderr=subprocess.DEVNULL, check=True, timeout=120)  # fmt: skip
        file = HeaptrackFile(raw, interpreted, command[0])
        return [file.folded(cost, self.directory / "folded", self.variables()) for cost, _, _ in COSTS]

    def assert_same(self, ours, theirs, what):
        self.assertAlmostEqual(ours.total(), theirs.total(), delta=TOLERANCE * theirs.total(), msg=f"{what} in all")
        for by, group in (("site", by_site), ("stack", in_no_order)):
            here, there = group(ours), group(theirs)
            for name, _ in there.most_common(SITES) + here.most_common(SITES):
                self.assertAlmostEqual(here[name], there[name], delta=TOLERANCE * there[name],
                                       msg=f"{what} of the {by} {name}")  # fmt: skip

    def check(self, *command):
        path = shutil.which(command[0], path="/usr/bin:/bin")
        if path is None:
            self.skipTest(f"no {command[0]}")
        ours, theirs = self.of_strata(path, *command[1:]), self.of_heaptrack(path, *command[1:])
        for (_, *what), here, there in zip(COSTS, ours, theirs):
            self.assert_same(here, there, " ".join(what))
        self.assertGreater(theirs[0].total(), 1000)

    def test_sqlite(self):
        script = self.make("script.sql", SQL.format(rows=ROWS))
        self.check("sqlite3", ":memory:", f".read {script}")

    def test_lua(self):
        self.check("lua5.4", self.make("script.lua", LUA.format(rows=ROWS)))

    def test_python(self):
        self.check("python3", "-S", "-B", self.make("script.py", PYTHON.format(rows=ROWS)))


if __name__ == "__main__":
    main()
