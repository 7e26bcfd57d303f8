// Addresses that were never the start of a block.
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "crowd.hpp"

namespace misuse {
namespace {

constexpr std::size_t most_bytes = std::size_t{256} << 10;
constexpr std::size_t margin = 8192;

// ---- Inside a block

outcome free_inside(std::size_t size, std::size_t offset) {
  crowd live(size, 16);
  unsigned char* inside = live[8] + offset;
  commit(inside, [&] { free(hide(inside)); });
  return aftermath({live, 1});
}

outcome free_interior_16(std::size_t size) {
  return free_inside(size, std::min<std::size_t>(16, size / 4));
}

outcome free_interior_half(std::size_t size) { return free_inside(size, size / 2); }

outcome free_odd_1(std::size_t size) { return free_inside(size, 1); }

outcome free_odd_8(std::size_t size) {
  return free_inside(size, std::min<std::size_t>(8, size - 1));
}

// ---- Outside the heap

// Frees the address `margin` / 2 into foreign memory of size + margin bytes, all of them zero.
outcome free_foreign(unsigned char* memory, std::size_t size) {
  crowd live(size, 16);
  unsigned char* address = memory + margin / 2;
  commit(address, [&] { free(hide(address)); });
  const outcome found = aftermath({live, 1, 0, {memory, size + margin}});
  const bool changed =
      std::any_of(memory, memory + size + margin, [](unsigned char byte) { return byte != 0; });
  return worse(found, missed_if(changed));
}

unsigned char* map(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    abort();
  }
  return static_cast<unsigned char*>(memory);
}

outcome free_mapped(std::size_t size) { return free_foreign(map(size + margin), size); }

outcome free_stack(std::size_t size) {
  alignas(64) unsigned char local[most_bytes + margin];
  memset(local, 0, size + margin);
  return free_foreign(hide(&local[0]), size);
}

outcome free_global(std::size_t size) {
  alignas(64) static unsigned char global[most_bytes + margin];
  return free_foreign(hide(&global[0]), size);
}

// Foreign memory that was made to look like a block: the size of a glibc chunk before it, and
// another such size where the next chunk would begin.
outcome free_forged(std::size_t size) {
  crowd live(size, 16);
  unsigned char* memory = map(size + margin);
  unsigned char* address = memory + margin / 2;
  const std::size_t chunk_bytes = (std::max<std::size_t>(size, 24) + 8 + 15) / 16 * 16;
  const std::size_t used = chunk_bytes | 1;
  memcpy(address - 8, &used, sizeof used);
  memcpy(address + chunk_bytes - 8, &used, sizeof used);
  commit(address, [&] { free(hide(address)); });
  return aftermath({live, 1, 0, {memory, size + margin}});
}

// ---- No memory at all

outcome free_address(crowd& live, void* address) {
  commit(address, [&] { free(hide(address)); });
  return aftermath({live, 1});
}

outcome free_unmapped(std::size_t size) {
  crowd live(size, 16);  // comes first, lest it should lie where the hole is
  unsigned char* memory = map(size + margin);
  munmap(memory, size + margin);
  return free_address(live, memory + margin / 2);
}

// What text taken for an address looks like.
outcome free_non_canonical(std::size_t size) {
  crowd live(size, 16);
  return free_address(live, reinterpret_cast<void*>(0x4141414141414100 + size));
}

outcome free_small_number(std::size_t size) {
  crowd live(size, 16);
  return free_address(live, reinterpret_cast<void*>(16 * size));
}

constexpr kind kinds[] = {
    {"free_interior_16", group::call, true, free_interior_16},
    {"free_interior_half", group::call, true, free_interior_half},
    {"free_odd_1", group::call, true, free_odd_1},
    {"free_odd_8", group::call, false, free_odd_8},
    {"free_mapped", group::call, true, free_mapped},
    {"free_stack", group::call, true, free_stack},
    {"free_global", group::call, false, free_global},
    {"free_forged", group::call, false, free_forged},
    {"free_unmapped", group::call, true, free_unmapped},
    {"free_non_canonical", group::call, false, free_non_canonical},
    {"free_small_number", group::call, false, free_small_number},
};

}  // namespace

const std::span<const kind> bad_frees = kinds;

}  // namespace misuse
