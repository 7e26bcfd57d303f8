"""What one run of a contender said: a figure a line."""
import dataclasses

from harness.launched import Figures


@dataclasses.dataclass
class Life:
    """Times in nanoseconds a fiber or a switch, memory in bytes a fiber, at create."""

    failure: str = ""
    fibers: float = 0
    asked: float = 0
    create_ns: float = 0
    again_ns: float = 0
    few_ns: float = 0
    ring_ns: float = 0
    random_ns: float = 0
    end_ns: float = 0
    resident_bytes: float = 0
    table_bytes: float = 0
    total_bytes: float = 0
    mappings: float = 0

    @property
    def note(self) -> str:
        """Whether it could make as many as it should."""
        return f"stopped at {self.fibers:.0f}: mapping limit" if self.fibers < self.asked else ""


def life_of(figures: Figures) -> Life:
    if figures.failure:
        return Life(failure=figures.failure)
    said = dict(line.split() for line in figures.said.splitlines())
    missing = {one.name for one in dataclasses.fields(Life)} - {"failure"} - set(said)
    if missing:
        return Life(failure=f"has not said {min(missing)}")
    return Life(**{name: float(value) for name, value in said.items()})
