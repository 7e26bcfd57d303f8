"""Bars (each job relative to the best peer) and curves (memory over time) as SVG."""
from harness.figures import Row
from harness.picture import colours_of, line, nice_step, picture, text

MIB = 1 << 20
WIDTH = 860
BAR, GAP, TOP, LEFT = 9, 14, 84, 130
LEGEND_LINE = 17
SCALE_END = 3.0  # longer bars are cut off; their figure says how long they are


def legend_width(name: str) -> int:
    return 32 + 7 * len(name)


def legend(names: list, colours: dict) -> tuple:
    """Its parts, and by how much it needs more than one line."""
    parts = []
    x, y = 16.0, 54
    for name in names:
        if x + legend_width(name) > WIDTH:
            x, y = 16.0, y + LEGEND_LINE
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="10" height="10" fill="{colours[name]}"/>')
        parts.append(text(x + 15, y + 9, name))
        x += legend_width(name)
    return parts, y - 54


def bar(x: float, y: float, width: float, colour: str) -> str:
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR - 1}" '
            f'fill="{colour}"/>')


def group(row: Row, top: float, names: list, colours: dict, unit: float) -> list:
    """The bars of one job."""
    parts = [text(LEFT - 10, top + len(names) * BAR / 2 + 4, row.job, more='text-anchor="end"')]
    for i, name in enumerate(names):
        if name not in row.values:
            continue
        y = top + i * BAR
        ratio = row.ratio(name)
        length = min(ratio or 0, SCALE_END) * unit
        parts.append(bar(LEFT, y, length, colours[name]))
        said = "fail" if ratio is None else f"{ratio:.2f}" + (" »" if ratio > SCALE_END else "")
        parts.append(text(LEFT + length + 5, y + BAR - 1, said, "soft", 'font-size="9"'))
    return parts


def bars(rows: list, names: list, title: str) -> str:
    unit = 220.0
    step = len(names) * BAR + GAP
    colours = colours_of(names)
    parts, more = legend(names, colours)
    top = TOP + more
    bottom = top + len(rows) * step
    for tick in (0, 0.5, 1, 1.5, 2, 2.5, 3):
        x = LEFT + tick * unit
        parts += [line(x, top - 6, x, bottom),
                  text(x, bottom + 14, f"{tick:g}", "soft", 'text-anchor="middle"')]
    for i, row in enumerate(rows):
        parts += group(row, top + i * step, names, colours, unit)
    return picture(WIDTH, bottom + 28, title,
                   "medians relative to the best peer, which is 1; shorter is better", parts)


class Axes:
    """Where seconds and bytes lie in a picture of curves."""

    left, top, width, height = 64, 60, 620, 300

    def __init__(self, seconds: float, most_bytes: float):
        self.seconds = seconds or 1.0
        self.mib = most_bytes / MIB * 1.05 or 1.0

    def x(self, seconds: float) -> float:
        return self.left + seconds / self.seconds * self.width

    def y(self, mib: float) -> float:
        return self.top + self.height * (1 - mib / self.mib)

    def path(self, samples: list, column: int) -> str:
        return " ".join(f"{self.x(one[0]):.1f},{self.y(one[column] / MIB):.1f}" for one in samples)

    def grid(self) -> list:
        parts = []
        step = nice_step(self.mib)
        for i in range(int(self.mib / step) + 1):
            y = self.y(i * step)
            parts += [line(self.left, y, self.left + self.width, y),
                      text(self.left - 8, y + 4, f"{i * step:g}", "soft", 'text-anchor="end"')]
        step = nice_step(self.seconds)
        for i in range(int(self.seconds / step) + 1):
            parts.append(text(self.x(i * step), self.top + self.height + 18, f"{i * step:g}",
                              "soft", 'text-anchor="middle"'))
        return parts


def curves(job: str, about: str, samples: dict) -> str:
    """Resident memory of each contender; the live bytes are those of the first one's run."""
    colours = colours_of(list(samples))
    everything = [one for run in samples.values() for one in run]
    axes = Axes(max(one[0] for one in everything), max(one[2] for one in everything))
    first = next(iter(samples.values()))
    parts = axes.grid()
    parts.append(f'<polyline points="{axes.path(first, 1)}" fill="none" class="live" '
                 f'stroke-dasharray="5 4"/>')
    for i, (name, run) in reversed(list(enumerate(samples.items()))):
        width = 2.5 if name == "strata" else 1.3
        parts.append(f'<polyline points="{axes.path(run, 2)}" fill="none" '
                     f'stroke="{colours[name]}" stroke-width="{width}"/>')
        y = axes.top + 10 + 34 * i
        peak = max(one[2] for one in run) / MIB
        parts += [f'<rect x="704" y="{y - 9}" width="12" height="8" fill="{colours[name]}"/>',
                  text(722, y, name), text(722, y + 14, f"peak {peak:.0f} MiB", "soft")]
    height = max(axes.top + axes.height + 34, axes.top + 34 * len(samples) + 20)
    return picture(WIDTH, height, f"{job}: {about}",
                   "resident memory (MiB) over time (s); dashed: live bytes, under "
                   f"{next(iter(samples))}", parts)
