"""results.json: what the tables say, every single run, and where it was measured."""
import json
import os
import pathlib
import platform

from harness.figures import MEASURES, geometric_mean, spread_json


def processor_name() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
                platform.machine())


def machine() -> dict:
    return {"processors": os.cpu_count(), "processor": processor_name(),
            "kernel": platform.release(), "libc": " ".join(platform.libc_ver())}


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
