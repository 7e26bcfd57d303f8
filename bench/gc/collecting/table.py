"""The tables on stdout: two a workload, and one of how Strata stands to the best of its peers."""
from harness.table import aligned

from collecting.results import Results

MIB = 1 << 20
GROUPS = {"boehm": "Boehm", "malloc": "glibc", "java": "OpenJDK", "go": "Go"}
LATENCIES = ["p50_ns", "p99_ns", "p999_ns", "max_ns"]


def seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def mebibytes(value: float | None) -> str:
    return "-" if value is None else f"{value / MIB:.0f}"


def microseconds(value: float | None) -> str:
    """Three digits."""
    if value is None:
        return "-"
    us = value / 1000
    return f"{us:.2f}" if us < 10 else f"{us:.1f}" if us < 100 else f"{us:.0f}"


def named(factor: float) -> str:
    return f"{factor:g}x"


def costs(results: Results) -> list:
    """Wall time, processor time and peak at each limit."""
    columns = [("wall_seconds", "wall s", seconds), ("cpu_seconds", "processor s", seconds),
               ("peak_bytes", "peak MiB", mebibytes)]
    head = [results.workload.name]
    for _, title, _ in columns:
        head += [f"{title} {named(results.factors[0])}", *map(named, results.factors[1:])]
    lines = [[*head, ""]]
    for one in results.found:
        cells = [show(results.cell(one, factor).median(key))
                 for key, _, show in columns for factor in results.factors]
        lines.append([one.name, *cells, ""])
    return lines


def latencies(results: Results, factor: float) -> list:
    """Of operations and pauses, at one limit."""
    lines = [[f"us at {named(factor)}", "operation p50", "p99", "p99.9", "max", "pauses", "p50",
              "p99", "p99.9", "max", ""]]
    for one in results.found:
        cell = results.cell(one, factor)
        count = cell.median("pause_count")
        lines.append([one.name, *(microseconds(cell.median(f"operation_{key}"))
                                  for key in LATENCIES),
                      "-" if count is None else f"{count:.0f}",
                      *(microseconds(cell.median(f"pause_{key}")) for key in LATENCIES), ""])
    return lines


def middle(factors: list) -> float:
    """The limit at which latencies are shown: 3, or what is nearest to it."""
    return min(factors, key=lambda factor: abs(factor - 3))


def reasons(results: Results) -> list:
    """Why there are dashes: by contender and reason, at which limits."""
    at: dict = {}
    for one, factor, failure in results.failures():
        at.setdefault((one.name, failure), []).append("" if factor is None else named(factor))
    return [f"-: {name} {' '.join(factors)}: {failure}"
            for (name, failure), factors in at.items()]


def text(results: Results) -> str:
    about = (f"{results.workload.name}: {results.live_bytes / MIB:.1f} MiB alive; "
             f"an operation {results.workload.operation}")
    return "\n".join([about, aligned(costs(results)), "",
                      aligned(latencies(results, middle(results.factors))), *reasons(results)])


def ratio(value: float | None, to: tuple | None) -> str:
    if to is None or value is None:
        return "-"
    return f"{value / to[1]:.2f} {to[0]}"


def standing_lines(measured: list, measure: str, title: str) -> list:
    """Strata's best plan, and its time as a multiple of the best of each group."""
    lines = [[title, "Strata's best", "s", *GROUPS.values(), ""]]
    for results in measured:
        for factor in results.factors:
            ours = results.best("strata", factor, measure, ours=True)
            name, value = ours or ("-", None)
            lines.append([f"{results.workload.name} {named(factor)}", name.removeprefix("strata-"),
                          seconds(value),
                          *(ratio(value, results.best(group, factor, measure))
                            for group in GROUPS), ""])
    return lines


def standing(measured: list) -> str:
    return "\n\n".join(aligned(standing_lines(measured, key, title)) for key, title in
                       [("wall_seconds", "wall time"), ("cpu_seconds", "processor time")])
