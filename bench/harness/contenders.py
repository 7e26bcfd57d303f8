"""Which allocators take part: glibc, Strata, those of the system, and those that --with names."""
import dataclasses
import os
import pathlib
import platform
import re
import subprocess
import sys

# Names of the libraries as Debian and others install them, the first that is found is taken.
PEERS = {
    "jemalloc": ["libjemalloc.so.2"],
    "mimalloc": ["libmimalloc.so.2.0", "libmimalloc.so.2"],
    "tcmalloc": ["libtcmalloc_minimal.so.4"],
}


@dataclasses.dataclass
class Contender:
    """An allocator: its name in tables, and the library to preload (empty for glibc's)."""

    name: str
    library: str

    @property
    def ours(self) -> bool:
        """Strata, also other builds of it given by --with strata-...=; all others are peers."""
        return self.name.startswith("strata")


def reject(message: str):
    print(f"run: {message}", file=sys.stderr)
    sys.exit(2)


def library_folders() -> list:
    triplet = f"{platform.machine()}-linux-gnu"
    return [pathlib.Path(prefix) / part for prefix in ("/usr/local", "/usr", "/")
            for part in (f"lib/{triplet}", "lib64", "lib")]


def installed_peers() -> list:
    found = []
    for name, files in PEERS.items():
        paths = (folder / file for file in files for folder in library_folders())
        path = next((path for path in paths if path.exists()), None)
        if path is not None:
            found.append(Contender(name, str(path.resolve())))
    return found


def named(argument: str) -> Contender:
    """[NAME=]PATH.so; without a name it is what stands between lib and .so."""
    name, equals, path = argument.rpartition("=")
    if not os.path.isfile(path):
        reject(f"--with: no such library: {path}")
    if not equals:
        name = re.sub(r"^lib|\.so.*$", "", os.path.basename(path))
    if not re.fullmatch(r"[A-Za-z0-9_.+-]+", name):
        reject(f"--with: not a name: {argument}")
    return Contender(name, os.path.realpath(path))


def check_preload(contender: Contender):
    """A library that cannot be preloaded would be ignored, and glibc measured under its name."""
    if not contender.library:
        return
    environment = dict(os.environ, LD_PRELOAD=contender.library, LD_TRACE_LOADED_OBJECTS="1")
    done = subprocess.run(["/bin/true"], env=environment, capture_output=True, text=True)
    if f"{contender.library} (" not in done.stdout or "ERROR" in done.stderr:
        reject(f"cannot be preloaded: {contender.library}")


def choose(build: pathlib.Path, more: list, wanted: str) -> list:
    """All contenders, or those that the list `wanted` names; glibc and Strata come first."""
    strata = build / "lib" / "libstrata.so"
    found = [Contender("glibc", "")]
    if strata.exists():
        found.append(Contender("strata", str(strata.resolve())))
    found += installed_peers()
    for argument in more:
        contender = named(argument)
        found = [one for one in found if one.name != contender.name] + [contender]
    if wanted:
        names = wanted.split(",")
        unknown = [name for name in names if name not in [one.name for one in found]]
        if unknown:
            reject(f"--contenders: not found: {unknown[0]}")
        found = [one for one in found if one.name in names]
    for contender in found:
        check_preload(contender)
    return found
