"""A program started under a contender by the launcher, and what its run took."""
import dataclasses
import os
import subprocess
import time

from harness.contenders import Contender

STOPPED = 999  # the launcher's status for a program that took too long


@dataclasses.dataclass
class Figures:
    """What one run took; `failure` is empty when it went well, `said` is what it printed."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    failure: str = ""
    said: str = ""


def clean_environment(more: dict) -> dict:
    """Ours, without what preloads: each contender runs in the same one."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    return environment | {"LC_ALL": "C.UTF-8"} | more


def wait_until(condition, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Launched:
    """A running program: its process id is known at once, its end is waited for by end()."""

    def __init__(self, workspace, contender: Contender, command: list, environment: dict,
                 folder=None):
        ours, theirs = os.pipe()
        self._said = open(workspace.folder / "said", "w+b")
        self._launcher = subprocess.Popen(
            [workspace.launcher, str(theirs), str(workspace.limit_seconds), contender.library,
             *command],
            env=clean_environment(environment), cwd=folder, pass_fds=[theirs],
            stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said)
        os.close(theirs)
        self._report = os.fdopen(ours)
        self.pid = int(self._report.readline())

    def running(self) -> bool:
        return self._launcher.poll() is None

    def kill(self):
        """For a server that does not end when asked: it dies with its launcher."""
        self._launcher.kill()

    def end(self, silent: bool = False) -> Figures:
        """Waits for the end. A silent program is one that prints only what went wrong."""
        line = self._report.readline().split()
        self._report.close()
        self._launcher.wait()
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip()
        self._said.close()
        last = said.splitlines()[-1] if said else "no message"
        if len(line) != 4:
            return Figures(failure="had to be killed")
        status, wall_ns, cpu_us, peak_kib = map(int, line)
        if status == STOPPED:
            return Figures(failure="took too long")
        if status != 0 or (silent and said):
            return Figures(failure=f"status {status}: {last}")
        return Figures(wall_ns / 1e9, max(cpu_us, 1) / 1e6, peak_kib * 1024, said=said)
