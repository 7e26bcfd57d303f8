"""What bench/resources/run does, from the command line to the exit status."""
import argparse
import dataclasses
import pathlib
import subprocess
import sys
import tempfile

from harness import figures, pictures, report, table
from harness.contenders import Contender, reject
from harness.job import Workspace
from harness.launched import Launched
from harness.options import ROOT, Parser, folder_to_build, make_folder, pattern, whole_number
from harness.rounds import in_rounds

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
    parser = Parser(prog="run", allow_abbrev=False, description="Asks which resource does a work "
                    "best: Strata's and its peers, in turns.")
    parser.add_argument("--only", type=pattern, metavar="REGEX",
                        help="only loads whose names (question/load) match")
    parser.add_argument("--runs", type=whole_number, default=5, metavar="N",
                        help="runs of each load under each contender (default: 5)")
    parser.add_argument("--small", action="store_true",
                        help="one round of each load: to see that it works, not to compare")
    parser.add_argument("--limit", type=whole_number, default=300, metavar="SECONDS",
                        help="stop a run that takes longer (default: 300)")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "bench-resources",
                        metavar="DIR", help="for results.json and pictures "
                        "(default: build/bench-resources)")
    parser.add_argument("--build", type=folder_to_build, default=None, metavar="DIR",
                        help="where the questions were built (default: build/release)")
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
        """A table and pictures for each group of loads that the same contenders take part in."""
        groups: dict = {}
        content = {"schema": SCHEMA, "runs": self.chosen.runs, "small": self.chosen.small,
                   "processor": report.processor_name(), "loads": []}
        for number, load in enumerate(self.loads, 1):
            print(f"[{number}/{len(self.loads)}] {load.title}", file=sys.stderr, flush=True)
            names = [one.name for one in load.contenders]
            peers = [one.name for one in load.contenders if not one.ours]
            results = self.measure(load)
            rows = {key: figures.row_of(load.title, results, key, peers)
                    for key in figures.MEASURES}
            group = groups.setdefault((load.program.name, tuple(names)), [])
            group.append(rows)
            content["loads"].append(report.job_json(
                load, load.command(names[0], self.chosen.small), rows, results))
            report.write(self.chosen.out, content)
        for number, ((question, names), group) in enumerate(groups.items()):
            self.show(f"{question}-{number}", list(names), group)

    def show(self, title: str, names: list, group: list):
        peers = [name for name in names if not Contender(name, "").ours]
        for key, measure in figures.MEASURES.items():
            rows = [one[key] for one in group]
            print(table.text(rows, key, names, peers), end="\n\n")
            if key != "wall_seconds":
                file = self.chosen.out / f"{title}-{measure.replace(' ', '-')}.svg"
                file.write_text(pictures.bars(rows, names, measure.capitalize()))


def main(arguments: list) -> int:
    chosen = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="strata-bench-") as folder:
        workspace = Workspace(chosen.build / "bench" / "malloc", pathlib.Path(folder), chosen.small,
                              chosen.limit)
        bench = Bench(chosen, workspace)
        if chosen.list:
            for load in bench.loads:
                print(f"{load.title:<24} {' '.join(one.name for one in load.contenders)}")
            return 0
        make_folder(chosen.out)
        bench.ask()
        print(f"figures and pictures: {chosen.out}")
    return 1 if bench.failed else 0
