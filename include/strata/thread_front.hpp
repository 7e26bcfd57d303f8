// Thread front: a resource for one thread, made fit for many: a lock before it, and caches of
// threads before that.
//
//      thread 1                 thread 2
//   +-----------------+      +-----------------+
//   | 16  [ | | | | ] |      | 16  [ | | ]     |    a magazine a class: a stack of free blocks
//   | 32  [ | ]       |      | 32  []          |    of one size, used without lock or atomic
//   | ... 512         |      | ... 512         |    read-modify-write
//   +-----------------+      +-----------------+
//        |       ^ batches        |       ^
//        v       |                v       |
//   +------------------------------------------+
//   |             mutex        Part            |    serves all above 512 bytes or
//   +------------------------------------------+    aligned above 16 itself
//
// Classes are 16 bytes apart. A free puts the block into the magazine of the thread that frees,
// whoever allocated it. An empty magazine fetches a batch from the part: one block at first, then
// two, four, up to 16, so that a size which is asked for once is fetched once. A full one (32)
// gives the 16 that were there longest back.
//
// A thread finds its cache by the front's number, which no other front ever gets, in a table of its
// own: a stale entry matches nothing.
//
// The end. Caches hang in two lists, their thread's and their front's, both under one lock of the
// process; whoever ends first takes its caches out of both:
//   thread   gives their blocks back; a front that is being destroyed waits for that
//   front    gives their blocks back to the part, from all threads, which may live on
// A thread that is ending (in destructors of its thread_local variables) goes to the part directly.
// Destroying the front while a thread is in a call to it is wrong, as for any object.
// In a child of fork the caches of other threads are strays: the first thread that goes to the part
// gives their blocks back.
//
//   time      O(1): a pop; each 16th or so one visit to the part under the mutex. With more than 16
//             fronts in use by one thread, two may share a place in its table: finding the cache
//             then takes a lock whenever they alternate
//   overhead  rounding to 16 bytes; 8.5 KiB a thread that uses the front
//   threads   any; a block may be freed by another thread than allocated it
//   exhausted null when the part is, even after this thread's cache went back to it. What other
//             threads cache is out of reach: at most 32 blocks a class and thread
//
// A block that is freed twice is handed out twice: thread_front<tracked<...>> sees only what comes
// back; tracked outside, synchronized, sees all.
//
// used_bytes and live_blocks leave cached blocks out (exact when no other thread is at work), but
// used_bytes not what the part adds to each; in the map they are live. Magazines in front of a
// shared depot are Bonwick's (Magazines and Vmem, 2001).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <strata/compose.hpp>
#include <strata/detail/fork.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {
namespace detail {

// Free blocks of one class. count is written by its thread alone, and read by others for
// statistics: relaxed, since the blocks pass by the locks.
class magazine {
 public:
  static constexpr std::uint32_t capacity = 32;
  static constexpr std::uint32_t most_batch = capacity / 2;

  [[nodiscard]] std::uint32_t count() const { return count_.load(std::memory_order_relaxed); }
  // Null when it is empty.
  void* pop() {
    std::uint32_t left = count();
    if (left == 0) [[unlikely]]
      return nullptr;
    count_.store(left - 1, std::memory_order_relaxed);
    void* block = blocks_[left - 1];
    if (block == nullptr) __builtin_unreachable();  // saves the caller a compare
    return block;
  }
  // False when it is full.
  bool push(void* block) {
    std::uint32_t held = count();
    if (held == capacity) [[unlikely]]
      return false;
    blocks_[held] = block;
    // In this order for a child of fork too, which may find this thread stopped in between.
    std::atomic_signal_fence(std::memory_order_release);
    count_.store(held + 1, std::memory_order_relaxed);
    return true;
  }
  // How many to fetch now. Grows from fetch to fetch.
  std::uint32_t next_batch() {
    std::uint32_t now = batch_;
    batch_ = now * 2 < most_batch ? now * 2 : most_batch;
    return now;
  }
  // give(block) for the `many` that were there longest, at most.
  template <class Give>
  void shed(std::uint32_t many, Give give) {
    std::uint32_t held = count();
    std::uint32_t gone = many < held ? many : held;
    for (std::uint32_t i = 0; i < gone; ++i) give(blocks_[i]);
    for (std::uint32_t i = gone; i < held; ++i) blocks_[i - gone] = blocks_[i];
    count_.store(held - gone, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t> count_{0};
  std::uint32_t batch_ = 1;
  std::array<void*, capacity> blocks_;
};

class front;
struct front_thread;

// What one thread caches of one front.
struct front_cache {
  static constexpr std::size_t step_bytes = 16;
  static constexpr std::size_t classes = 32;
  static constexpr std::size_t most_bytes = classes * step_bytes;

  static constexpr std::size_t class_of(std::size_t bytes) {
    return (bytes - (bytes == 0 ? 0 : 1)) / step_bytes;
  }
  static constexpr std::size_t bytes_of(std::size_t size_class) {
    return (size_class + 1) * step_bytes;
  }
  magazine& of(std::size_t bytes) { return magazines[class_of(bytes)]; }

  struct links {
    front_cache* older = nullptr;
    front_cache* newer = nullptr;
  };
  front* owner = nullptr;
  front_thread* thread = nullptr;  // null: it did not live on in a child of fork
  links in_owner, in_thread;
  std::array<magazine, classes> magazines;
};

// What a thread_front is, but for its part: the caches, and the end of threads and fronts.
class STRATA_RESOURCES_API front {
 public:
  front(const front&) = delete;
  front& operator=(const front&) = delete;

 protected:
  front() noexcept;
  virtual ~front() = default;

  // This thread's, where the table has it; else null.
  [[nodiscard]] front_cache* cache() const noexcept {
    const seat& mine = seats_[number_ % seats];
    if (mine.number != number_) [[unlikely]]
      return nullptr;
    if (mine.cache == nullptr) __builtin_unreachable();
    return mine.cache;
  }
  // This thread's, wherever it is. Null when it is missing, there is no memory for it, or the
  // thread is ending.
  enum class when_missing : std::uint8_t { make, leave };
  front_cache* find_cache(when_missing then) noexcept;
  // Gives the blocks of all threads' caches back, and ends the caches. First thing in the
  // destructor.
  void retire() noexcept;
  // The same for caches of threads that a fork left behind. Called when a thread goes to the part.
  void give_back_strays() noexcept {
    // relaxed: set when there is one thread, and looked at again under the lock.
    if (has_strays_.load(std::memory_order_relaxed)) [[unlikely]]
      retire_strays();
  }

  struct cached {
    std::size_t blocks = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] cached count_cached() const noexcept;

  // To the part: the oldest of a magazine of blocks of so many bytes.
  virtual void give_back(magazine& from, std::uint32_t many, std::size_t bytes) noexcept = 0;

 private:
  friend struct front_thread;
  static constexpr std::size_t seats = 16;
  struct seat {
    std::uint64_t number;
    front_cache* cache;
  };
  static constinit thread_local seat seats_[seats];

  void empty(front_cache& one) noexcept;
  void retire_strays() noexcept;
  static void in_child(void* self) noexcept;
  static const fork_ways at_fork;

  std::uint64_t number_;  // its own for ever; from 1
  std::atomic<bool> has_strays_{false};
  // Guarded by the registry's lock: caches, and how many threads are giving blocks back to this.
  front_cache* caches_ = nullptr;
  std::size_t ending_threads_ = 0;
  fork_member seat_;
};

}  // namespace detail

template <resource Part = upstream_ref>
class thread_front final : private detail::front {
  using front_cache = detail::front_cache;

 public:
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;
  static constexpr bool has_map = detail::has_map<Part>;
  static constexpr std::size_t most_cached_bytes = front_cache::most_bytes;

  template <class... Arguments>
  requires std::constructible_from<Part, Arguments...>
  explicit thread_front(Arguments&&... arguments) : part_(std::forward<Arguments>(arguments)...) {}
  ~thread_front() { retire(); }

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (is_cached(bytes, alignment)) [[likely]] {
      if (front_cache* mine = cache()) [[likely]] {
        if (void* block = mine->of(bytes).pop()) [[likely]] {
          detail::unpoison(block, bytes == 0 ? 1 : bytes);
          return block;
        }
      }
    }
    return allocate_from_part(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (is_cached(bytes, alignment)) [[likely]] {
      if (front_cache* mine = cache()) [[likely]] {
        if (mine->of(bytes).push(block)) [[likely]] {
          detail::poison(block, rounded(bytes));
          return;
        }
      }
    }
    deallocate_past_cache(block, bytes, alignment);
  }

  // What this thread caches goes back to the part.
  void drain() noexcept {
    front_cache* mine = find_cache(when_missing::leave);
    if (mine == nullptr) return;
    for (std::size_t i = 0; i < front_cache::classes; ++i) {
      give_back(mine->magazines[i], detail::magazine::capacity, front_cache::bytes_of(i));
    }
  }
  // action(Part&), while no other thread is in it.
  template <class Action>
  decltype(auto) with(Action action) {
    return part_.with(std::move(action));
  }

  [[nodiscard]] bool owns(const void* address) const noexcept requires owning_resource<Part> {
    return part_.owns(address);
  }
  [[nodiscard]] resource_statistics statistics() const noexcept;
  void verify() const { part_.verify(); }
  template <class Visit>
  void each_region(Visit visit) const {
    part_.each_region(std::move(visit));
  }

 private:
  static constexpr bool is_cached(std::size_t bytes, std::size_t alignment) {
    return bytes <= most_cached_bytes && alignment <= front_cache::step_bytes;
  }
  static constexpr std::size_t rounded(std::size_t bytes) {
    return front_cache::bytes_of(front_cache::class_of(bytes));
  }
  void* allocate_from_part(std::size_t bytes, std::size_t alignment) noexcept;
  void* fetch(front_cache& into, std::size_t bytes) noexcept;
  void deallocate_past_cache(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void give_back(detail::magazine& from, std::uint32_t many, std::size_t bytes) noexcept override;

  synchronized<Part> part_;
};

// The magazine is empty, or the block is none that is cached.
template <resource Part>
void* thread_front<Part>::allocate_from_part(std::size_t bytes, std::size_t alignment) noexcept {
  give_back_strays();
  front_cache* mine = nullptr;
  if (is_cached(bytes, alignment)) {
    mine = find_cache(when_missing::make);
    if (mine != nullptr) {
      if (void* block = fetch(*mine, bytes)) return block;
    }
    bytes = rounded(bytes);
    alignment = front_cache::step_bytes;
  }
  void* block = part_.try_allocate(bytes, alignment);
  if (block == nullptr) {
    drain();
    block = part_.try_allocate(bytes, alignment);
  }
  return block;
}

// A block of the batch that is fetched; the rest goes into the magazine. The magazine may be full
// of blocks where the table of the thread had lost the cache.
template <resource Part>
void* thread_front<Part>::fetch(front_cache& into, std::size_t bytes) noexcept {
  detail::magazine& blocks = into.of(bytes);
  void* first = blocks.pop();
  if (first != nullptr) {
    detail::unpoison(first, bytes == 0 ? 1 : bytes);
    return first;
  }
  std::size_t class_bytes = rounded(bytes);
  part_.with([&](Part& part) {
    for (std::uint32_t left = blocks.next_batch(); left > 0; --left) {
      void* block = part.try_allocate(class_bytes, front_cache::step_bytes);
      if (block == nullptr) break;
      if (first == nullptr) {
        first = block;
      } else {
        blocks.push(block);
        detail::poison(block, class_bytes);
      }
    }
  });
  return first;
}

// The magazine is full, or the block is none that is cached.
template <resource Part>
void thread_front<Part>::deallocate_past_cache(void* block, std::size_t bytes,
                                               std::size_t alignment) noexcept {
  give_back_strays();
  if (is_cached(bytes, alignment)) {
    bytes = rounded(bytes);
    alignment = front_cache::step_bytes;
    if (front_cache* mine = find_cache(when_missing::make)) {
      detail::magazine& blocks = mine->of(bytes);
      detail::poison(block, bytes);
      if (blocks.push(block)) return;
      give_back(blocks, detail::magazine::most_batch, bytes);
      blocks.push(block);
      return;
    }
  }
  part_.deallocate(block, bytes, alignment);
}

template <resource Part>
void thread_front<Part>::give_back(detail::magazine& from, std::uint32_t many,
                                   std::size_t bytes) noexcept {
  if (from.count() == 0) return;
  part_.with([&](Part& part) {
    from.shed(many, [&](void* block) {
      detail::unpoison(block, bytes);
      part.deallocate(block, bytes, front_cache::step_bytes);
    });
  });
}

template <resource Part>
resource_statistics thread_front<Part>::statistics() const noexcept {
  cached idle = count_cached();
  resource_statistics all = part_.statistics();
  // Other threads go on in between: never below nothing.
  all.used_bytes -= idle.bytes < all.used_bytes ? idle.bytes : all.used_bytes;
  if (all.live_blocks != resource_statistics::not_counted) {
    all.live_blocks -= idle.blocks < all.live_blocks ? idle.blocks : all.live_blocks;
  }
  return all;
}

}  // namespace strata
