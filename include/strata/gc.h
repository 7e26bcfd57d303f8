/* The managed heap in C, for runtimes and just-in-time compilers. Library: libstrata_gc.
 *
 *   strata_gc_heap      memory that frees itself: strata/gc.hpp and docs/gc tell how
 *   strata_gc_type      what an object consists of: made at run time
 *   strata_gc_mutator   a thread's share of a heap: it allocates, and holds what keeps objects alive:
 *                         shadow stack     push and pop
 *                         frames           of compiled code, each with a map of its references
 *   strata_gc_global    keeps an object alive from outside of any thread
 *   strata_gc_jit_info  what compiled code needs to allocate, store and poll without a call
 *
 * An object is its address, a void*. Objects move when this thread allocates or reaches a safepoint: what it
 * knows then by a slot, a frame, a global or a field of another object follows; what it knows by a variable
 * of C does not. The functions that may collect say so.
 *
 * Common to all
 *   options    a null pointer: all defaults. A field that is 0 has its default
 *   errors     a null pointer or -1, and errno: ENOMEM no memory after a last full collection, EOVERFLOW more
 *              slots, or a deeper native stack, than there is room for, EINVAL an argument that can't be. The
 *              heap is whole after each. No C++ exception leaves a function
 *   threads    a mutator is used by the thread that has attached it. Heaps and types: any
 *   callbacks  throw nothing; they get the `context` that was given with them
 *   misuse     that is noticed stops the process with one line on stderr
 */
#ifndef STRATA_GC_H
#define STRATA_GC_H

#include <stddef.h>
#include <stdint.h>

/* As in strata/gc/config.hpp. */
#if defined(STRATA_BUILDING_GC)
#define STRATA_GC_C_API __attribute__((visibility("default")))
#else
#define STRATA_GC_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Heaps ---------------------------------------------------------------------------------- */

typedef struct strata_gc_heap strata_gc_heap;
typedef struct strata_gc_mutator strata_gc_mutator;

enum strata_gc_plan { /* docs/gc/README.md */
                      STRATA_GC_DEFAULT_PLAN = 0,
                      STRATA_GC_SEMISPACE = 1,
                      STRATA_GC_MARK_SWEEP = 2,
                      STRATA_GC_IMMIX = 3,
                      STRATA_GC_GENERATIONAL = 4,
                      STRATA_GC_GENERATIONAL_CONCURRENT = 5,
                      STRATA_GC_LISP2 = 6,
                      STRATA_GC_COMPRESSOR = 7,
                      STRATA_GC_TWO_FINGER = 8
};
enum strata_gc_collection { STRATA_GC_YOUNG = 0, STRATA_GC_FULL = 1 };
enum strata_gc_cause { STRATA_GC_NO_ROOM = 0, STRATA_GC_ASKED = 1, STRATA_GC_STRESS = 2 };

/* strata/gc/listener.hpp says of each field what it means, and what the callbacks may do. */
typedef struct strata_gc_collected {
  uint64_t number;
  int kind; /* strata_gc_collection */
  int why;  /* strata_gc_cause */
  uint64_t stop_ns;
  uint64_t pause_ns;
  size_t held_before_bytes;
  size_t held_after_bytes;
  uint64_t moved_bytes;
  uint64_t promoted_bytes;
  uint64_t live_bytes;
} strata_gc_collected;
/* Each may be null. */
typedef struct strata_gc_listener {
  void (*collection_begins)(uint64_t number, int kind, int why, size_t held_bytes, void* context);
  void (*collection_ends)(const strata_gc_collected* what, void* context);
  void (*heap_grows)(size_t before_bytes, size_t after_bytes, void* context);
  void (*memory_is_short)(size_t needed_bytes, size_t max_bytes, void* context);
  void (*memory_is_exhausted)(size_t wanted_bytes, void* context);
  void* context;
} strata_gc_listener;

typedef struct strata_gc_options {
  size_t max_bytes;   /* of objects, and of what copying them needs; 0: 256 MiB */
  int plan;           /* strata_gc_plan */
  size_t young_bytes; /* new objects, at most, between two young collections; 0: 2 MiB or more */
  uint32_t pause_goal_us;      /* of young pauses, for STRATA_GC_GENERATIONAL_CONCURRENT; 0: 1000 */
  uint32_t workers;            /* that mark or copy in a pause; 0: one a processor, 4 at most */
  size_t most_slots;           /* of a mutator's shadow stack; 0: 1 Mi */
  size_t stress_collect_every; /* collect at each so-manieth allocation; 0: when need be */
  int stress_protect_moved; /* non-zero: a pointer to where an object was before it moved faults */
  int stress_verify;        /* non-zero: verify before and after each collection */
  int stress_mark_always;   /* non-zero: one concurrent marking after the other */
  strata_gc_listener listener; /* copied */
} strata_gc_options;
/* Options for a purpose: docs/gc/README.md. -1 and EINVAL when there is no such preset. */
enum strata_gc_preset { STRATA_GC_THROUGHPUT = 0, STRATA_GC_LATENCY = 1, STRATA_GC_SMALL = 2 };
STRATA_GC_C_API int strata_gc_options_preset(strata_gc_options* options, int purpose,
                                             size_t max_bytes);
/* Null and ENOMEM, or EINVAL for a plan that can't be. */
STRATA_GC_C_API strata_gc_heap* strata_gc_heap_create(const strata_gc_options* options);
/* No mutator is attached any more, and no global is left. */
STRATA_GC_C_API void strata_gc_heap_destroy(strata_gc_heap* heap);

/* In what follows, `self` is the caller's mutator on the heap, null when the thread has none. */

/* Collects now, as strata_gc_collection says, or more. */
STRATA_GC_C_API void strata_gc_collect(strata_gc_heap* heap, strata_gc_mutator* self, int kind);
/* Stops the process when an object or a reference is not as it should be. */
STRATA_GC_C_API void strata_gc_verify(strata_gc_heap* heap, strata_gc_mutator* self);
/* Runs the cleaners of objects that have died; returns how many. They may do what the caller may. */
STRATA_GC_C_API size_t strata_gc_run_cleaners(strata_gc_heap* heap);

/* ---- Types ----------------------------------------------------------------------------------
 *
 *   object   | bytes ...................... |    references at the given offsets
 *   array    | count (8 bytes) | element | element | ...     at the given offsets of each element
 */

typedef struct strata_gc_type strata_gc_type;
typedef struct strata_gc_type_options {
  const char* name;           /* for reports; copied; null: "" */
  size_t bytes;               /* of an object, 0 for arrays */
  size_t element_bytes;       /* of an array's element, 0 for objects */
  const uint32_t* references; /* byte offsets, multiples of 8; copied */
  size_t reference_count;
  const char* const* field_names; /* one for each, for reports; copied; null: offsets serve */
} strata_gc_type_options;
/* Elements with references have 512 bytes at most, a multiple of 8. Null and ENOMEM or EINVAL. */
STRATA_GC_C_API strata_gc_type* strata_gc_type_create(const strata_gc_type_options* options);
/* When no heap has an object of it any more, dead or alive: after the heap, or after a full collection that
 * follows the death of the last one. */
STRATA_GC_C_API void strata_gc_type_destroy(strata_gc_type* type);
STRATA_GC_C_API const strata_gc_type* strata_gc_type_of(const void* object);

/* ---- Mutators ------------------------------------------------------------------------------- */

/* The calling thread takes part from here on. Null and ENOMEM. */
STRATA_GC_C_API strata_gc_mutator* strata_gc_attach(strata_gc_heap* heap);
STRATA_GC_C_API void strata_gc_detach(strata_gc_mutator* self);

/* A new object, all zeros; of an array with `count` elements. May collect. Null and ENOMEM. */
STRATA_GC_C_API void* strata_gc_allocate(strata_gc_mutator* self, const strata_gc_type* type,
                                         size_t count);
/* object->field = value, with the write barrier. The first values of a new object, before its thread
 * allocates or reaches a safepoint again, may be stored without. */
STRATA_GC_C_API void strata_gc_store(void* field, void* value);

/* Where a thread that allocates nothing lets collections happen. */
STRATA_GC_C_API void strata_gc_safepoint(strata_gc_mutator* self);
/* Between the two the thread touches no object, and collections don't wait for it: around calls that may
 * block. */
STRATA_GC_C_API void strata_gc_blocking_begin(strata_gc_mutator* self);
STRATA_GC_C_API void strata_gc_blocking_end(strata_gc_mutator* self);
/* 0; -1 and EOVERFLOW when the native stack is nearly full. */
STRATA_GC_C_API int strata_gc_check_depth(const strata_gc_mutator* self);

/* A slot of the shadow stack, which keeps the object alive, and holds its address whenever it moves; it may be
 * read and written. Null and EOVERFLOW. */
STRATA_GC_C_API void** strata_gc_push(strata_gc_mutator* self, void* object);
/* The same, and the object, not null, stays where it is meanwhile. 0; -1 and EOVERFLOW. */
STRATA_GC_C_API int strata_gc_push_pinned(strata_gc_mutator* self, void* object);
/* Ends the youngest so many slots. */
STRATA_GC_C_API void strata_gc_pop(strata_gc_mutator* self, size_t count);

/* A frame of compiled code, on the native stack or wherever its runtime likes:
 *
 *   | caller | map | word 0 | word 1 | ... word map->words - 1 |
 *
 * Words whose bit in the map is set are references or null. They keep alive, and follow when objects move. Code
 * that has other references alive elsewhere changes `map` before it calls. */
typedef struct strata_gc_frame_map {
  size_t words;
  const uint64_t* references; /* bit i % 64 of references[i / 64] is word i's; null: all are */
  const char* name;           /* of the function, for reports; may be null */
} strata_gc_frame_map;
typedef struct strata_gc_frame {
  struct strata_gc_frame* caller;
  const strata_gc_frame_map* map;
} strata_gc_frame;
/* The frame, with its words and map set, is the thread's youngest: also a store to caller and to frames_offset. */
STRATA_GC_C_API void strata_gc_enter(strata_gc_mutator* self, strata_gc_frame* frame);
/* It is not any more, nor are those that it called: for returns, and for unwinding past them. */
STRATA_GC_C_API void strata_gc_leave(strata_gc_mutator* self, strata_gc_frame* frame);

/* ---- Other ways to hold, and to know of death ------------------------------------------------ */

typedef struct strata_gc_global strata_gc_global;
/* Null and ENOMEM. Made, read and written by threads with a mutator, destroyed by any. */
STRATA_GC_C_API strata_gc_global* strata_gc_global_create(strata_gc_heap* heap, void* object);
STRATA_GC_C_API void strata_gc_global_destroy(strata_gc_global* global);
STRATA_GC_C_API void* strata_gc_global_get(const strata_gc_global* global);
STRATA_GC_C_API void strata_gc_global_set(strata_gc_global* global, void* object);

/* Weak references and ephemerons are objects themselves. These may collect, and keep their arguments alive
 * meanwhile. Null and ENOMEM. */
STRATA_GC_C_API void* strata_gc_weak_create(strata_gc_mutator* self, void* object);
STRATA_GC_C_API void* strata_gc_ephemeron_create(strata_gc_mutator* self, void* key, void* value);
/* Null when the object, or the key, has died. */
STRATA_GC_C_API void* strata_gc_weak_get(strata_gc_mutator* self, const void* weak);
STRATA_GC_C_API void* strata_gc_ephemeron_key(strata_gc_mutator* self, const void* ephemeron);
STRATA_GC_C_API void* strata_gc_ephemeron_value(strata_gc_mutator* self, const void* ephemeron);
/* run(context), once, by strata_gc_run_cleaners after the object has died. */
STRATA_GC_C_API void strata_gc_when_dead(strata_gc_mutator* self, void* object,
                                         void (*run)(void* context), void* context);

/* ---- Seen from outside: docs/gc/view.md ------------------------------------------------------ */

typedef struct strata_gc_statistics { /* docs/gc/statistics.md */
  uint64_t young_collections;
  uint64_t full_collections;
  uint64_t allocated_bytes;
  uint64_t moved_bytes;
  uint64_t promoted_bytes;
  uint64_t live_bytes;
  size_t held_bytes;
  size_t committed_bytes;
  uint64_t pauses;
  uint64_t pauses_ns; /* in all */
  uint64_t pause_p50_ns;
  uint64_t pause_p99_ns;
  uint64_t pause_p99_9_ns;
  uint64_t pause_longest_ns;
} strata_gc_statistics;
STRATA_GC_C_API void strata_gc_get_statistics(const strata_gc_heap* heap,
                                              strata_gc_statistics* out);

/* Gets a report piece by piece. While the heap's threads are stopped, too: it does not use the heap. */
typedef void (*strata_gc_write)(const char* text, size_t bytes, void* context);
enum strata_gc_format { STRATA_GC_TEXT = 0, STRATA_GC_JSON = 1 };
/* Figures and pauses. */
STRATA_GC_C_API void strata_gc_describe(const strata_gc_heap* heap, int format,
                                        strata_gc_write write, void* context);
/* These return 0, or -1 and ENOMEM.
 * Objects and bytes of each type that are alive. */
STRATA_GC_C_API int strata_gc_summarize(strata_gc_heap* heap, strata_gc_mutator* self, int format,
                                        strata_gc_write write, void* context);
/* Every object, reference and root, as lines of JSON. */
STRATA_GC_C_API int strata_gc_dump_graph(strata_gc_heap* heap, strata_gc_mutator* self,
                                         strata_gc_write write, void* context);
/* The shortest way from a root to the object in the slot, which itself does not count, as text. */
STRATA_GC_C_API int strata_gc_why_alive(strata_gc_mutator* self, void* const* slot,
                                        strata_gc_write write, void* context);

/* ---- For just-in-time compilers --------------------------------------------------------------
 * Offsets are from the address of a mutator; they, and all else here but log_bias, are the same in each process
 * that uses the same library.
 *
 *   allocate `bytes` with the header, a multiple of 8, at most most_inline_bytes:
 *     r   = load 8 [self + cursor_offset]
 *     end = r + bytes
 *     if end > load 8 [self + limit_offset], unsigned: strata_gc_allocate(self, type, count)
 *                                                            always, under STRATA_GC_TWO_FINGER
 *     store 8 [self + cursor_offset] = end
 *     for each i: store 8 [r + 8 * i] = header[i]            of strata_gc_header, header_words of them
 *     object = r + header_bytes; an array's count goes to [object]
 *     store all references of the object, plain, before the next allocation or safepoint: the memory holds
 *     what was there before
 *
 *   [field] = value:
 *     w = load 8 [log_bias + (field >> log_word_shift) * 8]
 *     if bit ((field >> log_bit_shift) & 63) of w is set: strata_gc_log_field(field, value)       hardly ever
 *     store 8 [field] = value
 *
 *   safepoint:
 *     if load 4 [self + poll_offset] != 0: strata_gc_safepoint(self)
 *
 *   slot:      t = load 8 [self + top_offset]; if t == load 8 [self + stack_limit_offset]: overflow
 *              store 8 [t] = object; store 8 [self + top_offset] = t + 8      pinned: object | 1
 *   frame:     store 8 [frame + 0] = load 8 [self + frames_offset]; store 8 [self + frames_offset] = frame
 *   depth:     if the stack pointer < load 8 [self + lowest_frame_offset]: overflow
 *
 * None is atomic: only limit and poll are written by other threads, whole words, and the order in which the
 * thread sees the two does not matter. */
typedef struct strata_gc_jit_info {
  uint32_t struct_bytes;
  uint32_t header_bytes;
  uint32_t header_words;
  uint32_t most_inline_bytes;
  uint32_t cursor_offset;
  uint32_t limit_offset;
  uint32_t top_offset;
  uint32_t stack_limit_offset;
  uint32_t lowest_frame_offset;
  uint32_t poll_offset;
  uint32_t frames_offset;
  uint32_t log_word_shift;
  uint32_t log_bit_shift;
  uintptr_t log_bias; /* of this process, for all its heaps */
} strata_gc_jit_info;
/* There is a heap. */
STRATA_GC_C_API void strata_gc_get_jit_info(strata_gc_jit_info* out);
/* The header_words words in front of a new object of the type; two suffice. */
STRATA_GC_C_API void strata_gc_header(const strata_gc_type* type, uint64_t header[2]);
/* The slow path of a store. */
STRATA_GC_C_API void strata_gc_log_field(void* field, void* value);

#ifdef __cplusplus
}
#endif
#endif
