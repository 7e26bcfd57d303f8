"""What is run: a workload of the contenders' programs in a size. docs/benchmarks.md says what each is.

Passes take one to five seconds by malloc, and most allocate several times what is alive."""
import dataclasses


@dataclasses.dataclass
class Workload:
    name: str
    program: str  # its name in the contenders' programs
    full: tuple  # SIZE and COUNT
    small: tuple
    operation: str
    threads: int = 1

    def words(self, small: bool) -> list:
        return [self.program, *map(str, self.small if small else self.full)]

    def words_of_a_thread(self, small: bool) -> list:
        """For several threads COUNT says how many."""
        words = self.words(small)
        return words if self.threads == 1 else [*words[:-1], "1"]


TREES = "makes a thousand nodes"
WORKLOADS = [
    Workload("gcbench", "gcbench", (18, 1), (12, 1), TREES),
    Workload("gcbench-2-threads", "gcbench", (18, 2), (12, 2), TREES, threads=2),
    Workload("binary-trees-18", "binary_trees", (18, 16), (12, 4), TREES),
    Workload("binary-trees-20", "binary_trees", (20, 4), (13, 2), TREES),
    Workload("lru-200k", "lru", (200_000, 2000), (2000, 20), "looks up a key"),
    Workload("lru-2m", "lru", (2_000_000, 4000), (50_000, 20), "looks up a key"),
    Workload("graph", "graph", (150_000, 400), (2000, 2), "rewires 8 edges and walks 8"),
    Workload("quads", "quads", (200, 80), (10, 1), "makes an image"),
    Workload("weak-map", "weak_map", (200_000, 800), (2000, 10), "puts a key, looks up two"),
]
