"""The command line of bench/malloc/run."""
import argparse

from harness.options import Parser


def parse(arguments: list) -> argparse.Namespace:
    parser = Parser("Runs allocator loads under Strata and its peers, in turns, and compares time "
                    "and memory.", bench="malloc", runs=5, limit=300)
    parser.add_only("jobs")
    parser.add_contenders()
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list jobs and contenders")
    what.add_argument("--callgrind", action="store_true",
                      help="count the instructions of each load in its small size, by valgrind")
    what.add_argument("--scaling", action="store_true",
                      help="time per operation of larson, mstress and xmalloc with 1 to 64 threads")
    return parser.take(arguments)
