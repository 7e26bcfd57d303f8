"""How the time of one operation changes with the number of threads.

The work as a whole stays about the same while the threads that share it become more. Processor time
per operation ought to stay the same; wall time ought to fall until each processor has a thread."""
import os

from harness.contenders import reject
from harness.figures import spread, spread_json
from harness.launched import Launched
from harness.rounds import in_rounds
from harness.table import aligned

THREADS = [1, 2, 4, 16, 64]
TOTAL = 12_000_000  # operations, about


def larson(threads: int, total: int) -> tuple:
    """(parameters, operations): an operation is one replacement."""
    generations, blocks = 4, 5000
    replacements_a_round = generations * blocks * threads
    round_count = max(1, total // replacements_a_round)
    return ({"threads": threads, "generations": generations, "rounds": round_count},
            replacements_a_round * round_count)


def mstress(threads: int, total: int) -> tuple:
    """An operation is one step of a thread: an allocation, and what it frees and exchanges."""
    generations = 10
    steps_a_scale = generations * sum(150 * (index % 8 + 1) for index in range(threads))
    scale = max(1, total // 4 // steps_a_scale)
    return ({"threads": threads, "generations": generations, "scale": scale}, steps_a_scale * scale)


def xmalloc(threads: int, total: int) -> tuple:
    """An operation is one block, allocated by a producer and freed by a consumer."""
    blocks_a_batch = 4096
    batches = max(1, total // threads // blocks_a_batch)
    return {"pairs": threads, "batches": batches}, threads * batches * blocks_a_batch


SCALED = {"larson": larson, "mstress": mstress, "xmalloc": xmalloc}


def measure(workspace, jobs: list, found: list, runs: int, progress) -> dict:
    """{load: {threads: {"operations": n, "runs": {contender: [Figures]}}}}"""
    loads = [job for job in jobs if job.name in SCALED]
    if not loads:
        reject(f"--scaling: only for {', '.join(SCALED)}")
    total = TOTAL // 50 if workspace.small else TOTAL
    results: dict = {}
    for load in progress(loads):
        results[load.name] = {}
        for threads in THREADS:
            parameters, operations = SCALED[load.name](threads, total)
            command = load.command_with(workspace, parameters)
            results[load.name][threads] = {
                "operations": operations,
                "runs": in_rounds(found, runs, lambda contender, command=command: Launched(
                    workspace, contender, command, {}).end(silent=True))}
    return results


def nanoseconds(at: dict, name: str, key: str) -> float | None:
    measured = spread(at["runs"][name], key)
    return None if measured is None else measured[1] * 1e9 / at["operations"]


def lines_of(by_threads: dict, load: str, names: list, key: str, what: str) -> list:
    lines = [[f"{load}: {what}, ns per operation", *names, ""]]
    for threads, at in by_threads.items():
        values = [nanoseconds(at, name, key) for name in names]
        lines.append([f"{threads} thread{'s' if threads > 1 else ''}",
                      *("fail" if value is None else f"{value:.1f}" for value in values), ""])
    return lines


def text(results: dict, names: list) -> str:
    parts = [f"{os.cpu_count()} processors"]
    for load, by_threads in results.items():
        for key, what in (("cpu_seconds", "processor time"), ("wall_seconds", "wall time")):
            parts.append(aligned(lines_of(by_threads, load, names, key, what)))
    return "\n\n".join(parts)


def as_json(results: dict, names: list) -> dict:
    def point(threads: int, at: dict) -> dict:
        return {"threads": threads, "operations": at["operations"]} | {
            key: {name: spread_json(spread(at["runs"][name], key)) for name in names}
            for key in ("cpu_seconds", "wall_seconds")}

    return {load: [point(threads, at) for threads, at in by_threads.items()]
            for load, by_threads in results.items()}

