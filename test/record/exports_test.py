"""strata report's files for other tools, read by these tools or as these read them: all figures are those of
report --json."""

import collections
import gzip
import json
import pathlib
import re
import shutil
import subprocess
import unittest

from figures_test import PLANTED
from record_case import RecordCase, main

HERE = pathlib.Path(__file__).parent
DHAT_VIEWER = pathlib.Path("/usr/libexec/valgrind/dh_view.js")

SAMPLED = r"""
#include <stdlib.h>
static void* kept[5000];
static void hold(void) { for (int i = 0; i < 5000; ++i) kept[i] = malloc(3000); }
static void pass(void) { for (int i = 0; i < 100000; ++i) free(malloc(500)); }
int main(void) { hold(); pass(); return 0; }
"""


def names(stack):
    """Functions, the outermost first, without parameters."""
    return tuple(one["function"].split("(")[0] for one in reversed(stack["calls"]))


class Exports(RecordCase):
    def setUp(self):
        super().setUp()
        self.file = self.record(self.program(PLANTED))
        self.found = self.report(self.file)

    def export(self, form, *options, name="exported"):
        path = self.directory / name
        done = self.strata("report", f"--{form}", path, *options, self.file)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        return path

    def by_stack(self, value):
        """A value of each stack in the JSON, where it is not 0."""
        made = collections.Counter()
        for stack in self.found["stacks"]:
            made[names(stack)] += value(stack)
        return {stack: one for stack, one in made.items() if one}

    # ---- pprof

    def pprof(self, path, *options):
        home = {"HOME": str(self.directory), "PPROF_TMPDIR": str(self.directory)}
        done = subprocess.run(["go", "tool", "pprof", *options, path], capture_output=True, text=True,
                              check=False, timeout=60, env=self.variables(**home))  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def raw_pprof(self, path):
        """Samples as (values, functions from the outermost on)."""
        text = self.pprof(path, "-raw")
        samples, locations = text.split("\nSamples:\n")[1].split("\nLocations\n")
        self.mappings = locations.split("\nMappings\n")[1]
        functions = collections.defaultdict(list)
        number = None
        for line in locations.split("\nMappings\n")[0].splitlines():
            found = re.match(r" *(\d+): 0x\w+ (?:M=\d+ )?(.*)", line)
            number = int(found.group(1)) if found else number
            call = found.group(2) if found else line.strip()
            functions[number].append(re.sub(r" \S*:\d+ s=\d+$", "", call))
        made = []
        self.types, *samples = samples.splitlines()
        for line in samples:
            values, path = line.split(": ")
            calls = [call for at in path.split() for call in functions[int(at)]]
            made.append((tuple(map(int, values.split())), tuple(reversed(calls))))
        return made

    @unittest.skipUnless(shutil.which("go"), "no go")
    def test_pprof(self):
        for figure, in_use, default in (("peak", "at_peak", 3), ("end", "at_end", 3), ("total", "at_peak", 1)):
            with self.subTest(at=figure):
                samples = self.raw_pprof(self.export("pprof", "--at", figure))
                types = self.types.split()
                self.assertEqual([one.removesuffix("[dflt]") for one in types],
                                 ["alloc_objects/count", "alloc_space/bytes",
                                  "inuse_objects/count", "inuse_space/bytes"])  # fmt: skip
                self.assertTrue(types[default].endswith("[dflt]"))
                for at, (key, unit) in enumerate((("total", "blocks"), ("total", "bytes"),
                                                  (in_use, "blocks"), (in_use, "bytes"))):  # fmt: skip
                    sums = collections.Counter()
                    for values, stack in samples:
                        sums[stack] += values[at]
                    self.assertEqual({stack: one for stack, one in sums.items() if one},
                                     self.by_stack(lambda stack, k=key, u=unit: stack[k][u]))  # fmt: skip
        self.assertRegex(self.mappings, rf"1: 0x\w+/0x\w+/0x\w+ {self.directory}/program [0-9a-f]{{40}} ")

    @unittest.skipUnless(shutil.which("go"), "no go")
    def test_pprof_top(self):
        rows = self.pprof(self.export("pprof"), "-top", "-unit=B").splitlines()
        first = next(line.split() for line in rows if line.endswith((" wave", " keep")))
        self.assertEqual((first[0], first[-1]), ("819200B", "wave"))

    @unittest.skipUnless(shutil.which("go"), "no go")
    def test_pprof_of_a_sample(self):
        self.file = self.record(self.program(SAMPLED), options=("--sample", "32K"))
        self.found = self.report(self.file)
        samples = self.raw_pprof(self.export("pprof"))
        self.assertEqual(sum(values[3] for values, stack in samples if "hold" in stack),
                         self.sites(self.found)["hold"]["at_peak"]["bytes"])  # fmt: skip

    # ---- heaptrack

    def heaptrack(self, path, *options):
        done = subprocess.run(["heaptrack_print", *options, path], capture_output=True, text=True, check=False,
                              timeout=60, env=self.variables())  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def below_main(self, calls):
        """In no order; heaptrack ends stacks at main."""
        return tuple(sorted(calls[list(calls).index("main") + 1 :] if "main" in calls else calls))

    @unittest.skipUnless(shutil.which("heaptrack_print"), "no heaptrack")
    def test_heaptrack(self):
        path = self.export("heaptrack", name="exported.gz")
        folded = self.directory / "folded"
        for cost, value in (("allocations", lambda one: one["total"]["blocks"]),
                            ("peak", lambda one: one["at_peak"]["bytes"]),
                            ("leaked", lambda one: one["at_end"]["bytes"])):  # fmt: skip
            self.heaptrack(path, "--flamegraph-cost-type", cost, "-F", folded, "--disable-builtin-suppressions")
            sums = collections.Counter()
            for line in folded.read_text().splitlines():
                stack, _, cost_here = line.rpartition(" ")
                # It has files behind functions, and the functions that are inlined in the wrong order.
                calls = re.sub(r" \([^()]*\)(?=;|$)", "", stack.rstrip(";")).split(";")
                sums[self.below_main(calls)] += int(cost_here)
            expected = collections.Counter()
            for stack, one in self.by_stack(value).items():
                expected[self.below_main(stack)] += one
            self.assertEqual({stack: one for stack, one in sums.items() if one}, dict(expected), cost)
        self.heaptrack(path, "--flamegraph-cost-type", "temporary", "-F", folded)
        self.assertRegex(folded.read_text(), r"(?m);outer[^;]*;churn[^;]*;? 5000$")

    @unittest.skipUnless(shutil.which("heaptrack_print"), "no heaptrack")
    def test_heaptrack_in_all(self):
        text = self.heaptrack(self.export("heaptrack", name="exported.gz"))
        self.assertIn(f"Debuggee command was: {self.directory}/program\n", text)
        calls = int(re.search(r"calls to allocation functions: (\d+)", text).group(1))
        self.assertEqual(calls, self.found["summary"]["total"]["blocks"])

    def test_heaptrack_needs_all_events(self):
        for options, why in ((("--sample", "64K"), "is a sample"), (("--every", "--max-size", "1"), "has sums")):
            file = self.record(self.program(PLANTED), options=options)
            done = self.strata("report", "--heaptrack", self.directory / "exported.gz", file)
            self.assert_one_line(done, 2, "--heaptrack: the recording ", why)
            self.assertFalse((self.directory / "exported.gz").exists())
        done = self.strata("report", "--heaptrack", self.directory / "exported", self.file)
        self.assert_one_line(done, 2, "must end in .gz")

    # ---- DHAT

    @unittest.skipUnless(shutil.which("node") and DHAT_VIEWER.exists(), "no viewer, or nothing to run it")
    def test_dhat(self):
        path = self.export("dhat")
        done = subprocess.run(["node", HERE / "dhat_points.js", DHAT_VIEWER, path], capture_output=True, text=True,
                              check=False, timeout=60)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        leaves = json.loads(done.stdout)
        frame = re.compile(r"0x[0-9A-F]+: (.*) \((?:in )?[^()]+\)")
        for leaf in leaves:
            leaf["names"] = tuple(frame.fullmatch(one).group(1) for one in reversed(leaf["frames"]))
        for key in ("total", "at_peak", "at_end"):
            for unit in ("bytes", "blocks"):
                sums = collections.Counter()
                for leaf in leaves:
                    sums[leaf["names"]] += leaf[key][unit]
                self.assertEqual({stack: one for stack, one in sums.items() if one},
                                 self.by_stack(lambda stack, k=key, u=unit: stack[k][u]))  # fmt: skip
        own = {leaf["names"][-1]: leaf["own_peak"] for leaf in leaves}
        self.assertEqual(own["churn"], {"bytes": 64, "blocks": 1})
        self.assertEqual(own["wave"], {"bytes": 819200, "blocks": 200})
        self.assertEqual(own["keep"], {"bytes": 100000, "blocks": 100})

    def test_dhat_times(self):
        data = json.loads(self.export("dhat").read_text())
        self.assertEqual((data["tu"], data["Mtu"]), ("us", "s"))
        self.assertTrue(0 <= data["tg"] <= data["te"])
        kept = next(one for one in data["pps"] if ": keep (" in data["ftbl"][one["fs"][0]])
        # All live from some moment to the end.
        self.assertEqual(kept["tl"] % 100, 0)
        self.assertLessEqual(kept["tl"], 100 * data["te"])
        self.assertEqual(data["pid"], self.found["processes"][0]["pid"])

    # ---- speedscope, Chrome: no reader to be had here; their required members and types

    def test_speedscope(self):
        data = json.loads(self.export("speedscope", "--at", "end").read_text())
        self.assertEqual(data["$schema"], "https://www.speedscope.app/file-format-schema.json")
        frames = data["shared"]["frames"]
        for frame in frames:
            self.assertIsInstance(frame["name"], str)
            self.assertLessEqual(set(frame), {"name", "file", "line", "col"})
            self.assertIsInstance(frame.get("line", 1), int)
        expected = (("live at the peak", "bytes", lambda one: one["at_peak"]["bytes"]),
                    ("never freed", "bytes", lambda one: one["at_end"]["bytes"]),
                    ("bytes allocated", "bytes", lambda one: one["total"]["bytes"]),
                    ("blocks allocated", "none", lambda one: one["total"]["blocks"]),
                    ("temporary blocks", "none", lambda one: one["temporary_blocks"]))  # fmt: skip
        self.assertEqual(data["activeProfileIndex"], 1)
        self.assertEqual(len(data["profiles"]), len(expected))
        for profile, (name, unit, value) in zip(data["profiles"], expected):
            self.assertEqual((profile["type"], profile["name"], profile["unit"]), ("sampled", name, unit))
            self.assertEqual(len(profile["samples"]), len(profile["weights"]))
            self.assertEqual(profile["endValue"] - profile["startValue"], sum(profile["weights"]))
            sums = collections.Counter()
            for stack, weight in zip(profile["samples"], profile["weights"]):
                sums[tuple(frames[at]["name"] for at in stack)] += weight
            self.assertEqual(dict(sums), self.by_stack(value))

    def test_chrome_trace(self):
        data = json.loads(self.export("chrome-trace").read_text())
        pid = self.found["processes"][0]["pid"]
        live, resident, spans = [], [], {}
        for event in data["traceEvents"]:
            self.assertEqual(event["pid"], pid)
            self.assertIn(event["ph"], "CXMi")
            if event["ph"] != "M":
                self.assertIsInstance(event["ts"], int)
            if event["ph"] == "C":
                self.assertEqual(len(event["args"]), 1)
                (live if event["name"] == "live bytes" else resident).append(
                    [event["ts"] // 1000, *event["args"].values()])
            elif event["ph"] == "X":
                spans.setdefault(event["name"], []).append((event["tid"], event["dur"], event["args"]))
            elif event["ph"] == "i":
                self.assertEqual(event["args"]["live"], self.found["summary"]["at_peak"]["bytes"])
        self.assertEqual(live, self.found["curve"]["live_bytes"])
        self.assertEqual(resident, self.found["curve"]["resident_bytes"])
        self.assertEqual(len(spans["program"]), 1)
        threads = {tid for tid, _, _ in spans["allocates"]}
        self.assertEqual(len(threads), 5)
        self.assertEqual(sum(args["events"] for _, _, args in spans["allocates"]), self.found["events"])

    def test_chrome_trace_of_all_processes(self):
        self.file = self.record("sh", "-c", "true; /bin/true; /bin/false; exit 0")
        found = self.report(self.file)
        data = json.loads(self.export("chrome-trace").read_text())
        named = [event["args"]["name"] for event in data["traceEvents"] if event["name"] == "process_name"]
        self.assertEqual(named, [one["executable"].rpartition("/")[2] for one in found["processes"]])

    # ---- all

    def test_several_at_once(self):
        done = self.strata("report", "--pprof", self.directory / "a", "--dhat", self.directory / "b", self.file)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn(b"inuse_space", gzip.decompress((self.directory / "a").read_bytes()))
        self.assertIn("pps", json.loads((self.directory / "b").read_text()))

    def test_refusals(self):
        for form in ("pprof", "dhat", "speedscope", "chrome-trace"):
            done = self.strata("report", f"--{form}", "/no/such/folder/file", self.file)
            self.assert_one_line(done, 2, "cannot write /no/such/folder/file")
        done = self.strata("report", "--pprof", self.directory / "a", "--at", "temporary", self.file)
        self.assert_one_line(done, 2, "--pprof: ", "temporary")
        self.assertFalse((self.directory / "a").exists())
        done = self.strata("report", "--pprof", self.directory / "a", "--json", self.file)
        self.assert_one_line(done, 2, "excludes")


if __name__ == "__main__":
    main()
