"""Who takes part: programs in build/<preset>/bench/gc, and how each is told its heap limit."""
import dataclasses
import pathlib
import shutil
import subprocess

from harness.contenders import Contender, check_preload, reject

JAVA_COLLECTORS = {"java-serial": "Serial", "java-parallel": "Parallel", "java-g1": "G1",
                   "java-zgc": "Z", "java-shenandoah": "Shenandoah"}


@dataclasses.dataclass
class Collector(Contender):
    """`library` is preloaded. One by hand has no heap to limit."""

    group: str  # strata, malloc, boehm, java or go
    program: list
    more: list = dataclasses.field(default_factory=list)  # after the limit

    @property
    def by_hand(self) -> bool:
        return self.group == "malloc"

    def command(self, words: list, limit_bytes: int, log: pathlib.Path) -> list:
        """Of a workload's words; a JVM writes its pauses to the log."""
        if self.group == "java":
            heap = f"{limit_bytes // 1024}k"
            return [*self.program, f"-Xms{heap}", f"-Xmx{heap}", f"-Xlog:safepoint:file={log}:tn:"
                    "filecount=0", *self.more, "Run", *words]
        if self.group in ("malloc", "go"):
            return [*self.program, *words]
        return [*self.program, *words, str(limit_bytes), *self.more]

    def environment(self, limit_bytes: int) -> dict:
        """Go collects when the limit is near, and not before."""
        return {"GOGC": "off", "GOMEMLIMIT": str(limit_bytes)} if self.group == "go" else {}


def strata(folder: pathlib.Path, library: pathlib.Path) -> list:
    program = str(folder / "strata")
    plans = subprocess.run([program, "--plans"], capture_output=True, text=True,
                           check=True).stdout.split()
    return [Collector("strata-" + plan.replace("_", "-"), "", "strata", [program], [plan])
            for plan in plans] + boehm(folder, library.with_name("libstrata_boehm.so")) + [
        Collector("strata-malloc", str(library.resolve()), "malloc", [str(folder / "malloc")])]


def boehm(folder: pathlib.Path, library: pathlib.Path) -> list:
    """The program of Boehm's, with Strata's library before it."""
    if not (folder / "boehm").exists():
        return []
    return [Collector("strata-boehm", str(library.resolve()), "boehm", [str(folder / "boehm")],
                      ["once"])]


def peers(folder: pathlib.Path) -> list:
    found = [Collector("glibc", "", "malloc", [str(folder / "malloc")])]
    if (folder / "boehm").exists():
        found += [Collector("boehm", "", "boehm", [str(folder / "boehm")], ["once"]),
                  Collector("boehm-incremental", "", "boehm", [str(folder / "boehm")],
                            ["incremental"])]
    if (folder / "java").exists() and shutil.which("java"):
        found += [Collector(name, "", "java", ["java", "-XX:-UsePerfData", "-cp",
                                               str(folder / "java"), f"-XX:+Use{collector}GC"])
                  for name, collector in JAVA_COLLECTORS.items()]
    if (folder / "go").exists():
        found.append(Collector("go", "", "go", [str(folder / "go")]))
    return found


def choose(build: pathlib.Path, wanted: str) -> list:
    """All, or those that the list `wanted` names; ours come first."""
    folder = build / "bench" / "gc"
    found = strata(folder, build / "lib" / "libstrata.so") + peers(folder)
    names = [one.name for one in found]
    chosen = wanted.split(",") if wanted else names
    unknown = [name for name in chosen if name not in names]
    if unknown:
        reject(f"--contenders: not found: {unknown[0]}")
    found = [one for one in found if one.name in chosen]
    for one in found:
        check_preload(one)
    return found
