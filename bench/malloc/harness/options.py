"""The command line of bench/malloc/run. A wrong value: one line, exit status 2."""
import argparse
import pathlib
import re

from harness.contenders import reject

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Parser(argparse.ArgumentParser):
    """argparse would print the usage too."""

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
    if not (path / "bench" / "malloc" / "launch").exists():
        raise argparse.ArgumentTypeError(f"nothing is built there: {text}")
    return path


def make_folder(path: pathlib.Path):
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reject(f"--out: {path}: {error.strerror}")


def parse(arguments: list) -> argparse.Namespace:
    parser = Parser(prog="run", allow_abbrev=False, description="Runs allocator loads under Strata "
                    "and its peers, in turns, and compares time and memory.")
    parser.add_argument("--only", type=pattern, metavar="REGEX",
                        help="only jobs whose names match")
    parser.add_argument("--runs", type=whole_number, default=5, metavar="N",
                        help="runs of each job under each contender (default: 5)")
    parser.add_argument("--with", action="append", default=[], dest="more",
                        metavar="[NAME=]PATH.so", help="a further contender; may be repeated")
    parser.add_argument("--contenders", default="", metavar="NAME,...",
                        help="only these of the contenders found")
    parser.add_argument("--small", action="store_true",
                        help="each job in a small size: to see that it works, not to compare")
    parser.add_argument("--limit", type=whole_number, default=300, metavar="SECONDS",
                        help="stop a run that takes longer (default: 300)")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "bench-malloc",
                        metavar="DIR", help="for results.json and pictures "
                        "(default: build/bench-malloc)")
    parser.add_argument("--build", type=folder_to_build, default=None, metavar="DIR",
                        help="where loads and library were built (default: build/release)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list jobs and contenders")
    what.add_argument("--callgrind", action="store_true",
                      help="count the instructions of each load in its small size, by valgrind")
    what.add_argument("--scaling", action="store_true",
                      help="time per operation of larson, mstress and xmalloc with 1 to 64 threads")
    return parser.take(arguments)
