#include "ground/account.hpp"

#include <atomic>
#include <cstdint>

#include "ground/options.hpp"

namespace strata::ground::account {
namespace {

constinit std::atomic<std::size_t> charged{0};
constinit std::atomic<std::size_t> returned{0};
constinit std::atomic<std::size_t> return_calls{0};

}  // namespace

bool charge(std::size_t bytes) {
  std::size_t limit = option().limit_bytes == 0 ? SIZE_MAX : option().limit_bytes;
  std::size_t before = charged.load(std::memory_order_relaxed);
  // relaxed: the account guards no other memory.
  do {
    if (bytes > limit || before > limit - bytes) return false;
  } while (!charged.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
  return true;
}
void reset_in_child(std::size_t bytes) { charged.store(bytes, std::memory_order_relaxed); }
void refund(std::size_t bytes) { charged.fetch_sub(bytes, std::memory_order_relaxed); }
std::size_t charged_bytes() { return charged.load(std::memory_order_relaxed); }

void note_returned(std::size_t bytes) {
  returned.fetch_add(bytes, std::memory_order_relaxed);
  return_calls.fetch_add(1, std::memory_order_relaxed);
}
std::size_t returned_bytes() { return returned.load(std::memory_order_relaxed); }
std::size_t returns() { return return_calls.load(std::memory_order_relaxed); }

}  // namespace strata::ground::account
