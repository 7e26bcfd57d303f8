"""The tables and results.json."""
import statistics

from harness import figures, report, table

SCHEMA = "strata-bench-record-1"
KIB = 1 << 10
MIB = 1 << 20

# Key in the JSON: the column's head, and how a figure is written.
COLUMNS = {
    "wall_seconds": ("wall s", "{:.3f}".format),
    "cpu_seconds": ("processor s", "{:.3f}".format),
    "peak_bytes": ("resident MiB", lambda value: f"{value / MIB:.1f}"),
    "file_bytes": ("file KiB", lambda value: f"{value / KIB:.0f}"),
}


def pairs(runs: list, base: list, measure: str) -> list:
    """Of each round, how much longer it took with the recorder than without: in parts of the base.

    What slows the machine down for a while slows down both."""
    return [getattr(one, measure) / getattr(other, measure) - 1 for one, other in zip(runs, base)]


def slowdown(results: dict, recorder, measure: str) -> tuple | None:
    """Least, middle and greatest, of all rounds."""
    runs, base = results[recorder.name], results.get(recorder.base, [])
    if not recorder.base or not base or any(one.failure for one in runs + base):
        return None
    values = pairs(runs, base, measure)
    return min(values), statistics.median(values), max(values)


def spread_text(measured, write) -> str:
    if measured is None:
        return "-"
    least, middle, most = measured
    return f"{write(middle)} [{write(least)}, {write(most)}]"


def spread_of(runs: list, key: str):
    if key == "file_bytes" and any(one.file_bytes is None for one in runs):
        return None
    return figures.spread(runs, key)


def lines_of(program: str, recorders: list, results: dict) -> list:
    lines = [[program, *(head for head, _ in COLUMNS.values()), "wall +%", "processor +%", ""]]
    for one in recorders:
        runs = results[one.name]
        if any(run.failure for run in runs):
            lines.append([one.name, *("fail" for _ in COLUMNS), "-", "-", ""])
            continue
        cells = [spread_text(spread_of(runs, key), write) for key, (_, write) in COLUMNS.items()]
        more = [spread_text(slowdown(results, one, key), lambda value: f"{100 * value:.1f}")
                for key in ("wall_seconds", "cpu_seconds")]
        lines.append([one.name, *cells, *more, f"over {one.base}" if one.base else ""])
    return lines


def text(program: str, recorders: list, results: dict) -> str:
    return table.aligned(lines_of(program, recorders, results))


def program_json(job, command: list, recorders: list, results: dict) -> dict:
    return {
        "name": job.name,
        "about": job.about,
        "command": command,
        "recorders": {one.name: {
            "base": one.base or None,
            "slowdown": {key: figures.spread_json(slowdown(results, one, key))
                         for key in ("wall_seconds", "cpu_seconds")},
            "measures": {key: figures.spread_json(spread_of(results[one.name], key))
                         for key in COLUMNS},
            "runs": [{"failure": run.failure} if run.failure else
                     {key: getattr(run, key) for key in COLUMNS} for run in results[one.name]],
        } for one in recorders},
    }


def head(chosen) -> dict:
    return {"schema": SCHEMA, "machine": report.machine(), "runs": chosen.runs,
            "small": chosen.small, "sample": chosen.sample, "programs": []}
