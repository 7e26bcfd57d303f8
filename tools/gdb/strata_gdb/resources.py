"""The program's own resources: the table of strata/watch.h, which is the same in every build."""

import struct

import gdb

from strata_gdb.figures import say, size_text, table
from strata_gdb.inferior import Memory, Refusal

VERSION, ROWS, NONE = 1, 64, (1 << 64) - 1
HEAD = struct.Struct("<4I")  # version, row_bytes, count, unlisted
ROW = struct.Struct("<48s48s6Q")


def text(raw):
    return raw.partition(b"\0")[0].decode(errors="replace")


def cells(row):
    name, kind, instances, _made, live, blocks, held, peak = row
    figures = ["-" if size == NONE else size_text(size) for size in (live, held, peak)]
    return [text(name), text(kind), instances or "ended", figures[0], "-" if blocks == NONE else blocks,
            *figures[1:]]  # fmt: skip


def show_resources(arguments):
    if arguments:
        raise Refusal("usage: strata resources")
    if gdb.selected_inferior().pid == 0:
        raise Refusal("there is no process: start one, or open a core dump")
    try:
        at = int(gdb.parse_and_eval("(unsigned long)&strata_watch_root"))
    except gdb.error:
        raise Refusal("no libstrata_resources that watches in this process") from None
    memory = Memory()
    version, row_bytes, count, unlisted = HEAD.unpack(memory.bytes(at, HEAD.size))
    if version != VERSION or row_bytes != ROW.size or count > ROWS:
        raise Refusal("libstrata_resources has another table: other versions of library and commands")
    rows = list(ROW.iter_unpack(memory.bytes(at + HEAD.size, count * ROW.size)))
    if rows:
        table(["name", "kind", "there", "live", "blocks", "held", "peak"], [cells(row) for row in rows])
    else:
        say("  no resource of the program was watched so far")
    if unlisted:
        say(f"  and {unlisted} that found no row")
