/* Strata's C interface: what the drop-in allocator offers beyond libc's own functions.
 *
 * Terms (docs/terms.md defines them all)
 *   block        what one allocation hands to the program: an address and its usable bytes
 *   live         in the program's hands: allocated and not yet freed
 *   usable size  the bytes of a block that the program may touch; at least what it asked for
 *
 * Unless a function says otherwise it is safe to call from any thread, never throws, and reports
 * exhaustion as libc does: a null pointer and errno == ENOMEM. Blocks from every allocating
 * function here and from malloc, calloc, operator new and their kin are interchangeable: each may be
 * freed by free, strata_free, realloc or operator delete, from any thread.
 */
#ifndef STRATA_STRATA_H
#define STRATA_STRATA_H

#include <stddef.h>
#include <stdint.h>

#if defined(STRATA_BUILDING)
#define STRATA_API __attribute__((visibility("default")))
#else
#define STRATA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* "1.2.3": the version of the library that answers, which may differ from the header's. */
STRATA_API const char* strata_version(void);

/* ---- Allocation by Strata's own names -------------------------------------------------------
 * For programs that keep libc's malloc and use Strata beside it (linked or dlopened). */

STRATA_API void* strata_malloc(size_t size);
STRATA_API void* strata_calloc(size_t count, size_t size);
STRATA_API void* strata_realloc(void* block, size_t size);
/* alignment: a power of two; otherwise null and EINVAL. */
STRATA_API void* strata_aligned_alloc(size_t alignment, size_t size);
/* Null is ignored. Anything that is not a live block stops the process (see docs/hardening.md). */
STRATA_API void strata_free(void* block);
/* Bytes that the program may use; 0 for null. O(1). */
STRATA_API size_t strata_usable_size(const void* block);

/* Size-returning allocation (the idea of C++'s P0901): the block with the size it really has, so
 * that a growing container can use all of it. block is null on exhaustion. */
typedef struct strata_sized_block {
  void* block;
  size_t size; /* usable bytes */
} strata_sized_block;
STRATA_API strata_sized_block strata_malloc_sized(size_t size);

/* Allocates up to count blocks of size bytes each and stores them in blocks[0..]. Returns how many
 * it stored; fewer than count only on exhaustion (errno == ENOMEM). O(count), one visit to the
 * shared levels per magazine. */
STRATA_API size_t strata_malloc_batch(size_t size, size_t count, void** blocks);
/* Frees blocks[0..count); null entries are ignored. */
STRATA_API void strata_free_batch(void** blocks, size_t count);

/* ---- First-class heaps ----------------------------------------------------------------------
 * A heap owns the blocks that are allocated from it; destroying it frees them all at once, in time
 * proportional to its spans and not to its blocks. A block of a heap may also be freed alone, by
 * free or strata_free. Allocation takes the heap's lock: a heap is for grouping, not for speed over
 * malloc. */

typedef struct strata_heap strata_heap;
/* Null and ENOMEM on exhaustion. */
STRATA_API strata_heap* strata_heap_create(void);
/* Frees every block of the heap, then the heap. No other thread may be using it. Null is ignored. */
STRATA_API void strata_heap_destroy(strata_heap* heap);
STRATA_API void* strata_heap_malloc(strata_heap* heap, size_t size);
STRATA_API void* strata_heap_calloc(strata_heap* heap, size_t count, size_t size);
STRATA_API void* strata_heap_aligned_alloc(strata_heap* heap, size_t alignment, size_t size);
/* block must be null or from this heap. */
STRATA_API void* strata_heap_realloc(strata_heap* heap, void* block, size_t size);

/* ---- Moving blocks --------------------------------------------------------------------------
 * For programs that can update their pointers. Blocks of one size share spans of pages, and a span
 * goes back when it is empty: a few live blocks here and there keep much memory (free_slot_bytes of the
 * statistics). These say which blocks are better elsewhere, and bring them there: a block should
 * move when its span has room and is no fuller than the span that serves its size next. To go through
 * all blocks of a program once or twice leaves about as many spans as they need. Blocks that are not
 * visited, and free ones in the caches of threads, keep their spans.
 *
 * A block keeps its usable size and its alignment, and a block of a first-class heap its heap.
 * Blocks above 32 KiB never move, nor does any under STRATA_HARDEN=paranoid. block is null, or
 * live and not freed or moved by another thread meanwhile; anything else stops the process, as a
 * free of it would. O(1); nothing is allocated but the new place. Most answers need no lock; a move
 * takes that of the block's size class twice.
 *
 * The idea is that of je_get_defrag_hint in the jemalloc that comes with Redis; it measures by the
 * average fullness. */

/* 1 when the block should move, 0 when it is as well where it is; 0 for null. A hint: other threads
 * may have changed the answer before it arrives. */
STRATA_API int strata_should_move(const void* block);
/* Moves the block if it should: copies its usable bytes to a better place, frees it, and returns the new
 * address. Null when it stays, and for null. O(usable size). */
STRATA_API void* strata_move(void* block);
/* malloc and free past the calling thread's cache, for those who have to copy for themselves: the
 * block comes from the span that serves next, and goes back to its span at once. Slower than malloc
 * and free: each takes a lock. */
STRATA_API void* strata_malloc_uncached(size_t size);
STRATA_API void strata_free_uncached(void* block);

/* ---- Giving memory back ---------------------------------------------------------------------
 * Returns free memory to the system now, without waiting for the purge clock, and keeps at most
 * keep_bytes of it. Empties the calling thread's cache and the depots. Returns the bytes handed
 * back. Costs system calls in proportion to what it returns. */
STRATA_API size_t strata_trim(size_t keep_bytes);

/* ---- Statistics ----------------------------------------------------------------------------- */

enum { STRATA_STATS_VERSION = 1, STRATA_STATS_CLASSES = 128, STRATA_STATS_HISTOGRAM = 48 };

enum strata_stats_flags {
  STRATA_STATS_COUNTED = 1, /* each operation was counted (STRATA_COUNT=1): allocations, frees,
                               requested sizes, histogram and the peak of live bytes are filled in;
                               otherwise these are 0, and rounding counts as live */
  STRATA_STATS_FINAL = 2,   /* taken when the process ended; otherwise taken while it ran */
  STRATA_STATS_SPARSE = 4   /* the ground is sparse (docs/ground.md), not contiguous */
};

typedef struct strata_class_stats {
  uint64_t size;          /* bytes of one block of this class */
  uint64_t allocations;   /* since start */
  uint64_t frees;         /* since start */
  uint64_t requested;     /* bytes the program asked for, summed over allocations */
  uint64_t live_blocks;   /* in the program's hands now */
  uint64_t cached_blocks; /* in thread caches and the depot now */
  uint64_t free_slots;    /* free in spans now */
  uint64_t spans;         /* spans of this class now */
} strata_class_stats;

/* One moment of the process. All sizes in bytes. live + rounding is what blocks occupy:
 * resident = live + rounding + free_slots + cached + retained + metadata + otherwise mapped,
 * where the parts are upper bounds: a part that was never touched is not resident. */
typedef struct strata_stats {
  uint32_t version;      /* STRATA_STATS_VERSION */
  uint32_t struct_bytes; /* sizeof(strata_stats) of the library that filled it in */
  uint32_t flags;        /* strata_stats_flags */
  uint32_t class_count;  /* entries used in classes[] */
  int32_t pid;
  int32_t parent_pid;
  uint64_t started_ns; /* CLOCK_MONOTONIC when the allocator started in this process */
  uint64_t taken_ns;   /* CLOCK_MONOTONIC when this was taken */
  char program[256];   /* path of the executable, cut to fit, ends with NUL */

  uint64_t
      allocations;   /* since start; a realloc that moves counts as one allocation and one free */
  uint64_t frees;    /* since start */
  uint64_t failures; /* allocations refused: ENOMEM */
  uint64_t live_blocks;     /* now */
  uint64_t live_bytes;      /* now, as requested (counted) or usable (not counted) */
  uint64_t peak_live_bytes; /* highest live_bytes, to within 64 KiB a thread */
  uint64_t rounding_bytes;  /* now: usable minus requested bytes of live blocks (estimated from each
                               class's mean) */
  uint64_t free_slot_bytes; /* now: free slots in spans that hold other, live blocks */
  uint64_t cached_bytes;    /* now: free blocks in thread caches and depots */
  uint64_t retained_bytes;  /* now: free pages not yet given back to the system */
  uint64_t metadata_bytes;  /* now: the allocator's own tables */
  uint64_t large_blocks;    /* now: live blocks that are page runs or mappings of their own */
  uint64_t large_bytes;     /* now: their bytes */
  uint64_t returned_bytes;  /* given back to the system since start */
  uint64_t returns;         /* system calls that did so */
  uint64_t resident_bytes;  /* of the whole process, now */
  uint64_t peak_resident_bytes;
  uint64_t limit_bytes; /* STRATA_LIMIT; 0: none */
  uint64_t threads;     /* thread caches in use now */

  uint64_t histogram[STRATA_STATS_HISTOGRAM]; /* [i]: allocations that asked for more than 2^(i-1)
                                                 and at most 2^i bytes; [0]: 0 or 1 bytes */
  strata_class_stats classes[STRATA_STATS_CLASSES];
} strata_stats;

/* Fills in *out. O(threads × classes). Figures of running threads are read while they change: each
 * is exact to within what was in flight. */
STRATA_API void strata_stats_get(strata_stats* out);
/* Writes the same as JSON, NUL-terminated and cut to capacity. Returns the length of the whole text
 * without the NUL (as snprintf does). Allocates nothing. */
STRATA_API size_t strata_stats_json(char* buffer, size_t capacity);

/* ---- Heap walk ------------------------------------------------------------------------------
 * Calls visit for each live block, in no particular order, until visit returns non-zero; returns
 * what visit last returned. Blocks that other threads allocate or free meanwhile may or may not be
 * seen; visit may allocate and free. Blocks held in a register or magazine in flight are skipped. */
typedef int (*strata_visitor)(void* block, size_t usable_size, void* context);
STRATA_API int strata_walk(strata_visitor visit, void* context);

#ifdef __cplusplus
}
#endif
#endif
