"""What bench/record/run does, from the command line to the exit status."""
import argparse
import dataclasses
import pathlib
import sys
import tempfile

from harness.contenders import check_preload, reject
from harness.launched import Figures, Launched
from harness.options import Parser, make_folder
from harness.report import write
from harness.rounds import in_rounds
from harness.workspace import Workspace

from recording import report
from recording.programs import PROGRAMS
from recording.recorders import recorders


@dataclasses.dataclass
class Recorded(Figures):
    """What a run took, and how large the recording is; None where nothing is recorded."""

    file_bytes: int | None = None


def parse(arguments: list) -> argparse.Namespace:
    parser = Parser("What does it cost to record a program? Strata's recorder and heaptrack, in turns.",
                    bench="record", runs=5, limit=300)
    parser.add_only("programs")
    parser.add_argument("--sample", default="512K", metavar="BYTES",
                        help="mean distance of Strata's samples (default: 512K)")
    parser.add_argument("--contenders", default="", metavar="NAME,...",
                        help="of those found, only these; a recorder needs its base")
    parser.add_argument("--list", action="store_true", help="list programs and contenders")
    return parser.take(arguments)


class Bench:
    def __init__(self, chosen, workspace: Workspace):
        self.chosen = chosen
        self.workspace = workspace
        self.recorders = self._chosen_recorders()
        self.jobs = self._chosen_jobs()
        self.failed = False

    def _chosen_recorders(self) -> list:
        found = recorders(self.chosen.build, self.chosen.sample)
        if self.chosen.contenders:
            names = self.chosen.contenders.split(",")
            for name in names:
                if name not in [one.name for one in found]:
                    reject(f"--contenders: not found: {name}")
            found = [one for one in found if one.name in names]
        for one in found:
            check_preload(one)
        return found

    def _chosen_jobs(self) -> list:
        jobs = [job for job in PROGRAMS
                if self.chosen.only is None or self.chosen.only.search(job.name)]
        if not jobs:
            reject(f"--only: no program of that name: {self.chosen.only.pattern}")
        there = []
        for job in jobs:
            if missing := job.missing(self.workspace):
                print(f"left out: {job.name}: not installed: {missing}")
            else:
                there.append(job)
        return there

    def show_list(self):
        for job in self.jobs:
            print(f"{job.name:<15} {job.about}")
        for one in self.recorders:
            print(f"{one.name:<15} {' '.join(one.before) or one.library or 'the C library'}")

    def run(self, job, recorder) -> Recorded:
        with tempfile.TemporaryDirectory(dir=self.workspace.folder) as folder:
            file = pathlib.Path(folder) / "recording"
            done = Launched(self.workspace, recorder,
                            recorder.command(file, job.command(self.workspace)), job.environment,
                            self.workspace.folder_of(job.name)).end()
            made = Recorded(**vars(done))
            if recorder.base and not made.failure:
                made.file_bytes = recorder.written(file)
                if made.file_bytes is None:
                    made.failure = "nothing was written"
            return made

    def compare(self):
        content = report.head(self.chosen)
        for number, job in enumerate(self.jobs, 1):
            print(f"[{number}/{len(self.jobs)}] {job.name}", file=sys.stderr, flush=True)
            results = in_rounds(self.recorders, self.chosen.runs,
                                lambda recorder, job=job: self.run(job, recorder))
            for name, runs in results.items():
                for one in runs:
                    if one.failure:
                        print(f"failed: {job.name} under {name}: {one.failure}")
                        self.failed = True
            print(report.text(job.name, self.recorders, results), end="\n\n", flush=True)
            content["programs"].append(report.program_json(
                job, job.command(self.workspace), self.recorders, results))
            write(self.chosen.out, content)


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
        print(f"figures: {chosen.out}")
    return 1 if bench.failed else 0
