"""All runs of a workload, and the questions that tables and pictures ask of them."""
import dataclasses

from harness.figures import spread

from collecting.measured import Measured
from collecting.workloads import Workload


@dataclasses.dataclass
class Cell:
    """A contender at a heap limit."""

    limit_bytes: int
    runs: list

    @property
    def failure(self) -> str:
        return next((one.failure for one in self.runs if one.failure), "")

    def spread(self, measure: str) -> tuple | None:
        """Least, median and most; None where it failed or does not know."""
        if self.failure or any(getattr(one, measure) is None for one in self.runs):
            return None
        return spread(self.runs, measure)

    def median(self, measure: str):
        measured = self.spread(measure)
        return None if measured is None else measured[1]


class Results:
    def __init__(self, workload: Workload, expected: Measured, factors: list, found: list):
        self.workload = workload
        self.live_bytes = expected.live_bytes
        self.checksum = expected.checksum
        self.factors = factors
        self.found = found
        self._cells: dict = {}

    def put(self, collector, factor: float | None, limit_bytes: int, runs: list):
        self._cells[collector.name, factor] = Cell(limit_bytes, runs)

    def cell(self, collector, factor: float) -> Cell:
        """Memory by hand is the same at every limit."""
        return self._cells[collector.name, None if collector.by_hand else factor]

    def cells(self, collector) -> dict:
        """By factor; None by hand."""
        return {factor: cell for (name, factor), cell in self._cells.items()
                if name == collector.name}

    def failures(self) -> list:
        return [(one, factor, cell.failure) for one in self.found
                for factor, cell in self.cells(one).items() if cell.failure]

    def best(self, group: str, factor: float, measure: str, ours: bool = False) -> tuple | None:
        """Name and median of the best of a group of peers, or of ours."""
        medians = [(self.cell(one, factor).median(measure), one.name) for one in self.found
                   if one.group == group and one.ours == ours]
        known = [pair for pair in medians if pair[0] is not None]
        if not known:
            return None
        value, name = min(known)
        return name, value
