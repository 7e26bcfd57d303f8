"""The commands, and how they put what they find. docs/gdb.md explains every figure."""

import re

import gdb

from strata_gdb.blocks import IN_DEPOT, Heap, Span
from strata_gdb.figures import Tally, counted, ones, say, say_all, size_text, state_columns, table
from strata_gdb.ground import MEDIUM_BYTES, class_of
from strata_gdb.inferior import Refusal
from strata_gdb.resources import show_resources

FEW = 20  # live blocks that find-live shows unless told


def notes(heap):
    """What the figures lack."""
    lines = []
    if not heap.ground.has_marks:
        lines.append("  marks  not in a core dump: a block that is just changing hands may count as live")
    if heap.unread_caches:
        unread = counted(len(heap.unread_caches), "thread cache")
        lines.append(f"  {unread} cannot be read: what is in there counts as live")
    return lines


def of_class(span):
    return f"{span.block_bytes} bytes (class {span.home.class_number})"


def range_text(start, size):
    return f"{start:#x} .. {start + size:#x}"


# ---- strata heap


def say_pages(ground):
    chunks = [chunk for _, chunk in ground.chunks()]
    in_use = sum(chunk.used != 0 for chunk in chunks)
    used = sum(ones(chunk.used) for chunk in chunks)
    dirty = sum(ones(chunk.dirty) for chunk in chunks)
    clean = len(chunks) * ground.chunk_pages - used - dirty
    say(f"{ground.kind} ground, pages of {size_text(ground.page_bytes)}")
    regions = counted(len(ground.regions), "region")
    say(f"  chunks    {len(chunks)} in {regions}, {in_use} of them in use")
    pages = ((used, "used"), (dirty, "dirty"), (clean, "clean"))
    say("  pages     " + ", ".join(f"{n} {what} ({size_text(n * ground.page_bytes)})" for n, what in pages))


def say_large(what, blocks):
    live = [one for one in blocks if not one.waits]
    cached = sum(one.is_cached for one in blocks)
    waiting = len(blocks) - len(live) - cached
    more = "".join(f", {n} {state}" for n, state in ((cached, "cached"), (waiting, "waiting")) if n)
    say(f"  {what:<9} {len(live)} live ({size_text(sum(one.bytes for one in live))}){more}")


def say_caches(heap):
    cached = depot = 0
    for number in range(1, heap.number_count):
        for where in heap.cached(number).values():
            cached += 1
            depot += where == IN_DEPOT
    threads = counted(len(heap.thread_caches()), "thread cache")
    say(f"  cached    {cached - depot} blocks in the magazines of {threads}, {depot} in the depot")


def say_classes(tallies):
    names, rows = state_columns(tallies)
    sizes = [[f"{one.block_bytes} B", one.spans] for one in tallies]
    table(["block size", "spans", *names], [left + right for left, right in zip(sizes, rows)])


def show_heap(arguments):
    if arguments:
        raise Refusal("usage: strata heap")
    heap = Heap()
    classes = {}
    for span in heap.spans():
        tally = classes.setdefault(span.home.class_number, Tally(span.block_bytes))
        tally.add(span, heap.states(span))
    tallies = [classes[number] for number in sorted(classes)]
    larges = heap.larges()
    say_pages(heap.ground)
    live_bytes = sum(one.counts["live"] * one.block_bytes for one in tallies)
    live = sum(one.counts["live"] for one in tallies)
    spans = counted(sum(one.spans for one in tallies), "span")
    say(f"  blocks    {live} live ({size_text(live_bytes)}) in {spans}")
    say_large("large", [one for one in larges if not one.is_mapping])
    say_large("mappings", [one for one in larges if one.is_mapping])
    say_caches(heap)
    owners = {span.home.heap for span in heap.spans()} | {one.heap for one in larges}
    if len(owners - {0}) > 0:
        say(f"  heaps     {len(owners - {0})} first-class, whose blocks are in these figures")
    if tallies:
        say_classes(tallies)
    say_all(notes(heap))


# ---- strata block


def place_in(address, start, what):
    return f"the start of {what}" if address == start else f"{address - start} bytes into {what}"


def in_span(heap, span, address):
    """What the address is, and lines about it."""
    states = heap.states(span)
    counts = Tally().add(span, states).text()
    lines = [
        f"  span   {range_text(span.start, span.bytes)}: {span.capacity} blocks of {of_class(span)}",
        f"         {counts}",
    ]
    if span.home.heap:
        lines.append(f"  heap   {span.home.heap:#x}, first-class")
    index = (address - span.start) // span.block_bytes
    if index >= span.capacity:
        return "in the end of a span, too short for a block", lines
    block = span.block_at(index)
    lines.insert(0, f"  block  {range_text(block, span.block_bytes)}, number {index} of its span")
    return place_in(address, block, what_block(heap, span, states, index)), lines + notes(heap)


def what_block(heap, span, states, index):
    bit = 1 << index
    if states.free & bit:
        return "a free block in its span"
    if states.cached & bit:
        return "a free block cached in " + heap.cached(span.home.number).at(span.block_at(index))
    if states.waiting & bit:
        return "a freed block waiting in the quarantine"
    if states.live & bit:
        return "a live block"
    return "a block that a thread is just allocating or freeing"


def in_large(one, address):
    kind = "mapping" if one.is_mapping else "run"
    what = "a live large block"
    if one.waits:
        where = "cached by a thread" if one.is_cached else "waiting in the quarantine"
        what = f"a freed large block {where}"
    lines = [f"  block  {range_text(one.start, one.bytes)}: {size_text(one.bytes)}, a {kind} of its own"]
    if one.heap:
        lines.append(f"  heap   {one.heap:#x}, first-class")
    if one.holds(address):
        return place_in(address, one.start, what), lines
    side = "before" if address < one.start else "behind"
    return f"in the inaccessible page {side} {what}", lines


def in_free_page(ground, address):
    used, dirty = ground.page_of(address)
    if used:
        return "in a page whose run a thread is just making or returning", []
    state = "dirty page: free, not yet given back" if dirty else "clean page: free, without memory"
    what = f"in a {state}"
    former = ground.former_run_of(address)
    if former is None or former.block_bytes == 0:
        return what, []
    block = address - (address - former.start) % former.block_bytes
    return what, [f"  before {range_text(block, former.block_bytes)}: a block of {former.block_bytes} bytes"]


def find(heap, address):
    run = heap.run_at_address(address)
    if isinstance(run, Span):
        return in_span(heap, run, address)
    if run is not None:
        return in_large(run, address)
    for one in heap.larges():
        if one.guards(address):
            return in_large(one, address)
    if heap.ground.region_of(address) is not None:
        return in_free_page(heap.ground, address)
    if heap.ground.is_reserved(address):
        return "in the heap's reservation, which has not grown so far yet", []
    return "in no block, run or mapping of Strata", []


def show_block(arguments):
    if not arguments:
        raise Refusal("usage: strata block ADDRESS")
    address = value_of(arguments, "an address")
    heap = Heap()
    what, lines = find(heap, address)
    say(f"{address:#x}: {what}")
    say_all(lines)


# ---- strata spans


def show_all_spans(heap):
    """How many spans of each class are how full, in the steps by which a bin sorts them."""
    classes = {}
    for span in heap.spans():
        free = ones(span.free)
        step = 0 if free == 0 else 4 - (free * 4 - 1) // span.capacity
        row = classes.setdefault(span.home.class_number, [f"{span.block_bytes} B", 0, 0, 0, 0, 0, 0])
        row[1] += 1
        row[2 + step] += 1
    head = ["block size", "spans", "all used", "<= 1/4", "> 1/4", "> 1/2", "> 3/4"]
    table(head, [classes[number] for number in sorted(classes)])


def show_spans_of(heap, spans):
    say(f"{counted(len(spans), 'span')} of blocks of {of_class(spans[0])}")
    names, rows = state_columns([Tally().add(span, heap.states(span)) for span in spans])
    for span, row in zip(spans, rows):
        row.insert(0, f"{span.start:#x}")
        row.append(f"{span.home.heap:#x}" if span.home.heap else "-")
    table(["span", *names, "heap"], rows)
    say_all(notes(heap))


def show_spans(arguments):
    if not arguments:
        show_all_spans(Heap())
        return
    size = size_of(arguments)
    heap = Heap()
    spans = spans_for(heap, size)
    if spans:
        show_spans_of(heap, spans)


def spans_for(heap, size):
    """The spans of the class that serves the size; says so when there are none."""
    if size > MEDIUM_BYTES:
        raise Refusal(f"no size class serves {size} bytes: the largest has blocks of {MEDIUM_BYTES}")
    spans = heap.spans_of(class_of(size))
    if not spans:
        say(f"no span serves {size} bytes")
    elif spans[0].block_bytes < size:
        raise Refusal("the size classes are others: other versions of library and commands")
    return spans


# ---- strata find-live


def first_word(heap, address):
    """What the block begins with, as a pointer: gdb names the symbol that it points to."""
    try:
        word = heap.memory.word(address)
    except Refusal:
        return "unreadable"
    return gdb.Value(word).cast(gdb.lookup_type("void").pointer()).format_string()


def live_in(heap, spans):
    for span in spans:
        live = heap.states(span).live
        for index in range(span.capacity):
            if live >> index & 1:
                yield span.block_at(index)


def show_live(arguments):
    if not arguments:
        raise Refusal("usage: strata find-live SIZE [COUNT]")
    size, most = size_and_count(arguments)
    heap = Heap()
    if size > MEDIUM_BYTES:
        larges = [one for one in heap.larges() if not one.waits and one.bytes >= size]
        what = f"large blocks of at least {size} bytes"
        found = [(one.start, f"  {size_text(one.bytes)}") for one in larges]
    else:
        spans = spans_for(heap, size)
        if not spans:
            return
        what = f"blocks of {of_class(spans[0])}"
        found = [(block, "") for block in live_in(heap, spans)]
    say(f"{len(found)} live {what}" + (f"; the first {most}:" if len(found) > most else ""))
    for block, more in found[:most]:
        say(f"  {block:#x}{more}  {first_word(heap, block)}")
    say_all(notes(heap))


# ---- Arguments and registration


def value_of(expression, what):
    """The value of an expression, of 64 bits."""
    try:
        value = gdb.parse_and_eval(expression)
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_ARRAY:
            value = value.address
        return int(value) % 2**64
    except (gdb.error, TypeError, ValueError) as wrong:
        raise Refusal(f"not {what}: {expression}: {wrong}")


def size_of(expression):
    size = value_of(expression, "a size")
    if not 0 < size < 2**63:
        raise Refusal(f"not a size: {expression}")
    return size


def size_and_count(arguments):
    """SIZE, which may have spaces in it, and COUNT, which is a number."""
    parts = re.fullmatch(r"(.*[\w)\]]) +(\d+)", arguments)
    return (size_of(parts[1]), int(parts[2])) if parts else (size_of(arguments), FEW)


class Command(gdb.Command):
    """One command. Whatever goes wrong is one line, not a traceback."""

    def __init__(self, name, action, help_text):
        self.__doc__ = help_text
        super().__init__(f"strata {name}", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)
        self.action = action

    def invoke(self, arguments, _from_terminal):
        try:
            self.action(arguments.strip())
        except (Refusal, gdb.error) as wrong:
            raise gdb.GdbError(f"strata: {wrong}") from None
        except (ArithmeticError, LookupError, TypeError, ValueError, MemoryError) as wrong:
            raise gdb.GdbError(f"strata: the heap's tables make no sense here ({wrong!r})") from None


class Prefix(gdb.Command):
    """Strata's heap: where its memory is, and what lies at an address."""

    def __init__(self):
        super().__init__("strata", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, arguments, _from_terminal):
        if arguments:
            raise gdb.GdbError(f"strata: no such command: {arguments} (see help strata)")
        gdb.execute("help strata")


def register():
    Prefix()
    Command("heap", show_heap, """Summary of Strata's heap: chunks, pages, size classes, large blocks.
Usage: strata heap""")
    Command("block", show_block, """What lies at an address: a block, live or free; a free page; nothing.
Usage: strata block ADDRESS
ADDRESS is any expression.""")
    Command("resources", show_resources, """The program's own resources that are watched, as they last said.
Usage: strata resources""")
    Command("spans", show_spans, """How full spans are: of each size class, or each span of one.
Usage: strata spans [SIZE]
SIZE names the class that serves so many bytes.""")
    Command("find-live", show_live, f"""Live blocks, by address, and what they begin with.
Usage: strata find-live SIZE [COUNT]
Those of the class that serves SIZE bytes; above {MEDIUM_BYTES}, large blocks of at least SIZE bytes.
COUNT: how many to show, {FEW} unless given.""")
