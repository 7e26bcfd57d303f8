"""Blocks: spans, large blocks, mappings, and the caches that hold freed ones. See src/alloc.

Which state a block of a span is in:

    free       its free bit is set
    cached     it stands in a magazine, or in a batch of a thread's stash or of the depot
    waiting    it stands in the quarantine of STRATA_HARDEN=paranoid
    live       none of these, and it has a mark and no stamp (src/alloc/block_state.hpp)
    passing    none of these: a thread is allocating or freeing it, or lost it

Core dumps leave the marks of contiguous ground out: there a block that is passing may count as live.

A large block is live, or `waits`: in a thread's cache of large blocks, or in the quarantine.
"""

from collections import namedtuple

from strata_gdb.ground import Ground
from strata_gdb.inferior import Program, Unreadable

IN_DEPOT = "the depot"

# number: the class's, or that of its plain twin; heap: 0 for the process's own.
Home = namedtuple("Home", "number class_number heap")
# Rows of bits, one a block of a span.
States = namedtuple("States", "live cached free waiting passing")


class Span:
    """A run cut into blocks."""

    def __init__(self, heap, record):
        self.start = record.start
        self.bytes = record.pages << heap.ground.page_shift
        self.block_bytes = record.block_bytes
        self.capacity = record.capacity
        self.home = heap.home_of(record.home)
        free_words = -(-self.capacity // 64)
        row = heap.memory.bytes(record.address + record.layout.sizeof, free_words * 8)
        self.free = int.from_bytes(row, "little")

    def block_at(self, index):
        return self.start + index * self.block_bytes


class Large:
    """A block alone in a run, or in a mapping."""

    def __init__(self, heap, record):
        self.start = record.start
        self.is_mapping = record.mapped != 0
        self.bytes = record.mapped or record.pages << heap.ground.page_shift
        self.heap = record.owner
        self.before = record.before
        self.behind = record.behind
        self.waits = record.waits != 0
        self.is_cached = self.waits and record.address not in heap.waiting_larges()

    def holds(self, address):
        return self.start <= address < self.start + self.bytes

    def guards(self, address):
        return self.start - self.before <= address < self.start + self.bytes + self.behind


class Places:
    """Where freed blocks are kept, by block; found again by the page."""

    def __init__(self, page_shift):
        self.page_shift = page_shift
        self.pages = {}

    def add(self, block, where):
        self.pages.setdefault(block >> self.page_shift, {})[block] = where

    def at(self, block):
        return self.pages.get(block >> self.page_shift, {}).get(block)

    def values(self):
        return (where for page in self.pages.values() for where in page.values())

    def row(self, span):
        """Which blocks of the span are here, as a row of bits."""
        row = 0
        for page in range(span.start >> self.page_shift, (span.start + span.bytes) >> self.page_shift):
            for block in self.pages.get(page, ()):
                row |= 1 << (block - span.start) // span.block_bytes
        return row


class Heap:
    """Everything, as it is at this moment."""

    def __init__(self):
        self.program = Program()
        self.memory = self.program.memory
        self.ground = Ground(self.program)
        # Of size classes and their plain twins; 0 is neither.
        self.number_count = self.program.count_of("alloc::?::depots", "alloc::depot")
        self.homes = {}
        self.found_cached = {}
        self.found_runs = None
        self.found_caches = None
        self.found_owners = None
        self.found_waiting = None
        self.found_waiting_larges = None
        self.unread_caches = set()

    # ---- Spans and large blocks

    def home_of(self, bin_address):
        if bin_address not in self.homes:
            home = self.program.layout("alloc::bin").at(bin_address)
            twin_offset = self.number_count // 2
            class_number = home.number_ - (twin_offset if home.number_ > twin_offset else 0)
            self.homes[bin_address] = Home(home.number_, class_number, home.owner_)
        return self.homes[bin_address]

    def run_at(self, descriptor):
        """The span or large block whose descriptor lies there."""
        kinds = self.program.enumerators("ground::run_kind")
        run = self.program.layout("ground::run").at(descriptor)
        if kinds[run.kind] == "span":
            return Span(self, self.program.layout("alloc::span").at(descriptor))
        return Large(self, self.program.layout("alloc::large").at(descriptor))

    def runs(self):
        if self.found_runs is None:
            self.found_runs = [self.run_at(at) for at in self.ground.run_addresses()]
        return self.found_runs

    def spans(self):
        return [one for one in self.runs() if isinstance(one, Span)]

    def spans_of(self, class_number):
        return [one for one in self.spans() if one.home.class_number == class_number]

    def larges(self):
        """Large blocks in runs and in mappings, by address."""
        runs = [one for one in self.runs() if isinstance(one, Large)]
        return sorted(runs + self.mappings(), key=lambda one: one.start)

    def mappings(self):
        layout = self.program.layout("alloc::large")
        open_nodes = [self.program.record("alloc::?::mappings").root_]
        found = {}
        while open_nodes:
            at = open_nodes.pop()
            if at == 0 or at in found:
                continue
            record = layout.at(at)
            found[at] = Large(self, record)
            open_nodes += [record.left, record.right]
        return list(found.values())

    # ---- Caches

    def thread_caches(self):
        if self.found_caches is None:
            lists = self.program.layout("alloc::?::registry_lists")
            active = self.program.address_of("alloc::?::lists_memory") + lists.place("active")[0]
            layout = self.program.layout("alloc::thread_cache")
            self.found_caches = [layout.at(at) for at in self.program.listed(active)]
        return self.found_caches

    def owner_of(self, cache):
        """The thread, by gdb's number, that the cache belongs to."""
        if self.found_owners is None:
            offset = self.program.layout("alloc::thread_state").place("cache")[0]
            self.found_owners = {
                self.memory.word(state + offset): f"thread {number}"
                for number, state in self.program.in_each_thread("alloc::this_thread")
            }
        return self.found_owners.get(cache.address, f"thread cache {cache.address:#x}")

    def magazine(self, cache, number):
        """The entries in the thread's magazine: from its head to the first 0."""
        head = self.memory.word(cache.heads_ + number * 8)
        size = self.program.layout("alloc::magazine").sizeof
        held = self.memory.words(head, (size - head % size) // 8)
        entries = []
        for entry in held:
            if entry == 0:
                break
            entries.append(entry)
        return head, entries

    def doubtful(self, cache, number, head, filled):
        """What a lift left to the owner: still there unless the owner has taken it."""
        offset, size = cache.layout.place("doubtful_")
        doubt = size // self.number_count
        held, at = self.memory.words(cache.address + offset + number * doubt, 2)
        return [held] if held != 0 and head + filled * 8 == at else []

    def in_magazines(self, number):
        for cache in self.thread_caches():
            try:
                head, entries = self.magazine(cache, number)
                entries += self.doubtful(cache, number, head, len(entries))
            except Unreadable:
                self.unread_caches.add(cache.address)
                continue
            for entry in entries:
                yield entry, f"the magazine of {self.owner_of(cache)}"
            for entry in self.in_stash(cache, number):
                yield entry, f"the stash of {self.owner_of(cache)}"

    def in_stash(self, cache, number):
        offset, size = cache.layout.place("stashes_")
        stash = cache.address + offset + number * (size // self.number_count)
        top = self.program.layout("alloc::stash").place("top_")[0]
        return self.entries_of_batches(self.memory.word(stash + top))

    def in_depot(self, number):
        depot_bytes = self.program.layout("alloc::depot").sizeof
        depot = self.program.address_of("alloc::?::depots") + number * depot_bytes
        stack = depot + self.program.layout("alloc::depot").place("stack_")[0]
        top = self.memory.word(stack + self.program.layout("alloc::batch_stack").place("top_")[0])
        counter_bits = self.program.constant("alloc::batch_stack", "counter_bits")
        alignment_bits = self.program.constant("alloc::batch_stack", "alignment_bits")
        for entry in self.entries_of_batches(top >> counter_bits << alignment_bits):
            yield entry, IN_DEPOT

    def entries_of_batches(self, at):
        """What the batch at the address holds, and those under it."""
        layout = self.program.layout("alloc::batch")
        seen = set()
        while at != 0 and at not in seen:
            seen.add(at)
            batch = layout.at(at)
            yield from self.memory.words(batch.address_of("blocks"), batch.count)
            at = batch.under

    def cached(self, number):
        """Where each cached block of the class is."""
        if number not in self.found_cached:
            found = Places(self.ground.page_shift)
            for source in (self.in_depot, self.in_magazines):
                for entry, where in source(number):
                    found.add(entry, where)
            self.found_cached[number] = found
        return self.found_cached[number]

    def quarantine(self):
        """(block or descriptor of a large block, class) of what waits there."""
        ring = "alloc::paranoid::?::ring"
        size = self.program.length(ring)
        start = self.program.address_of(ring)
        first = self.program.value("alloc::paranoid::?::first")
        layout = self.program.layout("alloc::paranoid::waiting")
        for i in range(self.program.value("alloc::paranoid::?::count")):
            one = layout.at(start + (first + i) % size * layout.sizeof)
            yield one.item, one.number

    def find_waiting(self):
        self.found_waiting = Places(self.ground.page_shift)
        self.found_waiting_larges = set()
        for item, number in self.quarantine():
            if number != 0:
                self.found_waiting.add(item, "the quarantine")
            else:
                self.found_waiting_larges.add(item)

    def waiting(self):
        if self.found_waiting is None:
            self.find_waiting()
        return self.found_waiting

    def waiting_larges(self):
        self.waiting()
        return self.found_waiting_larges

    # ---- Blocks

    def states(self, span):
        """The state of each block of the span."""
        cached = waiting = 0
        if span.home.heap == 0:
            cached = self.cached(span.home.number).row(span) & ~span.free
            waiting = self.waiting().row(span) & ~(span.free | cached)
        rest = (1 << span.capacity) - 1 & ~(span.free | cached | waiting)
        live = rest
        if self.ground.has_marks:
            live &= self.ground.marked(span.start, span.block_bytes, span.capacity)
        if span.home.heap == 0 and live != 0:
            live &= ~self.ground.stamped(span.start, span.block_bytes, span.capacity)
        return States(live, cached, span.free, waiting, rest & ~live)

    def run_at_address(self, address):
        """The span or large block in a run that the address belongs to, or None."""
        run = self.ground.run_of(address)
        return None if run is None else self.run_at(run.address)
