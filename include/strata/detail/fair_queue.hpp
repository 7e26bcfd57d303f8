// Fair queue: who gets memory next when more is asked for than is there. These are buffer_pool's
// decisions, and nothing else: no lock, no waiting, no allocation. Whoever drives it holds a lock, so
// that it can be driven by a test through every order of events (src/resource/buffer_pool_model_test.cpp).
//
//   total   | free ............. | ready | ready | ready | lent ...................... |
//                                  each poolable_bytes, linked through their first words
//
//   tenant 0   claim - claim - claim        head_: the one of all that is served next
//   tenant 1   claim
//
//   free_bytes_ + ready_count_ * poolable_bytes_ + lent_bytes_ == total_bytes_
//   head_ is null where nobody waits; else, after serve(), it needs more than is free and ready
//
// While somebody waits, all that is free and ready is the head's: it grows by what comes back until the
// claim fits, and nobody else can take of it. So a claim holds no share of its own, and one that leaves
// has none to hand on. Ready buffers become free bytes only at the moment in which a claim fits.
//
// Among tenants: start-time fair queueing (Goyal, Vin, Cheng, 1996). Each tenant has a number that says
// how far it is ahead of the one that is served: its bytes so far, divided by its weight. The least is
// next, and among equals the claim that came first. One tenant alone is first-in-first-out. The head is
// not replaced before it is served or leaves, so that a large claim is not overtaken for ever.
//
//   A section of the driver's:   lock; one operation; serve(), trimmed(); unlock; buffers that were
//                                trimmed go to upstream; claims that ended are told, in order
//
//   time      take, put, enqueue O(1); serve O(tenants) a claim; withdraw O(tenants) for the head,
//             else O(1); close O(claims + ready buffers)
//   overhead  24 bytes a tenant
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <strata/detail/support.hpp>

namespace strata::detail {

struct ready_buffer {
  ready_buffer* next;
};

enum class claim_state : std::uint8_t { outside, waiting, granted, closed, withdrawn };

// What somebody asks for. Lives with who asks, who fills in the first four and leaves the rest alone.
struct claim {
  std::uint64_t need_bytes = 0;     // in all
  std::uint64_t whole_buffers = 0;  // buffers of the poolable size among them
  std::uint64_t buffers = 0;
  std::size_t tenant = 0;
  claim_state state = claim_state::outside;
  ready_buffer* taken = nullptr;  // once granted: these, and the right to allocate the rest
  std::uint64_t taken_count = 0;
  std::uint64_t arrival = 0;
  claim* next = nullptr;  // in the tenant's line, then among those that ended
  claim* previous = nullptr;
};

class STRATA_RESOURCES_API fair_queue {
 public:
  // Of weights, one a tenant, none is 0; no weights are one tenant.
  fair_queue(std::uint64_t total_bytes, std::uint64_t poolable_bytes,
             std::span<const std::uint32_t> weights);

  // A buffer of the poolable size at once, or null: none is ready, or somebody waits.
  ready_buffer* take_ready() noexcept {
    if (ready_ == nullptr || waiting_ != 0) [[unlikely]]
      return nullptr;
    lend(poolable_bytes_, 1);
    return pop_ready();
  }
  // The claim at once; false: it doesn't fit, or somebody waits, or this is closed.
  bool take(claim& one) noexcept;
  // After take() said no.
  void enqueue(claim& one) noexcept;
  // One that waits leaves.
  void withdraw(claim& one) noexcept;
  template <class Condition>
  void withdraw_if(Condition condition) noexcept {
    for (tenant& each : tenants_) {
      claim* next = nullptr;
      for (claim* one = each.first; one != nullptr; one = next) {
        next = one->next;
        if (condition(*one)) withdraw(*one);
      }
    }
  }
  // One that was granted had no use for it, as its driver got no memory.
  void refund(claim& one) noexcept;
  // A buffer of the poolable size comes back, to be lent again.
  void put(void* buffer) noexcept {
    take_back(poolable_bytes_, 1, buffer);
    if (buffer == ready_) [[unlikely]]
      stop(misuse::double_free, "buffer_pool", buffer, poolable_bytes_);
    keep(static_cast<ready_buffer*>(buffer));
  }
  // The bytes of another, which went to upstream.
  void put_bytes(std::uint64_t bytes, const void* buffer) noexcept {
    take_back(bytes, 1, buffer);
    free_bytes_ += bytes;
  }
  // Ends all that wait, and from now on keeps nothing ready.
  void close() noexcept;

  // Whether serve() and trimmed() have nothing to do.
  [[nodiscard]] bool settled() const noexcept { return waiting_ == 0 && trimmed_ == nullptr; }
  // Grants what fits. Returns the claims that have ended since the last call, in order, linked by next.
  [[nodiscard]] claim* serve() noexcept;
  // Ready buffers whose bytes are free now, and which go to upstream; linked by next.
  [[nodiscard]] ready_buffer* trimmed() noexcept;

  [[nodiscard]] std::uint64_t total_bytes() const noexcept { return total_bytes_; }
  [[nodiscard]] std::uint64_t poolable_bytes() const noexcept { return poolable_bytes_; }
  [[nodiscard]] std::size_t tenants() const noexcept { return tenants_.size(); }
  [[nodiscard]] std::uint64_t free_bytes() const noexcept { return free_bytes_; }
  [[nodiscard]] std::uint64_t ready_bytes() const noexcept {
    return ready_count_ * poolable_bytes_;
  }
  [[nodiscard]] std::uint64_t available_bytes() const noexcept {
    return free_bytes_ + ready_bytes();
  }
  [[nodiscard]] std::uint64_t lent_bytes() const noexcept { return lent_bytes_; }
  [[nodiscard]] std::uint64_t peak_lent_bytes() const noexcept { return peak_lent_bytes_; }
  [[nodiscard]] std::uint64_t lent_buffers() const noexcept { return lent_buffers_; }
  [[nodiscard]] std::uint64_t waiting() const noexcept { return waiting_; }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] const claim* head() const noexcept { return head_; }
  [[nodiscard]] const ready_buffer* ready() const noexcept { return ready_; }
  void verify() const;

 private:
  struct tenant {
    claim* first = nullptr;
    claim* last = nullptr;
    double weight = 1;
    double ahead = 0;
  };

  void lend(std::uint64_t bytes, std::uint64_t buffers) noexcept {
    lent_bytes_ += bytes;
    lent_buffers_ += buffers;
    if (lent_bytes_ > peak_lent_bytes_) peak_lent_bytes_ = lent_bytes_;
  }
  void take_back(std::uint64_t bytes, std::uint64_t buffers, const void* buffer) noexcept {
    if (bytes > lent_bytes_ || buffers > lent_buffers_) [[unlikely]]
      stop(misuse::foreign_free, "buffer_pool", buffer, bytes);
    lent_bytes_ -= bytes;
    lent_buffers_ -= buffers;
  }
  ready_buffer* pop_ready() noexcept {
    ready_buffer* top = ready_;
    ready_ = top->next;
    --ready_count_;
    unpoison(top + 1, poisoned_bytes());
    return top;
  }
  void keep(ready_buffer* one) noexcept {
    one->next = ready_;
    ready_ = one;
    ++ready_count_;
    poison(one + 1, poisoned_bytes());
    if (closed_) [[unlikely]]
      dissolve();
  }
  // All but the link, and of a giant its beginning: stale uses are found there, and it costs no time.
  [[nodiscard]] std::size_t poisoned_bytes() const noexcept {
    return std::min<std::size_t>(poolable_bytes_ - sizeof(ready_buffer), std::size_t{1} << 20);
  }
  void dissolve() noexcept;
  void grant(claim& one) noexcept;
  void end(claim& one, claim_state how) noexcept;
  void leave(claim& one) noexcept;
  [[nodiscard]] claim* choose() noexcept;

  std::uint64_t waiting_ = 0;
  ready_buffer* ready_ = nullptr;
  std::uint64_t ready_count_ = 0;
  std::uint64_t lent_bytes_ = 0;
  std::uint64_t lent_buffers_ = 0;
  std::uint64_t peak_lent_bytes_ = 0;
  std::uint64_t poolable_bytes_;
  ready_buffer* trimmed_ = nullptr;
  std::uint64_t free_bytes_;
  std::uint64_t total_bytes_;
  std::uint64_t arrivals_ = 0;
  claim* head_ = nullptr;
  claim* ended_first_ = nullptr;
  claim* ended_last_ = nullptr;
  std::vector<tenant> tenants_;
  bool closed_ = false;
};

}  // namespace strata::detail
