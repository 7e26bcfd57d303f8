/* Tells `strata record` what a pool of the program's own gives out and takes back: docs/record.md#pools.
 *
 * An allocator sees of such a pool the chunks that it takes from malloc, or maps. With these calls in the pool, a
 * recording has its blocks as well, each with its stack and with the pool's name as the innermost call: "[pool NAME]".
 * They are a kind of their own, beside malloc's blocks and mappings, so that no byte counts twice.
 *
 *   program            STRATA_ANNOTATE_...   a load and a test: is the recorder there?
 *      |
 *   libstrata_record   strata_recorder_pool_...   weak here: null wherever the recorder is not
 *
 * Nothing has to be linked, and nothing happens, but for that test, unless the program runs under `strata record`. A
 * statically linked program never does. For C from C99 and for C++, with GCC and Clang.
 *
 * A pool is told from others by an address: any that stands for it, as that of its head. Of all pools with one name
 * the figures are sums. An address that no longer stands for a pool may stand for another once the first was emptied.
 *
 * All may be used by any thread at any time, and by handlers of signals; none allocates or takes a lock, none
 * changes errno. Under the recorder they wait while the recording is behind, as malloc does.
 *
 * They are macros, and no functions, so that the innermost call of a stack is the pool's own in all builds. Each argument
 * is evaluated once where the recorder is, and not at all where it is not. Valgrind's requests for pools
 * (VALGRIND_MEMPOOL_ALLOC and its kin) are cut the same way.
 */
#ifndef STRATA_ANNOTATE_H
#define STRATA_ANNOTATE_H

#include <stddef.h>

/* void STRATA_ANNOTATE_ALLOCATED(const void* pool, const char* name, const void* block, size_t bytes)
 *
 * The pool has given out a block of so many bytes. To be called after that, and before anybody can free it. name: what
 * reports call the pool; it is copied, cut after 59 bytes. Null is the empty name; past 1024 names in one recording
 * all others are one, "[other pools]". A block that is live in the pool at this address is taken to have been freed.
 * Blocks of one pool may lie within those of another. Takes as long as to record one of malloc's: to walk the stack. */
#define STRATA_ANNOTATE_ALLOCATED(pool, name, block, bytes)                              \
  do {                                                                                   \
    void (*strata_told)(const void*, const char*, const void*, size_t);                  \
    STRATA_ANNOTATE_FIND(strata_recorder_pool_allocated, strata_told);                   \
    if (__builtin_expect(strata_told != NULL, 0)) strata_told(pool, name, block, bytes); \
  } while (0)

/* void STRATA_ANNOTATE_FREED(const void* pool, const void* block)
 *
 * The block goes back to the pool. To be called before the pool can give it out again. A block that is not live in the
 * pool is counted as an unknown free, and nothing else comes of it. */
#define STRATA_ANNOTATE_FREED(pool, block)                                  \
  do {                                                                      \
    void (*strata_told)(const void*, const void*);                          \
    STRATA_ANNOTATE_FIND(strata_recorder_pool_freed, strata_told);          \
    if (__builtin_expect(strata_told != NULL, 0)) strata_told(pool, block); \
  } while (0)

/* void STRATA_ANNOTATE_EMPTIED(const void* pool)
 *
 * All blocks of the pool go at once: it was reset, or ends. To be called before it can give any of them out again.
 * For the program as fast as to free one. */
#define STRATA_ANNOTATE_EMPTIED(pool)                                \
  do {                                                               \
    void (*strata_told)(const void*);                                \
    STRATA_ANNOTATE_FIND(strata_recorder_pool_emptied, strata_told); \
    if (__builtin_expect(strata_told != NULL, 0)) strata_told(pool); \
  } while (0)

/* ---- What these stand on; not to be used as it is */

/* The address of a weak function, from where the loader has put it. A program at fixed addresses would otherwise
 * have the null that it was linked with. */
#if defined(__x86_64__)
#define STRATA_ANNOTATE_FIND(function, into) \
  __asm__(".weak " #function "\n\tmovq " #function "@GOTPCREL(%%rip), %0" : "=r"(into))
#elif defined(__aarch64__)
#define STRATA_ANNOTATE_FIND(function, into)                \
  __asm__(".weak " #function "\n\tadrp %0, :got:" #function \
          "\n\tldr %0, [%0, "                               \
          ":got_lo12:" #function "]"                        \
          : "=r"(into))
#else
#define STRATA_ANNOTATE_FIND(function, into) ((into) = (function))
#endif

#ifdef __cplusplus
extern "C" {
#endif

__attribute__((weak)) void strata_recorder_pool_allocated(const void* pool, const char* name,
                                                          const void* block, size_t bytes);
__attribute__((weak)) void strata_recorder_pool_freed(const void* pool, const void* block);
__attribute__((weak)) void strata_recorder_pool_emptied(const void* pool);

#ifdef __cplusplus
}
#endif
#endif
