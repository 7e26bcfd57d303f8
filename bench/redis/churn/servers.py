"""Which servers take part: Debian's under each allocator, and those that --server names.

Debian's Redis is linked with libjemalloc.so, whose malloc a preloaded one precedes; for glibc's, libc
itself is preloaded. Its own idea of the allocator stays jemalloc all the same."""
import dataclasses
import pathlib
import re
import shlex
import shutil

from harness.contenders import Contender, check_preload, named, reject

DEBIANS = ["redis-server"]


@dataclasses.dataclass
class Server(Contender):
    """A contender that is not only a library to preload but also what it is preloaded into."""

    command: list = dataclasses.field(default_factory=lambda: list(DEBIANS))


def server_named(argument: str) -> Server:
    """NAME=COMMAND"""
    name, equals, command = argument.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z0-9_.+-]+", name):
        reject(f"--server: not a name and a command: {argument}")
    try:
        words = shlex.split(command)
    except ValueError as error:
        reject(f"--server: {argument}: {error}")
    if not words or not shutil.which(words[0]):
        reject(f"--server: no such program: {command}")
    return Server(name, "", words)


def choose(build: pathlib.Path, more: list, servers: list, wanted: str) -> list:
    """All contenders, or those that the list `wanted` names; glibc and Strata come first."""
    found = []
    if shutil.which(DEBIANS[0]):
        found.append(Server("glibc", "libc.so.6"))
        strata = build / "lib" / "libstrata.so"
        if strata.exists():
            found.append(Server("strata", str(strata.resolve())))
        found.append(Server("jemalloc", ""))
        found += [Server(one.name, one.library) for one in map(named, more)]
    found += map(server_named, servers)
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        reject(f"two contenders have the name {twice}")
    chosen = wanted.split(",") if wanted else names
    unknown = [name for name in chosen if name not in names]
    if unknown:
        reject(f"--contenders: not found: {unknown[0]}")
    if not chosen:
        reject("not installed: redis-server")
    for one in found:
        check_preload(one)
    return [one for one in found if one.name in chosen]
