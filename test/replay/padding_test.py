"""Types that waste bytes: strata advise names them, strata layout --with counts their objects, wherever they
lie: in the standard library's nodes, in make_unique, in new. Run with each C++ compiler.
"""

import os
import subprocess
import unittest

from replay_case import ReplayCase, main
from cli_case import COMPILER

# 40 bytes; 24 in a better order.
PADDED = "struct item { char a; long b; char c; long d; char e; };"
TIDY = "struct item { long b; long d; char a; char c; char e; };"
# 1096 bytes, and 1088 in a better order: malloc has one size for both.
ROUNDED = "struct item { int a; long b; int c; char d[1072]; };"
KEPT = r"""
#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>
%s
struct holder { int number; item two[2]; };
std::list<item> list;
std::map<int, item> map;
std::unordered_map<int, item> hashed;
std::vector<std::shared_ptr<item>> shared;
std::vector<std::unique_ptr<item>> unique;
std::vector<holder> holders;
std::vector<item*> raw;
int main() {
  for (int i = 0; i < 3000; ++i) list.emplace_back();
  for (int i = 0; i < 2000; ++i) map[i] = {};
  for (int i = 0; i < 1500; ++i) hashed[i] = {};
  for (int i = 0; i < 700; ++i) shared.push_back(std::make_shared<item>());
  for (int i = 0; i < 1000; ++i) unique.push_back(std::make_unique<item>());
  holders.resize(250);
  for (int i = 0; i < 5000; ++i)
    raw.push_back(new item());  // a line of its own
  return 0;
}
"""
OBJECTS = 3000 + 2000 + 1500 + 700 + 1000 + 500 + 5000


# What does not depend on how a compiler writes types is looked at by one of them.
with_one_compiler = unittest.skipIf("clang" in COMPILER, "done with the other compiler")


class Padding(ReplayCase):
    def cpp(self, source, *options):
        file = self.make("program.cpp", source)
        os.utime(file, (1, 1))  # older than the program, however coarse the clock
        path = self.directory / "program"
        subprocess.run([COMPILER, "-std=c++17", "-g", *options, file, "-o", path], check=True)
        return path

    def padded(self, program):
        found = self.json("advise", self.record(program))
        return [one for one in found["findings"] if one["kind"] == "padded"]

    def layout(self, program):
        """The types with objects at the peak of the last recording."""
        file = self.directory / "recording.strata"
        return {one["name"]: one for one in self.json("layout", "--with", file, program)["types"]
                if one["at_peak"]["objects"] > 0}  # fmt: skip

    def check_all_places(self, *options):
        program = self.cpp(KEPT % PADDED, *options)
        (one,) = self.padded(program)
        self.assertEqual((one["function"], one["line"]), ("item", 7))
        self.assertEqual(one["type"], {"name": "item", "bytes": 40, "better_bytes": 24, "order": ["b", "d", "a", "c", "e"],
                                       "objects_at_peak": OBJECTS, "objects_by_source": 5000})  # fmt: skip
        self.assertGreater(one["saved_bytes"], 150_000)
        self.assertLess(one["saved_bytes"], 2 * 16 * OBJECTS)
        item = self.layout(program)["item"]
        self.assertEqual(item["at_peak"], {"objects": OBJECTS, "objects_by_source": 5000, "saved_bytes": 16 * OBJECTS})

    def test_not_optimised(self):
        self.check_all_places("-O0")

    def test_optimised(self):
        self.check_all_places("-O2")

    @with_one_compiler
    def test_a_tidy_program(self):
        self.assertEqual(self.padded(self.cpp(KEPT % TIDY)), [])

    @with_one_compiler
    def test_nothing_is_said_where_malloc_rounds(self):
        program = self.cpp(KEPT % ROUNDED)
        self.assertEqual(self.padded(program), [])
        item = self.layout(program)["item"]
        self.assertEqual(item["better"]["saved_bytes"], 8)
        self.assertEqual(item["at_peak"]["objects"], OBJECTS)

    @with_one_compiler
    def test_c(self):
        source = "#include <stdlib.h>\n" + PADDED + r"""
struct item* items[20000];
int main(void) {
  for (int i = 0; i < 20000; ++i)
    items[i] = (struct item*)malloc(sizeof(struct item)%s);
  return 0;
}
"""
        (one,) = self.padded(self.cpp(source % ""))
        self.assertEqual((one["type"]["objects_at_peak"], one["type"]["objects_by_source"]), (20000, 20000))
        self.assertEqual(self.padded(self.cpp(source % " + i % 3")), [])

    @with_one_compiler
    def test_a_younger_source_is_not_read(self):
        program = self.cpp(PADDED + "\nitem* all[9999];\n"
                           "int main() { for (item*& one : all) one = new item(); }\n")  # fmt: skip
        self.assertEqual(len(self.padded(program)), 1)
        os.utime(self.directory / "program.cpp", (2**31, 2**31))
        found = self.json("advise", self.directory / "recording.strata")["findings"]
        self.assertNotIn("padded", [one["kind"] for one in found])

    @with_one_compiler
    def test_text(self):
        program = self.cpp(KEPT % PADDED)
        file = self.record(program)
        done = self.strata("advise", file)
        self.assertRegex(done.stdout, r"padded: item  program.cpp:7\n.*13\.7 k live at the peak, of 40 bytes each")
        self.assertIn("its fields in this order: b, d, a, c, e\n", done.stdout)
        self.assertIn("5.0 k known by the line of source", done.stdout)
        done = self.strata("layout", "--with", file, program)
        self.assertEqual(done.returncode, 0, done.stderr)
        first = next(line for line in done.stdout.splitlines() if "KiB" in line and "program.cpp" in line)
        self.assertRegex(first, r"214 KiB +13\.7 k +5\.0 k +40 +16  item  \(program.cpp:7\)")
        done = self.strata("layout", "--with", file, program, "item")
        self.assertIn("13.7 k of them; another order saves 214 KiB", done.stdout)

    @with_one_compiler
    def test_is_not_tried(self):
        # Of several lengths, so that nothing else is advised.
        file = self.record(self.cpp("#include <memory>\n" + PADDED + "\nitem* all[9999];\nint main() {\n"
                                    "for (int i = 0; i < 9999; ++i)\n"
                                    "all[i] = std::allocator<item>().allocate(1 + i % 3);\n}\n"))  # fmt: skip
        self.assertEqual([one["kind"] for one in self.json("advise", file)["findings"]], ["padded"])
        self.assert_one_line(self.strata("advise", file, "--try", 1), 2, "compiled again")

    @with_one_compiler
    def test_refusals(self):
        program = self.cpp(KEPT % PADDED)
        file = self.record(program)
        self.assert_one_line(self.strata("layout", "--with", "/dev/null", program), 2, "no recording")
        self.assert_one_line(self.strata("layout", "--with", file, "--process", 7, program), 2, "no process 7")
        self.assert_one_line(self.strata("layout", "--process", 1, program), 2)
        other = self.cpp("struct item { int a; } one;\nint main() { return one.a; }\n")
        self.assert_one_line(self.strata("layout", "--with", file, other), 2, "has nothing of")

    def test_samples_are_estimated(self):
        program = self.cpp(KEPT % PADDED)
        self.record(program, options=("--sample", "1K"))
        objects = self.layout(program)["item"]["at_peak"]["objects"]
        self.assertGreater(objects, OBJECTS / 2)
        self.assertLess(objects, OBJECTS * 2)


if __name__ == "__main__":
    main()
