"""Pictures that only this bench has: what a workload costs over the heap limit, and latencies on a scale of
powers of ten."""
import math

from harness.picture import colours_of, line, nice_step, picture, text

from collecting.results import Results

WIDTH = 860
TOP = 60
MIB = 1 << 20


def dot(x: float, y: float, radius: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>'


def stroke(points: list, colour: str, width: float) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


class Plane:
    """Heap limits, by the logarithm of their factors, and a measure."""

    width, height = 330, 230

    def __init__(self, left: float, top: float, factors: list, most: float):
        self.left, self.top = left, top
        self.first, self.last = math.log(factors[0]), math.log(factors[-1])
        self.most = most * 1.05 or 1.0

    def x(self, factor: float) -> float:
        span = self.last - self.first or 1.0
        return self.left + 14 + (math.log(factor) - self.first) / span * (self.width - 28)

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - value / self.most)

    def ticks(self) -> list:
        step = nice_step(self.most)
        return [i * step for i in range(int(self.most / step) + 1)]

    def grid(self, factors: list, title: str) -> list:
        parts = [text(self.left, self.top - 10, title, more='font-weight="bold"')]
        for value in self.ticks():
            y = self.y(value)
            parts += [line(self.left, y, self.left + self.width, y),
                      text(self.left - 8, y + 4, f"{value:g}", "soft", 'text-anchor="end"')]
        parts += [text(self.x(factor), self.top + self.height + 16, f"{factor:g}x", "soft",
                       'text-anchor="middle"') for factor in factors]
        return parts


class DecadePlane(Plane):
    """The measure by powers of ten, from a hundredth on."""

    least = -2.0

    def y(self, value: float) -> float:
        span = max(math.log10(self.most), 0) - self.least
        power = math.log10(max(value, 10 ** self.least)) - self.least
        return self.top + self.height * (1 - power / span)

    def ticks(self) -> list:
        return [10.0 ** power for power in range(-2, int(max(math.log10(self.most), 0)) + 1)]


PANELS = [("wall_seconds", 1, "wall time, s", Plane),
          ("cpu_seconds", 1, "processor time, s", Plane),
          ("peak_bytes", MIB, "peak resident memory, MiB", Plane),
          ("pause_max_ns", 1e6, "longest pause, ms", DecadePlane)]


def panel(results: Results, number: int, colours: dict) -> list:
    """A line a contender; it begins where the contender first has room."""
    measure, unit, title, kind = PANELS[number]
    lines = {}
    for one in results.found:
        medians = [(factor, results.cell(one, factor).median(measure))
                   for factor in results.factors]
        lines[one.name] = [(factor, value / unit) for factor, value in medians
                           if value is not None]
    most = max((value for points in lines.values() for _, value in points), default=1.0)
    plane = kind(64 + number % 2 * 390, TOP + 26 + number // 2 * 290, results.factors, most)
    parts = plane.grid(results.factors, title)
    for name, points in lines.items():
        places = [(plane.x(factor), plane.y(value)) for factor, value in points]
        parts.append(stroke(places, colours[name], 2.5 if name.startswith("strata") else 1.3))
        parts += [dot(x, y, 2.5, colours[name]) for x, y in places]
    return parts


def by_limit(results: Results) -> str:
    colours = colours_of([one.name for one in results.found])
    parts = [part for number in range(len(PANELS)) for part in panel(results, number, colours)]
    for i, one in enumerate(results.found):
        y = TOP + 30 + 18 * i
        parts += [f'<rect x="824" y="{y - 9}" width="12" height="8" fill="{colours[one.name]}"/>',
                  text(842, y, one.name)]
    return picture(1020, TOP + 26 + 2 * 290, results.workload.name,
                   "over the heap limit as a multiple of what is alive "
                   f"({results.live_bytes / MIB:.0f} MiB)", parts)


class Decades:
    """Nanoseconds from a hundred to ten thousand million."""

    least, most = 2, 10
    left, right = 190, WIDTH - 30
    names = {2: "100 ns", 3: "1 us", 4: "10 us", 5: "100 us", 6: "1 ms", 7: "10 ms", 8: "100 ms",
             9: "1 s", 10: "10 s"}

    def x(self, ns: float) -> float:
        power = min(max(math.log10(max(ns, 1)), self.least), self.most)
        return self.left + (power - self.least) / (self.most - self.least) * (
            self.right - self.left)

    def grid(self, top: float, bottom: float) -> list:
        parts = []
        for power, name in self.names.items():
            x = self.x(10 ** power)
            parts += [line(x, top, x, bottom),
                      text(x, top - 6, name, "soft", 'text-anchor="middle" font-size="10"')]
        return parts


def latencies(measured: list, factor: float, what: str) -> str:
    """A row a contender: from the median to the most, with dots at p50, p99, p99.9 and max."""
    scale = Decades()
    parts, y = [], float(TOP + 20)
    for results in measured:
        colours = colours_of([one.name for one in results.found])
        parts.append(text(16, y, results.workload.name, more='font-weight="bold"'))
        shown = []
        for one in results.found:
            cell = results.cell(one, factor)
            values = [cell.median(f"{what}_{key}") for key in ("p50_ns", "p99_ns", "p999_ns",
                                                               "max_ns")]
            if None not in values:
                shown.append((one.name, values))
        parts += scale.grid(y + 8, y + 12 + 13 * len(shown))
        for name, values in shown:
            y += 13
            places = [(scale.x(value), y + 4) for value in values]
            parts.append(text(scale.left - 8, y + 8, name, more='text-anchor="end" font-size="10"'))
            parts.append(stroke(places, colours[name], 2))
            parts += [dot(x, at, 2 + i * 0.6, colours[name]) for i, (x, at) in enumerate(places)]
        y += 44
    return picture(WIDTH, int(y), f"{what.capitalize()}s at {factor:g} x what is alive",
                   "p50, p99, p99.9 and the longest; medians of the runs; each step is tenfold",
                   parts)
