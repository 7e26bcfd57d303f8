#!/usr/bin/env python3
"""`strata layout` beside pahole: sizes, holes and padding of every structure that both know.

    test/layout/pahole_test.py STRATA BINARY... [--if-there BINARY...] [--compile COMPILER SOURCE]

--if-there: binaries that are skipped where they have no debug information. --compile: a C++ program that is
compiled for this.

pahole (Debian's dwarves) lists a structure by its bare name, once, whichever of several it met first. So
each of its structures must be one of ours of that name, with the same figures: size, bytes in holes, bits
in holes between bit-fields, padding, bits of padding. They may differ only where pahole is known to be
wrong, and the difference must be just that:

    nothing     a field of 0 bytes, where its type is _Atomic, is an empty class, or is only declared in
                that unit: what is missing from the field stands in the hole or padding behind it
    back        a field in the tail of a base, or a base that lies before one that is named earlier,
                makes nearly 65536 bytes of hole or padding
    rvalue      an rvalue reference is as large as what it refers to
    empty       an empty class derived from one derived from an empty class is all used
    virtual     a virtual base is laid over the fields, or counted as padding

Besides, ours must add up, by a sum that is made here: fields + holes + padding = size.

Exit status: 0 all agree, 1 some do not, 77 there is no pahole.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, namedtuple

Figures = namedtuple("Figures", "size hole_bytes bit_hole_bits padding bit_padding")
Listed = namedtuple("Listed", "name figures empty_offsets has_virtual_base")

HEAD = re.compile(r"^(?:struct|class) (.*?)(?: : (?:virtual |public |protected |private )*.*)? \{$")
END = re.compile(r"^\}")
EMPTY = re.compile(r"^\t(?!static )\S.*/\*\s+(\d+)\s+0 \*/$", re.MULTILINE)  # a field of 0 bytes
SECONDS = 300


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, errors="replace",
                          timeout=SECONDS, check=False)  # fmt: skip


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found.group(1)) if found else 0


def total(pattern, text):
    return sum(map(int, re.findall(pattern, text, re.MULTILINE)))


def bare(name):
    """The name without its scopes: a::b<c::d>::e is e."""
    depth = 0
    for i in range(len(name) - 1, 0, -1):
        depth += {">": 1, "<": -1}.get(name[i], 0)
        if depth == 0 and name[i - 1 : i + 1] == "::":
            return name[i + 1 :]
    return name


def listed(lines):
    """One structure of pahole's, from the lines between its braces."""
    head, body = lines[0], "\n".join(lines[1:])
    stats = body[body.rfind("/* size:") :]
    figures = Figures(
        number(r"/\* size: (\d+)", stats),
        total(r"^\t/\* XXX (\d+) bytes? hole", body),  # without members it prints no sums
        total(r"^\t/\* XXX (\d+) bits? hole", body),
        number(r"/\* padding: (\d+) \*/", stats),
        number(r"/\* bit_padding: (\d+) bits", stats),
    )
    offsets = [int(offset) for offset in EMPTY.findall(body)]
    return Listed(HEAD.match(head).group(1), figures, offsets, ": virtual " in head or ", virtual " in head)


def of_pahole(binary):
    """What pahole lists."""
    block = []
    for line in run("pahole", "--show_private_classes", binary).stdout.splitlines():
        if HEAD.match(line):
            block = [line]
        elif block and END.match(line):
            yield listed(block)
            block = []
        elif block:
            block.append(line)


def of_strata(strata, binary):
    done = run(strata, "layout", "--json", binary)
    if done.returncode != 0:
        sys.exit(f"{binary}: {done.stderr.strip()}")
    return [one for one in json.loads(done.stdout)["types"] if one["kind"] != "union"]


def has_debug_information(strata, binary):
    return run(strata, "layout", "--top", "1", binary).returncode == 0


def compile_program(compiler, source, directory):
    program = directory + "/" + pathlib.Path(source).stem
    whole = ["-fstandalone-debug"] if "clang" in pathlib.Path(compiler).name else []
    subprocess.run([compiler, "-std=c++20", "-g", "-O0", "-pthread", *whole, source, "-o", program], check=True)
    return program


def figures_of(one):
    return Figures(one["size_bytes"], one["hole_bytes"], one["bit_hole_bits"], one["padding_bytes"],
                   one["bit_padding_bits"])  # fmt: skip


def unused(figures):
    return 8 * (figures.hole_bytes + figures.padding) + figures.bit_hole_bits + figures.bit_padding


def known_fault(theirs, one):
    """Which fault of pahole's explains that its figures are not these of ours, or None."""
    ours = figures_of(one)
    if theirs.figures.size != ours.size:
        return None
    if theirs.has_virtual_base:
        return "virtual"
    if any(field["type"].endswith("&&") for field in one["fields"]):
        return "rvalue"
    if max(theirs.figures.hole_bytes, theirs.figures.padding) > ours.size:
        return "back"
    is_empty = all(field["size_bytes"] == 0 for field in one["fields"])
    if is_empty and ours.size == 1 and unused(ours) == 8 and unused(theirs.figures) == 0:
        return "empty"
    taken_for_nothing = sum(field["size_bytes"] for field in one["fields"]
                            if field["offset_bytes"] in theirs.empty_offsets)  # fmt: skip
    if taken_for_nothing and unused(theirs.figures) == unused(ours) + 8 * taken_for_nothing:
        return "nothing"
    return None


def stretch(field):
    """The bits that a field takes."""
    start, size = 8 * field["offset_bytes"], 8 * field["size_bytes"]
    if "bit_size" in field:
        start, size = field["bit_offset"], field["bit_size"]
    return start, start + size


def adds_up(one):
    """Whether fields and gaps fill the structure without a rest, and no gap has a field in it."""
    if any(field["kind"] == "virtual base" for field in one["fields"]):
        return True
    gaps = [(gap["bit_offset"], gap["bit_offset"] + gap["bit_size"]) for gap in one["gaps"]]
    fields = [stretch(field) for field in one["fields"]]
    filled = 0
    for start, end in sorted(gaps + fields):
        if start > filled or ((start, end) in gaps and start != filled):
            return False
        filled = max(filled, end)
    figures = figures_of(one)
    return filled == 8 * figures.size and unused(figures) == sum(end - start for start, end in gaps)


def compare(strata, binary):
    """Whether all structures agree; says how many there were."""
    ours, counts = {}, Counter()
    wrong = []
    for one in of_strata(strata, binary):
        ours.setdefault(bare(one["name"]), []).append(one)
        counts["ours"] += 1
        if not adds_up(one):
            wrong.append(f"{one['name']}: does not add up")
    for theirs in of_pahole(binary):
        same_name = ours.get(theirs.name, [])
        counts["pahole's"] += 1
        if any(figures_of(one) == theirs.figures for one in same_name):
            counts["equal"] += 1
            continue
        faults = [fault for one in same_name if (fault := known_fault(theirs, one))]
        if faults:
            counts["fault: " + faults[0]] += 1
        else:
            wrong.append(f"{theirs.name}: pahole {theirs.figures}, ours {[figures_of(x) for x in same_name]}")
    print(f"{binary}: {', '.join(f'{count} {what}' for what, count in counts.items())}; {len(wrong)} wrong")
    for line in wrong[:20]:
        print("  " + line[:600])
    return counts["equal"] > 0 and not wrong


def main():
    if shutil.which("pahole") is None:
        sys.exit(77)
    parser = argparse.ArgumentParser()
    parser.add_argument("strata")
    parser.add_argument("binaries", nargs="+")
    parser.add_argument("--if-there", nargs="*", default=[])
    parser.add_argument("--compile", nargs=2, default=None)
    given = parser.parse_args()
    there = [one for one in given.if_there if has_debug_information(given.strata, one)]
    with tempfile.TemporaryDirectory() as directory:
        compiled = [compile_program(*given.compile, directory)] if given.compile else []
        agree = [compare(given.strata, binary) for binary in given.binaries + there + compiled]
    sys.exit(0 if all(agree) else 1)


if __name__ == "__main__":
    main()
