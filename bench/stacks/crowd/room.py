"""How many fibers the machine has room for."""
import mmap
import pathlib

GIB = 1 << 30
# Boost.Fiber on stacks of a Boost.Pool takes three pages, and what is made in advance; what else runs
# here wants some, too.
BYTES_OF_A_FIBER = 14 << 10
LEFT_BYTES = GIB


def available_bytes() -> int:
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def fitting(wanted: int) -> int:
    """As many as wanted, or as there is room for; whole thousands, one at least."""
    most = max(available_bytes() - LEFT_BYTES, 0) // BYTES_OF_A_FIBER // 1000 * 1000
    return min(wanted, max(most, 1000))


def touch(fibers: int):
    """A virtual machine gets memory of its host at the first touch. Nobody is to pay for the others:
    as much as the greediest will take is touched, and given back."""
    held = []
    for _ in range(fibers * BYTES_OF_A_FIBER // GIB + 1):
        held.append(mmap.mmap(-1, GIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        held[-1][::mmap.PAGESIZE] = bytes(GIB // mmap.PAGESIZE)
    for each in held:
        each.close()
