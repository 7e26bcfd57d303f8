"""Each program of corpus.cpp: what is lost is known, and LeakSanitizer says the same."""

import collections
import os
import re
import subprocess

from leaks_case import CORPUS, CORPUS_LSAN, LeaksCase, amount, main

# Blocks and bytes, definitely and indirectly lost. What is not here loses nothing.
LOST = {
    "direct": ((1, 100), (0, 0)),
    "direct_many": ((10, 640), (0, 0)),
    "zeroed": ((1, 300), (0, 0)),
    "copied": ((1, 24), (0, 0)),
    "chain": ((1, 24), (2, 48)),
    "tree": ((1, 24), (6, 144)),
    "one_past": ((1, 64), (0, 0)),
    "returned_frame": ((1, 80), (0, 0)),
    "hidden": ((1, 72), (0, 0)),
    "unaligned": ((1, 56), (0, 0)),
    "grown": ((1, 1000), (0, 0)),
    "aligned": ((1, 640), (0, 0)),
    "array": ((1, 88), (0, 0)),
    "large": ((1, 8 << 20), (0, 0)),
    "in_mapping": ((1, 88), (0, 0)),
    "in_freed_block": ((1, 24), (0, 0)),
    "circle": ((1, 24), (1, 24)),
    "held_circle": ((1, 24), (2, 48)),
    "two_holders": ((2, 48), (1, 24)),
    "vector_of_blocks": ((1, 24), (4, 36)),
    "long_string": ((1, 32), (1, 201)),
    "map_of_strings": ((1, 48), (6, 3 * (72 + 51))),
    "thread_that_ended": ((1, 40), (0, 0)),
    "stack_that_ended": ((1, 104), (0, 0)),
    "suppressed": ((1, 24), (0, 0)),
}
# A circle that nobody else points to: LeakSanitizer calls all of it indirectly lost. A map is one with its nodes.
CIRCLES = {"circle", "map_of_strings"}

LEAK = re.compile(r"^(Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) object\(s\)", re.MULTILINE)
FRAME = re.compile(r"#\d+ 0x[0-9a-f]+ in (.+?)(?:\(.*)? \S*corpus\.cpp:(\d+)")


class Corpus(LeaksCase):
    def setUp(self):
        super().setUp()
        self.suppressions = self.make("suppressions", "# known\nleak:suppressed_one\n")
        done = subprocess.run([CORPUS], capture_output=True, text=True, check=True)
        self.names = done.stdout.split()

    def sanitizer(self, name):
        """What LeakSanitizer says: of each line of the source, bytes and blocks; and of each kind."""
        options = f"suppressions={self.suppressions}:print_suppressions=0:exitcode=23:fast_unwind_on_malloc=0"
        variables = {"PATH": os.environ["PATH"], "LSAN_OPTIONS": options}
        done = subprocess.run([CORPUS_LSAN, name], env=variables, capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 23), done.stderr)
        lines, kinds = collections.Counter(), {"Direct": [0, 0], "Indirect": [0, 0]}
        parts = LEAK.split(done.stderr)[1:]
        for kind, size, count, frames in zip(*[iter(parts)] * 4):
            kinds[kind][0] += int(count)
            kinds[kind][1] += int(size)
            lines[int(FRAME.search(frames).group(2))] += int(size)
        self.assertEqual(done.returncode == 23, bool(parts), done.stderr)
        return lines, tuple(map(tuple, kinds.values()))

    def test_there_are_enough(self):
        self.assertGreaterEqual(len(self.names), 30)
        self.assertLessEqual(set(LOST), set(self.names))

    def test_each(self):
        for name in self.names:
            with self.subTest(name=name):
                found = self.leak(CORPUS, name, options=("--suppress", self.suppressions))
                definite, indirect = LOST.get(name, ((0, 0), (0, 0)))
                self.assertEqual((amount(found["definite"]), amount(found["indirect"])), (definite, indirect))
                self.assertEqual(amount(found["suppressed"]), (2, 48) if name == "suppressed" else (0, 0))
                lines, kinds = self.sanitizer(name)
                if name in CIRCLES:
                    together = tuple(map(sum, zip(definite, indirect)))
                    self.assertEqual(kinds, ((0, 0), together))
                else:
                    self.assertEqual(kinds, (definite, indirect))
                own = collections.Counter()
                for group in found["lost"]:
                    call = next(one for one in group["calls"] if (one["file"] or "").endswith("corpus.cpp"))
                    own[call["line"]] += group["bytes"]
                self.assertEqual(own, lines)


if __name__ == "__main__":
    main()
