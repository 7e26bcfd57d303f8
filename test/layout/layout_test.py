"""strata layout: what it says against what the compiler's own programs say; orders that are tried out;
names, filters, refusals, damaged files.

    python3 layout_test.py STRATA LIBRARY C++_COMPILER
"""

import json
import pathlib
import random
import shutil
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cli"))
from cli_case import COMPILER, CliCase, main  # noqa: E402

IS_CLANG = "clang" in pathlib.Path(COMPILER).name
FORMATS = {
    "dwarf 5": ["-gdwarf-5"],
    "dwarf 4": ["-gdwarf-4"],
    "dwarf 3": ["-gdwarf-3", "-gstrict-dwarf"],
    "type units": ["-gdwarf-4", "-fdebug-types-section"],
    "split": ["-gdwarf-5", "-gsplit-dwarf"],
    "compressed": ["-g", "-gz"],
}


class LayoutCase(CliCase):
    def build(self, name, source, *options):
        """A C++ program; where split debug information stays with it."""
        path = self.directory / name
        file = source if isinstance(source, pathlib.Path) else self.make(name + ".cpp", source)
        subprocess.run([COMPILER, "-std=c++20", "-w", "-O0", *(["-fstandalone-debug"] if IS_CLANG else []),
                        *(options or ["-g"]), file, "-o", path], cwd=self.directory, check=True)  # fmt: skip
        return path

    def types(self, *arguments):
        done = self.strata("layout", "--json", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["types"]


class Truth(LayoutCase):
    def check(self, options):
        program = self.build("shapes", HERE / "shapes.cpp", *options)
        ours = {}
        for one in self.types(program):
            ours[one["name"].replace("(anonymous)", "(anonymous namespace)")] = one
        said = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
        self.assertGreater(len(said), 40)
        for line in said:
            with self.subTest(line=line):
                self.check_line(line, ours)

    def check_line(self, line, ours):
        kind, rest = line.split(" ", 1)
        if kind == "type":
            name, size, alignment = rest.rsplit(" ", 2)
            one = ours[name]
            self.assertEqual(one["size_bytes"], int(size))
            self.assertEqual(one["alignment_bytes"], int(alignment))
            return
        name, field, first, bits = rest.rsplit(" ", 3)
        found = next(each for each in ours[name]["fields"] if each["name"] == field)
        start = found.get("bit_offset", 8 * found["offset_bytes"])
        self.assertEqual((start, found.get("bit_size", 8 * found["size_bytes"])), (int(first), int(bits)))

    def test_dwarf_5(self):
        self.check(FORMATS["dwarf 5"])

    def test_dwarf_4(self):
        self.check(FORMATS["dwarf 4"])

    def test_dwarf_3(self):
        self.check(FORMATS["dwarf 3"])

    def test_type_units(self):
        self.check(FORMATS["type units"])

    def test_split(self):
        self.check(FORMATS["split"])

    def test_compressed(self):
        self.check(FORMATS["compressed"])


class Orders(LayoutCase):
    """Random structures: each better order is as good as it says, tried out by the compiler."""

    SCALARS = ["char", "short", "int", "long", "double", "float", "void*", "bool", "long double",
               "char", "char"]  # fmt: skip

    def random_struct(self, number, dice):
        fields = []
        for i in range(dice.randint(1, 12)):
            name = f"f{i}"
            kind = dice.random()
            if kind < 0.15:
                fields.append((name, f"unsigned {name} : {dice.randint(1, 32)};"))
            elif kind < 0.3:
                fields.append((name, f"{dice.choice(self.SCALARS)} {name}[{dice.randint(1, 9)}];"))
            elif kind < 0.4 and number > 0:
                fields.append((name, f"s{dice.randrange(number)} {name};"))
            else:
                fields.append((name, f"{dice.choice(self.SCALARS)} {name};"))
        base = f" : s{dice.randrange(number)}" if number > 0 and dice.random() < 0.2 else ""
        return base, fields

    def source(self, structs):
        lines = ["#include <cstdio>"]
        for number, (base, fields) in enumerate(structs):
            lines.append(f"struct s{number}{base} {{ {' '.join(text for _, text in fields)} }};")
        lines += [f"s{number} o{number};" for number in range(len(structs))]
        lines.append("int main() {")
        lines += [f'  std::printf("%zu\\n", sizeof(s{number}));' for number in range(len(structs))]
        return "\n".join([*lines, "}"])

    def sizes(self, program):
        return [int(line) for line in
                subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()]  # fmt: skip

    def test_orders_are_as_good_as_they_say(self):
        dice = random.Random(20260)
        structs = [self.random_struct(number, dice) for number in range(300)]
        program = self.build("random", self.source(structs))
        ours = {one["name"]: one for one in self.types(program)}
        promised = {}
        trial = ["#include <cstdio>", self.source(structs).replace("int main", "int old_main")]
        for number, (base, fields) in enumerate(structs):
            one = ours[f"s{number}"]
            if one["better"] is None:
                continue
            names = [one["fields"][index]["name"] for index in one["better"]["order"]]
            text = dict(fields)
            body = " ".join(text[name] for name in names if name in text)
            self.assertEqual(sorted(name for name in names if name), sorted(text))
            trial.append(f"struct t{number}{base} {{ {body} }};")
            promised[number] = one["better"]["size_bytes"]
        self.assertGreater(len(promised), 50)
        trial.append("int main() {")
        trial += [f'  std::printf("%zu\\n", sizeof(t{number}));' for number in promised]
        tried = self.sizes(self.build("trial", "\n".join([*trial, "}"])))
        self.assertEqual(dict(zip(promised, tried)), promised)
        self.assertEqual([ours[f"s{i}"]["size_bytes"] for i in range(len(structs))], self.sizes(program))


class Use(LayoutCase):
    def setUp(self):
        super().setUp()
        self.program = self.build("shapes", HERE / "shapes.cpp", "-g")

    def text(self, *arguments):
        done = self.strata("layout", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_list_is_sorted_and_cut(self):
        types = self.types(self.program)
        wasted = [one["wasted_bytes"] for one in types]
        self.assertEqual(wasted, sorted(wasted, reverse=True))
        listed = self.text("--match", "^shapes::", "--top", "2", self.program)
        self.assertIn("shapes::own_line  (shapes.cpp:", listed)
        self.assertIn(" more (--top 0: all)", listed)
        self.assertNotIn(" more (--top", self.text("--match", "^shapes::", "--top", "0", self.program))

    def test_filters(self):
        names = {one["name"] for one in self.types("--match", "^shapes::pair_of<", self.program)}
        self.assertEqual(names, {"shapes::pair_of<int>", "shapes::pair_of<double>"})
        files = {pathlib.Path(one["file"]).name for one in self.types("--file", "shapes.cpp$", self.program)}
        self.assertEqual(files, {"shapes.cpp"})
        self.assertEqual(self.types("--match", "no such name", self.program), [])

    def test_names(self):
        self.assertIn("2 types are called holes", self.text(self.program, "holes"))
        self.assertEqual(len(self.types(self.program, "shapes::holes")), 1)
        self.assertIn("2 types are called pair_of", self.text(self.program, "pair_of"))
        self.assertEqual(len(self.types(self.program, "pair_of<int>")), 1)

    def test_one_type(self):
        text = self.text(self.program, "shapes::holes")
        for part in ("struct, 32 bytes, aligned to 8", "hole: 7 bytes", "|a....... bbbbbbbb c...dddd ee......|",
                     "2 holes (10 bytes), 6 bytes of padding", "better       16 bytes, 16 less"):  # fmt: skip
            self.assertIn(part, text)
        self.assertIn("crosses a cache line", self.text(self.program, "long_one"))
        self.assertIn("(virtual base)", self.text(self.program, "virtual_base"))
        self.assertNotIn("inside", self.text(self.program, "two_bases").split("wasted")[0])
        plain, deep = self.text(self.program, "inner_types"), self.text("--expand", self.program, "inner_types")
        self.assertIn("  f: long", plain)  # of the unnamed union
        self.assertNotIn("c: double", plain)
        self.assertIn("c: double", deep)

    def test_refusals(self):
        stripped = self.directory / "stripped"
        shutil.copy(self.program, stripped)
        subprocess.run(["strip", "-g", stripped], check=True)
        cases = {
            ("layout",): ["BINARY"],
            ("layout", "/no/such/file"): ["/no/such/file: No such file"],
            ("layout", str(self.directory)): ["is a directory"],
            ("layout", "/dev/null"): ["is no regular file"],
            ("layout", str(HERE / "shapes.cpp")): ["is not an ELF file"],
            ("layout", str(stripped)): ["has no debug information"],
            ("layout", str(self.program), "holse"): ["no type is called holse", "shapes::holes"],
            ("layout", str(self.program), "zzzzzzzzzzzzzz"): ["no type is called zzzzzzzzzzzzzz"],
            ("layout", "--match", "(", str(self.program)): ["--match ("],
            ("layout", "--top", "many", str(self.program)): ["--top"],
        }
        for arguments, parts in cases.items():
            with self.subTest(arguments=arguments):
                self.assert_one_line(self.strata(*arguments), 2, *parts)

    def test_debug_link(self):
        stripped = self.directory / "linked"
        debug = self.directory / "linked.debug"
        subprocess.run(["objcopy", "--only-keep-debug", self.program, debug], check=True)
        subprocess.run(["objcopy", "--strip-debug", f"--add-gnu-debuglink={debug}", self.program, stripped],
                       check=True)  # fmt: skip
        self.assertEqual(self.types(stripped, "shapes::holes"), self.types(self.program, "shapes::holes"))

    def test_split_without_its_file(self):
        self.build("gone", HERE / "shapes.cpp", "-gdwarf-5", "-gsplit-dwarf")
        for file in self.directory.glob("*.dwo"):
            file.unlink()
        self.assert_one_line(self.strata("layout", self.directory / "gone"), 2, ".dwo files that are not there")

    def test_damaged_files(self):
        """Cut short or changed at random places: types, or one line; never a crash."""
        whole = self.program.read_bytes()
        dice = random.Random(7)
        damaged = self.directory / "damaged"
        for round_number in range(150):
            data = bytearray(whole)
            if round_number % 3 == 0:
                del data[dice.randrange(len(data)):]
            for _ in range(dice.randrange(1, 200)):
                if data:
                    data[dice.randrange(len(data))] = dice.randrange(256)
            damaged.write_bytes(data)
            done = self.strata("layout", "--json", damaged, errors="replace")
            if done.returncode == 0:
                json.loads(done.stdout)
            else:
                self.assert_one_line(done, 2)


if __name__ == "__main__":
    main()
