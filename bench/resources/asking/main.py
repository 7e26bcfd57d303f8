"""What bench/resources/run does, from the command line to the exit status."""
import argparse
import dataclasses
import pathlib
import subprocess
import sys
import tempfile

from harness import figures, pictures, report, table
from harness.contenders import Contender, reject
from harness.launched import Launched
from harness.options import Parser, make_folder
from harness.rounds import in_rounds
from harness.workspace import Workspace

SCHEMA = "strata-bench-resources-1"


@dataclasses.dataclass
class Load:
    """A load of a question, and who takes part in it."""

    program: pathlib.Path
    name: str
    contenders: list
    kind = "load"
    about = ""

    @property
    def title(self) -> str:
        return f"{self.program.name}/{self.name}"

    def command(self, contender: str, small: bool) -> list:
        return [str(self.program), self.name, contender, *(["1"] if small else [])]


def loads_of(program: pathlib.Path) -> list:
    said = subprocess.run([str(program), "--list"], capture_output=True, text=True, check=True)
    names: dict = {}
    for line in said.stdout.splitlines():
        load, contender = line.split()
        names.setdefault(load, []).append(Contender(contender, ""))
    return [Load(program, name, found) for name, found in names.items()]


def parse(arguments: list) -> argparse.Namespace:
    parser = Parser("Asks which resource does a work best: Strata's and its peers, in turns.",
                    bench="resources", runs=5, limit=300)
    parser.add_only("loads (question/load)")
    parser.add_argument("--list", action="store_true", help="list loads and contenders")
    return parser.take(arguments)


class Bench:
    def __init__(self, chosen, workspace: Workspace):
        self.chosen = chosen
        self.workspace = workspace
        programs = sorted(path for path in (chosen.build / "bench" / "resources").iterdir()
                          if path.is_file() and path.stat().st_mode & 0o100)
        loads = [load for program in programs for load in loads_of(program)]
        self.loads = [one for one in loads if not chosen.only or chosen.only.search(one.title)]
        if not self.loads:
            reject(f"--only: no load of that name: {chosen.only.pattern}")
        self.failed = False

    def measure(self, load: Load) -> dict:
        results = in_rounds(load.contenders, self.chosen.runs, lambda contender: Launched(
            self.workspace, contender, load.command(contender.name, self.chosen.small), {},
            self.workspace.folder).end(silent=True))
        for name, runs in results.items():
            for one in runs:
                if one.failure:
                    print(f"failed: {load.title} under {name}: {one.failure}")
                    self.failed = True
        return results

    def ask(self):
        """A table and pictures for each question."""
        questions: dict = {}
        content = {"schema": SCHEMA, "runs": self.chosen.runs, "small": self.chosen.small,
                   "machine": report.machine(), "loads": []}
        for number, load in enumerate(self.loads, 1):
            print(f"[{number}/{len(self.loads)}] {load.title}", file=sys.stderr, flush=True)
            names = [one.name for one in load.contenders]
            peers = [one.name for one in load.contenders if not one.ours]
            results = self.measure(load)
            rows = {key: figures.row_of(load.title, results, key, peers)
                    for key in figures.MEASURES}
            questions.setdefault(load.program.name, []).append(rows)
            content["loads"].append(report.job_json(
                load, load.command(names[0], self.chosen.small), rows, results))
            report.write(self.chosen.out, content)
        for question, answers in questions.items():
            self.show(question, answers)

    def show(self, question: str, answers: list):
        names = list(dict.fromkeys(name for one in answers for name in one["cpu_seconds"].values))
        peers = [name for name in names if not Contender(name, "").ours]
        for key, measure in figures.MEASURES.items():
            rows = [one[key] for one in answers]
            print(table.text(rows, key, names, peers), end="\n\n")
            if key != "wall_seconds":
                file = self.chosen.out / f"{question}-{measure.replace(' ', '-')}.svg"
                file.write_text(pictures.bars(rows, names, measure.capitalize()))


def main(arguments: list) -> int:
    chosen = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="strata-bench-") as folder:
        workspace = Workspace(chosen.build, pathlib.Path(folder), chosen.small, chosen.limit)
        bench = Bench(chosen, workspace)
        if chosen.list:
            for load in bench.loads:
                print(f"{load.title:<24} {' '.join(one.name for one in load.contenders)}")
            return 0
        make_folder(chosen.out)
        bench.ask()
        print(f"figures and pictures: {chosen.out}")
    return 1 if bench.failed else 0
