"""What bench/stacks/run does, from the command line to the exit status."""
import argparse
import pathlib
import subprocess
import sys
import tempfile

from harness.contenders import Contender, reject
from harness.launched import Launched
from harness.options import Parser, make_folder, whole_number
from harness.rounds import in_rounds
from harness.workspace import Workspace

from crowd import report, room
from crowd.life import Life, life_of

# As the tables show them; ours first.
ORDER = ["strata", "strata-context", "strata-fiber", "strata-canary", "context-pooled",
         "context-protected", "fiber-pooled", "go"]
SMALL_THOUSANDS = 20


def parse(arguments: list) -> argparse.Namespace:
    parser = Parser("A million fibers alive at once, on Strata's stacks and on those of peers, in "
                    f"turns. --small: {SMALL_THOUSANDS} thousand.", bench="stacks", runs=3,
                    limit=300)
    parser.add_argument("--fibers", type=whole_number, default=1000, metavar="THOUSANDS",
                        help="how many (default: 1000)")
    parser.add_argument("--stack", type=whole_number, default=64, metavar="KIB",
                        help="addresses of each, but for Go's, which grow (default: 64)")
    parser.add_argument("--contenders", default="", metavar="NAME,...",
                        help="of those found, only these")
    parser.add_argument("--list", action="store_true", help="list the contenders")
    return parser.take(arguments)


def contenders_in(folder: pathlib.Path) -> dict:
    """Each contender's program."""
    found = {}
    for program in folder.iterdir():
        said = subprocess.run([str(program), "--list"], capture_output=True, text=True, check=True)
        found |= {name: program for name in said.stdout.split()}
    return {name: found[name] for name in sorted(found, key=ORDER.index)}


class Bench:
    def __init__(self, chosen, workspace: Workspace):
        self.chosen = chosen
        self.workspace = workspace
        self.folder = chosen.build / "bench" / "stacks"
        self.programs = contenders_in(self.folder / "fibers")
        self.names = list(self.programs)
        if chosen.contenders:
            self.names = chosen.contenders.split(",")
            for name in self.names:
                if name not in self.programs:
                    reject(f"--contenders: not found: {name}")
        self.fibers = (SMALL_THOUSANDS if chosen.small else chosen.fibers) * 1000
        self.sizes: list = []
        self.failed = False

    def launched(self, *command) -> Launched:
        return Launched(self.workspace, Contender("", ""), [*map(str, command)], {},
                        self.workspace.folder)

    def fit(self):
        """Fewer fibers where the machine has no room for as many."""
        fitting = room.fitting(self.fibers)
        if fitting < self.fibers:
            print(f"run: {room.available_bytes() / room.GIB:.1f} GiB of memory are available: "
                  f"{fitting} fibers instead of {self.fibers}", file=sys.stderr, flush=True)
            self.fibers = fitting
        self.sizes = [self.fibers, self.chosen.stack * 1024]

    def measure(self, contender: Contender) -> Life:
        print(contender.name, file=sys.stderr, flush=True)
        # Another program may have taken memory since the beginning.
        if room.fitting(self.fibers) < self.fibers:
            life = Life(failure="no memory is left for so many fibers")
        else:
            life = life_of(self.launched(self.programs[contender.name], contender.name,
                                         *self.sizes).end())
        if life.failure:
            print(f"failed: {contender.name}: {life.failure}")
            self.failed = True
        return life

    def overflow(self) -> str:
        """One of as many fibers comes to the end of its stack: what the program says of it."""
        done = self.launched(self.folder / "overflow", *self.sizes).end()
        if done.failure:
            print(f"failed: overflow: {done.failure}")
            self.failed = True
        return done.said


def main(arguments: list) -> int:
    chosen = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="strata-bench-") as folder:
        workspace = Workspace(chosen.build, pathlib.Path(folder), chosen.small, chosen.limit)
        bench = Bench(chosen, workspace)
        if chosen.list:
            print("\n".join(bench.names))
            return 0
        bench.fit()
        make_folder(chosen.out)
        room.touch(bench.fibers)
        results = in_rounds([Contender(name, "") for name in bench.names], chosen.runs,
                            bench.measure)
        overflow = bench.overflow()
    report.show(results)
    print(f"\n{overflow}")
    report.write(chosen, bench.fibers, results, overflow)
    print(f"figures and picture: {chosen.out}")
    return 1 if bench.failed else 0
