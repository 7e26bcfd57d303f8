"""The command line of bench/redis/run. A wrong value: one line, exit status 2."""
import argparse

from harness.options import Parser, whole_number


def parse(arguments: list) -> argparse.Namespace:
    parser = Parser("Lives a day of a Redis server under Strata and its peers, and compares memory "
                    "and speed.", bench="redis", runs=3, limit=900)
    parser.add_argument("--operations", type=whole_number, default=12000, metavar="THOUSANDS",
                        help="commands of a day (default: 12000)")
    parser.add_argument("--live", type=whole_number, default=200, metavar="MIB",
                        help="what is stored at any time (default: 200)")
    parser.add_argument("--rest", type=whole_number, default=10, metavar="SECONDS",
                        help="how long the server rests afterwards (default: 10)")
    parser.add_contenders()
    parser.add_argument("--server", action="append", default=[], dest="servers",
                        metavar="NAME=COMMAND", help="also this server, with nothing preloaded; "
                        "may be repeated")
    parser.add_argument("--list", action="store_true", help="list the contenders")
    options = parser.take(arguments)
    if options.small:
        options.operations, options.live, options.rest = 40, 4, 1
    return options
