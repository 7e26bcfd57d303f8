"""From runs to figures: the least, middle and greatest, and how they stand to the best peer."""
import dataclasses
import math
import statistics

# The measures, in the order of the tables: key in the JSON, name, how the best is shown.
MEASURES = {
    "cpu_seconds": "processor time",
    "wall_seconds": "wall time",
    "peak_bytes": "peak resident memory",
}


@dataclasses.dataclass
class Row:
    """One job in one measure. Who failed has None; who took no part stands not in it."""

    job: str
    values: dict  # name: (min, median, max), or None
    best_peer: str | None  # the name of the peer with the lowest median

    def failed(self, name: str) -> bool:
        return name in self.values and self.values[name] is None

    def ratio(self, name: str) -> float | None:
        if self.values.get(name) is None or self.best_peer is None:
            return None
        return self.values[name][1] / self.values[self.best_peer][1]

    def worst_over_best(self, name: str, peers: list) -> float | None:
        """The contender's worst run over the best run of any peer: no luck can be above it."""
        lowest = [self.values[peer][0] for peer in peers if self.values.get(peer) is not None]
        if self.values.get(name) is None or not lowest:
            return None
        return self.values[name][2] / min(lowest)


def spread(figures: list, measure: str):
    if not figures or any(one.failure for one in figures):
        return None
    values = [getattr(one, measure) for one in figures]
    return min(values), statistics.median(values), max(values)


def spread_json(measured) -> dict | None:
    return None if measured is None else dict(zip(("min", "median", "max"), measured))


def row_of(job: str, results: dict, measure: str, peers: list) -> Row:
    values = {name: spread(figures, measure) for name, figures in results.items()}
    alive = [name for name in peers if values[name] is not None]
    best = min(alive, key=lambda name: values[name][1], default=None)
    return Row(job, values, best)


def geometric_mean(ratios: list) -> float | None:
    known = [ratio for ratio in ratios if ratio is not None]
    if not known:
        return None
    return math.exp(sum(map(math.log, known)) / len(known))
