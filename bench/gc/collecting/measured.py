"""What one run of a contender said: a figure a line, and what a JVM wrote about its pauses."""
import dataclasses
import pathlib
import re

from harness.launched import Figures

PAUSE = re.compile(r'^\[(\d+)ns\] Safepoint ".*Total: +(\d+) ns', re.MULTILINE)
SHARES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


@dataclasses.dataclass
class Measured:
    """Of the second pass; the peak and process_... are the whole process's. Who cannot say how long it
    stopped its threads or what it moved has no such figures."""

    failure: str = ""
    checksum: str = ""
    live_bytes: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    operation_count: int = 0
    operation_total_ns: int = 0
    operation_p50_ns: int = 0
    operation_p99_ns: int = 0
    operation_p999_ns: int = 0
    operation_max_ns: int = 0
    moved_bytes: int | None = None
    pause_count: int | None = None
    pause_total_ns: int | None = None
    pause_p50_ns: int | None = None
    pause_p99_ns: int | None = None
    pause_p999_ns: int | None = None
    pause_max_ns: int | None = None
    process_wall_seconds: float = 0.0
    process_cpu_seconds: float = 0.0


FIELDS = {field.name for field in dataclasses.fields(Measured)}
NEEDED = {"checksum", "wall_ns", "cpu_ns", "operation_count", "operation_max_ns"}


def pauses_in(log: pathlib.Path, begin_ns: int, end_ns: int) -> dict:
    """Of each stop of the JVM's threads, from the asking to the going on."""
    times = sorted(int(total) for at, total in PAUSE.findall(log.read_text())
                   if begin_ns <= int(at) <= end_ns)
    return {"pause_count": len(times), "pause_total_ns": sum(times),
            "pause_max_ns": times[-1] if times else 0} | {
        f"pause_{name}_ns": times[int(share * len(times))] if times else 0
        for name, share in SHARES.items()}


def reason_of(failure: str) -> str:
    """A failure in a few words."""
    if "out of memory" in failure.lower():
        return "out of memory"
    return failure


def measured_of(figures: Figures, log: pathlib.Path) -> Measured:
    if figures.failure:
        return Measured(failure=reason_of(figures.failure))
    said = dict(line.split(maxsplit=1) for line in figures.said.splitlines() if " " in line)
    missing = NEEDED - set(said)
    if missing:
        return Measured(failure=f"has not said {min(missing)}")
    if "begin_ns" in said:
        said |= pauses_in(log, int(said["begin_ns"]), int(said["end_ns"]))
    numbers = {name: int(value) for name, value in said.items()
               if name in FIELDS and name != "checksum"}
    return Measured(**numbers, checksum=said["checksum"],
                    wall_seconds=int(said["wall_ns"]) / 1e9,
                    cpu_seconds=max(int(said["cpu_ns"]), 1) / 1e9,
                    peak_bytes=figures.peak_bytes, process_wall_seconds=figures.wall_seconds,
                    process_cpu_seconds=figures.cpu_seconds)
