// Writes to and reads from blocks that were freed.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "crowd.hpp"

namespace misuse {
namespace {

// ---- Writes

// Frees a few blocks, one last of all, and has a deed done to that.
template <typename Deed>
outcome write_freed(std::size_t size, range kept, Deed deed) {
  crowd live(size);
  const std::size_t middle = live.middle();
  for (std::size_t distance = 1; distance <= 3; ++distance) {
    live.release(middle + distance);
  }
  unsigned char* block = live.forget(middle);
  free(block);
  block = hide(block);
  commit(block, [&] { deed(block); });
  return aftermath({live, 4, 0, kept});
}

outcome write_after_free_start(std::size_t size) {
  return write_freed(size, {}, [&](unsigned char* block) {
    memset(block, stray_byte, std::min<std::size_t>(size, 16));
  });
}

outcome write_after_free_middle(std::size_t size) {
  return write_freed(size, {}, [&](unsigned char* block) {
    memset(block + size / 2, stray_byte, std::min<std::size_t>(size / 2, 16));
  });
}

// What a list of free blocks keeps in their first words becomes an address of the attacker's.
outcome write_after_free_planted(std::size_t size) {
  alignas(4096) static unsigned char bait[2 * (256 << 10)];
  const std::uintptr_t planted = number(hide(&bait[4096]));
  return write_freed(size, {bait, sizeof bait},
                     [&](unsigned char* block) { memcpy(block, &planted, sizeof planted); });
}

// The block is somebody else's by the time of the write.
outcome write_after_reuse(std::size_t size) {
  crowd live(size, 16);
  unsigned char* block = live.forget(8);
  free(block);
  crowd next(size, 64);
  block = hide(block);
  commit(block, [&] { memset(block, stray_byte, std::min<std::size_t>(size, 16)); });
  const bool damaged = !next.intact();
  next.release_all();
  return worse(missed_if(damaged), aftermath({live, 64}));
}

// ---- Reads

constexpr std::uint64_t secret = 0xe1d2c3b4a5968778;

void write_secret(unsigned char* block, std::size_t size) {
  for (std::size_t offset = 0; offset + sizeof secret <= size; offset += sizeof secret) {
    memcpy(block + offset, &secret, sizeof secret);
  }
}

// Whether any word of the block still tells it.
bool tells_secret(const unsigned char* block, std::size_t size) {
  for (std::size_t offset = 0; offset + sizeof secret <= size; offset += sizeof secret) {
    std::uint64_t word;
    memcpy(&word, hide(block + offset), sizeof word);
    if (word == secret) {
      return true;
    }
  }
  return false;
}

template <typename Between>
outcome read_after(std::size_t size, Between between) {
  crowd live(size, 16);
  unsigned char* block = live.forget(8);
  write_secret(block, size);
  free(block);
  block = hide(block);
  between();
  bool told = false;
  commit(block, [&] { told = tells_secret(block, size); });
  return worse(missed_if(told), aftermath({live, 1}));
}

outcome read_freed_secret(std::size_t size) {
  return read_after(size, [] {});
}

outcome read_freed_secret_late(std::size_t size) {
  return read_after(size, [&] { stir(size); });
}

// The next owners of the memory look for what the last one left in it.
outcome secret_handed_on(std::size_t size) {
  crowd live(size, 16);
  unsigned char* block = live.forget(8);
  write_secret(block, size);
  free(block);
  bool told = false;
  commit(block, [&] {
    for (int attempt = 0; attempt < 64 && !told; ++attempt) {
      auto* fresh = static_cast<unsigned char*>(hide(malloc(size)));
      told = fresh != nullptr && tells_secret(fresh, size);
    }
  });
  return worse(missed_if(told), aftermath({live, 1}));
}

constexpr kind kinds[] = {
    {"write_after_free_start", group::access, true, write_after_free_start},
    {"write_after_free_middle", group::access, true, write_after_free_middle},
    {"write_after_free_planted", group::access, true, write_after_free_planted},
    {"write_after_reuse", group::access, false, write_after_reuse},
    {"read_freed_secret", group::access, true, read_freed_secret},
    {"read_freed_secret_late", group::access, false, read_freed_secret_late},
    {"secret_handed_on", group::access, false, secret_handed_on},
};

}  // namespace

const std::span<const kind> stale_accesses = kinds;

}  // namespace misuse
