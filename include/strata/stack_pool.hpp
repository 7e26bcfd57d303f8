// Stack pool: stacks for fibers. A million of them on one machine, each with a guard below it.
//
//   slab: one mapping; slots of stack_bytes, a power of two, each at a multiple of it
//
//     | slot 0          |g| slot 1              |h|g| slot 2              |h|g| ... |
//                        ^ ^ bottom         top ^  ^ ^
//                        | '-- grows down ------'  | '-- bottom of the next
//                        guard of slot 1           guard of slot 2
//
//     g  guard_bytes that nobody may touch. The guard of a stack is the end of the slot before it,
//        and so in the page-table page of that one's top, even where stacks are longer than the
//        2 MiB that a page-table page maps. Slot 0 is nothing but the guard of slot 1.
//     h  64 bytes of the pool's at the end of the top page: what the stack is, to the pool and to
//        who reports an overflow. The fiber's first page is the only one that a stack needs.
//
//   a slot is   fresh --> live <--> idle (warm: it has its pages) --> cold (it has none) --> live
//   made = live + idle + cold,  idle = those on shelves + those in the depot
//
// Pages come by touch, and go when a fiber was deep: what lies below the first keep_bytes of a
// released stack is given back (MADV_DONTNEED; pages under MADV_FREE would still count as
// resident). To learn how deep a fiber was costs a system call (mincore), which most releases don't
// make: the pool leaves a strip of 128 bytes of a pattern at the low end of the lowest page that it
// knows to be there, and asks the kernel only where it has changed, and each 64th time, for a fiber
// may have stepped over it with a long frame. The strip costs no page.
//
// Guards are markers in the page table (Linux 6.13), which leave the mapping whole. Those of stacks
// to come are installed ahead, by one system call for as many as there are stacks already, at most
// 32. Where there are no markers, guards are protected pages, two mappings each, as long as mappings
// last (half of vm.max_map_count for all pools); else canaries: pages that are never touched, so
// that one that is there at release is the proof.
//
// Each thread has a shelf of stacks before the depot that all share; the last released is the first
// acquired. Between the two stacks go in batches, whose headers nobody need walk:
//
//   shelf  --> h --> h --> h                      next
//   depot  --> h --> h ... h   (batch_stacks)     next
//              '--> h --> h ... h                 next_batch
//
// Stacks begin at one of 16 places in their top page, else all would contend for the same
// lines of the first-level cache.
//
//   time      acquire, release O(1); system calls only at the first use of a stack, when one was
//             deep, and when more than most_idle are idle
//   overhead  64 bytes, and up to 960 for the place to begin a stack; page tables: 4 KiB for each
//             2 MiB of slots, which is 128 bytes a stack of 64 KiB, 4 KiB a stack of 2 MiB or more;
//             1.2 KiB a slab
//   threads   any; a stack may be released by another thread than acquired it
//   exhausted null from try_acquire, std::bad_alloc from acquire
//
// Boost.Context's pooled_fixedsize_stack takes stacks from Boost.Pool, in blocks of malloc's: no
// guard, one thread. Its protected_fixedsize_stack is an mmap, an mprotect and a munmap for each
// stack, and two mappings (Boost 1.74's headers of these names). The shelf and the depot are
// Bonwick's magazines (2001). Stacks with their descriptor at the top are as old as thread
// libraries; staggered tops are glibc's.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>

#include <strata/detail/fork.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

// What a fiber runs on. It grows down from `top`, a multiple of 64.
struct fiber_stack {
  void* top = nullptr;
  std::size_t bytes = 0;

  [[nodiscard]] void* bottom() const noexcept { return static_cast<std::byte*>(top) - bytes; }
  explicit operator bool() const noexcept { return top != nullptr; }
  bool operator==(const fiber_stack&) const = default;

  // For makecontext: context.uc_stack becomes this stack.
  template <class Ucontext>
  void lend_to(Ucontext& context) const noexcept {
    context.uc_stack.ss_sp = bottom();
    context.uc_stack.ss_size = bytes;
  }
};

enum class stack_guard : std::uint8_t { none, markers, protection, canary };

// A fiber that has come to the end of its stack, as its hook sees it.
struct stack_overflow {
  const char* name;      // as given to acquire; may be null
  std::uint64_t number;  // of the stack in its pool, from 1
  fiber_stack stack;     // its bytes are the limit that was passed
  const void* address;   // the access behind it

  // What shall happen when the hook has returned: the fiber goes on in function(argument), with
  // nothing else on its stack. No destructor runs for what was there. function never returns; it
  // switches to another fiber, as one that ends does.
  void restart(void (*function)(void*), void* argument) noexcept {
    restart_ = function;
    restart_argument_ = argument;
  }

  void (*restart_)(void*) = nullptr;
  void* restart_argument_ = nullptr;
};

// Runs on the thread's alternate stack, in a signal handler, and may call what such a handler may.
// It may leave for good, by longjmp or a switch to another fiber, or call restart; otherwise the
// report is written and the process ends.
using overflow_hook = void (*)(stack_overflow& overflow, void* argument);

struct stack_pool_options {
  // Addresses of each stack, with its guard: a power of two, at least four pages. Memory is what
  // is touched, but see page tables above.
  std::size_t stack_bytes = std::size_t{64} << 10;
  std::size_t guard_bytes = 0;                     // whole pages; 0: one
  std::size_t keep_bytes = std::size_t{16} << 10;  // of a released stack; at least a page
  std::size_t most_stacks = SIZE_MAX;
  std::size_t most_idle = 16384;             // warm in the depot; what comes on top becomes cold
  stack_guard guard = stack_guard::markers;  // the first kind to try
  std::size_t most_guard_mappings =
      0;                         // for protection, of all pools; 0: half of the kernel's limit
  bool reports_overflow = true;  // false: leaves the process's signal handlers alone
  overflow_hook on_overflow = nullptr;
  void* overflow_argument = nullptr;
};

struct stack_pool_figures {
  std::size_t live = 0, idle = 0, cold = 0;
  std::size_t slabs = 0;                          // mappings
  std::size_t deepest_bytes = 0;                  // that a released stack has ever been used
  std::array<std::uint64_t, 16> by_depth = {};    // releases that used at most 1, 2, 4 ... pages
  std::uint64_t measured = 0;                     // of them those for which the kernel was asked
  std::uint64_t trimmed = 0;                      // of them those that gave pages back
  std::array<std::size_t, 4> made_by_guard = {};  // by stack_guard
};

class stack_pool;
namespace detail {

struct stack_slab;
struct stack_overflow_judge;
enum class stack_state : std::uint32_t { live = 0x6c697665, idle = 0x69646c65 };

// At the end of each stack's top page.
struct alignas(64) stack_header {
  stack_header* next;  // idle: the one released before it
  const char* name;
  stack_pool* pool;
  stack_slab* slab;
  union {
    overflow_hook on_overflow;  // live
    std::size_t batch_stacks;   // the first of a batch in the depot: how many, with itself
  };
  union {
    void* overflow_argument;
    stack_header* next_batch;
  };
  stack_state state;
  std::uint32_t valgrind_number;
  std::uint32_t known_pages;  // which this stack is known to have, from the top
  std::uint16_t uses;
  std::uint8_t asks_every;  // the kernel, once in so many uses + 1
  stack_guard guard;
};
static_assert(sizeof(stack_header) == 64);

// What lies at the low end of a stack's known pages.
// In pairs of words, which processors compare at once.
using strip_pair [[gnu::vector_size(16), gnu::may_alias]] = std::uint64_t;
inline constexpr std::size_t strip_pairs = 8;
inline constexpr std::uint64_t untouched = 0x9ae16a3b2f90404f;
inline void lay_strip(void* strip) noexcept {
  auto* pairs = static_cast<strip_pair*>(strip);
  for (std::size_t i = 0; i < strip_pairs; ++i) pairs[i] = strip_pair{untouched, untouched};
}
inline bool is_untouched(const void* strip) noexcept {
  const auto* pairs = static_cast<const strip_pair*>(strip);
  auto differs = [pairs](std::size_t i) { return pairs[i] ^ strip_pair { untouched, untouched }; };
  strip_pair any = (differs(0) | differs(1) | differs(2) | differs(3)) |
                   (differs(4) | differs(5) | differs(6) | differs(7));
  return (any[0] | any[1]) == 0;
}

}  // namespace detail

class STRATA_RESOURCES_API stack_pool {
  using header = detail::stack_header;

 public:
  using options = stack_pool_options;
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;

  explicit stack_pool(options chosen = {}) noexcept;
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;
  // No stack is live.
  ~stack_pool();

  // A stack with nothing of value on it, not always zeroed. name: for reports, outlives the use.
  [[nodiscard]] fiber_stack try_acquire(const char* name = nullptr) noexcept {
    if (shelf* own = try_lock_own_shelf()) [[likely]] {
      header* top = own->top;
      if (top != nullptr) [[likely]] {
        own->top = top->next;
        --own->count;
        own->unlock();
        return hand_out(*top, name);
      }
      own->unlock();
    }
    return acquire_from_depot(name);
  }
  [[nodiscard]] fiber_stack acquire(const char* name = nullptr) {
    fiber_stack got = try_acquire(name);
    if (!got) throw std::bad_alloc();
    return got;
  }
  // By any thread, not by the fiber that runs on it.
  void release(fiber_stack stack) noexcept {
    header& one = header_of(stack.top);
    if (one.state != detail::stack_state::live || one.pool != this) [[unlikely]]
      refuse(stack.top);
    detail::unpoison(stack.bottom(), stack.bytes);
    std::uint32_t pages = one.known_pages;
    // Not &&: one branch that is hardly ever taken.
    bool ask = (++one.uses & one.asks_every) == 0;
    if (!detail::is_untouched(strip_of(one)) || ask) [[unlikely]]
      pages = look_at(one);
    one.state = detail::stack_state::idle;
    shelf* own = try_lock_own_shelf();
    if (own == nullptr || own->count == most_on_shelf) [[unlikely]] {
      release_to_depot(one, pages, own);
      return;
    }
    one.next = own->top;
    own->top = &one;
    ++own->count;
    ++own->by_depth[depth_class(pages)];
    own->unlock();
  }

  void rename(fiber_stack stack, const char* name) noexcept { header_of(stack.top).name = name; }
  // For this stack, until it is released; else the pool's own hook serves.
  void set_hook(fiber_stack stack, overflow_hook hook, void* argument) noexcept {
    header_of(stack.top).on_overflow = hook;
    header_of(stack.top).overflow_argument = argument;
  }

  // How deep the stack has been in use, in whole pages: by the fiber on it, or, within keep_bytes, by
  // one before. A system call or a few; any thread.
  [[nodiscard]] std::size_t watermark(fiber_stack stack) const noexcept;
  [[nodiscard]] stack_guard guard_of(fiber_stack stack) const noexcept {
    return header_of(stack.top).guard;
  }
  [[nodiscard]] std::uint64_t number_of(fiber_stack stack) const noexcept;
  // The stack that an address on it belongs to: for an address of which owns() is true.
  [[nodiscard]] fiber_stack stack_of(const void* inside) const noexcept {
    return stack_at(header_of(inside));
  }

  // Gives the pages of all idle stacks back, and slabs where no stack is live. Returns the bytes
  // of the pages. O(idle + slabs).
  std::size_t trim() noexcept;
  [[nodiscard]] stack_pool_figures figures() const noexcept;

  // Overflows are reported on threads that have an alternate stack for signals. A thread gets one
  // when it first acquires or releases; one that does neither, and runs fibers, calls this. False
  // when it can't be had.
  static bool watch_this_thread() noexcept;

  // As a resource its blocks are whole stacks, of at most usable_bytes().
  [[nodiscard]] std::size_t usable_bytes() const noexcept {
    return stack_bytes_ - guard_bytes_ - sizeof(header) - (colours - 1) * colour_bytes;
  }
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > usable_bytes() || alignment > stack_bytes_) return nullptr;
    fiber_stack got = try_acquire();
    return got ? got.bottom() : nullptr;
  }
  void deallocate(void* block, std::size_t /*bytes*/, std::size_t /*alignment*/) noexcept {
    release(stack_of(block));
  }
  // held_bytes are addresses; the peak counts stacks on shelves as used.
  [[nodiscard]] resource_statistics statistics() const noexcept;
  // While no other thread acquires or releases; so, too, each_region.
  void verify() const;
  template <class Visit>
  void each_region(Visit visit) const {
    visit_regions([](void* to, const region& each) { (*static_cast<Visit*>(to))(each); }, &visit);
  }
  [[nodiscard]] bool owns(const void* address) const noexcept;

 private:
  static constexpr unsigned shelves = 16;
  static constexpr std::uint32_t most_on_shelf = 64;
  static constexpr std::size_t colours = 16;
  static constexpr std::size_t colour_bytes = 64;

  // A thread's own while there are no more threads than shelves. Never waited for: who finds it
  // locked goes to the depot.
  struct alignas(64) shelf {
    header* top = nullptr;
    std::uint32_t count = 0;
    std::atomic<bool> locked{false};
    std::array<std::uint64_t, 16> by_depth = {};

    // acquire and release: the next holder sees what this one wrote.
    [[nodiscard]] bool try_lock() noexcept {
      return !locked.exchange(true, std::memory_order_acquire);
    }
    void unlock() noexcept { locked.store(false, std::memory_order_release); }
  };

  [[nodiscard]] shelf* try_lock_own_shelf() noexcept {
    if (thread_number_ == 0) [[unlikely]]
      return nullptr;
    shelf& own = shelves_[thread_number_ % shelves];
    return own.try_lock() ? &own : nullptr;
  }
  [[nodiscard]] header& header_of(const void* inside) const noexcept {
    std::uintptr_t end = (detail::address_of(inside) | (stack_bytes_ - 1)) + 1;
    return *detail::pointer_to<header>(end - guard_bytes_ - sizeof(header));
  }
  [[nodiscard]] fiber_stack stack_at(header& one) const noexcept {
    std::uintptr_t at = detail::address_of(&one);
    std::uintptr_t top = at - ((at >> slot_shift_) % colours) * colour_bytes;
    return {detail::pointer_to(top), top & (stack_bytes_ - 1)};
  }
  [[nodiscard]] fiber_stack hand_out(header& one, const char* name) noexcept {
    one.state = detail::stack_state::live;
    one.name = name;
    one.on_overflow = nullptr;
    return stack_at(one);
  }
  [[nodiscard]] std::byte* strip_of(header& one) const noexcept {
    return reinterpret_cast<std::byte*>(&one + 1) - one.known_pages * page_bytes_;
  }
  static std::size_t depth_class(std::uint32_t pages) noexcept {
    auto log = static_cast<std::size_t>(std::bit_width(pages - 1));
    return log < 15 ? log : 15;
  }

  [[noreturn]] void refuse(const void* top) const;
  fiber_stack acquire_from_depot(const char* name) noexcept;
  void release_to_depot(header& one, std::uint32_t pages, shelf* own) noexcept;
  std::uint32_t look_at(header& one) noexcept;
  void visit_regions(void (*visit)(void*, const region&), void* to) const;

  struct slot {
    detail::stack_slab* slab;
    std::uint32_t index;
  };
  slot take_slot() noexcept;
  slot take_cold_slot() noexcept;
  detail::stack_slab* make_slab() noexcept;
  void release_slab(detail::stack_slab& one) noexcept;
  void release_cold_slabs() noexcept;
  header& open(slot at) noexcept;
  stack_guard make_guard(detail::stack_slab& slab, std::uint32_t index) noexcept;
  bool mark_ahead(detail::stack_slab& slab, std::uint32_t index) noexcept;
  header* take_idle() noexcept;
  static header* split_older_half(shelf& own) noexcept;
  void keep_or_cool(header* chain, std::size_t count) noexcept;
  header* put_batch(header* chain, std::size_t count) noexcept;
  std::size_t cool(header* chain) noexcept;
  void purge_slot(header& one) noexcept;
  [[nodiscard]] std::size_t measured_pages(const header& one) const noexcept;
  static void lock(shelf& one) noexcept;
  template <class Look>
  void each_shelf(Look look) const {
    for (shelf& each : shelves_) {
      lock(each);
      look(each);
      each.unlock();
    }
  }
  [[nodiscard]] std::size_t idle_on_shelves() const noexcept;
  void check_chain(const header* chain, std::size_t count) const;
  void check_slab(const detail::stack_slab& one, std::size_t& live) const;
  bool try_hold() noexcept;
  void let_go() noexcept;
  void empty_shelves() noexcept;
  static const detail::fork_ways at_fork;

  // 0: not numbered yet.
  static constinit inline thread_local unsigned thread_number_ = 0;

  // Fixed when the pool is made.
  std::size_t page_bytes_;
  std::size_t stack_bytes_;
  std::size_t guard_bytes_;
  unsigned slot_shift_;
  std::uint32_t keep_pages_;
  options chosen_;

  mutable std::array<shelf, shelves> shelves_;

  // The depot; under the mutex.
  mutable std::mutex mutex_;
  header* idle_ = nullptr;  // batches, the last released first
  std::size_t idle_count_ = 0;
  std::size_t made_ = 0;
  std::size_t cold_ = 0;
  std::size_t peak_out_ = 0;                 // of the depot: made, less idle there and cold
  detail::stack_slab* slabs_ = nullptr;      // the newest first; it alone has fresh slots
  detail::stack_slab* with_cold_ = nullptr;  // one that may have cold slots
  std::size_t slab_count_ = 0;
  std::size_t held_bytes_ = 0;
  std::uint64_t next_number_ = 1;
  std::array<std::uint64_t, 16> by_depth_ = {};  // of releases past a shelf
  std::array<std::size_t, 4> made_by_guard_ = {};

  stack_guard best_guard_;  // that the kernel has not refused yet

  std::atomic<std::size_t> deepest_pages_{0};
  std::atomic<std::uint64_t> measured_{0};
  std::atomic<std::uint64_t> trimmed_{0};
  detail::fork_member seat_;

  friend struct detail::stack_overflow_judge;
};

// A stack allocator as Boost.Context and Boost.Fiber want it, for their type of context:
//
//   strata::boost_stack<boost::context::stack_context> stacks(pool);
//   boost::fibers::fiber worker(std::allocator_arg, stacks, function);
template <class StackContext>
class boost_stack {
 public:
  explicit boost_stack(stack_pool& pool, const char* name = nullptr) noexcept
      : pool_(&pool), name_(name) {}

  StackContext allocate() {
    fiber_stack got = pool_->acquire(name_);
    StackContext context;
    context.sp = got.top;
    context.size = got.bytes;
    return context;
  }
  void deallocate(StackContext& context) noexcept { pool_->release({context.sp, context.size}); }

 private:
  stack_pool* pool_;
  const char* name_;
};

}  // namespace strata
