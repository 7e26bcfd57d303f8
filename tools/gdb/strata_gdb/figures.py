"""How figures are written: sizes, counts, tables."""

import gdb

from strata_gdb.blocks import States

RARE = ("waiting", "passing")  # states


def size_text(size):
    """As `strata run` writes sizes: three digits and a unit."""
    if size < 1024:
        return f"{size} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size /= 1024
        if size < 1000:
            break
    return f"{size:.{0 if size >= 99.95 else 1}f} {unit}"


def counted(count, noun):
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def ones(row):
    return bin(row).count("1")


def share(part, whole):
    return f"{100 * part // whole if whole else 0}%"


def say(line):
    gdb.write(line + "\n")


def say_all(lines):
    for line in lines:
        say(line)


def table(head, rows):
    """Columns of figures under their names."""
    lines = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        say("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths)))


class Tally:
    """Spans of one size class, summed up."""

    def __init__(self, block_bytes=0):
        self.block_bytes = block_bytes
        self.spans = self.blocks = 0
        self.counts = dict.fromkeys(States._fields, 0)

    def add(self, span, states):
        self.spans += 1
        self.blocks += span.capacity
        for state, row in states._asdict().items():
            self.counts[state] += ones(row)
        return self

    def text(self):
        return ", ".join(f"{n} {state}" for state, n in self.counts.items() if n or state not in RARE)


def state_columns(tallies):
    """Names and rows; what hardly ever occurs has a column only where it does."""
    shown = [state for state in States._fields
             if state not in RARE or any(one.counts[state] for one in tallies)]  # fmt: skip
    names = ["blocks", *("free slots" if state == "free" else state for state in shown), "used"]
    rows = [[one.blocks, *(one.counts[state] for state in shown), share(one.counts["live"], one.blocks)]
            for one in tallies]  # fmt: skip
    return names, rows
