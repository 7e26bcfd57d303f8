"""The ground: regions of heap, their chunks, the page map, the marks. See src/ground/address_map.hpp.

The constants are those of src/ground/size_class.hpp and address_map.hpp, of which the compiler leaves
nothing in the debug information; Ground.chunk_at holds one of them against what it finds.
"""

from bisect import bisect_left
from collections import namedtuple

from strata_gdb.inferior import Refusal, is_core_dump, number

GRANULE_BYTES = 16
START_BYTES = 1024  # a word of the start map each
EXACT_BYTES = 256  # up to here each multiple of a granule is a class
SMALL_BYTES = 1024
PARTS_OF_DOUBLING = 8  # above, classes are so many to a doubling, and one more just above its start
MEDIUM_STEP = SMALL_BYTES // PARTS_OF_DOUBLING
CANARY_BYTES = 8
LONGEST_POWER = 32 * 1024
MEDIUM_BYTES = LONGEST_POWER + MEDIUM_STEP - CANARY_BYTES  # the largest request that has a class
CHUNK_BYTES = 2 << 20
MARKED_DIGIT = b"0" + b"1" * 255

# Rows of bits, one a page.
Chunk = namedtuple("Chunk", "start used dirty")
# What lay in a free page: its first byte, and how long its blocks were.
Former = namedtuple("Former", "start block_bytes")


def class_sizes():
    """The block size of each class; class 0 is none."""
    sizes = [0, *range(GRANULE_BYTES, EXACT_BYTES + 1, GRANULE_BYTES)]
    start = EXACT_BYTES
    while start < LONGEST_POWER:
        part = start // PARTS_OF_DOUBLING
        just_above = GRANULE_BYTES if start < SMALL_BYTES else MEDIUM_STEP
        if just_above < part:
            sizes.append(start + just_above)
        sizes += [start + (i + 1) * part for i in range(PARTS_OF_DOUBLING)]
        start *= 2
    return [*sizes, LONGEST_POWER + MEDIUM_STEP]


CLASS_SIZES = class_sizes()


def class_of(size):
    """The number of the size class that serves a size up to MEDIUM_BYTES."""
    return bisect_left(CLASS_SIZES, max(size + CANARY_BYTES, 1))


class Ground:
    def __init__(self, program):
        self.program = program
        self.memory = program.memory
        kinds = program.enumerators("ground::ground_kind")
        self.kind = kinds[program.value("ground::?::chosen")]
        if self.kind == "none":
            raise Refusal("nothing has been allocated yet, or this is a core dump without that memory")
        self.page_shift = program.value("ground::?::shift")
        self.page_bytes = 1 << self.page_shift
        self.chunk_pages = CHUNK_BYTES >> self.page_shift
        self.flat = program.record("ground::flat")
        self.regions = sorted(self.find_regions(), key=lambda one: one.start)
        # Core dumps leave the flat maps out; gdb may then read them as zeros, as if nothing were live.
        self.has_marks = self.kind == "sparse" or not is_core_dump()

    # ---- Regions

    def find_regions(self):
        if self.kind == "contiguous":
            return [self.program.record("ground::?::whole")]
        layout = self.program.layout("ground::region")
        return [layout.at(at) for leaf in self.leaves() for at in leaf if at != 0]

    def leaves(self):
        """The rows of pointers to regions, on sparse ground."""
        root = "ground::?::root"
        leaf_words = self.program.layout("ground::?::leaf").sizeof // 8
        for leaf in self.memory.words(self.program.address_of(root), self.program.length(root)):
            if leaf != 0:
                yield self.memory.words(leaf, leaf_words)

    def region_of(self, address):
        for region in self.regions:
            if region.start <= address < region.start + region.bytes:
                return region
        return None

    def is_reserved(self, address):
        """Whether the heap may grow over the address, but has not."""
        if self.kind != "contiguous":
            return False
        reserved = self.program.value("ground::?::whole_reserved")
        return self.regions[0].bytes <= address - self.regions[0].start < reserved

    # ---- Chunks

    def chunk_at(self, region, index):
        record = self.program.layout("ground::chunk").at(
            region.chunks + index * self.program.layout("ground::chunk").sizeof
        )
        start = region.start + index * CHUNK_BYTES
        # A chunk that is just being added is all zeros.
        if record.start not in (start, 0):
            raise Refusal("the chunks are not where they should be: other versions of library and commands")
        return Chunk(start, number(record.bytes_of("used_words")), number(record.bytes_of("dirty_words")))

    def chunks(self):
        """(region, chunk), by address."""
        for region in self.regions:
            for index in range(region.bytes // CHUNK_BYTES):
                yield region, self.chunk_at(region, index)

    def page_of(self, address):
        """(used, dirty): of the heap's page at the address."""
        region = self.region_of(address)
        chunk = self.chunk_at(region, (address - region.start) // CHUNK_BYTES)
        bit = (address - chunk.start) >> self.page_shift
        return chunk.used >> bit & 1, chunk.dirty >> bit & 1

    # ---- The page map

    def page_entry(self, region, page):
        return self.memory.word(region.pages + page * 8)

    def run_of(self, address):
        """The run that the address belongs to: a record of ground::run, or None."""
        region = self.region_of(address)
        if region is None:
            return None
        page = (address - region.start) >> self.page_shift
        # The inside of a run longer than a chunk is entered once a chunk.
        for at in (page, page - page % self.chunk_pages):
            entry = self.page_entry(region, at)
            if entry != 0 and entry % 2 == 0:
                run = self.program.layout("ground::run").at(entry)
                inside = 0 <= address - run.start < run.pages << self.page_shift
                return run if inside else None
        return None

    def run_addresses(self):
        """The descriptors of all runs, in the order of the runs' addresses, each once."""
        seen = {}
        for region, chunk in self.chunks():
            if chunk.used == 0:
                continue
            first = (chunk.start - region.start) >> self.page_shift
            for entry in self.memory.words(region.pages + first * 8, self.chunk_pages):
                if entry != 0 and entry % 2 == 0:
                    seen[entry] = True
        return list(seen)

    def former_run_of(self, address):
        region = self.region_of(address)
        page = (address - region.start) >> self.page_shift
        note = self.page_entry(region, page)
        if note % 2 == 0:
            return None
        from_start = (note & 0xFFFFFFFF) >> 1
        start = region.start + ((page - from_start) << self.page_shift)
        return Former(start, (note >> 32) * GRANULE_BYTES)

    # ---- Marks

    def marked(self, start, block_bytes, count):
        """Which of the blocks side by side have a mark, as a row of bits."""
        region = self.region_of(start)
        if block_bytes > SMALL_BYTES:
            return self.marked_medium(region, start, block_bytes, count)
        first = region.marks + (start - region.start) // GRANULE_BYTES
        raw = self.memory.bytes(first, block_bytes // GRANULE_BYTES * count)
        # One digit a block, the last block first.
        digits = raw[:: block_bytes // GRANULE_BYTES][::-1].translate(MARKED_DIGIT)
        return int(digits, 2)

    def stamped(self, start, block_bytes, count):
        """Which of the blocks side by side bear their stamp, as a row of bits."""
        step = block_bytes // 8
        first_words = self.memory.words(start, step * count)[::step]
        row = 0
        for i, word in enumerate(first_words):
            if word == self.flat.marks + (start + i * block_bytes) // GRANULE_BYTES:
                row |= 1 << i
        return row

    def marked_medium(self, region, start, block_bytes, count):
        row = 0
        for i in range(count):
            at = start + i * block_bytes
            word = number(self.memory.bytes(region.starts + (at - region.start) // START_BYTES * 2, 2))
            # | granule in the KiB: 6 bits | mark: 8 bits |; whose block is it?
            if word % 256 != 0 and word // 256 == at % START_BYTES // GRANULE_BYTES:
                row |= 1 << i
        return row
