"""results.json and the pictures of bench/malloc."""
import pathlib

from harness import pictures
from harness.figures import MEASURES
from harness.report import machine

SCHEMA = "strata-bench-malloc-1"


def head(found: list, chosen) -> dict:
    """Where and of what the figures are."""
    return {
        "schema": SCHEMA,
        "machine": machine(),
        "runs": chosen.runs,
        "small": chosen.small,
        "contenders": [{"name": one.name, "library": one.library or None, "ours": one.ours}
                       for one in found],
    }


def write_bars(folder: pathlib.Path, rows: dict, names: list):
    files = {"cpu_seconds": "processor-time.svg", "wall_seconds": "wall-time.svg",
             "peak_bytes": "memory.svg"}
    for key, name in files.items():
        (folder / name).write_text(pictures.bars(rows[key], names, MEASURES[key].capitalize()))


def write_curves(folder: pathlib.Path, job, samples: dict):
    alive = {name: run for name, run in samples.items() if run}
    if alive:
        (folder / f"curve-{job.name}.svg").write_text(pictures.curves(job.name, job.about, alive))
