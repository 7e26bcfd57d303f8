"""strata record --addresses: the blocks of the report's map lie where the program says that its own do."""

from record_case import RecordCase, main

# Prints "when function address size" of the blocks that are live at the peak and at the end. What it prints
# with needs no block.
PROGRAM = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void say(const char* when, const char* whose, void* block, size_t size) {
  char line[100];
  int length = snprintf(line, sizeof line, "%s %s %p %zu\n", when, whose, block, size);
  if (write(1, line, (size_t)length) != length) abort();
}
static void* kept[50];
static void* waves[300];
static void* others[20];
static void* grown;
static void keep(void) { for (int i = 0; i < 50; ++i) kept[i] = malloc(1000); }
static void wave(void) { for (int i = 0; i < 300; ++i) waves[i] = malloc(4096 + i); }
static void grow(void) { grown = realloc(malloc(40), 300000); }
static void* work(void* unused) {
  for (int i = 0; i < 20; ++i) others[i] = aligned_alloc(256, 512);
  return unused;
}
static void all(const char* when, int with_waves) {
  for (int i = 0; i < 50; i += 1 + !with_waves) say(when, "keep", kept[i], 1000);
  for (int i = 0; i < 300 && with_waves; ++i) say(when, "wave", waves[i], 4096 + (size_t)i);
  for (int i = 0; i < 20; ++i) say(when, "work", others[i], 512);
  say(when, "grow", grown, 300000);
}
int main(void) {
  pthread_t thread;
  keep();
  grow();
  pthread_create(&thread, NULL, work, NULL);
  pthread_join(thread, NULL);
  wave();
  all("peak", 1);
  for (int i = 0; i < 300; ++i) free(waves[i]);
  for (int i = 1; i < 50; i += 2) free(kept[i]);
  all("end", 0);
  return 0;
}
"""
OWN = {"keep", "wave", "work", "grow"}


class Addresses(RecordCase):
    def record_and_listen(self, *options):
        """The report, and {when: {(function, address, size)}} of what the program said."""
        file = self.directory / "recording.strata"
        done = self.strata("record", "--quiet", *options, "-o", file, "--", self.program(PROGRAM))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        said = {}
        for line in done.stdout.splitlines():
            when, function, address, size = line.split()
            said.setdefault(when, set()).add((function, int(address, 16), int(size)))
        return self.report(file), said

    def placed(self, report, one):
        """The map's blocks as the program says them, without those of the C library."""
        found = []
        for address, size, stack, _ in one["blocks"]:
            site = report["sites"][report["stacks"][stack]["site"]]["function"]
            if site in OWN:
                found.append((site, address, size))
        self.assertEqual(len(set(found)), len(found))
        return set(found)

    def test_every_block(self):
        report, said = self.record_and_listen("--every", "--addresses")
        self.assertEqual(report["address_map"]["page_bytes"], 4096)
        maps = {one["moment"]: one for one in report["address_map"]["maps"]}
        self.assertEqual(set(maps), {"peak", "end"})
        for when, one in maps.items():
            self.assertEqual(self.placed(report, one), said[when])
            figures = report["summary"][f"at_{when}"]
            self.assertEqual(one["live"], figures)
            blocks = one["blocks"]
            self.assertEqual(len(blocks), figures["blocks"])
            self.assertEqual(blocks, sorted(blocks))
            pages = {page for start, size, *_ in blocks
                     for page in range(start // 4096, (start + size - 1) // 4096 + 1)}  # fmt: skip
            self.assertEqual(one["pages"], len(pages))
            self.assertEqual(one["extent_bytes"], blocks[-1][0] + blocks[-1][1] - blocks[0][0])
            self.assertIsNone(one["others"])

    def test_at_a_time(self):
        self.record_and_listen("--every", "--addresses")
        file = self.directory / "recording.strata"
        maps = {one["moment"]: one for one in self.report(file)["address_map"]["maps"]}
        at = f"{maps['end']['time_ms']}ms"
        maps = {one["moment"]: one for one in self.report(file, "--at", at)["address_map"]["maps"]}
        self.assertEqual(maps["time"]["blocks"], maps["end"]["blocks"])

    def test_a_sample_knows_its_own_blocks(self):
        report, said = self.record_and_listen("--sample", "4K", "--addresses")
        maps = {one["moment"]: one for one in report["address_map"]["maps"]}
        for when, one in maps.items():
            placed = self.placed(report, one)
            self.assertLessEqual(placed, said["peak"] | said["end"])
            self.assertEqual({block for block in placed if block[0] == "grow"},
                             {block for block in said[when] if block[0] == "grow"})  # fmt: skip
        self.assertLessEqual(self.placed(report, maps["end"]), said["end"])
        self.assertGreater(len(maps["peak"]["blocks"]), 50)

    def test_past_the_limit_of_the_file(self):
        report, _ = self.record_and_listen("--every", "--addresses", "--max-size", "1")
        self.assertTrue(report["is_rolled_up"])
        self.assertGreaterEqual(len(self.sites(report)), len(OWN))

    def test_only_when_asked(self):
        report, _ = self.record_and_listen("--every")
        self.assertIsNone(report["address_map"])


if __name__ == "__main__":
    main()
