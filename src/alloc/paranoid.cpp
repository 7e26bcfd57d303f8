#include "alloc/paranoid.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <utility>

#include "alloc/bin.hpp"
#include "alloc/canary.hpp"
#include "alloc/thread_cache.hpp"
#include "base/check.hpp"
#include "ground/options.hpp"
#include "os/process.hpp"
#include "sync/mutex.hpp"

namespace strata::alloc::paranoid {
namespace {

constexpr std::size_t most_waiting = 2048;
constexpr std::size_t most_waiting_bytes = 16 * base::MiB;
constexpr unsigned char junk = 0xd5;
// A waiting large block holds addresses and no memory.
constexpr std::size_t large_discount = 16;

// A size is sealed as a multiple, so that a seal of which any byte was changed tells no likely size.
constexpr std::uint64_t spread = 0x9e3779b97f4a7c15;
constexpr std::uint64_t gather = 0xf1de83e19937733d;
static_assert(spread * gather == 1);

constinit std::uint64_t secret = 0;

std::uint64_t key_of(const void* block) { return base::mixed(base::address_of(block) ^ secret); }
unsigned char pattern_of(const void* block) {
  // Never 0: a string that is one byte too long writes that.
  return static_cast<unsigned char>(key_of(block) >> 56 | 1);
}

// ---- The quarantine: a ring

constinit sync::mutex lock(sync::rank::quarantine);
constinit waiting ring[most_waiting];
constinit std::size_t first = 0;
constinit std::size_t count = 0;
constinit std::size_t total_bytes = 0;

std::size_t weight_of(const waiting& one) {
  return one.number == large_kind ? one.bytes / large_discount : one.bytes;
}

// The caller holds the lock, and there is one.
waiting take_oldest() {
  waiting oldest = ring[first];
  first = (first + 1) % most_waiting;
  --count;
  total_bytes -= weight_of(oldest);
  return oldest;
}

}  // namespace

constinit bool chosen = false;

void set_up() {
  chosen = ground::option().harden == ground::harden_paranoid;
  if (chosen) secret = os::random_word();
}

void seal(void* block, std::size_t room, std::size_t size, bool zero) {
  check_wiped(block, room);
  if (!zero) std::memset(block, junk, size);
  seal_large(block, room, size);
}

void seal_large(void* block, std::size_t room, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(block);
  std::memset(bytes + size, pattern_of(block), room - canary::bytes - size);
  std::uint64_t word = key_of(block) ^ size * spread;
  std::memcpy(bytes + room - canary::bytes, &word, canary::bytes);
}

std::size_t size_of(const void* block, std::size_t room) {
  const auto* bytes = static_cast<const unsigned char*>(block);
  std::uint64_t word = 0;
  std::memcpy(&word, bytes + room - canary::bytes, canary::bytes);
  std::size_t size = (word ^ key_of(block)) * gather;
  if (size > room - canary::bytes) fatal(misuse::overflow, block, room);
  unsigned char pattern = pattern_of(block);
  for (std::size_t at = size; at < room - canary::bytes; ++at) {
    if (bytes[at] != pattern) fatal(misuse::overflow, block, size);
  }
  return size;
}

std::size_t push(const waiting& one, waiting (&leaving)[most_leaving]) {
  sync::locked section(lock);
  std::size_t out = 0;
  while (out < most_leaving && count > 0 &&
         (count == most_waiting || total_bytes + weight_of(one) > most_waiting_bytes)) {
    leaving[out++] = take_oldest();
  }
  ring[(first + count) % most_waiting] = one;
  ++count;
  total_bytes += weight_of(one);
  return out;
}

bool pop(waiting& oldest) {
  sync::locked section(lock);
  if (count == 0) return false;
  oldest = take_oldest();
  return true;
}

void wipe(void* block, std::size_t room) { std::memset(block, 0, room); }

void check_wiped(const void* block, std::size_t room) {
  const auto* words = static_cast<const std::uint64_t*>(block);
  for (std::size_t i = 0; i < room / sizeof(std::uint64_t); ++i) {
    if (words[i] != 0) fatal(misuse::write_after_free, block, room);
  }
}

void check_waiting() {
  if (!chosen || is_stopping()) return;
  sync::locked section(lock);
  for (std::size_t i = 0; i < count; ++i) {
    const waiting& one = ring[(first + i) % most_waiting];
    if (one.number != large_kind) check_wiped(one.item, one.bytes);
  }
}

namespace {

std::uintptr_t& block_in(block_row* rows, std::size_t index) {
  while (index >= rows->count) index -= rows++->count;
  return rows->blocks[index];
}

}  // namespace

void shuffle(block_row* rows, std::size_t row_count) {
  static constinit std::atomic<std::uint64_t> turn{0};
  std::size_t left = 0;
  for (std::size_t i = 0; i < row_count; ++i) left += rows[i].count;
  for (; left > 1; --left) {
    std::uint64_t random = base::mixed(secret ^ turn.fetch_add(1, std::memory_order_relaxed));
    std::swap(block_in(rows, left - 1), block_in(rows, random % left));
  }
}

void lock_for_fork() { lock.lock(); }
void unlock_after_fork() { lock.unlock(); }
void reset_in_child() { lock.reset(); }

}  // namespace strata::alloc::paranoid
