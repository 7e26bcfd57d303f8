/* Strata's resources in C: memory for one part of a program. Library: libstrata_resources.
 *
 *   strata_resource                    whatever gives blocks and takes them back
 *     made of upstream or a buffer     bump, four fits, TLSF, bitmap, buddy
 *     made of upstream                 slab, pools, synchronized pools; malloc; functions of your own
 *     made of resources                limited, synchronized, fallback, segregator, ...: composers
 *   strata_buffer_pool                 buffers out of a bounded number of bytes, with waiting
 *   strata_buffer_arena                I/O buffers of any size for many threads; shared, sliced
 *   strata_direct_budget               whole pages from the system, under a budget
 *   strata_object_pool                 objects that are dear to make, kept between uses
 *   strata_stack_pool                  stacks for fibers
 *   strata_account                     who uses how much, and who may use how much more
 *
 * The C++ headers of the same names (strata/bump.hpp ...) tell how each works, its invariants and who
 * found it; here is what a caller needs. What has no meaning in C is not here: owners (box, rc, arc), whose
 * counting is in destructors, coroutines, and containers' allocators. An intrusive count is an atomic
 * integer in a structure of your own; buffers of an arena bring theirs.
 *
 * Common to all
 *   units      what ends in _bytes is bytes, in _ns nanoseconds, in _ms milliseconds
 *   options    a null pointer: all defaults. A field that is 0 has its default, which its comment
 *              tells; so options begin as {0}. Where 0 itself has a meaning, STRATA_NONE says it
 *   upstream   where memory comes from: a resource that outlives what is made with it, or null for libc's
 *              malloc. What calls upstream from many threads at once says so
 *   errors     a null pointer or -1, and errno: ENOMEM no memory, EINVAL an argument or option that can't be,
 *              ENOTSUP no such operation in this kind. No C++ exception leaves a function
 *   threads    create and destroy: nobody else uses it. Other operations: one thread at a time, unless
 *              the kind says any
 *   callbacks  throw nothing; they get the `context` that was given with them
 *   misuse     that is noticed stops the process with one line on stderr (docs/hardening.md). Null is
 *              ignored where something is destroyed, released or deallocated
 */
#ifndef STRATA_RESOURCES_H
#define STRATA_RESOURCES_H

#include <stddef.h>
#include <stdint.h>

/* As in strata/detail/support.hpp. */
#if defined(STRATA_BUILDING_RESOURCES)
#define STRATA_RESOURCES_API __attribute__((visibility("default")))
#else
#define STRATA_RESOURCES_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define STRATA_NONE SIZE_MAX
#define STRATA_FOREVER UINT64_MAX /* as a time limit */
#define STRATA_HERE __FILE__, __LINE__

/* ---- Resources ------------------------------------------------------------------------------ */

typedef struct strata_resource strata_resource;

/* A block of its own also for 0 bytes. alignment: a power of two; 0 is that of max_align_t. Null and
 * ENOMEM, or EINVAL. Costs what the kind says, and a virtual call. */
STRATA_RESOURCES_API void* strata_resource_allocate(strata_resource* from, size_t bytes,
                                                    size_t alignment);
/* bytes and alignment: what the block was allocated with. */
STRATA_RESOURCES_API void strata_resource_deallocate(strata_resource* to, void* block, size_t bytes,
                                                     size_t alignment);
/* Makes a block longer or shorter where it stands: 1, and it is deallocated with new_bytes; 0, and it is as
 * it was. Bump: the youngest block. Buffer arena: within a size class, or pages behind it. Others: 0. */
STRATA_RESOURCES_API int strata_resource_resize(strata_resource* of, void* block, size_t old_bytes,
                                                size_t new_bytes, size_t alignment);
/* Whether the address lies in memory of this resource: 1 or 0; -1 if the kind can't tell. */
STRATA_RESOURCES_API int strata_resource_owns(const strata_resource* one, const void* address);

typedef struct strata_resource_figures {
  size_t held_bytes;      /* taken from upstream, or given as a buffer */
  size_t used_bytes;      /* of these, in live blocks, with what rounding adds to each */
  size_t peak_used_bytes; /* the most that used_bytes ever was */
  size_t live_blocks;     /* STRATA_NONE: not counted */
} strata_resource_figures;
/* O(1), but for pools: O(size classes); composers: their parts' together. */
STRATA_RESOURCES_API strata_resource_figures strata_resource_statistics(const strata_resource* one);
/* Stops the process when its own tables disagree. O(all of it). */
STRATA_RESOURCES_API void strata_resource_verify(const strata_resource* one);

enum strata_region_kind {
  STRATA_REGION_LIVE = 0,    /* blocks in the program's hands */
  STRATA_REGION_FREE = 1,    /* ready to be handed out */
  STRATA_REGION_OVERHEAD = 2 /* the resource's own: headers, tables, gaps */
};
typedef struct strata_region {
  const void* start;
  size_t bytes;
  int kind; /* strata_region_kind */
} strata_region;
/* What lies where: calls visit for each region, in no order, until it returns non-zero; returns what it
 * last returned. visit leaves the resource alone. malloc has no map: no call. O(all of it). */
typedef int (*strata_region_visitor)(const strata_region* region, void* context);
STRATA_RESOURCES_API int strata_resource_each_region(const strata_resource* one,
                                                     strata_region_visitor visit, void* context);

/* Ends the life of all blocks at once and gives all memory upstream; 0. Bump, fits, TLSF, slab and pools.
 * Others: -1 and ENOTSUP. O(chunks). */
STRATA_RESOURCES_API int strata_resource_release(strata_resource* one);
/* Gives memory that is free upstream, also what would be kept; 0. Fits also merge neighbours whose
 * merging was deferred. Fits, slab, pools, buffer arena, stack pool, thread front (what this
 * thread caches). Others: -1 and ENOTSUP. O(free blocks). */
STRATA_RESOURCES_API int strata_resource_trim(strata_resource* one);
/* Gives all memory upstream, also that of live blocks, except malloc's. Not for what a pool, an arena or
 * a budget lends as a resource: that goes with it. */
STRATA_RESOURCES_API void strata_resource_destroy(strata_resource* one);

/* libc's malloc, counted: for statistics of one part of a program. */
STRATA_RESOURCES_API strata_resource* strata_malloc_create(void);

/* Memory of your own. allocate returns null for none. Both are called with an alignment that is a power
 * of two, and at least 1 byte; by as many threads as use what is made of it. Counts, one thread at a
 * time: a composer or kind that calls upstream from many threads wants it synchronized. */
typedef struct strata_custom_functions {
  void* (*allocate)(size_t bytes, size_t alignment, void* context);
  void (*deallocate)(void* block, size_t bytes, size_t alignment, void* context);
  void* context;
} strata_custom_functions;
/* Copies the functions. EINVAL when one is null. */
STRATA_RESOURCES_API strata_resource* strata_custom_create(
    const strata_custom_functions* functions);

/* ---- Kinds ------------------------------------------------------------------------------------
 * ..._create_in makes a resource of this buffer and no other memory, which outlives it. Nothing of it comes
 * from malloc: its own object stands at the start of the buffer, 8.5 KiB for TLSF, best and segregated
 * fit, 2.5 KiB for buddy, less than 400 bytes for others. ENOMEM when the buffer is too short for that
 * and a block. */

/* Bump: blocks that die together. A block is a compare and two additions; deallocate takes back the
 * youngest block, and does nothing for others. Chunks double. As obstacks and Hanson's arenas (1990). */
typedef struct strata_bump_options {
  size_t first_chunk_bytes; /* 0: 1 KiB */
  size_t most_chunk_bytes;  /* 0: 1 MiB */
  size_t most_bytes;        /* in blocks, and between them; 0: no limit */
  void* first_buffer;       /* memory to begin with, as on the stack; outlives it; null: none */
  size_t first_buffer_bytes;
} strata_bump_options;
STRATA_RESOURCES_API strata_resource* strata_bump_create(strata_resource* upstream,
                                                         const strata_bump_options* options);
STRATA_RESOURCES_API strata_resource* strata_bump_create_in(void* buffer, size_t buffer_bytes);
/* A place in time. Valid until something older is rewound to or something is merged. */
typedef struct strata_bump_mark {
  void* place[3]; /* the library's own */
} strata_bump_mark;
/* These stop the process when the resource is no bump. O(1). */
STRATA_RESOURCES_API strata_bump_mark strata_bump_get_mark(const strata_resource* bump);
/* Ends the life of what is younger, and keeps chunks for what comes. O(chunks + actions). */
STRATA_RESOURCES_API void strata_bump_rewind(strata_resource* bump, strata_bump_mark to);
/* Rewinds to the beginning. */
STRATA_RESOURCES_API void strata_bump_reset(strata_resource* bump);
/* Calls action(object) when what is allocated now is rewound, reset, released or destroyed; the
 * youngest first. 0; -1 and ENOMEM. Takes 40 bytes. */
STRATA_RESOURCES_API int strata_bump_at_end(strata_resource* bump, void* object,
                                            void (*action)(void* object));
/* Takes over what the other holds, which is empty then. Both have the same upstream, neither a buffer. */
STRATA_RESOURCES_API void strata_bump_merge(strata_resource* into, strata_resource* other);

/* Free lists: sizes, alignments and order of frees may be anything. 8 bytes a block and rounding to 16;
 * boundary tags. O(1) to free; to allocate O(free blocks) for first and next fit, O(1) for best and segregated fit
 * below 1 KiB, O(free blocks of the class) above. Knuth, volume 1, section 2.5. */
enum strata_fit {
  STRATA_FIRST_FIT = 0,
  STRATA_NEXT_FIT = 1,
  STRATA_BEST_FIT = 2,
  STRATA_SEGREGATED_FIT = 3
};
enum strata_coalescing {
  STRATA_COALESCE_AT_ONCE = 0, /* free neighbours become one at each free */
  STRATA_COALESCE_LATER = 1    /* when a request can't be met otherwise, and by trim */
};
enum strata_list_order {
  STRATA_LIFO = 0,            /* the block that was freed last serves first */
  STRATA_ORDER_OF_ADDRESS = 1 /* the lowest; a free may cost O(blocks in the list) */
};
/* Regions from upstream double; in a buffer these three are not used. */
typedef struct strata_region_options {
  size_t first_region_bytes; /* 0: 64 KiB */
  size_t most_region_bytes;  /* 0: 4 MiB */
  size_t most_bytes;         /* of all regions; 0: no limit */
} strata_region_options;
typedef struct strata_free_list_options {
  int coalescing; /* strata_coalescing */
  int order;      /* strata_list_order */
  strata_region_options regions;
} strata_free_list_options;
STRATA_RESOURCES_API strata_resource* strata_free_list_create(
    int fit /* strata_fit */, strata_resource* upstream, const strata_free_list_options* options);
STRATA_RESOURCES_API strata_resource* strata_free_list_create_in(
    int fit /* strata_fit */, void* buffer, size_t buffer_bytes,
    const strata_free_list_options* options);

/* TLSF: allocation and freeing in constant time, whatever the sizes. Otherwise as free lists. Masmano,
 * Ripoll, Crespo, Real (ECRTS 2004). */
STRATA_RESOURCES_API strata_resource* strata_tlsf_create(strata_resource* upstream,
                                                         const strata_region_options* options);
STRATA_RESOURCES_API strata_resource* strata_tlsf_create_in(void* buffer, size_t buffer_bytes);

/* How free memory is cut up, of a fit or TLSF: 0; others -1 and ENOTSUP. */
typedef struct strata_free_space {
  size_t free_bytes;
  size_t free_blocks;
  size_t longest_bytes;
} strata_free_space;
/* O(1); first and next fit O(free blocks), best and segregated fit O(free blocks of a class). */
STRATA_RESOURCES_API int strata_resource_free_space(const strata_resource* one,
                                                    strata_free_space* out);

/* Bitmap: runs of equal blocks, 2 bits a block, which stand apart: writes beyond a block don't break
 * the heap, and each wrong free is noticed. O(words of free bits) at worst to allocate. */
typedef struct strata_bitmap_options {
  size_t block_bytes;        /* a power of two, at most 1 TiB; 0: 64 */
  size_t first_region_bytes; /* 0: 64 KiB */
  size_t most_region_bytes;  /* 0: 16 MiB; longer ones only for longer blocks */
} strata_bitmap_options;
STRATA_RESOURCES_API strata_resource* strata_bitmap_create(strata_resource* upstream,
                                                           const strata_bitmap_options* options);
STRATA_RESOURCES_API strata_resource* strata_bitmap_create_in(void* buffer, size_t buffer_bytes,
                                                              const strata_bitmap_options* options);

/* Buddy: blocks of powers of two that split into halves and grow together again; never grows. O(log n).
 * Tables stand apart, as bitmap's. Knowlton (1965). */
typedef struct strata_buddy_options {
  size_t smallest_block_bytes; /* a power of two; 0: 64 */
  size_t largest_block_bytes;  /* a power of two; longer requests fail; 0: 128 TiB */
} strata_buddy_options;
/* bytes: a power of two, not less than the smallest block. */
STRATA_RESOURCES_API strata_resource* strata_buddy_create(size_t bytes, strata_resource* upstream,
                                                          const strata_buddy_options* options);
STRATA_RESOURCES_API strata_resource* strata_buddy_create_in(void* buffer, size_t buffer_bytes,
                                                             const strata_buddy_options* options);

/* Slab: blocks of one size, in O(1); chunks that are empty go upstream. Allocates whatever is not longer
 * and not more aligned. Bonwick (USENIX 1994). */
typedef struct strata_slab_options {
  size_t chunk_bytes;       /* a power of two; 0: what holds 16 blocks, at least 16 KiB */
  size_t first_chunk_bytes; /* 0: 1 KiB; then they double */
  size_t spare_bytes;       /* so much stays in empty chunks; 0: 64 KiB; STRATA_NONE: nothing */
} strata_slab_options;
/* block_bytes, alignment: at most 64 MiB. alignment 0: that of max_align_t. */
STRATA_RESOURCES_API strata_resource* strata_slab_create(size_t block_bytes, size_t alignment,
                                                         strata_resource* upstream,
                                                         const strata_slab_options* options);

/* Pools: a slab for each of 32 sizes up to 4 KiB; what is longer goes upstream. O(1). Bonwick; Lea's bins. */
typedef struct strata_pools_options {
  size_t largest_pooled_bytes; /* at most 4096; 0: 4096 */
  size_t first_chunk_bytes;    /* of each class; 0: 1 KiB */
  size_t spare_bytes;          /* for all classes; 0: 256 KiB; STRATA_NONE: nothing */
} strata_pools_options;
STRATA_RESOURCES_API strata_resource* strata_pools_create(strata_resource* upstream,
                                                          const strata_pools_options* options);
/* For any number of threads; blocks may be freed by any. One of them at a time calls upstream. */
STRATA_RESOURCES_API strata_resource* strata_synchronized_pools_create(
    strata_resource* upstream, const strata_pools_options* options);

/* ---- Composers --------------------------------------------------------------------------------
 * Resources made of resources: parts outlive them, and keep their own operations; null is malloc. Costs
 * are on top of the part's. Alexandrescu (2015). */

/* At most so many bytes live, as they were asked for. */
STRATA_RESOURCES_API strata_resource* strata_limited_create(size_t most_bytes,
                                                            strata_resource* part);
/* For any number of threads, by a mutex, as long as nobody uses the part directly. */
STRATA_RESOURCES_API strata_resource* strata_synchronized_create(strata_resource* part);
/* The same with a cache for each thread: blocks of up to 512 bytes mostly without the mutex. Rounds to 16
 * bytes; 8.5 KiB a thread. Bonwick's magazines (2001). */
STRATA_RESOURCES_API strata_resource* strata_thread_front_create(strata_resource* part);
/* The second where the first has no memory. EINVAL when the first is null or can't tell what it owns. */
STRATA_RESOURCES_API strata_resource* strata_fallback_create(strata_resource* first,
                                                             strata_resource* second);
/* Blocks of up to threshold_bytes from one, longer ones from the other. */
STRATA_RESOURCES_API strata_resource* strata_segregator_create(size_t threshold_bytes,
                                                               strata_resource* small_blocks,
                                                               strata_resource* large_blocks);
/* Finds writes past a block's end and before its start when it is freed, or by verify; fills fresh memory with
 * 0xcd and freed with 0xdd. 64 bytes a block. */
STRATA_RESOURCES_API strata_resource* strata_fenced_create(strata_resource* part);
/* Knows each live block. When it is destroyed: */
enum strata_leak_action {
  STRATA_LEAKS_PRINT = 0, /* lists live blocks on stderr */
  STRATA_LEAKS_IGNORE = 1,
  STRATA_LEAKS_STOP = 2 /* lists them and stops the process */
};
/* name: for its messages; copied. A table of some 100 bytes a block beside the part. */
STRATA_RESOURCES_API strata_resource* strata_tracked_create(strata_resource* part, const char* name,
                                                            int at_end /* strata_leak_action */);
/* Refuses some allocations, to see what a program does then; counted from 1. */
typedef struct strata_failing_options {
  uint64_t at;        /* this one; 0: none */
  uint64_t every;     /* each so-and-so-many-th; 0: none */
  double probability; /* 1: all */
  uint64_t seed;      /* the same seed, the same failures */
} strata_failing_options;
STRATA_RESOURCES_API strata_resource* strata_failing_create(strata_resource* part,
                                                            const strata_failing_options* options);

/* ---- Accounts: any thread ---------------------------------------------------------------------
 * A tree of names, with limits. A charge is taken by the account and all above it, or by none. A hard limit
 * refuses, after it has asked the reclaimers from the account that is charged up to its own; a soft one only
 * calls. Charges are exact. O(depth), an atomic addition or two each. Redis' zmalloc, Seastar's
 * reclaimers, Linux's memory cgroups. */

typedef struct strata_account strata_account;
typedef struct strata_account_options {
  strata_account* parent;  /* outlives it; null: none */
  size_t soft_limit_bytes; /* 0: none */
  size_t hard_limit_bytes; /* 0: none */
  /* The soft limit was passed; again only after the account was at or below it. */
  void (*at_soft_limit)(strata_account* account, void* context);
  /* So many bytes are missing: frees what it can, and returns 0 when there was nothing. What it
   * charges itself is refused without asking. */
  int (*reclaim)(strata_account* account, size_t missing_bytes, void* context);
  void* context; /* of both, which run in the thread that charges, under no lock of the program's */
} strata_account_options;
/* Copies name. EINVAL when it is null. */
STRATA_RESOURCES_API strata_account* strata_account_create(const char* name,
                                                           const strata_account_options* options);
/* Nothing is charged any more, and none is left below it: otherwise it stops the process. */
STRATA_RESOURCES_API void strata_account_destroy(strata_account* account);
/* 0; -1 and ENOMEM where a limit refuses: then nothing is charged. */
STRATA_RESOURCES_API int strata_account_charge(strata_account* account, size_t bytes);
/* Takes back what was charged. */
STRATA_RESOURCES_API void strata_account_relieve(strata_account* account, size_t bytes);
/* At any time; STRATA_NONE: no limit. */
STRATA_RESOURCES_API void strata_account_set_hard_limit(strata_account* account, size_t bytes);
STRATA_RESOURCES_API void strata_account_set_soft_limit(strata_account* account, size_t bytes);

typedef struct strata_account_figures {
  uint64_t number;  /* in the order of making; never used again */
  uint64_t parent;  /* its number; 0: none */
  const char* name; /* lives as long as the account, in a visit as long as that */
  size_t charged_bytes;
  size_t peak_bytes;
  size_t soft_limit_bytes; /* STRATA_NONE: none; so, too, the hard one */
  size_t hard_limit_bytes;
  size_t refused;     /* charges */
  size_t reclaims;    /* calls of reclaim */
  size_t soft_passes; /* calls of at_soft_limit */
} strata_account_figures;
/* 0; -1 and ENOMEM. */
STRATA_RESOURCES_API int strata_account_get_figures(const strata_account* account,
                                                    strata_account_figures* out);
/* All accounts of the process, also those of its C++, parents first, until visit returns non-zero.
 * Returns what it last returned; -1 and ENOMEM. */
STRATA_RESOURCES_API int strata_each_account(int (*visit)(const strata_account_figures* figures,
                                                          void* context),
                                             void* context);
/* The same as JSON, cut to capacity with its NUL. Returns the length of the whole text without the NUL,
 * as snprintf does; 0 and ENOMEM. */
STRATA_RESOURCES_API size_t strata_accounts_json(char* buffer, size_t capacity);
/* A resource that charges each block to the account. As good for threads as its part is. A part that frees
 * by itself, as by release, leaves the charge until this is destroyed. */
STRATA_RESOURCES_API strata_resource* strata_accounted_create(strata_account* account,
                                                              strata_resource* part);

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

/* ---- Object pool: any thread ------------------------------------------------------------------
 * Items that are dear to make, kept between uses; what nobody takes for two cycles is destroyed. get and
 * put O(1) without lock or atomic read-modify-write, mostly; 8 bytes an item. Upstream is called by many
 * threads. Go's sync.Pool. */

typedef struct strata_object_pool strata_object_pool;
typedef struct strata_object_pool_options {
  size_t item_bytes;     /* 0: a pointer's */
  size_t item_alignment; /* a power of two; 0: that of max_align_t */
  /* Any thread calls these. make fills the item's bytes in and returns 0, else get fails; null:
   * zeroes. reset is called by put and returns 0 if the item may serve again, else it is destroyed; null: it
   * may. destroy ends what make began, and leaves the bytes alone; null: nothing to do. */
  int (*make)(void* item, void* context);
  int (*reset)(void* item, void* context);
  void (*destroy)(void* item, void* context);
  void* context;
  size_t most_idle;   /* items, in all threads; 0: 4096; STRATA_NONE: keeps none */
  uint32_t period_ms; /* between cycles; 0: 100; UINT32_MAX: only strata_object_pool_cycle */
} strata_object_pool_options;
STRATA_RESOURCES_API strata_object_pool* strata_object_pool_create(
    strata_resource* upstream, const strata_object_pool_options* options);
/* Destroys what is idle. An item that is in use stops the process. */
STRATA_RESOURCES_API void strata_object_pool_destroy(strata_object_pool* pool);
/* Null and ENOMEM, or null and the errno that make left. */
STRATA_RESOURCES_API void* strata_object_pool_get(strata_object_pool* pool);
STRATA_RESOURCES_API void strata_object_pool_put(strata_object_pool* pool, void* item);
/* Destroys what was idle since before the last cycle. O(idle items). */
STRATA_RESOURCES_API void strata_object_pool_cycle(strata_object_pool* pool);
typedef struct strata_object_pool_figures {
  size_t made;
  size_t destroyed;
  size_t idle;
  size_t in_use;
  size_t cycles;
} strata_object_pool_figures;
/* These stop all threads' gets and puts for a moment, as cycle does. */
STRATA_RESOURCES_API strata_object_pool_figures
strata_object_pool_statistics(strata_object_pool* pool);
STRATA_RESOURCES_API void strata_object_pool_verify(strata_object_pool* pool);

/* ---- Stack pool: any thread -------------------------------------------------------------------
 * Stacks for fibers: memory is what is touched; a guard below each; pages of deep fibers go back. acquire and
 * release O(1), system calls only at a stack's first use, when one was deep, and above most_idle. */

typedef struct strata_stack_pool strata_stack_pool;
typedef struct strata_fiber_stack { /* grows down from top, a multiple of 64 */
  void* top;                        /* null: none */
  size_t bytes;
} strata_fiber_stack;
/* A fiber that came to the end of its stack. */
typedef struct strata_stack_overflow {
  const char* name;         /* as given to acquire; may be null */
  uint64_t number;          /* of the stack in its pool, from 1 */
  strata_fiber_stack stack; /* its bytes are the limit that was passed */
  const void* address;      /* the access behind it */
  /* To be filled in, if the fiber shall go on in restart(restart_argument) with nothing else on its
   * stack; that never returns, it switches to another fiber. */
  void (*restart)(void* argument);
  void* restart_argument;
} strata_stack_overflow;
enum strata_stack_guard {
  STRATA_GUARD_MARKERS = 0, /* in the page table (Linux 6.13); else as the next */
  STRATA_GUARD_PROTECTION =
      1,                  /* protected pages, two mappings each, while there are enough; else: */
  STRATA_GUARD_CANARY = 2 /* pages that are looked at when the stack is released */
};
typedef struct strata_stack_pool_options {
  size_t
      stack_bytes; /* addresses of each, with its guard: rounded up to a power of two; 0: 64 KiB */
  size_t guard_bytes;         /* whole pages; 0: one */
  size_t keep_bytes;          /* of a released stack; 0: 16 KiB */
  size_t most_stacks;         /* 0: no limit */
  size_t most_idle;           /* that keep their pages; 0: 16384; STRATA_NONE: none */
  int guard;                  /* strata_stack_guard: the first kind to try */
  size_t most_guard_mappings; /* of all pools; 0: half of the kernel's limit */
  int no_overflow_reports;    /* non-zero: leaves the process's signal handlers alone */
  /* Runs on the thread's alternate stack, in a signal handler, and may call what such a handler may.
   * It may leave for good, or fill in restart; otherwise a report is written and the process ends. */
  void (*on_overflow)(strata_stack_overflow* overflow, void* context);
  void* context;
} strata_stack_pool_options;
STRATA_RESOURCES_API strata_stack_pool* strata_stack_pool_create(
    const strata_stack_pool_options* options);
/* No stack is live: otherwise it stops the process. */
STRATA_RESOURCES_API void strata_stack_pool_destroy(strata_stack_pool* pool);
/* A stack with nothing of value on it. name: for reports, outlives the use; may be null. top null and
 * ENOMEM. */
STRATA_RESOURCES_API strata_fiber_stack strata_stack_acquire(strata_stack_pool* pool,
                                                             const char* name);
/* By any thread, not by the fiber that runs on it. */
STRATA_RESOURCES_API void strata_stack_release(strata_stack_pool* pool, strata_fiber_stack stack);
STRATA_RESOURCES_API void strata_stack_rename(strata_stack_pool* pool, strata_fiber_stack stack,
                                              const char* name);
/* Bytes, in whole pages, of how deep the stack has been in use. A system call or a few. */
STRATA_RESOURCES_API size_t strata_stack_watermark(const strata_stack_pool* pool,
                                                   strata_fiber_stack stack);
/* The guard that the stack has: strata_stack_guard. */
STRATA_RESOURCES_API int strata_stack_guard_of(const strata_stack_pool* pool,
                                               strata_fiber_stack stack);
STRATA_RESOURCES_API uint64_t strata_stack_number(const strata_stack_pool* pool,
                                                  strata_fiber_stack stack);
/* The stack that the address lies on; top null when it is not of this pool. */
STRATA_RESOURCES_API strata_fiber_stack strata_stack_at(const strata_stack_pool* pool,
                                                        const void* inside);
/* Gives the pages of idle stacks back, and mappings without live ones; returns the pages' bytes. */
STRATA_RESOURCES_API size_t strata_stack_pool_trim(strata_stack_pool* pool);
typedef struct strata_stack_pool_figures {
  size_t live, idle, cold; /* stacks: in use; ready, with pages; ready, without */
  size_t slabs;            /* mappings */
  size_t deepest_bytes;    /* that a released stack has ever been used */
  uint64_t by_depth[16];   /* releases that used at most 1, 2, 4 ... pages */
  uint64_t measured;       /* of them those for which the kernel was asked */
  uint64_t trimmed;        /* of them those that gave pages back */
} strata_stack_pool_figures;
STRATA_RESOURCES_API strata_stack_pool_figures
strata_stack_pool_get_figures(const strata_stack_pool* pool);
/* For threads that run fibers and neither acquire nor release: gives them an alternate stack, without which
 * no overflow is told. 0; -1 and ENOMEM. */
STRATA_RESOURCES_API int strata_stack_watch_this_thread(void);
/* The pool as a resource, whose blocks are whole stacks. */
STRATA_RESOURCES_API strata_resource* strata_stack_pool_resource(strata_stack_pool* pool);

#ifdef __cplusplus
}
#endif
#endif
