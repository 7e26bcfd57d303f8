"""What bench/gc/run does, from the command line to the exit status."""
import argparse
import dataclasses
import pathlib
import re
import sys
import tempfile

from harness.contenders import Contender, reject
from harness.launched import Launched
from harness.options import Parser, make_folder
from harness.rounds import in_rounds
from harness.workspace import Workspace

from collecting import collectors, report, table
from collecting.measured import Measured, measured_of
from collecting.results import Results
from collecting.workloads import WORKLOADS, Workload

# What is alive in the small size is taken for so much at least: some contenders need heaps to begin.
LEAST_SMALL_BYTES = 10 << 20


def limits(text: str) -> list:
    if not re.fullmatch(r"\d+(\.\d+)?(,\d+(\.\d+)?)*", text):
        raise argparse.ArgumentTypeError(f"not a list of numbers: {text}")
    factors = sorted({float(word) for word in text.split(",")})
    if factors[0] < 1:
        raise argparse.ArgumentTypeError(f"less than what is alive: {text}")
    return factors


def parse(arguments: list) -> argparse.Namespace:
    parser = Parser("Runs workloads for collectors under Strata and its peers, in turns, at equal "
                    "heap limits.", bench="gc", runs=3, limit=120)
    parser.add_only("workloads")
    parser.add_argument("--limits", type=limits, default=[1.5, 2, 3, 6], metavar="FACTOR,...",
                        help="heap limits, as multiples of what is alive (default: 1.5,2,3,6)")
    parser.add_argument("--contenders", default="", metavar="NAME,...",
                        help="only these of the contenders found")
    parser.add_argument("--list", action="store_true", help="list workloads and contenders")
    return parser.take(arguments)


@dataclasses.dataclass
class Turn(Contender):
    """A collector at a heap limit: what takes its turn in a round."""

    collector: collectors.Collector
    factor: float | None  # None by hand
    limit_bytes: int


class Bench:
    def __init__(self, chosen, workspace: Workspace):
        self.chosen = chosen
        self.workspace = workspace
        self.found = collectors.choose(chosen.build, chosen.contenders)
        self.workloads = [one for one in WORKLOADS
                          if not chosen.only or chosen.only.search(one.name)]
        if not self.workloads:
            reject(f"--only: no workload of that name: {chosen.only.pattern}")
        self.failed = False

    def show_list(self):
        for one in self.workloads:
            print(f"{one.name:<32} {' '.join(one.words(self.chosen.small))}")
        for one in self.found:
            print(f"{one.name:<32} {' '.join([*one.program, *one.more])}")

    def run(self, words: list, collector: collectors.Collector, limit_bytes: int) -> Measured:
        log = self.workspace.folder / "pauses"
        figures = Launched(self.workspace, collector, collector.command(words, limit_bytes, log),
                           collector.environment(limit_bytes), self.workspace.folder).end()
        return measured_of(figures, log)

    def counted(self, words: list) -> Measured:
        program = str(self.chosen.build / "bench" / "gc" / "counted")
        told = self.run(words, collectors.Collector("counted", "", "malloc", [program]), 0)
        if told.failure:
            sys.exit(f"run: counted {' '.join(words)}: {told.failure}")
        return told

    def expected(self, workload: Workload) -> Measured:
        """What is alive at most, and the right result. Threads might not be at their most at once."""
        told = self.counted(workload.words(self.chosen.small))
        if workload.threads > 1:
            alone = self.counted(workload.words_of_a_thread(self.chosen.small))
            told.live_bytes = workload.threads * alone.live_bytes
        return told

    def turns(self, live_bytes: int) -> list:
        if self.chosen.small:
            live_bytes = max(live_bytes, LEAST_SMALL_BYTES)
        every = []
        for one in self.found:
            if one.by_hand:
                every.append(Turn(one.name, one.library, one, None, 0))
                continue
            for factor in self.chosen.limits:
                every.append(Turn(f"{one.name} at {factor:g}", "", one, factor,
                                  int(live_bytes * factor)))
        return every

    def measure(self, workload: Workload) -> Results:
        words = workload.words(self.chosen.small)
        expected = self.expected(workload)
        turns = self.turns(expected.live_bytes)

        def once(turn: Turn) -> Measured:
            told = self.run(words, turn.collector, turn.limit_bytes)
            if not told.failure and told.checksum != expected.checksum:
                told = Measured(failure=f"wrong result: {told.checksum}")
            return told

        runs = in_rounds(turns, self.chosen.runs, once)
        results = Results(workload, expected, self.chosen.limits, self.found)
        for turn in turns:
            results.put(turn.collector, turn.factor, turn.limit_bytes, runs[turn.name])
        self.note_failures(results)
        return results

    def note_failures(self, results: Results):
        """A heap may be too small. A peer may fail otherwise, but nobody may be wrong."""
        for collector, _, failure in results.failures():
            small = failure in ("out of memory", "took too long")
            if not small and (collector.ours or failure.startswith("wrong result")):
                print(f"failed: {results.workload.name} under {collector.name}: {failure}")
                self.failed = True

    def compare(self):
        measured = []
        for number, workload in enumerate(self.workloads, 1):
            print(f"[{number}/{len(self.workloads)}] {workload.name}", file=sys.stderr, flush=True)
            measured.append(self.measure(workload))
            print(table.text(measured[-1]), end="\n\n", flush=True)
            report.write_json(self.chosen, self.found, measured)
            report.write_pictures(self.chosen, measured)
        print(table.standing(measured))


def main(arguments: list) -> int:
    chosen = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="strata-bench-") as folder:
        workspace = Workspace(chosen.build, pathlib.Path(folder), chosen.small, chosen.limit)
        bench = Bench(chosen, workspace)
        if chosen.list:
            bench.show_list()
            return 0
        make_folder(chosen.out)
        bench.compare()
        print(f"figures and pictures: {chosen.out}")
    return 1 if bench.failed else 0
