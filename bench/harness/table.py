"""The tables on stdout: a row a job, a column a contender, each relative to the best peer."""
from harness.figures import MEASURES, Row, geometric_mean

MIB = 1 << 20


def absolute(value: float, measure: str) -> str:
    if measure == "peak_bytes":
        return f"{value / MIB:.1f} MiB"
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.1f} ms"


def cell(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def best_of(row: Row, measure: str) -> str:
    if row.best_peer is None:
        return "-"
    return f"{row.best_peer} {absolute(row.values[row.best_peer][1], measure)}"


def lines_of(rows: list, measure: str, names: list, peers: list) -> list:
    """Cells, row by row, with the head and the closing lines."""
    ours = [name for name in names if name not in peers]
    head = [MEASURES[measure], *names, *(f"{name} worst/best" for name in ours), "best peer"]
    lines = [head]
    for row in rows:
        cells = ["fail" if row.failed(name) else cell(row.ratio(name)) for name in names]
        worst = [cell(row.worst_over_best(name, peers)) for name in ours]
        lines.append([row.job, *cells, *worst, best_of(row, measure)])
    means = [cell(geometric_mean([row.ratio(name) for row in rows])) for name in names]
    worst = [cell(geometric_mean([row.worst_over_best(name, peers) for row in rows]))
             for name in ours]
    lines.append(["geometric mean", *means, *worst, ""])
    lines.append(["jobs that ran", *(str(sum(row.values.get(name) is not None for row in rows))
                                     for name in names), *("" for _ in ours), ""])
    return lines


def aligned(lines: list) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]),
                   *(text.rjust(width) for text, width in zip(line[1:-1], widths[1:-1])),
                   line[-1]]).rstrip()
        for line in lines)


def farthest(rows: list, names: list, peers: list) -> list:
    """For each of ours, the job where it stands worst."""
    said = []
    for name in names:
        ratios = [(row.ratio(name), row.job) for row in rows if row.ratio(name) is not None]
        if name not in peers and ratios:
            ratio, job = max(ratios)
            said.append(f"{name} stands worst in {job}: {ratio:.2f} x the best peer")
    return said


def text(rows: list, measure: str, names: list, peers: list) -> str:
    return "\n".join([aligned(lines_of(rows, measure, names, peers)),
                      *farthest(rows, names, peers)])
