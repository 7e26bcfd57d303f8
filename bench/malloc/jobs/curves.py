"""Resident memory over time beside live bytes: samples of a load that publishes what is live."""
import mmap
import os
import struct
import time

from harness.contenders import Contender
from harness.launched import Launched
from harness.workspace import Workspace

from jobs.job import Load

SAMPLE_SECONDS = 0.005
MOST_SAMPLES = 300
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(statm) -> int:
    """From an open /proc/PID/statm; 0 when the process has gone or not yet begun to run."""
    try:
        statm.seek(0)
        return int(statm.read().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0


def thinned(samples: list) -> list:
    """At most so many samples: of each stretch the one with the most resident memory."""
    stride = -(-len(samples) // MOST_SAMPLES)
    return [max(samples[i:i + stride], key=lambda sample: sample[2])
            for i in range(0, len(samples), stride or 1)]


def follow(pid: int, live, running) -> list:
    """(seconds, live bytes, resident bytes), until the process ends."""
    samples = []
    begin = time.monotonic()
    with open(f"/proc/{pid}/statm") as statm:
        while running():
            resident = resident_bytes(statm)
            if resident:
                samples.append((round(time.monotonic() - begin, 4),
                                struct.unpack_from("=q", live)[0], resident))
            time.sleep(SAMPLE_SECONDS)
    return thinned(samples)


def sample(workspace: Workspace, load: Load, contender: Contender) -> tuple:
    """One run of the load: (samples, "") or ([], what went wrong)."""
    path = workspace.folder / "live"
    path.write_bytes(bytes(mmap.PAGESIZE))
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), mmap.PAGESIZE) as live:
        run = Launched(workspace, contender, load.command(workspace),
                       {"LOAD_LIVE_FILE": str(path)})
        samples = follow(run.pid, live, run.running)
        failure = run.end(silent=True).failure
    return ([], failure) if failure else (samples, "")
