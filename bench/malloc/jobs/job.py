"""What is measured: a job is a program with its arguments, run under each contender in turns."""
import pathlib
import shutil

from harness.contenders import Contender
from harness.launched import Figures, Launched
from harness.workspace import Workspace


def binaries(workspace: Workspace) -> pathlib.Path:
    return workspace.build / "bench" / "malloc"


class Job:
    """Something that can be run and measured under a contender."""

    kind = ""

    def __init__(self, name: str, about: str):
        self.name = name
        self.about = about

    def missing(self, workspace: Workspace) -> str:
        """Which program is not there; empty when all are."""
        raise NotImplementedError

    def command(self, workspace: Workspace) -> list:
        """What runs under the contender. Inputs are made at the first call."""
        raise NotImplementedError

    def run(self, workspace: Workspace, contender: Contender) -> Figures:
        raise NotImplementedError


class Load(Job):
    """One of the programs in loads/, with `parameters` that make it this load, or a small one.

    One with a curve publishes its live bytes, so that resident memory can be drawn beside them."""

    kind = "load"

    def __init__(self, name: str, about: str, program: str, small: dict,
                 parameters: dict | None = None, curve: bool = False):
        super().__init__(name, about)
        self.program = program
        self.small = small
        self.parameters = parameters or {}
        self.curve = curve

    def missing(self, workspace: Workspace) -> str:
        path = binaries(workspace) / self.program
        return "" if path.exists() else str(path)

    def command(self, workspace: Workspace) -> list:
        return self.command_with(workspace, self.small if workspace.small else {})

    def command_with(self, workspace: Workspace, more: dict) -> list:
        return [str(binaries(workspace) / self.program),
                *(f"{name}={value}" for name, value in (self.parameters | more).items())]

    def run(self, workspace: Workspace, contender: Contender) -> Figures:
        return Launched(workspace, contender, self.command(workspace), {}).end(silent=True)


class Program(Job):
    """A program of the system. make_command(folder, small) makes its input there, once, and tells
    the command."""

    kind = "program"

    def __init__(self, name: str, about: str, needs: str, make_command, environment=None):
        super().__init__(name, about)
        self.needs = needs
        self.make_command = make_command
        self.environment = environment or {}
        self._command: list | None = None

    def missing(self, workspace: Workspace) -> str:
        return "" if shutil.which(self.needs) else self.needs

    def command(self, workspace: Workspace) -> list:
        if self._command is None:
            self._command = self.make_command(workspace.folder_of(self.name), workspace.small)
        return self._command

    def run(self, workspace: Workspace, contender: Contender) -> Figures:
        return Launched(workspace, contender, self.command(workspace), self.environment,
                        workspace.folder_of(self.name)).end()
