"""The command line of bench/redis/run. A wrong value: one line, exit status 2."""
import argparse
import pathlib

from harness.options import ROOT, Parser, folder_to_build, whole_number


def parse(arguments: list) -> argparse.Namespace:
    parser = Parser(prog="run", allow_abbrev=False, description="Lives a day of a Redis server "
                    "under Strata and its peers, and compares memory and speed.")
    parser.add_argument("--runs", type=whole_number, default=3, metavar="N",
                        help="days under each contender (default: 3)")
    parser.add_argument("--operations", type=whole_number, default=12000, metavar="THOUSANDS",
                        help="commands of a day (default: 12000)")
    parser.add_argument("--live", type=whole_number, default=200, metavar="MIB",
                        help="what is stored at any time (default: 200)")
    parser.add_argument("--rest", type=whole_number, default=10, metavar="SECONDS",
                        help="how long the server rests afterwards (default: 10)")
    parser.add_argument("--with", action="append", default=[], dest="more",
                        metavar="[NAME=]PATH.so", help="also redis-server with this preloaded; "
                        "may be repeated")
    parser.add_argument("--server", action="append", default=[], dest="servers",
                        metavar="NAME=COMMAND", help="also this server, with nothing preloaded; "
                        "may be repeated")
    parser.add_argument("--contenders", default="", metavar="NAME,...",
                        help="only these of the contenders found")
    parser.add_argument("--small", action="store_true",
                        help="a short day with little data: to see that it works, not to compare")
    parser.add_argument("--limit", type=whole_number, default=900, metavar="SECONDS",
                        help="stop a server that takes longer (default: 900)")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "bench-redis",
                        metavar="DIR", help="for results.json and pictures "
                        "(default: build/bench-redis)")
    parser.add_argument("--build", type=folder_to_build, default=None, metavar="DIR",
                        help="where driver and library were built (default: build/release)")
    parser.add_argument("--list", action="store_true", help="list the contenders")
    options = parser.take(arguments)
    if options.small:
        options.operations, options.live, options.rest = 40, 4, 1
    return options
