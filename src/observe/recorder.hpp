// Records what the program allocates and frees into the area that `strata record` shares with it
// (wire/area.hpp): every block, or those that a random point of a line of all bytes allocated falls into.
//
//   fast path   made: the bytes until the next point, less the size; below 0 the slow way
//               gone: one look into a table of bytes, by the KiB of the address; not 0: perhaps a recorded block
//
// Recording everything, the first is always below 0 and the second never 0. Not recording, the first is
// too large to run out, and the second all 0.
//
// Points are as far apart as a Poisson process has them: a block of n bytes is sampled with a chance of
// 1 - exp(-n / mean), wherever it is allocated, and stands for the inverse of that many.
//
// Sampled blocks lie in a table of sets of 8, by address, so that their frees are known; those of a region of 4 MiB in
// one page of it. The byte counts those that begin in its KiB, or in one that is a multiple of 32 MiB away;
// neighbours share a cache line.
//
// Allocates nothing, takes no lock. A handler that interrupts it may record in turn.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "os/registers.hpp"

namespace strata::observe {

inline constexpr std::size_t kib_count = std::size_t{1} << 15;

struct thread_countdown {
  std::int64_t bytes;  // until the next point
};
extern thread_local constinit thread_countdown this_countdown
    __attribute__((tls_model("initial-exec"), visibility("hidden")));
extern std::atomic<std::uint8_t> noted_in[kib_count] __attribute__((visibility("hidden")));

inline std::atomic<std::uint8_t>& noted_near(const void* block) {
  return noted_in[reinterpret_cast<std::uintptr_t>(block) / 1024 % kib_count];
}

// What is_due has said of. Null: there was no memory for it. from: who asked for it; none: the next call outside
// of the library. heap: what note_heap_made said of the first-class heap that it is in; 0: in none.
void note_made(void* block, std::size_t size, const os::calling_frame& from = {},
               std::uint32_t heap = 0);
// A first-class heap was made: a number for all heaps that were made by these calls. 0: they are not known.
std::uint32_t note_heap_made();
// The block goes: it is freed, or given to realloc.
void note_gone(void* block);
struct resizing {
  bool noted = false;   // the block was recorded
  bool is_due = false;  // what comes of it is to be
};
resizing note_resizing(void* block, bool is_due);
// What came of it; null: the block is where it was.
void note_resized(resizing before, void* old_block, void* block, std::size_t size,
                  std::uint32_t heap);

// A block of so many bytes comes: whether it is to be noted once it is there.
STRATA_INLINE bool is_due(std::size_t size) {
  this_countdown.bytes -= static_cast<std::int64_t>(size | 1);
  return STRATA_UNLIKELY(this_countdown.bytes < 0);
}
STRATA_INLINE void made(void* block, std::size_t size) {
  if (STRATA_UNLIKELY(block == nullptr)) return;
  if (is_due(size)) note_made(block, size);
}
STRATA_INLINE bool is_noted(const void* block) {
  // relaxed: whoever has the block was given it after it was noted.
  return STRATA_UNLIKELY(noted_near(block).load(std::memory_order_relaxed) != 0);
}
STRATA_INLINE void gone(void* block) {
  if (is_noted(block)) note_gone(block);
}

// ---- Mappings
// Ranges of addresses that the program maps and unmaps; all are noted, whatever is a sample of. A range has been
// mapped: about is of wire::range_about, from as for note_made.
void note_mapped(std::uintptr_t start, std::size_t bytes, std::uint16_t about,
                 const os::calling_frame& from);
// A range is about to go, with all that is mapped there ...
void note_unmapping(std::uintptr_t start, std::size_t bytes);
// ... and has not gone.
void note_unmap_refused();

// ---- Pools of the program's own
// All blocks are noted, whatever is a sample of. A pool is told from others by its address; its name, which is copied
// when it is new and may be null, by its text.
void note_pool_allocated(const void* pool, const char* name, const void* block, std::size_t bytes,
                         const os::calling_frame& from);
void note_pool_freed(const void* pool, const void* block);
void note_pool_emptied(const void* pool);

// ---- The life of the process
void thread_exits();
void forked_in_child();
// Waits until the command has seen how the process lies in memory: not for long, unless it looks for leaks.
void process_ends();
// Asks a command that looks for leaks how many blocks are lost now, and waits for it. -1: there is none.
// stack: the calling program's own begins there.
std::int64_t lost_blocks(std::uintptr_t stack);

}  // namespace strata::observe
