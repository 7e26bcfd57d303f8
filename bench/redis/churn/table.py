"""The tables on stdout: a row a measure, a column a contender; the median, and least and most."""
import statistics

from churn.statistics_file import PARTS

MIB = 1 << 20


def mib(value: float) -> str:
    return f"{value / MIB:.0f} MiB"


# Key in the JSON: what the row says, and how a figure is written.
MEASURES = {
    "ratio_median": ("fragmentation, median", "{:.2f}".format),
    "ratio_most": ("  most", "{:.2f}".format),
    "ratio_end": ("  at midnight", "{:.2f}".format),
    "ratio_rest": ("  after a rest", "{:.2f}".format),
    "resident_median_bytes": ("resident, median", mib),
    "resident_most_bytes": ("  most", mib),
    "resident_rest_bytes": ("  after a rest", mib),
    "used_rest_bytes": ("used, after a rest", mib),
    "operations_per_second": ("thousand operations/s", lambda value: f"{value / 1e3:.0f}"),
    "cpu_seconds": ("processor seconds", "{:.1f}".format),
    "latency_median_us": ("batch, median", lambda value: f"{value / 1e3:.2f} ms"),
    "latency_99_us": ("  99 %", lambda value: f"{value / 1e3:.2f} ms"),
    "latency_999_us": ("  99.9 %", lambda value: f"{value / 1e3:.2f} ms"),
    "moved_blocks": ("thousand blocks moved", lambda value: f"{value / 1e3:.0f}"),
}


def spread(runs: list, key: str):
    """(min, median, max), or None when a run has failed."""
    if not runs or any(one.failure for one in runs):
        return None
    values = [one.measures()[key] for one in runs]
    return min(values), statistics.median(values), max(values)


def cell(measured, write) -> str:
    if measured is None:
        return "fail"
    least, middle, most = map(write, measured)
    return middle if least == most else f"{middle} [{least}-{most}]"


def aligned(lines: list) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join([line[0].ljust(widths[0]),
                                *(text.rjust(width) for text, width in zip(line[1:], widths[1:]))])
                     for line in lines)


def text(results: dict) -> str:
    lines = [["", *results]]
    for key, (said, write) in MEASURES.items():
        lines.append([said, *(cell(spread(runs, key), write) for runs in results.values())])
    return aligned(lines)


def parts_text(results: dict) -> str:
    """What resident memory consists of after the rest of the last day, where Strata tells."""
    told = {name: runs[-1].parts for name, runs in results.items() if runs and runs[-1].parts}
    if not told:
        return ""
    lines = [["after a rest", *told]]
    for key in PARTS:
        said = key.removesuffix("_bytes").replace("_", " ")
        lines.append([said, *(mib(parts[key]) for parts in told.values())])
    return aligned(lines)
