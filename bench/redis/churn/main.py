"""What bench/redis/run does, from the command line to the exit status."""
import pathlib
import sys
import tempfile

from harness.options import make_folder
from harness.rounds import in_rounds
from harness.workspace import Workspace

from churn import options, report, servers, table
from churn.day import Day, Figures


def lived(day: Day, server: servers.Server) -> Figures:
    print(f"a day under {server.name}", file=sys.stderr, flush=True)
    figures = day.run(server)
    if figures.failure:
        print(f"failed: {server.name}: {figures.failure}")
    return figures


def main(arguments: list) -> int:
    chosen = options.parse(arguments)
    found = servers.choose(chosen.build, chosen.more, chosen.servers, chosen.contenders)
    if chosen.list:
        for one in found:
            print(f"{one.name:<15} {' '.join(one.command)} {one.library and 'with ' + one.library}")
        return 0
    make_folder(chosen.out)
    with tempfile.TemporaryDirectory(prefix="strata-bench-") as folder:
        workspace = Workspace(chosen.build, pathlib.Path(folder), chosen.small, chosen.limit)
        day = Day(chosen, workspace)
        results = in_rounds(found, chosen.runs, lambda server: lived(day, server))
    report.write(chosen, found, results)
    report.draw(chosen.out, results)
    print(table.text(results))
    parts = table.parts_text(results)
    if parts:
        print(f"\n{parts}")
    print(f"\nfigures and pictures: {chosen.out}")
    return 1 if any(one.failure for runs in results.values() for one in runs) else 0
