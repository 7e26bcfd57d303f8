// What strata/annotate.h calls where the recorder is: these three are in its library only.
#include <strata/annotate.h>

#include "observe/recorder.hpp"

#define STRATA_EXPORT extern "C" __attribute__((visibility("default")))

using namespace strata;

STRATA_EXPORT void strata_recorder_pool_allocated(const void* pool, const char* name,
                                                  const void* block, size_t bytes) {
  observe::note_pool_allocated(pool, name, block, bytes, os::read_caller());
}

STRATA_EXPORT void strata_recorder_pool_freed(const void* pool, const void* block) {
  observe::note_pool_freed(pool, block);
}

STRATA_EXPORT void strata_recorder_pool_emptied(const void* pool) {
  observe::note_pool_emptied(pool);
}
