"""results.json and the pictures."""
import dataclasses

from harness import pictures, report
from harness.figures import Row, spread_json

from collecting import drawn, table
from collecting.results import Results

SCHEMA = "strata-bench-gc-1"
MEASURES = ["wall_seconds", "cpu_seconds", "peak_bytes", "moved_bytes", "process_wall_seconds",
            "process_cpu_seconds"] + [f"{what}_{key}" for what in ("operation", "pause")
                                      for key in ("count", "total_ns", *table.LATENCIES)]
BARS = {"wall_seconds": ("wall-time.svg", "Wall time"),
        "cpu_seconds": ("processor-time.svg", "Processor time"),
        "peak_bytes": ("memory.svg", "Peak resident memory")}


def cell_json(factor: float | None, cell) -> dict:
    return {"factor": factor, "limit_bytes": cell.limit_bytes or None,
            "failure": cell.failure or None,
            "measures": {key: spread_json(cell.spread(key)) for key in MEASURES},
            "runs": [dataclasses.asdict(one) for one in cell.runs]}


def workload_json(results: Results, small: bool) -> dict:
    workload = results.workload
    return {"name": workload.name, "words": workload.words(small),
            "operation": workload.operation, "live_bytes": results.live_bytes,
            "checksum": results.checksum,
            "contenders": {one.name: [cell_json(factor, cell)
                                      for factor, cell in results.cells(one).items()]
                           for one in results.found}}


def write_json(chosen, found: list, measured: list):
    report.write(chosen.out, {
        "schema": SCHEMA,
        "machine": report.machine(),
        "runs": chosen.runs,
        "small": chosen.small,
        "limits": chosen.limits,
        "contenders": [{"name": one.name, "group": one.group, "ours": one.ours,
                        "command": [*one.program, *one.more]} for one in found],
        "workloads": [workload_json(results, chosen.small) for results in measured],
    })


def row_of(results: Results, factor: float, measure: str) -> Row:
    """A peer that fails there is drawn as such."""
    values = {one.name: results.cell(one, factor).spread(measure) for one in results.found}
    known = [one.name for one in results.found if not one.ours and values[one.name]]
    best = min(known, key=lambda name: values[name][1], default=None)
    return Row(results.workload.name, values, best)


def write_pictures(chosen, measured: list):
    factor = table.middle(chosen.limits)
    names = [one.name for one in measured[0].found]
    for measure, (file, title) in BARS.items():
        rows = [row_of(results, factor, measure) for results in measured]
        (chosen.out / file).write_text(
            pictures.bars(rows, names, f"{title} at {factor:g} x what is alive"))
    for what in ("operation", "pause"):
        (chosen.out / f"{what}s.svg").write_text(drawn.latencies(measured, factor, what))
    for results in measured:
        (chosen.out / f"limits-{results.workload.name}.svg").write_text(drawn.by_limit(results))
