/* What Strata keeps between uses, in C: objects, and stacks of fibers. Part of strata/resources.h, which
 * tells what is common to all. */
#ifndef STRATA_REUSED_H
#define STRATA_REUSED_H

#include <strata/resource.h>

#ifdef __cplusplus
extern "C" {
#endif

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
