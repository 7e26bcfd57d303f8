"""Who takes part: a program alone under an allocator, and under each recorder on top of it."""
import dataclasses
import pathlib
import shutil

from harness.contenders import Contender


@dataclasses.dataclass
class Recorder(Contender):
    """A way to run a program. One that records has a base: the same allocator without it."""

    base: str = ""
    before: tuple = ()  # the command up to the program; FILE stands for what it writes

    def command(self, file: pathlib.Path, program: list) -> list:
        return [str(file) if part == "FILE" else part for part in self.before] + program

    def written(self, file: pathlib.Path) -> int | None:
        """How large the recording is; heaptrack adds what it packs with to the name."""
        sizes = [path.stat().st_size for path in file.parent.glob(file.name + "*")]
        return sum(sizes) if sizes else None


def recorders(build: pathlib.Path, sample: str) -> list:
    strata = str(build / "bin" / "strata")
    record = (strata, "record", "--quiet", "-o", "FILE")
    found = [Recorder("glibc", ""),
             Recorder("strata", str((build / "lib" / "libstrata.so").resolve())),
             Recorder("strata-sample", "", "strata", (*record, "--sample", sample, "--")),
             Recorder("strata-every", "", "strata", (*record, "--every", "--"))]
    if heaptrack := shutil.which("heaptrack"):
        found.append(Recorder("heaptrack", "", "glibc", (heaptrack, "-o", "FILE")))
    return found
