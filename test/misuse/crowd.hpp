// Blocks with known contents, and the search for what a misuse has done to them.
//
// Every byte of a crowd's block has its top bit set and stray_byte has not, so each one that lands
// in a live block shows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "misuse.hpp"

namespace misuse {

enum class source { malloc, operator_new };

constexpr unsigned char stray_byte = 0x5a;

// Blocks of one size. Whoever frees one behind the crowd's back says so by forget().
class crowd {
 public:
  static constexpr std::size_t most = 2048;

  explicit crowd(std::size_t size, std::size_t count, source from = source::malloc);
  explicit crowd(std::size_t size) : crowd(size, usual_count(size)) {}
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;

  // Enough that a write of 4096 bytes past the middle one stays among them.
  static constexpr std::size_t usual_count(std::size_t size) {
    return size <= 256 ? 1024 : size <= 4096 ? 64 : 16;
  }

  unsigned char* operator[](std::size_t at) const { return blocks_[at]; }
  std::size_t block_bytes() const { return size_; }
  std::size_t count() const { return count_; }
  std::size_t middle() const { return count_ / 2; }

  void release(std::size_t at);
  void release_all();
  // The block is not this crowd's any more; returns it.
  unsigned char* forget(std::size_t at);

  // All blocks still hold what they were filled with.
  bool intact() const;

 private:
  std::size_t size_;
  std::size_t count_;
  source source_;
  std::array<unsigned char*, most> blocks_;  // null where released or forgotten
};

struct range {
  const void* begin = nullptr;
  std::size_t bytes = 0;
};

struct scene {
  crowd& live;
  std::size_t freed;           // blocks of the crowd's size that were freed so far
  std::size_t other_size = 0;  // a second size whose blocks the misuse may have spoilt
  range kept = {};             // memory that is in use and may not be handed out
};

// Allocates so much of the sizes in question that every block which is free anywhere has its turn,
// also a second time if it is free twice, and a few blocks of every other size. Uses and frees all
// of it, and the crowd. Says what came to light.
outcome aftermath(const scene& after);

// Allocates and frees blocks of sizes that have nothing to do with size.
void stir(std::size_t size);

}  // namespace misuse
