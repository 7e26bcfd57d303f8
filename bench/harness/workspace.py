"""What all measurements of one call of a bench share."""
import dataclasses
import pathlib


@dataclasses.dataclass
class Workspace:
    """Where things are: all that was built, a folder for inputs, and how large to be."""

    build: pathlib.Path
    folder: pathlib.Path
    small: bool
    limit_seconds: int

    @property
    def launcher(self) -> str:
        return str(self.build / "bench" / "launch")

    def folder_of(self, name: str) -> pathlib.Path:
        """A folder of its own for a job's inputs."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
