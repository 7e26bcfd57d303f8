#include "route/region.hpp"

#include "ground/account.hpp"
#include "os/memory.hpp"

namespace strata::route::region {

constinit bounds where;
constinit std::uint8_t* states = nullptr;

namespace {

constexpr std::size_t most_reserved = 64 * base::GiB;
constexpr std::size_t least_reserved = 256 * base::MiB;

constinit chunk* chunks = nullptr;  // by unit
constinit std::atomic<std::size_t> units_used{0};
constinit std::atomic<std::size_t> taken{0};
constinit std::atomic<std::size_t> charged{0};

std::size_t unit_of(std::uintptr_t address) { return (address - where.start) / unit_bytes; }

block_state state_of(std::uintptr_t address) {
  return static_cast<block_state>(state_at(address).load(std::memory_order_relaxed));
}

// Where the block ends that starts there.
std::uintptr_t end_of(const chunk& in, std::uintptr_t start) {
  if (in.cell_bytes != 0) return start + in.cell_bytes;
  std::uintptr_t at = start + granule_bytes;
  while (at < in.top && state_of(at) == block_state::none) at += granule_bytes;
  return at;
}

bool map_for(std::size_t bytes) {
  std::size_t page = os::page_bytes();
  std::size_t state_bytes = bytes / granule_bytes;
  std::size_t chunk_bytes = base::align_up(bytes / unit_bytes * sizeof(chunk), page);
  void* blocks = os::map(bytes, unit_bytes);
  void* made_states = blocks == nullptr ? nullptr : os::map(state_bytes, page);
  void* made_chunks = made_states == nullptr ? nullptr : os::map(chunk_bytes, page);
  if (made_chunks == nullptr) {
    if (blocks != nullptr) os::release(blocks, bytes);
    if (made_states != nullptr) os::release(made_states, state_bytes);
    return false;
  }
  os::never_huge(blocks, bytes);  // a page that is touched costs a page
  os::never_huge(made_states, state_bytes);
  states = static_cast<std::uint8_t*>(made_states);
  chunks = static_cast<chunk*>(made_chunks);
  where = {base::address_of(blocks), bytes};
  return true;
}

}  // namespace

bool set_up() {
  for (std::size_t bytes = most_reserved; bytes >= least_reserved; bytes /= 2) {
    if (map_for(bytes)) return true;
  }
  return false;
}

chunk* take(std::size_t bytes, seat* owner) {
  std::size_t units = base::divide_up(bytes, unit_bytes);
  std::size_t all = where.bytes / unit_bytes;
  std::size_t first = units_used.load(std::memory_order_relaxed);
  do {
    if (units > all || first > all - units) return nullptr;
  } while (!units_used.compare_exchange_weak(first, first + units, std::memory_order_relaxed));
  // What the limit refuses here stays unused.
  if (!ground::account::charge(units * unit_bytes)) return nullptr;
  charged.fetch_add(units * unit_bytes, std::memory_order_relaxed);
  chunk& made = chunks[first];
  made.start = made.top = made.touched = where.start + first * unit_bytes;
  made.end = made.start + units * unit_bytes;
  made.owner = owner;
  for (std::size_t i = 1; i < units; ++i) {
    chunks[first + i].units_before = static_cast<std::uint32_t>(i);
  }
  return &made;
}

chunk* chunk_at(std::uintptr_t address) {
  chunk* found = &chunks[unit_of(address)];
  found -= found->units_before;
  return found->start == 0 ? nullptr : found;
}

void touch(chunk& of, std::uintptr_t to) {
  std::uintptr_t up = base::smaller(base::align_up(to, os::page_bytes()), of.end);
  taken.fetch_add(up - of.touched, std::memory_order_relaxed);
  of.touched = up;
}

void empty(chunk& of) {
  std::size_t bytes = of.touched - of.start;
  of.top = of.start;
  of.free = 0;
  of.live = 0;
  if (bytes == 0 || !os::purge(base::pointer_to(of.start), bytes)) return;
  of.touched = of.start;
  taken.fetch_sub(bytes, std::memory_order_relaxed);
}

std::size_t taken_bytes() { return taken.load(std::memory_order_relaxed); }
std::size_t charged_bytes() { return charged.load(std::memory_order_relaxed); }

chunk& chunk_of_block(void* block) {
  std::uintptr_t at = base::address_of(block);
  chunk* in = chunk_at(at);
  bool is_live =
      in != nullptr && base::is_aligned(at, granule_bytes) && state_of(at) == block_state::live;
  if (STRATA_UNLIKELY(!is_live)) stop_for(block);
  return *in;
}

std::size_t size_of(const chunk& in, std::uintptr_t block) { return end_of(in, block) - block; }

void stop_for(void* address) {
  std::uintptr_t at = base::address_of(address);
  if (!base::is_aligned(at, granule_bytes)) fatal(misuse::misaligned_free, address);
  chunk* in = chunk_at(at);
  if (in == nullptr || at >= in->touched) fatal(misuse::invalid_free, address);
  if (state_of(at) == block_state::gone) fatal(misuse::double_free, address);
  std::uintptr_t start = at;
  while (start > in->start && state_of(start) == block_state::none) start -= granule_bytes;
  bool inside = state_of(start) == block_state::live && at < end_of(*in, start);
  fatal(inside ? misuse::interior_free : misuse::invalid_free, address);
}

}  // namespace strata::route::region
