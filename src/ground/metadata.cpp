#include "ground/metadata.hpp"

#include <atomic>
#include <cstring>

#include "base/bits.hpp"
#include "os/memory.hpp"
#include "sync/mutex.hpp"

namespace strata::ground::metadata {
namespace {

constexpr std::size_t unit = 64;
constexpr std::size_t piece_limit = 2 * base::KiB;
constexpr std::size_t mapping_bytes = 256 * base::KiB;

struct free_piece {
  free_piece* next;
};

constinit sync::mutex lock(sync::rank::metadata);
constinit free_piece* free_pieces[piece_limit / unit + 1] = {};
constinit std::uintptr_t bump = 0;
constinit std::uintptr_t bump_end = 0;
constinit std::atomic<std::size_t> mapped{0};

void* map_counted(std::size_t bytes) {
  void* table = os::map(bytes, os::page_bytes());
  if (table != nullptr) count_mapped(bytes);
  return table;
}

void* take_free(std::size_t bytes) {
  free_piece*& list = free_pieces[bytes / unit];
  free_piece* piece = list;
  if (piece == nullptr) return nullptr;
  list = piece->next;
  std::memset(static_cast<void*>(piece), 0, bytes);
  return piece;
}

void* take_bump(std::size_t bytes) {
  if (bump_end - bump < bytes) {
    void* fresh = map_counted(mapping_bytes);
    if (fresh == nullptr) return nullptr;
    bump = base::address_of(fresh);
    bump_end = bump + mapping_bytes;
  }
  void* piece = base::pointer_to(bump);
  bump += bytes;
  return piece;
}

}  // namespace

void* allocate(std::size_t bytes) {
  bytes = base::align_up(bytes, unit);
  if (bytes > piece_limit) return map_counted(base::align_up(bytes, os::page_bytes()));
  sync::locked section(lock);
  void* piece = take_free(bytes);
  return piece != nullptr ? piece : take_bump(bytes);
}

void free(void* piece, std::size_t bytes) {
  bytes = base::align_up(bytes, unit);
  if (bytes > piece_limit) {
    bytes = base::align_up(bytes, os::page_bytes());
    if (os::release(piece, bytes)) mapped.fetch_sub(bytes, std::memory_order_relaxed);
    return;
  }
  sync::locked section(lock);
  auto* freed = static_cast<free_piece*>(piece);
  freed->next = free_pieces[bytes / unit];
  free_pieces[bytes / unit] = freed;
}

std::size_t mapped_bytes() { return mapped.load(std::memory_order_relaxed); }
void count_mapped(std::size_t bytes) { mapped.fetch_add(bytes, std::memory_order_relaxed); }
void count_unmapped(std::size_t bytes) { mapped.fetch_sub(bytes, std::memory_order_relaxed); }

void lock_for_fork() { lock.lock(); }
void unlock_after_fork() { lock.unlock(); }
void reset_in_child() { lock.reset(); }

}  // namespace strata::ground::metadata
