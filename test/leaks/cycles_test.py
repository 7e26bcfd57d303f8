"""Cycles of owners: which objects, by which fields, and which of them would best become weak."""

from leaks_case import CYCLES, LeaksCase, amount, main


class Cycles(LeaksCase):
    def cycle(self, name):
        cycles = self.leak(CYCLES, name)["cycles"]
        self.assertEqual(len(cycles), 1)
        return cycles[0]

    def check_ring(self, cycle, length):
        self.assertEqual(len(cycle["steps"]), length)
        for step in cycle["steps"]:
            self.assertTrue(step["type"].endswith("ring"), step)
            self.assertEqual((step["field"], step["offset"]), ("next", 8))
            self.assertRegex(step["field_type"], r"^std::shared_ptr<.*ring>$")
        self.assertTrue(cycle["is_enough"])

    def test_two(self):
        cycle = self.cycle("two")
        self.check_ring(cycle, 2)
        self.assertEqual((cycle["count"], cycle["objects"], cycle["bytes"]), (1, 2, 80))
        self.assertTrue(all("make_ring" in step["site"]["function"] for step in cycle["steps"]))

    def test_five(self):
        self.check_ring(self.cycle("five"), 5)

    def test_many_alike_are_one(self):
        cycle = self.cycle("many")
        self.check_ring(cycle, 2)
        self.assertEqual((cycle["count"], cycle["objects"], cycle["bytes"]), (100, 200, 8000))

    def test_itself(self):
        self.check_ring(self.cycle("itself"), 1)

    def test_control_blocks_of_their_own(self):
        cycle = self.cycle("separate")
        self.check_ring(cycle, 2)
        self.assertEqual(cycle["objects"], 2)

    def test_the_link_to_the_parent_becomes_weak(self):
        found = self.leak(CYCLES, "parent_and_children")
        self.assertEqual(len(found["cycles"]), 1)
        cycle = found["cycles"][0]
        last = cycle["steps"][-1]
        self.assertTrue(last["type"].endswith("child"), last)
        self.assertEqual((last["field"], last["offset"]), ("owner", 8))
        self.assertTrue(cycle["steps"][0]["type"].endswith("parent"))
        self.assertEqual(cycle["steps"][0]["field"], "children")
        self.assertTrue(cycle["is_enough"])
        # The parent, its vector's block, three children.
        self.assertEqual(cycle["objects"], 5)
        self.assertEqual(amount(found["definite"])[0], 1)

    def test_weak_pointers_make_no_cycle(self):
        found = self.leak(CYCLES, "weak")
        self.assertEqual(found["cycles"], [])
        self.assertEqual(amount(found["definite"]), (1, 16))

    def test_own_counts(self):
        cycle = self.cycle("own_counts")
        self.assertEqual([step["field"] for step in cycle["steps"]], ["links[1].other", "links[0].other"])
        self.assertEqual([step["offset"] for step in cycle["steps"]], [24, 8])
        self.assertTrue(all(step["type"].endswith("counted") for step in cycle["steps"]))

    def test_text(self):
        done = self.strata("leaks", "--", CYCLES, "two")
        self.assertEqual(done.returncode, 23, done.stderr)
        self.assertRegex(done.stderr, r"2 objects that own each other, 80 B\n")
        self.assertRegex(done.stderr, r"-> .*ring::next \(std::shared_ptr<.*ring>, offset 8\)\n")
        self.assertRegex(done.stderr, r"ring::next would best become weak")
        self.assertTrue(done.stderr.isascii())


if __name__ == "__main__":
    main()
