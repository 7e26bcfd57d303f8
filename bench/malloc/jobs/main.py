"""What bench/malloc/run does, from the command line to the exit status."""
import pathlib
import sys
import tempfile

from harness import contenders, figures, table
from harness.options import make_folder
from harness.report import job_json, means_json, write
from harness.rounds import in_rounds
from harness.workspace import Workspace

from jobs import callgrind, curves, options, report, scaling
from jobs.every import JOBS


class Bench:
    """The choices of one call, and the ways to measure."""

    def __init__(self, chosen, workspace: Workspace, found: list):
        self.chosen = chosen
        self.workspace = workspace
        self.found = found
        self.names = [one.name for one in found]
        self.peers = [one.name for one in found if not one.ours]
        self.jobs = self._chosen_jobs()
        self.failed = False

    def _chosen_jobs(self) -> list:
        wanted = self.chosen.only
        jobs = [job for job in JOBS if wanted is None or wanted.search(job.name)]
        if not jobs:
            contenders.reject(f"--only: no job of that name: {wanted.pattern}")
        there = []
        for job in jobs:
            missing = job.missing(self.workspace)
            if missing:
                print(f"left out: {job.name}: not installed: {missing}")
            else:
                there.append(job)
        return there

    def progress(self, jobs: list):
        for number, job in enumerate(jobs, 1):
            print(f"[{number}/{len(jobs)}] {job.name}", file=sys.stderr, flush=True)
            yield job

    def show_list(self):
        for job in self.jobs:
            print(f"{job.name:<15} {job.kind:<8} {job.about}")
        for one in self.found:
            print(f"{one.name:<15} {'allocator':<8} {one.library or 'the C library'}")

    def note_failure(self, what: str, name: str, failure: str):
        """A peer may fail; glibc or we may not."""
        print(f"failed: {what} under {name}: {failure}")
        self.failed |= name == "glibc" or name not in self.peers

    def note_failures(self, what: str, results: dict):
        for name, runs in results.items():
            for one in runs:
                if one.failure:
                    self.note_failure(what, name, one.failure)

    def compare(self):
        """The tables. What is known is written after each job, should the run be cut short."""
        content = report.head(self.found, self.chosen) | {"jobs": []}
        rows: dict = {key: [] for key in figures.MEASURES}
        for job in self.progress(self.jobs):
            results = in_rounds(self.found, self.chosen.runs,
                                lambda contender, job=job: job.run(self.workspace, contender))
            self.note_failures(job.name, results)
            new = {key: figures.row_of(job.name, results, key, self.peers) for key in rows}
            for key, row in new.items():
                rows[key].append(row)
            content["jobs"].append(
                job_json(job, job.command(self.workspace), new, results))
            content["geometric_means"] = means_json(rows, self.names)
            write(self.chosen.out, content)
        for key, of_key in rows.items():
            print(table.text(of_key, key, self.names, self.peers), end="\n\n")
        report.write_bars(self.chosen.out, rows, self.names)
        self.draw_curves()

    def draw_curves(self):
        for job in self.jobs:
            if getattr(job, "curve", False):
                samples = {one.name: self.curve(job, one) for one in self.found}
                report.write_curves(self.chosen.out, job, samples)

    def curve(self, job, contender) -> list:
        samples, failure = curves.sample(self.workspace, job, contender)
        if failure:
            self.note_failure(f"the curve of {job.name}", contender.name, failure)
        return samples

    def count(self):
        counts = callgrind.count_all(self, [job for job in self.jobs if job.kind == "load"])
        print(callgrind.text(counts, self.names, self.peers))
        write(self.chosen.out, report.head(self.found, self.chosen) | {"instructions": counts})

    def scale(self):
        results = scaling.measure(self.workspace, self.jobs, self.found, self.chosen.runs,
                                  self.progress)
        for load, by_threads in results.items():
            for threads, at in by_threads.items():
                self.note_failures(f"{load} with {threads} threads", at["runs"])
        print(scaling.text(results, self.names))
        write(self.chosen.out, report.head(self.found, self.chosen) |
              {"scaling": scaling.as_json(results, self.names)})


def main(arguments: list) -> int:
    chosen = options.parse(arguments)
    found = contenders.choose(chosen.build, chosen.more, chosen.contenders)
    with tempfile.TemporaryDirectory(prefix="strata-bench-") as folder:
        workspace = Workspace(chosen.build, pathlib.Path(folder), chosen.small, chosen.limit)
        bench = Bench(chosen, workspace, found)
        if chosen.list:
            bench.show_list()
            return 0
        make_folder(chosen.out)
        if chosen.callgrind:
            bench.count()
        elif chosen.scaling:
            bench.scale()
        else:
            bench.compare()
            print(f"figures and pictures: {chosen.out}")
    return 1 if bench.failed else 0
