#include "crowd.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace misuse {
namespace {

// How many blocks of a size aftermath allocates: more than were freed, and more than what heaps cut
// at once, so that a block at the far end of a list or a page has its turn as well.
constexpr std::size_t plenty(std::size_t size, std::size_t freed) {
  return 4 * freed + 64 + (std::size_t{4} << 20) / std::max<std::size_t>(size, 64);
}

constexpr std::size_t swept_sizes = 64;
constexpr std::size_t swept_each = 8;
constexpr std::size_t most_new = plenty(8, crowd::most) + swept_sizes * swept_each;
constexpr std::size_t touched_bytes = 64;  // at either end of a block

// The sizes of a sweep: 8, 16, 24, 32, then four a doubling, up to 256 KiB and beyond.
constexpr std::size_t swept_size(std::size_t at) {
  return at < 4 ? 8 * (at + 1) : (4 + at % 4 + 1) << (at / 4 + 2);
}
static_assert(swept_size(3) == 32 && swept_size(4) == 40 && swept_size(7) == 64);
static_assert(swept_size(8) == 80 && swept_size(swept_sizes - 1) == std::size_t{1} << 20);

unsigned char content(std::size_t block, std::size_t offset) {
  return static_cast<unsigned char>(0x80 | (block * 37 + offset * 11));
}

unsigned char* allocate(std::size_t size, source from) {
  void* block = from == source::malloc ? hide(malloc(size)) : hide(::operator new(size));
  if (block == nullptr) {
    abort();  // before the misuse: the runner calls it a broken run
  }
  return static_cast<unsigned char*>(block);
}

struct taken {
  unsigned char* begin;
  std::size_t bytes;
};

// What aftermath allocates and what it must not meet. Not on the heap, hence not a vector.
class arrivals {
 public:
  // False if malloc returned what can be no block: bytes that a misuse wrote, taken for an address.
  bool allocate(std::size_t size) {
    auto* block = static_cast<unsigned char*>(hide(malloc(size)));
    if (number(block) >> 47 != 0) {
      return false;
    }
    if (block != nullptr) {
      blocks_[count_++] = {block, size};
    }
    return true;
  }

  bool meet(const crowd& live, const range& kept) const {
    static std::array<taken, most_new + crowd::most + 1> all;
    std::size_t count = count_;
    std::copy_n(blocks_.begin(), count, all.begin());
    for (std::size_t at = 0; at < live.count(); ++at) {
      if (live[at] != nullptr) {
        all[count++] = {live[at], live.block_bytes()};
      }
    }
    if (kept.bytes != 0) {
      all[count++] = {static_cast<unsigned char*>(const_cast<void*>(kept.begin)), kept.bytes};
    }
    std::sort(all.begin(), all.begin() + count,
              [](const taken& a, const taken& b) { return a.begin < b.begin; });
    return std::adjacent_find(all.begin(), all.begin() + count, [](const taken& a, const taken& b) {
             return b.begin < a.begin + a.bytes;
           }) != all.begin() + count;
  }

  void touch() const {
    for (std::size_t at = 0; at < count_; ++at) {
      const auto [block, bytes] = blocks_[at];
      const std::size_t part = std::min(bytes, touched_bytes);
      memset(block, 0x80 | static_cast<int>(at), part);
      memset(block + bytes - part, 0x80 | static_cast<int>(at), part);
    }
  }

  void free_all() {
    for (std::size_t at = 0; at < count_; ++at) {
      free(blocks_[at].begin);
    }
    count_ = 0;
  }

 private:
  std::size_t count_ = 0;
  std::array<taken, most_new> blocks_;
};

bool is_zero(const unsigned char* block, std::size_t bytes) {
  return std::all_of(block, block + bytes, [](unsigned char byte) { return byte == 0; });
}

// A plenty of the sizes that the misuse was about, and a few of every other. False as allocate's.
bool allocate_plenty(arrivals& fresh, const scene& after) {
  const std::size_t size = after.live.block_bytes();
  for (std::size_t at = 0; at < plenty(size, after.freed); ++at) {
    const bool other = after.other_size != 0 && at % 2 != 0;
    if (!fresh.allocate(other ? after.other_size : size)) {
      return false;
    }
  }
  for (std::size_t at = 0; at < swept_sizes * swept_each; ++at) {
    if (!fresh.allocate(swept_size(at % swept_sizes))) {
      return false;
    }
  }
  return true;
}

// Whether calloc, asked several times, returns zeros.
bool calloc_is_clean(std::size_t size, std::size_t count) {
  static std::array<unsigned char*, most_new> blocks;
  bool clean = true;
  for (std::size_t at = 0; at < count; ++at) {
    blocks[at] = static_cast<unsigned char*>(hide(calloc(1, size)));
    clean = clean && (blocks[at] == nullptr || is_zero(blocks[at], size));
  }
  std::for_each_n(blocks.begin(), count, [](unsigned char* block) { free(block); });
  return clean;
}

}  // namespace

crowd::crowd(std::size_t size, std::size_t count, source from)
    : size_(size), count_(count), source_(from) {
  for (std::size_t at = 0; at < count; ++at) {
    blocks_[at] = allocate(size, from);
    for (std::size_t offset = 0; offset < size; ++offset) {
      blocks_[at][offset] = content(at, offset);
    }
  }
}

void crowd::release(std::size_t at) {
  unsigned char* block = forget(at);
  if (source_ == source::malloc) {
    free(block);
  } else {
    ::operator delete(block);
  }
}

void crowd::release_all() {
  for (std::size_t at = 0; at < count_; ++at) {
    if (blocks_[at] != nullptr) {
      release(at);
    }
  }
}

unsigned char* crowd::forget(std::size_t at) {
  unsigned char* block = blocks_[at];
  blocks_[at] = nullptr;
  return hide(block);
}

bool crowd::intact() const {
  for (std::size_t at = 0; at < count_; ++at) {
    for (std::size_t offset = 0; blocks_[at] != nullptr && offset < size_; ++offset) {
      if (blocks_[at][offset] != content(at, offset)) {
        return false;
      }
    }
  }
  return true;
}

outcome aftermath(const scene& after) {
  static arrivals fresh;
  bool damaged = !after.live.intact();
  // First with the crowd in place, then without it: some heaps do not touch a free block again
  // before its neighbours are free as well.
  for (int round = 0; round < 2; ++round) {
    if (!allocate_plenty(fresh, after) || fresh.meet(after.live, after.kept)) {
      return outcome::exploited;
    }
    fresh.touch();
    damaged = damaged || !after.live.intact();
    fresh.free_all();
    after.live.release_all();
  }
  damaged = !calloc_is_clean(after.live.block_bytes(), after.freed + 16) || damaged;
  return missed_if(damaged);
}

void stir(std::size_t size) {
  void* blocks[4];
  for (int round = 0; round < 25; ++round) {
    for (std::size_t at = 0; at < 4; ++at) {
      blocks[at] = hide(malloc(3 * size + 100 * (at + 1)));
    }
    for (void* block : blocks) {
      free(block);
    }
  }
}

}  // namespace misuse
