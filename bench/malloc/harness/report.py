"""results.json and the pictures: what the tables say, and every single run."""
import json
import os
import pathlib
import platform

from harness import pictures
from harness.figures import MEASURES, geometric_mean, spread_json

SCHEMA = "strata-bench-malloc-1"


def processor_name() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
                platform.machine())


def head(found: list, chosen) -> dict:
    """Where and of what the figures are."""
    return {
        "schema": SCHEMA,
        "machine": {"processors": os.cpu_count(), "processor": processor_name(),
                    "kernel": platform.release(), "libc": " ".join(platform.libc_ver())},
        "runs": chosen.runs,
        "small": chosen.small,
        "contenders": [{"name": one.name, "library": one.library or None, "ours": one.ours}
                       for one in found],
    }


def job_json(job, command: list, rows: dict, results: dict) -> dict:
    return {
        "name": job.name,
        "kind": job.kind,
        "about": job.about,
        "command": command,
        "measures": {key: {"best_peer": row.best_peer, "contenders": {
            name: {"ratio": row.ratio(name)} | (spread_json(values) or {})
            for name, values in row.values.items()}} for key, row in rows.items()},
        "runs": {name: [{"failure": one.failure} if one.failure else
                        {key: getattr(one, key) for key in MEASURES} for one in runs]
                 for name, runs in results.items()},
    }


def means_json(rows: dict, names: list) -> dict:
    return {key: {name: geometric_mean([row.ratio(name) for row in of_key]) for name in names}
            for key, of_key in rows.items()}


def write(folder: pathlib.Path, content: dict):
    (folder / "results.json").write_text(json.dumps(content, indent=1) + "\n")


def write_bars(folder: pathlib.Path, rows: dict, names: list):
    files = {"cpu_seconds": "processor-time.svg", "wall_seconds": "wall-time.svg",
             "peak_bytes": "memory.svg"}
    for key, name in files.items():
        (folder / name).write_text(pictures.bars(rows[key], names, MEASURES[key].capitalize()))


def write_curves(folder: pathlib.Path, job, samples: dict):
    alive = {name: run for name, run in samples.items() if run}
    if alive:
        (folder / f"curve-{job.name}.svg").write_text(pictures.curves(job.name, job.about, alive))
