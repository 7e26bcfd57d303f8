// The memory of routed blocks, apart from the heap's, and what is known of each block in it.
//
//   region   | unit | unit | unit | ...                64 KiB each; a chunk is one or several
//   chunks   | own | own | -1 | ...                    a row for each unit
//   states   one byte for each granule of 16 bytes: a live block starts there, one that is gone, or none does
//
// All three are mapped at once, of the size that the system grants, and have pages where they are touched.
// A state is looked at only below the top of its chunk. A block's granules behind its first have none, so
// that it ends where the next state is, or at the top.
//
// Units are taken by one addition and never given back; chunks go from thread to thread (seat.hpp). No locks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bits.hpp"
#include "base/check.hpp"

namespace strata::route {

inline constexpr std::size_t granule_bytes = 16;
inline constexpr std::size_t unit_bytes = 64 * base::KiB;
inline constexpr std::size_t most_bytes = base::GiB;  // of a block

struct seat;

struct chunk {
  std::uintptr_t start;
  std::uintptr_t end;
  std::uintptr_t top;      // blocks are below
  std::uintptr_t touched;  // pages are below, more or less: top has been there
  seat* owner;
  std::uint32_t units_before;  // of the chunk that the unit is in
  std::uint32_t cell_bytes;    // of a pool's; 0: of an arena
  // Of a pool's, for the owner.
  std::uint32_t live;  // cells in use, and those that others have sent back and nobody has taken in
  bool is_open;        // in the list of its class
  std::uintptr_t free;
  chunk* next;
  chunk* previous;
  chunk* next_of_seat;
  std::atomic<std::uintptr_t> sent_back;  // by other threads, one linked to the next
};

enum class block_state : std::uint8_t { none, live, gone };

namespace region {

struct bounds {
  std::uintptr_t start = 0;
  std::size_t bytes = 0;  // 0: there is no region
};
extern bounds where __attribute__((visibility("hidden")));
extern std::uint8_t* states __attribute__((visibility("hidden")));

// False: the system grants too little.
bool set_up();
inline bool owns(const void* address) {
  return base::address_of(address) - where.start < where.bytes;
}

// Of so many bytes at least; null when there is no more room.
chunk* take(std::size_t bytes, seat* owner);
// That the address is in; null: nobody has it.
chunk* chunk_at(std::uintptr_t address);

// relaxed, all of them: who frees a block has been given it after it was marked.
inline std::atomic_ref<std::uint8_t> state_at(std::uintptr_t address) {
  return std::atomic_ref(states[(address - where.start) / granule_bytes]);
}
inline void mark(std::uintptr_t address, block_state as) {
  state_at(address).store(static_cast<std::uint8_t>(as), std::memory_order_relaxed);
}
// Zeros so many bytes: few, mostly, by two stores that may overlap.
inline void clear(std::uint8_t* row, std::size_t count) {
  if (count > 8) {
    std::memset(row, 0, count);
  } else if (count >= 4) {
    std::memset(row, 0, 4);
    std::memset(row + count - 4, 0, 4);
  } else {
    for (std::size_t i = 0; i < count; ++i) row[i] = 0;
  }
}
// A block comes to be there, of whole granules. Its own thread alone looks at those behind the first.
inline void mark_live(std::uintptr_t start, std::size_t bytes) {
  mark(start, block_state::live);
  clear(&states[(start - where.start) / granule_bytes] + 1, bytes / granule_bytes - 1);
}

// Pages below are about to be touched.
void touch(chunk& of, std::uintptr_t to);
inline void reach(chunk& of, std::uintptr_t to) {
  if (STRATA_UNLIKELY(to > of.touched)) touch(of, to);
}
// Gives back a chunk's pages; it has no blocks then.
void empty(chunk& of);

// Touched by blocks; charged to the account, by units.
std::size_t taken_bytes();
std::size_t charged_bytes();

// The chunk of the live block at the address. Stops the process where there is none.
chunk& chunk_of_block(void* block);
std::size_t size_of(const chunk& in, std::uintptr_t block);
// The address is no live block: says what it is, and stops.
[[noreturn]] void stop_for(void* address);

}  // namespace region
}  // namespace strata::route
