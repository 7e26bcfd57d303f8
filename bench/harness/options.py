"""What all benches are asked. A wrong value: one line, exit status 2."""
import argparse
import pathlib
import re

from harness.contenders import reject

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Parser(argparse.ArgumentParser):
    """Knows what all benches are asked; and argparse would print the usage with an error."""

    def __init__(self, description: str, bench: str, runs: int, limit: int):
        super().__init__(prog="run", allow_abbrev=False, description=description)
        self.add_argument("--runs", type=whole_number, default=runs, metavar="N",
                          help=f"runs of each job under each contender (default: {runs})")
        self.add_argument("--small", action="store_true",
                          help="in a small size: to see that it works, not to compare")
        self.add_argument("--limit", type=whole_number, default=limit, metavar="SECONDS",
                          help=f"stop a run that takes longer (default: {limit})")
        self.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / f"bench-{bench}",
                          metavar="DIR", help="for results.json and pictures "
                          f"(default: build/bench-{bench})")
        self.add_argument("--build", type=folder_to_build, default=None, metavar="DIR",
                          help="where it was all built (default: build/release)")

    def add_only(self, what: str):
        self.add_argument("--only", type=pattern, metavar="REGEX",
                          help=f"only {what} whose names match")

    def add_contenders(self):
        self.add_argument("--with", action="append", default=[], dest="more",
                          metavar="[NAME=]PATH.so", help="a further contender, preloaded; may be "
                          "repeated")
        self.add_argument("--contenders", default="", metavar="NAME,...",
                          help="only these of the contenders found")

    def error(self, message: str):
        reject(f"{message} (see --help)")

    def take(self, arguments: list) -> argparse.Namespace:
        """Parses, with build/release where no --build says otherwise."""
        options = self.parse_args(arguments)
        if options.build is None:
            try:
                options.build = folder_to_build(str(ROOT / "build" / "release"))
            except argparse.ArgumentTypeError as error:
                self.error(str(error))
        return options


def whole_number(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise argparse.ArgumentTypeError(f"not a number from 1 to 999999: {text}")
    return int(text)


def pattern(text: str) -> re.Pattern:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"not a regular expression: {text}: {error}") from None


def folder_to_build(text: str) -> pathlib.Path:
    path = pathlib.Path(text).resolve()
    if not (path / "bench" / "launch").exists():
        raise argparse.ArgumentTypeError(f"nothing is built there: {text}")
    return path


def make_folder(path: pathlib.Path):
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reject(f"--out: {path}: {error.strerror}")
