// The one table of run-time options. It generates the parser (ground/options.cpp), the help
// (`strata options`) and the page docs/options.md.
//
//   X(type, name, variable, default, unit, help)
//     type      flag (0 or 1), size (bytes; suffixes K, M, G, T), number, choice, or path
//     name      the member of strata::options
//     choices   for `choice`: the words, separated by |; the value is the word's position
#pragma once

#define STRATA_OPTIONS(X)                                                                          \
  X(size, limit_bytes, "STRATA_LIMIT", "0", "",                                                    \
    "Upper bound on the memory that blocks may occupy. An allocation that would pass it fails "    \
    "with NULL and ENOMEM. 0: none.")                                                              \
  X(flag, count, "STRATA_COUNT", "0", "",                                                          \
    "Count every operation: allocations, frees, requested sizes, the peak of live bytes. Costs a " \
    "few nanoseconds an operation. `strata run` sets it.")                                         \
  X(path, stats_directory, "STRATA_STATS_DIR", "", "",                                             \
    "Keep the process's statistics in the file DIR/PID.stats, up to date also when it is killed.") \
  X(choice, ground, "STRATA_GROUND", "auto", "auto|contiguous|sparse",                             \
    "How address space is taken: one contiguous reservation, or pieces as needed. auto: "          \
    "contiguous where the system grants it.")                                                      \
  X(size, page_bytes, "STRATA_PAGE_SIZE", "0", "",                                                 \
    "Treat the system's page as this large (4K, 16K or 64K; never less than it is). 0: as it is.") \
  X(number, purge_ms, "STRATA_PURGE_MS", "1000", "",                                               \
    "How long free pages wait for reuse before they go back to the system, in milliseconds.")      \
  X(flag, clock, "STRATA_CLOCK", "1", "",                                                          \
    "Whether anything happens because time has passed: free memory goes back, caches of idle "     \
    "threads are emptied, blocks are guarded at random. 0: only trims give back, and a thread "    \
    "that does the same again takes the same memory.")                                             \
  X(choice, huge_pages, "STRATA_HUGE_PAGES", "never", "never|auto",                                \
    "Whether blocks of more than 2 MiB may be backed by huge pages, where the system lets "        \
    "programs ask for them. auto: once 32 MiB are in use. Quicker at the first touch, but for "    \
    "virtual machines that report free pages to their host: there it may take twice as long.")     \
  X(choice, harden, "STRATA_HARDEN", "default", "default|paranoid",                                \
    "How much misuse is looked for. default: bad frees and bad sizes, and, late, writes past a "   \
    "block. paranoid: all writes past a block, at its free, and those to freed memory; slow.")     \
  X(number, guard_ms, "STRATA_GUARD_MS", "20", "",                                                 \
    "How often a block is guarded: its memory ends, or begins, at an inaccessible page, and a "    \
    "stray access is stopped with the stacks of the access, the allocation and the free. One "     \
    "allocation in so many milliseconds of the process, at random. 0: none.")                      \
  X(flag, guard_all, "STRATA_GUARD_ALL", "0", "",                                                  \
    "Guard every allocation of at most 32 KiB while there are slots (256). Slow; for tests, "      \
    "and to find what happens now and then.")                                                      \
  X(flag, verbose, "STRATA_VERBOSE", "0", "",                                                      \
    "Say on stderr, at start, which ground was chosen and why.")
