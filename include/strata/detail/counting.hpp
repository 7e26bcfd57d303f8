// How owners are counted: by one thread, or by any.
//
//   pair     the owners and the weak pointers of an object in one block with it: 8 bytes
//   single   the owners alone, for objects that carry their count: 4 bytes
//
// In a pair all owners together hold one weak pointer, which they drop when they have destroyed the
// object; so the memory goes with the last weak pointer, whoever has it:
//
//   strong = owners                                   the object lives while this is above 0
//   weak   = weak pointers + (strong > 0 ? 1 : 0)     its memory is held while this is
//
// The rule of one more for all owners is Rust's; the look at both counts at once, so that «I am the only
// one» needs no atomic change, is libstdc++'s since 12.
//
// A count that would pass 2^31 (2^32 where one thread counts) stops the process, as Rust aborts: a
// count that wraps frees what is in use. Two billion owners are a leak.
#pragma once

#include <atomic>
#include <cstdint>

#include <strata/detail/ownership_ledger.hpp>

namespace strata::detail {

[[noreturn, gnu::cold]] inline void stop_count(const void* count) noexcept {
  stop_ownership(ownership_misuse::count_overflow, "", count);
}

}  // namespace strata::detail

namespace strata {

struct local_counting {
  class pair {
   public:
    explicit pair(std::uint32_t strong = 1, std::uint32_t weak = 1) noexcept
        : strong_(strong), weak_(weak) {}

    void add_strong() noexcept {
      if (++strong_ == 0) [[unlikely]]
        detail::stop_count(this);
    }
    // For a weak pointer that wants to own: false when no owner is left.
    [[nodiscard]] bool try_add_strong() noexcept {
      if (strong_ == 0) return false;
      add_strong();
      return true;
    }
    // True for the last owner.
    [[nodiscard]] bool drop_strong() noexcept { return --strong_ == 0; }
    // The caller is the only owner, and not one any more: true, and to weak pointers the object has gone.
    [[nodiscard]] bool take_last_strong() noexcept {
      if (strong_ != 1) return false;
      strong_ = 0;
      return true;
    }
    void add_weak() noexcept {
      if (++weak_ == 0) [[unlikely]]
        detail::stop_count(this);
    }
    // True when the memory is to go.
    [[nodiscard]] bool drop_weak() noexcept { return --weak_ == 0; }
    // One owner, no weak pointer.
    [[nodiscard]] bool alone() const noexcept { return strong_ == 1 && weak_ == 1; }
    [[nodiscard]] std::uint32_t strong() const noexcept { return strong_; }
    [[nodiscard]] std::uint32_t weak() const noexcept { return strong_ == 0 ? 0 : weak_ - 1; }

   private:
    std::uint32_t strong_;
    std::uint32_t weak_;
  };

  class single {
   public:
    explicit single(std::uint32_t count = 0) noexcept : count_(count) {}
    void add() noexcept {
      if (++count_ == 0) [[unlikely]]
        detail::stop_count(this);
    }
    [[nodiscard]] bool drop() noexcept { return --count_ == 0; }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

   private:
    std::uint32_t count_;
  };
};

// Always atomic. libstdc++'s shared_ptr counts without atomics as long as it believes that the process
// has one thread: then a program's speed changes when some library starts its first thread, and threads
// made behind the C library's back are a race. Who has one thread says so, and takes local_counting.
struct atomic_counting {
  class pair {
    // strong is above: then the sign of the sum tells its overflow.
    static constexpr std::uint64_t one_strong = std::uint64_t{1} << 32;
    static constexpr std::uint64_t one_weak = 1;
    static constexpr std::uint64_t only_owner = one_strong + one_weak;

   public:
    explicit pair(std::uint32_t strong = 1, std::uint32_t weak = 1) noexcept
        : state_(strong * one_strong + weak) {}

    void add_strong() noexcept {
      // relaxed: the caller has an owner, so the object lives and is visible to it; who gets the new
      // owner gets it by something that synchronises.
      std::uint64_t now = state_.fetch_add(one_strong, std::memory_order_relaxed) + one_strong;
      if (static_cast<std::int64_t>(now) < 0) [[unlikely]]
        detail::stop_count(this);
    }
    [[nodiscard]] bool try_add_strong() noexcept {
      std::uint64_t seen = state_.load(std::memory_order_relaxed);  // the exchange checks it
      while (strong_of(seen) != 0) {
        if (static_cast<std::int64_t>(seen + one_strong) < 0) [[unlikely]]
          detail::stop_count(this);
        // acquire: what an owner wrote before it dropped is seen by whom the object is handed next.
        // relaxed on failure: nothing was read but the count.
        if (state_.compare_exchange_weak(seen, seen + one_strong, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
          return true;
        }
      }
      return false;
    }
    [[nodiscard]] bool drop_strong() noexcept {
      // acquire: alone, so every other owner has dropped, with release; this is where what they did to
      // the object becomes visible, before it is destroyed.
      if (state_.load(std::memory_order_acquire) == only_owner) {
        // relaxed: nobody else is left to read it.
        state_.store(one_weak, std::memory_order_relaxed);
        return true;
      }
      // release: what this owner did to the object is done before another may destroy it.
      std::uint64_t was = state_.fetch_sub(one_strong, std::memory_order_release);
      if (strong_of(was) != 1) return false;
      acquire();
      return true;
    }
    [[nodiscard]] bool take_last_strong() noexcept {
      std::uint64_t seen = state_.load(std::memory_order_relaxed);  // the exchange checks it
      while (strong_of(seen) == 1) {
        // acquire: as in drop_strong. relaxed on failure: nothing was read but the count.
        if (state_.compare_exchange_weak(seen, seen - one_strong, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
          return true;
        }
      }
      return false;
    }
    void add_weak() noexcept {
      // relaxed: the caller holds the memory already, as in add_strong.
      std::uint64_t was = state_.fetch_add(one_weak, std::memory_order_relaxed);
      if (static_cast<std::int32_t>(was) < 0) [[unlikely]]
        detail::stop_count(this);
    }
    [[nodiscard]] bool drop_weak() noexcept {
      // acquire: the last one; all that the others did with the memory is done before it goes.
      if (state_.load(std::memory_order_acquire) == one_weak) return true;
      // release: this one's doings, to whom will free the memory.
      if (state_.fetch_sub(one_weak, std::memory_order_release) != one_weak) return false;
      acquire();
      return true;
    }
    // acquire: then the caller may write to the object. A weak pointer that another thread drops was
    // dropped with release, and none is left to be made an owner: one word tells both.
    [[nodiscard]] bool alone() const noexcept {
      return state_.load(std::memory_order_acquire) == only_owner;
    }
    // relaxed: figures, which are old when they are read.
    [[nodiscard]] std::uint32_t strong() const noexcept {
      return strong_of(state_.load(std::memory_order_relaxed));
    }
    [[nodiscard]] std::uint32_t weak() const noexcept {
      std::uint64_t seen = state_.load(std::memory_order_relaxed);
      return strong_of(seen) == 0 ? 0 : static_cast<std::uint32_t>(seen) - 1;
    }

   private:
    static std::uint32_t strong_of(std::uint64_t state) noexcept {
      return static_cast<std::uint32_t>(state >> 32);
    }
    // After the last drop: pairs with the release of every drop before it. A load of the count and not
    // a fence, which ThreadSanitizer does not see; it costs a load, at the end of an object's life.
    void acquire() const noexcept { (void)state_.load(std::memory_order_acquire); }

    std::atomic<std::uint64_t> state_;  // strong << 32 | weak
  };

  class single {
   public:
    explicit single(std::uint32_t count = 0) noexcept : count_(count) {}
    void add() noexcept {
      // relaxed: as pair::add_strong.
      std::uint32_t now = count_.fetch_add(1, std::memory_order_relaxed) + 1;
      if (static_cast<std::int32_t>(now) < 0) [[unlikely]]
        detail::stop_count(this);
    }
    [[nodiscard]] bool drop() noexcept {
      // acquire, release, acquire: as pair::drop_strong.
      if (count_.load(std::memory_order_acquire) == 1) {
        count_.store(0, std::memory_order_relaxed);  // nobody else is left to read it
        return true;
      }
      if (count_.fetch_sub(1, std::memory_order_release) != 1) return false;
      (void)count_.load(std::memory_order_acquire);
      return true;
    }
    // relaxed: a figure.
    [[nodiscard]] std::uint32_t count() const noexcept {
      return count_.load(std::memory_order_relaxed);
    }

   private:
    std::atomic<std::uint32_t> count_;
  };
};

static_assert(sizeof(local_counting::pair) == 8 && sizeof(atomic_counting::pair) == 8);
static_assert(sizeof(local_counting::single) == 4 && sizeof(atomic_counting::single) == 4);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace strata
