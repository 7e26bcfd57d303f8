"""What Strata says of itself while it runs: the file of STRATA_STATS_DIR (docs/statistics.md)."""
import pathlib
import struct

VERSION = 1
FIRST_FIELD = 296  # behind version, process ids, times and the program's path
FIELDS = ["allocations", "frees", "failures", "live_blocks", "live_bytes", "peak_live_bytes",
          "rounding_bytes", "free_slot_bytes", "cached_bytes", "retained_bytes", "metadata_bytes",
          "large_blocks", "large_bytes", "returned_bytes", "returns", "resident_bytes"]
PARTS = ["live_bytes", "free_slot_bytes", "cached_bytes", "retained_bytes", "metadata_bytes"]


def environment(folder: pathlib.Path) -> dict:
    return {"STRATA_STATS_DIR": str(folder)}


def read(folder: pathlib.Path, pid: int) -> dict:
    """The figures by name; empty when the server is not under Strata."""
    path = folder / f"{pid}.stats"
    content = path.read_bytes() if path.exists() else b""
    if len(content) < FIRST_FIELD or struct.unpack_from("=I", content)[0] != VERSION:
        return {}
    return dict(zip(FIELDS, struct.unpack_from(f"={len(FIELDS)}Q", content, FIRST_FIELD)))
