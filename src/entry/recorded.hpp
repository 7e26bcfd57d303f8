// What the faces of the allocator tell the recorder (observe/recorder.hpp). In libstrata_record.so, which is
// this library compiled with STRATA_RECORDING, they tell it of each block; elsewhere all this is nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/allocate.hpp"
#include "alloc/heap.hpp"
#include "base/check.hpp"
#include "observe/recorder.hpp"

namespace strata::entry::recorded {

// For the fast path, which has no frame: what goes on in a call that is the last thing done. Whether a block of
// so many bytes, which comes now, is to be told of...
STRATA_INLINE bool is_due(std::size_t size) {
  if constexpr (config::recording) return observe::is_due(size);
  return false;
}
// ... once it is there, or there is no memory for it. The function that this stands in was jumped to from that
// which the program has called, so that it returns to the program.
STRATA_INLINE void* told(void* block, std::size_t size) {
  if constexpr (config::recording) observe::note_made(block, size, os::read_caller());
  return block;
}
// Whether gone() has to be called.
STRATA_INLINE bool is_noted(const void* block) {
  if constexpr (config::recording) return observe::is_noted(block);
  return false;
}

STRATA_INLINE void* made(void* block, std::size_t size) {
  if constexpr (config::recording) observe::made(block, size);
  return block;
}
STRATA_INLINE void gone(void* block) {
  if constexpr (config::recording) observe::gone(block);
}

// ---- First-class heaps
inline void heap_made(alloc::heap* heap) {
  if constexpr (config::recording) {
    if (heap != nullptr) heap->maker = observe::note_heap_made();
  }
}
inline void* made_in(alloc::heap* heap, void* block, std::size_t size) {
  if constexpr (config::recording) {
    if (block != nullptr && observe::is_due(size)) observe::note_made(block, size, {}, heap->maker);
  }
  return block;
}
// Before it is destroyed: all its blocks go.
inline void heap_goes(alloc::heap* heap) {
  if constexpr (config::recording) heap->each_block([](void* block) { observe::gone(block); });
}
// resize(): a reallocation of the block, which is not null, to size bytes, which are not 0.
template <typename Resize>
STRATA_INLINE void* resized(void* block, std::size_t size, Resize resize) {
  if constexpr (config::recording) {
    const bool is_due = observe::is_due(size);
    if (!is_due && !observe::is_noted(block)) return resize();
    const alloc::heap* heap = alloc::heap_of(block);  // it stays in it
    observe::resizing before = observe::note_resizing(block, is_due);
    void* fresh = resize();
    observe::note_resized(before, block, fresh, size, heap == nullptr ? 0 : heap->maker);
    return fresh;
  } else {
    return resize();
  }
}

inline void thread_exits() {
  if constexpr (config::recording) observe::thread_exits();
}
inline void forked_in_child() {
  if constexpr (config::recording) observe::forked_in_child();
}
inline void process_ends() {
  if constexpr (config::recording) observe::process_ends();
}
inline std::int64_t lost_blocks(std::uintptr_t stack) {
  if constexpr (config::recording) return observe::lost_blocks(stack);
  return -1;
}

}  // namespace strata::entry::recorded
