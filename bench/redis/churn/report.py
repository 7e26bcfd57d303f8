"""results.json and the pictures: what the table says, and every single day."""
import dataclasses
import pathlib

from harness import report
from harness.figures import spread_json

from churn import curves
from churn.table import MEASURES, MIB, spread

SCHEMA = "strata-bench-redis-1"


def day_json(one) -> dict:
    if one.failure:
        return {"failure": one.failure}
    return one.measures() | {
        "latency_us": one.latency_us,
        "strata": one.parts or None,
        "samples": [dataclasses.astuple(sample) for sample in one.samples],
        "rest": [dataclasses.astuple(sample) for sample in one.rest],
    }


def write(chosen, found: list, results: dict):
    content = {
        "schema": SCHEMA,
        "machine": report.machine(),
        "runs": chosen.runs,
        "operations": chosen.operations * 1000,
        "live_bytes": chosen.live * MIB,
        "small": chosen.small,
        "contenders": [{"name": one.name, "library": one.library or None, "command": one.command}
                       for one in found],
        "sample_fields": ["hour", "seconds", "used_bytes", "resident_bytes"],
        "measures": {key: {name: spread_json(spread(runs, key)) for name, runs in results.items()}
                     for key in MEASURES},
        "days": {name: [day_json(one) for one in runs] for name, runs in results.items()},
    }
    report.write(chosen.out, content)


def middle_day(runs: list):
    """The one whose fragmentation is the middle one."""
    ranked = sorted(runs, key=lambda one: one.measures()["ratio_median"])
    return ranked[(len(ranked) - 1) // 2]


def draw(folder: pathlib.Path, results: dict):
    days = {name: middle_day(runs) for name, runs in results.items()
            if runs and not any(one.failure for one in runs)}
    if not days:
        return
    ratios = {name: [(one.hour, one.ratio) for one in day.samples] for name, day in days.items()}
    residents = {name: [(one.hour, one.resident_bytes / MIB) for one in day.samples]
                 for name, day in days.items()}
    used = [(one.hour, one.used_bytes / MIB) for one in next(iter(days.values())).samples]
    (folder / "fragmentation.svg").write_text(curves.curves(
        "Fragmentation over a day", "resident / used memory, by the hour", 1.0, ratios))
    (folder / "resident.svg").write_text(curves.curves(
        "Resident memory over a day", "MiB, by the hour; dashed: used memory, under "
        f"{next(iter(days))}", 0.0, residents, used))
