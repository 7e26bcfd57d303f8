"""Memory and debug information of the process that gdb looks at.

Structures are read as bytes and taken apart by the offsets that the debug information tells, so that
a heap of a hundred thousand spans takes seconds: a gdb.Value for each member would take minutes.
An instance of Memory is good for one command, while the process stands still.
"""

import gdb

PAGE_BYTES = 4096  # what is read at once; no smaller unit has a protection of its own
WORD_BYTES = 8


class Refusal(Exception):
    """Why a command cannot do its work: one line."""


class Unreadable(Refusal):
    """Memory that is not there, or not in the core dump."""


def number(raw):
    return int.from_bytes(raw, "little")


def words(raw):
    """The words of 64 bits that the bytes hold."""
    return memoryview(raw).cast("Q")


class Memory:
    """The bytes of the process, read by the page and remembered."""

    def __init__(self):
        self.inferior = gdb.selected_inferior()
        self.pages = {}

    def page(self, at):
        if at not in self.pages:
            try:
                self.pages[at] = bytes(self.inferior.read_memory(at, PAGE_BYTES))
            except (gdb.error, OverflowError):
                self.pages[at] = None
        if self.pages[at] is None:
            raise Unreadable(f"the memory at {at:#x} cannot be read")
        return self.pages[at]

    def bytes(self, address, size):
        first = address - address % PAGE_BYTES
        end = address + size
        if end <= first + PAGE_BYTES:
            return self.page(first)[address - first : end - first]
        joined = b"".join(self.page(at) for at in range(first, end, PAGE_BYTES))
        return joined[address - first : end - first]

    def word(self, address):
        return number(self.bytes(address, WORD_BYTES))

    def words(self, address, count):
        return words(self.bytes(address, count * WORD_BYTES))


class Layout:
    """Where the members of a structure lie, those of its bases included."""

    def __init__(self, memory, of):
        self.memory = memory
        self.of = of
        self.sizeof = of.sizeof
        self.members = {}  # name: offset, size
        self.add(of.strip_typedefs(), 0)

    def add(self, of, base):
        for field in of.fields():
            if not hasattr(field, "bitpos"):
                continue
            offset = base + field.bitpos // 8
            if field.is_base_class:
                self.add(field.type.strip_typedefs(), offset)
            else:
                self.members[field.name] = (offset, field.type.sizeof)

    def place(self, member):
        """Offset and size of the member."""
        if member not in self.members:
            raise Refusal(f"{self.of} has no member {member}: other versions of library and commands")
        return self.members[member]

    def at(self, address):
        return Record(self, address)


class Record:
    """A structure of the process. An integer or pointer member is an attribute of it."""

    def __init__(self, layout, address):
        self.layout = layout
        self.address = address
        self.raw = layout.memory.bytes(address, layout.sizeof)

    def __getattr__(self, member):
        return number(self.bytes_of(member))

    def bytes_of(self, member):
        offset, size = self.layout.place(member)
        return self.raw[offset : offset + size]

    def address_of(self, member):
        return self.address + self.layout.place(member)[0]


class Program:
    """The process with the library in it: its variables and types, by their names below strata::."""

    def __init__(self):
        self.memory = Memory()
        self.layouts = {}
        if gdb.selected_inferior().pid == 0:
            raise Refusal("there is no process: start one, or open a core dump")
        if not self.has("ground::flat"):
            raise Refusal(why_unknown())

    def has(self, name):
        return find_symbol(name) is not None

    def symbol(self, name):
        found = find_symbol(name)
        if found is None:
            raise Refusal(f"libstrata has no {name}: other versions of library and commands")
        return found

    def address_of(self, name):
        return int(self.symbol(name).value().address)

    def value(self, name):
        """An integer or pointer variable, or an atomic one."""
        symbol = self.symbol(name)
        return number(self.memory.bytes(int(symbol.value().address), symbol.type.sizeof))

    def record(self, name):
        """A variable that is a structure."""
        return self.layout_of(name, self.symbol(name).type).at(self.address_of(name))

    def in_each_thread(self, name):
        """(number of the thread, address) of a thread-local variable, where gdb can tell."""
        selected, frame = gdb.selected_thread(), selected_frame()
        found = []
        try:
            for thread in gdb.selected_inferior().threads():
                thread.switch()
                try:
                    found.append((thread.num, self.address_of(name)))
                except gdb.error:
                    continue
        finally:
            if selected is not None:
                selected.switch()
            if frame is not None:
                frame.select()
        return found

    def length(self, name):
        """How many elements an array variable has."""
        of = self.symbol(name).type.strip_typedefs()
        return of.range()[1] + 1

    def count_of(self, name, element):
        """How many elements of that type a variable consists of."""
        return self.symbol(name).type.sizeof // self.layout(element).sizeof

    def layout(self, name):
        """The layout of a type."""
        try:
            return self.layout_of(name, gdb.lookup_type(full_name(name)))
        except gdb.error:
            raise Refusal(f"libstrata has no type {name}: other versions of library and commands")

    def layout_of(self, key, of):
        if key not in self.layouts:
            self.layouts[key] = Layout(self.memory, of)
        return self.layouts[key]

    def constant(self, of, member):
        """A static constant of a class."""
        return int(gdb.parse_and_eval(f"'{full_name(of)}::{member}'"))

    def enumerators(self, name):
        """The names of an enumeration's values."""
        of = self.layout(name).of
        return {field.enumval: field.name.rpartition("::")[2] for field in of.fields()}

    def listed(self, head):
        """The addresses of the nodes in a base::list whose head lies there."""
        next_of = self.memory.word
        seen = {head}
        at = next_of(head)
        # A list that nobody has built yet is all zeros; one that is being changed may be cut short.
        while at != 0 and at not in seen:
            seen.add(at)
            yield at
            at = next_of(at)


def selected_frame():
    try:
        return gdb.selected_frame()
    except gdb.error:
        return None


def is_core_dump():
    connection = gdb.selected_inferior().connection
    return connection is not None and connection.type == "core"


def full_name(name):
    """`?` stands for the namespace that has no name."""
    return "strata::" + name.replace("?", "(anonymous namespace)")


def find_symbol(name):
    full = full_name(name)
    found = gdb.lookup_global_symbol(full)
    return found if found is not None else gdb.lookup_static_symbol(full)


def why_unknown():
    try:
        gdb.parse_and_eval("&strata_malloc")
    except gdb.error:
        return "no libstrata in this process"
    return "libstrata has no debug information here: use one built with -g and not stripped"
