/* What Redis asks of the jemalloc that comes with it, answered by Strata, so that its active
 * defragmentation works with ours and its sources stay as they are. docs/benchmarks.md says how Redis
 * is built with it.
 *
 *   hint          strata_should_move
 *   TCACHE_NONE   the uncached calls: the only flag that Redis gives
 *   allocated     what the program cannot get at without moving: live and cached blocks
 *   active        the same and the free slots beside them, which is what moving can win back
 */
#ifndef STRATA_AS_JEMALLOC_H
#define STRATA_AS_JEMALLOC_H

#include <errno.h>
#include <stddef.h>
#include <strata/strata.h>
#include <string.h>

#define JEMALLOC_VERSION_MAJOR 5
#define JEMALLOC_VERSION_MINOR 0
#define JEMALLOC_VERSION_BUGFIX strata
#define JEMALLOC_FRAG_HINT
#define MALLOCX_TCACHE_NONE 1

static inline void* je_malloc(size_t size) { return strata_malloc(size); }
static inline void* je_calloc(size_t count, size_t size) { return strata_calloc(count, size); }
static inline void* je_realloc(void* block, size_t size) { return strata_realloc(block, size); }
static inline void je_free(void* block) { strata_free(block); }
static inline size_t je_malloc_usable_size(void* block) { return strata_usable_size(block); }

static inline void* je_mallocx(size_t size, int flags) {
  (void)flags;
  return strata_malloc_uncached(size);
}
static inline void je_dallocx(void* block, int flags) {
  (void)flags;
  strata_free_uncached(block);
}
static inline int je_get_defrag_hint(void* block) { return strata_should_move(block); }

/* Right up to 1 KiB. Above it Redis finds a string not yet cut to its size, and cuts it. */
static inline size_t je_nallocx(size_t size, int flags) {
  (void)flags;
  return (size + 15) & ~(size_t)15;
}

/* The statistics by the names that Redis asks for, as of the last "epoch"; purging by any. */
static inline int je_mallctl(const char* name, void* old, size_t* old_size, void* value,
                             size_t value_size) {
  static strata_stats now;
  size_t figure = 0;
  size_t blocks = now.live_bytes + now.rounding_bytes + now.cached_bytes;
  (void)value_size;
  if (strcmp(name, "epoch") == 0) {
    strata_stats_get(&now);
    return 0;
  }
  if (strncmp(name, "arena.", 6) == 0) {
    strata_trim(0);
    return 0;
  }
  if (strcmp(name, "background_thread") == 0 && value != NULL) return 0;
  if (strcmp(name, "stats.allocated") == 0) {
    figure = blocks;
  } else if (strcmp(name, "stats.active") == 0) {
    figure = blocks + now.free_slot_bytes;
  } else if (strcmp(name, "stats.resident") == 0) {
    figure = blocks + now.free_slot_bytes + now.retained_bytes + now.metadata_bytes;
  } else if (strcmp(name, "arenas.narenas") != 0) {
    return ENOENT;
  }
  if (old == NULL || old_size == NULL || *old_size > sizeof figure) return EINVAL;
  memcpy(old, &figure, *old_size);
  return 0;
}

static inline void je_malloc_stats_print(void (*write)(void*, const char*), void* context,
                                         const char* options) {
  static char text[64 * 1024];
  (void)options;
  strata_stats_json(text, sizeof text);
  write(context, text);
}

#endif
