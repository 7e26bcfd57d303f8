// Blocks that are freed twice.
#include <atomic>
#include <cstdlib>
#include <thread>

#include "crowd.hpp"

namespace misuse {
namespace {

// The crowd is 2000 blocks; of large ones, whose contents take time, fewer.
std::size_t thousands(std::size_t size) { return size <= 4096 ? 2000 : 64; }

outcome double_free(std::size_t size) {
  crowd live(size, 16);
  unsigned char* block = live.forget(8);
  free(block);
  commit(block, [&] { free(hide(block)); });
  return aftermath({live, 2});
}

outcome double_free_late(std::size_t size) {
  crowd live(size, 32);
  unsigned char* block = live.forget(16);
  live.release(10);
  free(block);
  for (std::size_t at : {1, 4, 7, 13, 19, 22, 25, 28}) {
    live.release(at);
  }
  stir(size);
  commit(block, [&] { free(hide(block)); });
  return aftermath({live, 11});
}

outcome double_free_far(std::size_t size) {
  crowd live(size, thousands(size));
  const std::size_t middle = live.middle();
  unsigned char* block = live.forget(middle);
  for (std::size_t at = 1; at < middle; ++at) {
    live.release(at);
  }
  free(block);
  for (std::size_t at = middle + 1; at + 1 < live.count(); ++at) {
    live.release(at);
  }
  commit(block, [&] { free(hide(block)); });
  return aftermath({live, live.count()});
}

outcome double_free_cross_thread(std::size_t size) {
  crowd live(size, 16);
  std::atomic<unsigned char*> handed{nullptr};
  // It starts before the first free: what starting it allocates might take the block.
  std::thread other([&] {
    handed.wait(nullptr);
    unsigned char* block = handed.load();
    commit(block, [&] { free(hide(block)); });
  });
  unsigned char* block = live.forget(8);
  free(block);
  handed.store(block);
  handed.notify_one();
  other.join();
  return aftermath({live, 2});
}

outcome double_free_dead_owner(std::size_t size) {
  static crowd* live = nullptr;
  std::thread([size] {
    static crowd of_the_dead(size, 16);
    live = &of_the_dead;
  }).join();
  unsigned char* block = live->forget(8);
  free(block);
  commit(block, [&] { free(hide(block)); });
  return aftermath({*live, 2});
}

// Allocates until a block lies where `block` was, 64 at most. Null if none does.
unsigned char* take_again(const unsigned char* block, std::size_t size) {
  for (int attempt = 0; attempt < 64; ++attempt) {
    auto* fresh = static_cast<unsigned char*>(hide(malloc(size)));
    if (fresh == block) {
      return fresh;
    }
  }
  return nullptr;
}

// Somebody else has the block by the time of the second free.
outcome double_free_reused(std::size_t size) {
  crowd live(size, 16);
  unsigned char* block = live.forget(8);
  free(block);
  const unsigned char* fresh = take_again(block, size);
  commit(block, [&] { free(hide(block)); });
  return aftermath({live, 2, 0, {fresh, fresh != nullptr ? size : 0}});
}

// The old address of a block that realloc has moved.
outcome double_free_moved(std::size_t size) {
  crowd live(size, 16);
  unsigned char* block = live.forget(8);
  void* moved = hide(realloc(hide(block), 8 * size + 64));
  if (moved == block || moved == nullptr) {
    return outcome::absent;
  }
  commit(block, [&] { free(hide(block)); });
  return aftermath({live, 2, 0, {moved, 8 * size + 64}});
}

constexpr kind kinds[] = {
    {"double_free", group::call, true, double_free},
    {"double_free_late", group::call, true, double_free_late},
    {"double_free_far", group::call, true, double_free_far},
    {"double_free_cross_thread", group::call, true, double_free_cross_thread},
    {"double_free_dead_owner", group::call, true, double_free_dead_owner},
    {"double_free_moved", group::call, false, double_free_moved},
    {"double_free_reused", group::stale, false, double_free_reused},
};

}  // namespace

const std::span<const kind> double_frees = kinds;

}  // namespace misuse
