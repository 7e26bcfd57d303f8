/* Strata's resources in C: what gives blocks and takes them back, composers, accounts. Part of
 * strata/resources.h, which tells what is common to all. */
#ifndef STRATA_RESOURCE_H
#define STRATA_RESOURCE_H

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

#ifdef __cplusplus
}
#endif
#endif
