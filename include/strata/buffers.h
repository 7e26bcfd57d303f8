/* Strata's buffers in C: bounded pools, arenas for input and output, direct ones. Part of
 * strata/resources.h, which tells what is common to all. */
#ifndef STRATA_BUFFERS_H
#define STRATA_BUFFERS_H

#include <strata/resource.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Buffer pool: any thread ------------------------------------------------------------------
 * Buffers out of a bounded number of bytes; who finds none left waits in line, first in, first out, or by
 * weights of tenants. Buffers of one size are kept ready. Upstream is called by many threads. A ready buffer is
 * O(1), others a call of upstream, a waiter O(tenants). After Kafka's BufferPool. */

typedef struct strata_buffer_pool strata_buffer_pool;
typedef struct strata_buffer_pool_options {
  uint64_t total_bytes;  /* 0: 32 MiB */
  size_t poolable_bytes; /* the size that is kept ready, at least 8; 0: 16 KiB; STRATA_NONE: none */
  size_t alignment;      /* of every buffer, a power of two; 0: that of max_align_t */
  const uint32_t* weights; /* of each tenant, not 0: its share while others wait too; copied */
  size_t tenants;          /* 0: one */
} strata_buffer_pool_options;
STRATA_RESOURCES_API strata_buffer_pool* strata_buffer_pool_create(
    strata_resource* upstream, const strata_buffer_pool_options* options);
/* Nobody waits, and all buffers are back: otherwise it stops the process. */
STRATA_RESOURCES_API void strata_buffer_pool_destroy(strata_buffer_pool* pool);
/* A buffer, after waiting for limit_ns at most: 0 is not at all. tenant: 0 where there are none. Null and
 * errno: ETIMEDOUT, ESHUTDOWN (closed), EMSGSIZE (more than the pool has in all), ENOMEM (the pool had the
 * bytes, and upstream had not), EINVAL (no such tenant). */
STRATA_RESOURCES_API void* strata_buffer_pool_acquire(strata_buffer_pool* pool, size_t bytes,
                                                      uint64_t limit_ns, size_t tenant);
/* Several at once: all of them, 0, or none, -1 and errno as above. buffers has a place for each size. */
STRATA_RESOURCES_API int strata_buffer_pool_acquire_all(strata_buffer_pool* pool,
                                                        const size_t* sizes_bytes, size_t count,
                                                        void** buffers, uint64_t limit_ns,
                                                        size_t tenant);
/* bytes: what it was acquired with. By any thread. */
STRATA_RESOURCES_API void strata_buffer_pool_release(strata_buffer_pool* pool, void* buffer,
                                                     size_t bytes);
/* Ends all waits with ESHUTDOWN, and all that would come. Buffers may still be released. */
STRATA_RESOURCES_API void strata_buffer_pool_close(strata_buffer_pool* pool);

typedef struct strata_buffer_pool_metrics {
  uint64_t total_bytes;     /* all bytes are free, pooled or lent */
  uint64_t free_bytes;      /* to allow allocations from */
  uint64_t pooled_bytes;    /* in ready buffers */
  uint64_t lent_bytes;      /* in the program's hands */
  uint64_t reserved_bytes;  /* of the free and pooled: the first waiter's */
  uint64_t waiters;         /* now */
  uint64_t wait_count;      /* waits that have ended, in whatever way */
  uint64_t wait_ns;         /* their time */
  uint64_t exhausted_count; /* calls that ended with ETIMEDOUT */
  uint64_t waits[48]; /* [i]: those of less than 2^i ns, and not less than half of it; the last
                               has all longer ones */
} strata_buffer_pool_metrics;
STRATA_RESOURCES_API void strata_buffer_pool_get_metrics(const strata_buffer_pool* pool,
                                                         strata_buffer_pool_metrics* out);
/* The pool as a resource, which doesn't wait; the first tenant's. Goes with the pool. */
STRATA_RESOURCES_API strata_resource* strata_buffer_pool_resource(strata_buffer_pool* pool);

/* ---- Buffer arena: any thread -----------------------------------------------------------------
 * Memory for I/O buffers of any size: pooled in chunks, cached by each thread, given back when load falls. Mostly
 * O(1) without a lock. One thread at a time calls upstream. netty's PooledByteBufAllocator, after jemalloc. */

typedef struct strata_buffer_arena strata_buffer_arena;
enum strata_leak_level {
  STRATA_LEAKS_DISABLED = 0,
  STRATA_LEAKS_SIMPLE = 1,   /* 1 buffer in 128: where it was made */
  STRATA_LEAKS_ADVANCED = 2, /* 1 in 128, with where it was touched */
  STRATA_LEAKS_PARANOID = 3  /* each, with where it was touched */
};
typedef struct strata_buffer_access {
  const char* hint;
  const char* file;
  uint32_t line;
} strata_buffer_access;
enum { STRATA_LEAK_ACCESSES = 16 };
typedef struct strata_buffer_leak {
  const void* data;
  size_t bytes;
  uint64_t touches; /* of which there are records: */
  size_t access_count;
  strata_buffer_access
      accesses[STRATA_LEAK_ACCESSES]; /* the oldest first; [0]: where it was made */
} strata_buffer_leak;
typedef struct strata_buffer_arena_options {
  size_t chunk_bytes;   /* a power of two, 64 KiB to 32 MiB; 0: 4 MiB */
  size_t arenas;        /* 0: one a processor */
  size_t most_bytes;    /* to be held in all; 0: no limit */
  int no_thread_caches; /* non-zero: each call takes a lock */
  uint32_t trim_every;  /* allocations of a thread; 0: 8192 */
  int leaks;            /* strata_leak_level */
  /* Called by destroy for each buffer that is followed and was not released; null: a line on stderr. */
  void (*on_leak)(const strata_buffer_leak* leak, void* context);
  void* context;
} strata_buffer_arena_options;
STRATA_RESOURCES_API strata_buffer_arena* strata_buffer_arena_create(
    strata_resource* upstream, const strata_buffer_arena_options* options);
/* Reports leaks, and gives all memory back. Threads that used it may live on. */
STRATA_RESOURCES_API void strata_buffer_arena_destroy(strata_buffer_arena* arena);
/* Gives back what this thread's cache holds, and idle chunks; other threads follow. */
STRATA_RESOURCES_API void strata_buffer_arena_trim(strata_buffer_arena* arena);
/* Calls visit for each buffer that is followed and not released. */
STRATA_RESOURCES_API void strata_buffer_arena_each_leak(
    const strata_buffer_arena* arena, void (*visit)(const strata_buffer_leak* leak, void* context),
    void* context);
typedef struct strata_buffer_arena_metrics {
  size_t chunks[6];    /* by how full: new, below 50 %, 25-75 %, 50-100 %, 75-100 %, full */
  uint64_t hits;       /* allocations that a thread's cache answered */
  uint64_t misses;     /* those that took a lock */
  size_t live_bytes;   /* in the program's hands */
  size_t cached_bytes; /* in threads' caches */
  size_t held_bytes;
  size_t huge_bytes; /* of live_bytes, straight from upstream */
  size_t huge_blocks;
  size_t threads; /* that have a cache */
} strata_buffer_arena_metrics;
/* O(threads). */
STRATA_RESOURCES_API void strata_buffer_arena_get_metrics(const strata_buffer_arena* arena,
                                                          strata_buffer_arena_metrics* out);
/* The arena as a resource of raw blocks, for any thread; verify and each_region while nobody uses it. */
STRATA_RESOURCES_API strata_resource* strata_buffer_arena_resource(strata_buffer_arena* arena);

/* A handle of bytes in an arena, which others may share. Handles of one buffer may belong to several
 * threads, one handle to one at a time. The last one that is released gives the bytes back. A handle is
 * moved by copying the structure; for a second one there is share: a copy counts nothing. {0} is
 * empty. data and size are to be read, block is the library's. */
typedef struct strata_buffer {
  void* data;
  size_t size; /* bytes */
  void* block;
} strata_buffer;
/* The only handle of new bytes, not zeroed. file, line: STRATA_HERE. An empty one (block null) and ENOMEM. */
STRATA_RESOURCES_API strata_buffer strata_buffer_make(strata_buffer_arena* arena, size_t bytes,
                                                      const char* file, uint32_t line);
/* Another handle of the same bytes. An atomic addition. */
STRATA_RESOURCES_API strata_buffer strata_buffer_share(const strata_buffer* buffer);
/* A handle of a part: it lies in the buffer, otherwise the process is stopped. An atomic addition. */
STRATA_RESOURCES_API strata_buffer strata_buffer_slice(const strata_buffer* buffer,
                                                       size_t offset_bytes, size_t length_bytes);
/* Takes the first bytes away from the handle, as a handle of their own. */
STRATA_RESOURCES_API strata_buffer strata_buffer_split(strata_buffer* buffer, size_t bytes);
/* Shorter, or longer where it stands, which needs the only handle: 1; 0 when it can't. */
STRATA_RESOURCES_API int strata_buffer_resize(strata_buffer* buffer, size_t bytes);
/* Bytes from data to the end of the memory behind it. */
STRATA_RESOURCES_API size_t strata_buffer_capacity(const strata_buffer* buffer);
/* Handles of it now; another thread may change that at once. */
STRATA_RESOURCES_API size_t strata_buffer_owners(const strata_buffer* buffer);
/* For leak reports: says that the buffer came by. hint and file live as long as the program. */
STRATA_RESOURCES_API void strata_buffer_touch(const strata_buffer* buffer, const char* hint,
                                              const char* file, uint32_t line);
/* Lets go; the handle is empty then. */
STRATA_RESOURCES_API void strata_buffer_release(strata_buffer* buffer);

/* ---- Direct buffers: any thread ---------------------------------------------------------------
 * Whole zeroed pages from the system, outside of any heap, under a budget. When it has no room it asks reclaim, then
 * waits 1 ms, 2 ms, 4 ms ... for others to free some, nine times. A system call a buffer, O(log buffers).
 * OpenJDK's direct byte buffers. */

typedef struct strata_direct_budget strata_direct_budget;
typedef struct strata_direct_options {
  int guard_pages; /* non-zero: a page that nobody may touch on either side */
  /* So many bytes are missing: frees what it can. Called by any thread, under no lock. */
  void (*reclaim)(size_t missing_bytes, void* context);
  void* context;
  size_t waits;           /* each twice as long as the one before; 0: 9; STRATA_NONE: none */
  unsigned first_wait_ms; /* 0: 1 */
} strata_direct_options;
STRATA_RESOURCES_API strata_direct_budget* strata_direct_budget_create(
    size_t max_bytes, const strata_direct_options* options);
/* All buffers are gone: otherwise it stops the process. */
STRATA_RESOURCES_API void strata_direct_budget_destroy(strata_direct_budget* budget);
typedef struct strata_direct_figures {
  size_t max_bytes;
  size_t reserved_bytes; /* pages */
  size_t used_bytes;     /* of these, what was asked for */
  size_t peak_reserved_bytes;
  size_t blocks;
  size_t waited;  /* reservations that found no room at first */
  size_t refused; /* of these, and of those longer than the budget */
} strata_direct_figures;
STRATA_RESOURCES_API strata_direct_figures
strata_direct_budget_figures(const strata_direct_budget* budget);
/* The budget as a resource of pages. */
STRATA_RESOURCES_API strata_resource* strata_direct_budget_resource(strata_direct_budget* budget);

/* A handle of a buffer, or of a part of it; one thread at a time uses it. */
typedef struct strata_direct_buffer strata_direct_buffer;
/* cleaner (may be null) sees the bytes once, before the pages go. Null and ENOMEM. */
STRATA_RESOURCES_API strata_direct_buffer* strata_direct_buffer_make(
    strata_direct_budget* budget, size_t bytes,
    void (*cleaner)(void* data, size_t bytes, void* context), void* context);
/* Null and 0 once the buffer was freed. */
STRATA_RESOURCES_API void* strata_direct_buffer_data(const strata_direct_buffer* buffer);
STRATA_RESOURCES_API size_t strata_direct_buffer_bytes(const strata_direct_buffer* buffer);
/* A handle of a part, which keeps all of it alive. Null and ENOMEM; null and EINVAL when the buffer was freed or
 * the part does not lie in it. */
STRATA_RESOURCES_API strata_direct_buffer* strata_direct_buffer_slice(
    const strata_direct_buffer* buffer, size_t offset_bytes, size_t bytes);
/* Gives the pages back now, whoever still has a handle: 1; 0 when that was done before. */
STRATA_RESOURCES_API int strata_direct_buffer_free(strata_direct_buffer* buffer);
/* Ends the handle; the last one frees the buffer. */
STRATA_RESOURCES_API void strata_direct_buffer_drop(strata_direct_buffer* buffer);

#ifdef __cplusplus
}
#endif
#endif
