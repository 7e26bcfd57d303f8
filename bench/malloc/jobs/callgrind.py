"""Instructions instead of time: the figure that hardly moves from run to run.

Each load runs once, in its small size, under valgrind's callgrind, which counts every instruction
of the process. Loads of one thread give the same count each time; with several, valgrind's order of
the threads moves it a little. An allocator that does not work under valgrind is shown as `fail`."""
import re
import shutil

from harness.contenders import Contender, reject
from harness.figures import geometric_mean
from harness.launched import Figures, Launched
from harness.table import aligned, cell
from harness.workspace import Workspace

from jobs.job import Load

# Under valgrind Strata would leave its fast path, unless it is told otherwise.
ENVIRONMENT = {"STRATA_GROUND": "contiguous"}
COMMAND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def instructions(workspace: Workspace, load: Load, contender: Contender) -> tuple:
    """(count, "") or (None, what went wrong)."""
    command = COMMAND + load.command_with(workspace, load.small)
    done: Figures = Launched(workspace, contender, command, ENVIRONMENT).end()
    if done.failure:
        return None, done.failure
    found = re.search(r"Collected : (\d+)", done.said)
    return (int(found[1]), "") if found else (None, "callgrind tells no count")


def count_all(bench, loads: list) -> dict:
    """Of each load, the count under each contender."""
    if shutil.which("valgrind") is None:
        reject("--callgrind: valgrind is not installed")
    if not loads:
        reject("--callgrind: only for loads, not for programs and servers")
    counts: dict = {}
    for load in bench.progress(loads):
        counts[load.name] = {}
        for contender in bench.found:
            count, failure = instructions(bench.workspace, load, contender)
            counts[load.name][contender.name] = count
            if failure:
                bench.note_failure(load.name, contender.name, failure)
    return counts


def ratios_of(by_name: dict, peers: list) -> dict:
    alive = [by_name[name] for name in peers if by_name[name] is not None]
    best = min(alive, default=None)
    return {name: count / best if count is not None and best else None
            for name, count in by_name.items()}


def text(counts: dict, names: list, peers: list) -> str:
    """Relative to the fewest of the peers; the last column is that count, in millions."""
    ratios = {job: ratios_of(by_name, peers) for job, by_name in counts.items()}
    lines = [["instructions", *names, "best peer, millions"]]
    for job, by_name in counts.items():
        alive = [(by_name[name], name) for name in peers if by_name[name] is not None]
        best = f"{min(alive)[1]} {min(alive)[0] / 1e6:.1f}" if alive else "-"
        cells = ["fail" if by_name[name] is None else cell(ratios[job][name]) for name in names]
        lines.append([job, *cells, best])
    lines.append(["geometric mean",
                  *(cell(geometric_mean([ratios[job][name] for job in ratios])) for name in names),
                  ""])
    return aligned(lines)
