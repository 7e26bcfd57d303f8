"""The pictures: a line a contender, over the hours of the day."""
from harness.picture import colours_of, line, nice_step, picture, text

LEFT, TOP, WIDTH, HEIGHT = 64, 60, 620, 300


class Scale:
    """Where hours and values lie."""

    def __init__(self, low: float, high: float):
        self.low = low
        self.span = (high - low) * 1.05 or 1.0

    @staticmethod
    def x(hour: float) -> float:
        return LEFT + hour / 24 * WIDTH

    def y(self, value: float) -> float:
        return TOP + HEIGHT * (1 - (value - self.low) / self.span)

    def grid(self) -> list:
        step = nice_step(self.span)
        parts = []
        for i in range(int(self.span / step) + 1):
            y = self.y(self.low + i * step)
            parts += [line(LEFT, y, LEFT + WIDTH, y),
                      text(LEFT - 8, y + 4, f"{self.low + i * step:g}", "soft",
                           'text-anchor="end"')]
        for hour in range(0, 25, 4):
            parts.append(text(self.x(hour), TOP + HEIGHT + 18, f"{hour}", "soft",
                              'text-anchor="middle"'))
        return parts


def polyline(points: list, scale: Scale, style: str) -> str:
    places = " ".join(f"{scale.x(hour):.1f},{scale.y(value):.1f}" for hour, value in points)
    return f'<polyline points="{places}" fill="none" {style}/>'


def curves(title: str, about: str, low: float, lines: dict, live: list | None = None) -> str:
    """lines: for each contender its (hour, value); live: a dashed line below them."""
    values = [value for points in [*lines.values(), live or []] for _, value in points]
    scale = Scale(low, max(values))
    colours = colours_of(list(lines))
    parts = scale.grid()
    if live:
        parts.append(polyline(live, scale, 'class="live" stroke-dasharray="5 4"'))
    for i, (name, points) in reversed(list(enumerate(lines.items()))):
        width = 2.5 if name == "strata" else 1.3
        parts.append(polyline(points, scale, f'stroke="{colours[name]}" stroke-width="{width}"'))
        y = TOP + 10 + 34 * i
        last = f"{points[-1][1]:.2f}" if low else f"{points[-1][1]:.0f}"
        parts += [f'<rect x="704" y="{y - 9}" width="12" height="8" fill="{colours[name]}"/>',
                  text(722, y, name), text(722, y + 14, f"{last} at midnight", "soft")]
    return picture(860, max(TOP + HEIGHT + 34, TOP + 34 * len(lines) + 20), title, about, parts)
