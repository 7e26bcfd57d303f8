// Object pool: objects that are dear to make, kept between uses.
//
//   pool ---> shard of a thread ---------> shard whose thread has ended ---> common shard
//             | own     o o o   | nobody but the thread          (used by threads that are ending)
//             | shared  o o o o | under its lock; a thief makes all of it its own shared ones
//             | victims o o     | under its lock; idle since before the last cycle
//
//   get    own, shared, others' shared, victims, others' victims, a new object
//   put    own; when that is full, half of it goes to shared
//   steal  all of another's shared ones at once, however many: so a thread that only gets what another
//          puts seldom meets its lock, and holds it for a few steps
//   cycle  victims are destroyed; own and shared become victims
//
// An object that nobody takes thus lives through one cycle and not through two, and a pool shrinks
// to what its program uses. Nothing but calls to it drives a pool: each 256th get of a thread looks
// at the clock, and one of the threads makes a cycle when the period is over. A pool that nobody
// uses keeps what it has until cycle() is called.
//
// A thread's way to its own objects has neither a lock nor an atomic read-modify-write:
//
//   thread   busy = 1, then gate open?, then work, then busy = 0
//   cycle    gate = shut, then membarrier(2), then waits until no thread is busy, then work
//
// The barrier makes each thread either show its busy or see the gate. Where the kernel has no such
// call, the gate stays shut, and a thread's own objects are under the pool's lock.
//
//   idle objects <= sum of capacity (of own) + places (of shared and victims) == promised <= most_idle
//
// A shard keeps some places that are empty, so that few spills and refills touch what all threads share.
//
//   block  | padding | link | T |     link: idle, the next one; in use, its pool's number
//
//   time      get and put O(1), some 20 instructions each; O(threads) when its own objects run out;
//             cycle O(idle objects) and a system call
//   overhead  8 bytes an object, or alignof(T) if that is more; 192 bytes a thread
//   threads   all; also an object taken by one and put back by another
//   exhausted std::bad_alloc from get, null from try_get
//
// The order of the search, the cycle and the victims are Go's sync.Pool's. The byte buffers' sizes
// are found as valyala's bytebufferpool does, which Hertz has, too. The barrier in place of a
// fence: Dice, Huang, Yang: Asymmetric Dekker Synchronization (2001).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include <strata/detail/fork.hpp>
#include <strata/detail/support.hpp>
#include <strata/detail/word_lock.hpp>

namespace strata {

struct object_pool_options {
  // Idle objects, in all threads and of both ages.
  std::size_t most_idle = 4096;
  // Between two cycles; 0: only when cycle() is called.
  std::uint32_t period_ms = 100;
};

struct object_pool_statistics {
  std::size_t made = 0;
  std::size_t destroyed = 0;
  std::size_t idle = 0;
  std::size_t cycles = 0;
  [[nodiscard]] std::size_t in_use() const { return made - destroyed - idle; }
};

namespace detail {

struct pool_node {
  std::uintptr_t link;  // idle: the next one; in use: its pool's number
  [[nodiscard]] pool_node* next() const { return pointer_to<pool_node>(link); }
};

struct pool_list {
  pool_node* first = nullptr;
  pool_node* last = nullptr;
  std::size_t count = 0;

  void push(pool_node* one) noexcept {
    one->link = address_of(first);
    if (first == nullptr) last = one;
    first = one;
    ++count;
  }
  pool_node* pop() noexcept {
    pool_node* one = first;
    if (one == nullptr) return nullptr;
    first = one->next();
    --count;
    return one;
  }
  // Its first ones, up to so many.
  pool_list take(std::size_t most) noexcept {
    if (most == 0) return {};
    if (most >= count) return std::exchange(*this, {});
    pool_list front{first, first, most};
    for (std::size_t i = 1; i < most; ++i) front.last = front.last->next();
    first = front.last->next();
    front.last->link = 0;
    count -= most;
    return front;
  }
  void take_all(pool_list& other) noexcept {
    if (other.count == 0) return;
    other.last->link = address_of(first);
    if (first == nullptr) last = other.last;
    first = other.first;
    count += other.count;
    other = {};
  }
};

class pool_core;

struct alignas(64) pool_shard {
  // The thread's own. Others only while the gate is shut and busy is 0.
  std::atomic<std::uint32_t> busy{0};
  std::uint32_t until_clock = 0;
  std::int32_t room = 0;  // of own; capacity = room + objects in own
  std::int32_t capacity = 0;
  pool_node* own = nullptr;

  // False, and out again, when the gate is shut.
  bool enter(const std::atomic<std::uint32_t>& gate) noexcept {
    busy.store(1, std::memory_order_relaxed);
    // For the compiler; the processor is ordered by the other side.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    // acquire: sees what was done behind the gate before it was opened.
    if (gate.load(std::memory_order_acquire) == 0) [[likely]]
      return true;
    leave();
    return false;
  }
  // release: whoever shuts the gate sees what was done here.
  void leave() noexcept { busy.store(0, std::memory_order_release); }

  // False, and as it was, when there is no room.
  bool push(pool_node* one) noexcept {
    if (--room < 0) [[unlikely]] {
      room = 0;
      return false;
    }
    one->link = address_of(own);
    own = one;
    return true;
  }
  pool_node* pop() noexcept {
    pool_node* one = own;
    own = one->next();
    ++room;
    return one;
  }
  // All that is in own.
  pool_list take_own() noexcept {
    pool_list all{own, nullptr, static_cast<std::size_t>(capacity - room)};
    for (pool_node* each = own; each != nullptr; each = each->next()) all.last = each;
    own = nullptr;
    room = capacity;
    return all;
  }
  // What own gets while it is empty; has room for it.
  void fill(pool_list& from) noexcept {
    room -= static_cast<std::int32_t>(from.count);
    own = from.first;
    from = {};
  }

  alignas(64) word_lock lock;
  std::atomic<std::uint32_t> shelved{0};  // count(), which others look at before they lock
  pool_list shared;
  pool_list victims;
  std::size_t places = 0;  // for both
  [[nodiscard]] std::size_t count() const noexcept { return shared.count + victims.count; }

  // Under the registry's lock, but for `next`, which never changes once it is in the pool's list.
  pool_core* pool = nullptr;
  pool_shard* next = nullptr;
  pool_shard* next_of_thread = nullptr;
  pool_shard** list_of_thread = nullptr;  // null: no thread has it
};
static_assert(sizeof(pool_shard) == 192);

// Where a thread finds its shard of a pool. Pools have odd numbers that are never used again, so
// that what is left of a pool that is gone fits no other.
struct pool_slot {
  std::uint64_t pool;
  pool_shard* shard;
};
inline constexpr std::size_t pool_slot_count = 32;
STRATA_RESOURCES_API extern constinit thread_local pool_slot pool_slots[pool_slot_count];

// What pools of all types share: nodes, and who has them.
class STRATA_RESOURCES_API pool_core {
 public:
  explicit pool_core(object_pool_options chosen) noexcept;
  pool_core(const pool_core&) = delete;
  pool_core& operator=(const pool_core&) = delete;
  ~pool_core();

  // An idle node, or null where this needs the slow way.
  pool_node* take() noexcept {
    const pool_slot& slot = own_slot();
    std::uint64_t number = number_;
    if (slot.pool != number) [[unlikely]]
      return nullptr;
    pool_shard& own = *slot.shard;
    if (!own.enter(gate_)) [[unlikely]]
      return nullptr;
    if (--own.until_clock == 0 || own.own == nullptr) [[unlikely]] {
      own.leave();
      return nullptr;
    }
    pool_node* one = own.pop();
    own.leave();
    one->link = number;
    return one;
  }
  // False where this needs the slow way.
  bool put(pool_node* one) noexcept {
    const pool_slot& slot = own_slot();
    if (slot.pool != number_) [[unlikely]]
      return false;
    pool_shard& own = *slot.shard;
    if (!own.enter(gate_)) [[unlikely]]
      return false;
    bool kept = own.push(one);
    own.leave();
    return kept;
  }

  // Says whether it is time for a cycle; to one thread a period.
  bool cycle_is_due() noexcept;
  pool_node* take_slow() noexcept;
  // What comes back is to be destroyed, as it is with cycle() and drain().
  pool_list put_slow(pool_node* one) noexcept;
  pool_list cycle() noexcept;
  // All that is idle.
  pool_list drain() noexcept;

  // The link of a node in use. Odd, as no node's address is.
  [[nodiscard]] std::uintptr_t mark() const noexcept { return number_; }
  [[noreturn]] void stop_at_put(const pool_node* one) const;
  [[nodiscard]] object_pool_statistics statistics() noexcept;
  void verify();

  // relaxed: figures.
  void note_made() noexcept { made_.fetch_add(1, std::memory_order_relaxed); }
  void note_destroyed() noexcept { destroyed_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] bool crossed_fork() const noexcept { return seat_.crossed_fork(); }

 private:
  class own_section;
  class shelf_section;
  class all_stopped;
  friend struct pool_thread;

  [[nodiscard]] pool_slot& own_slot() const noexcept {
    return *pointer_to<pool_slot>(address_of(pool_slots) + slot_offset_);
  }
  pool_shard* own_shard() noexcept;
  void attach(pool_shard& one, pool_shard** list) noexcept;
  void leave_thread(pool_shard& one) noexcept;
  pool_node* take_shared(pool_shard* own) noexcept;
  pool_node* take_victim(pool_shard* own) noexcept;
  template <class Visit>
  void search(pool_shard* start, Visit found) noexcept;
  template <class Visit>
  void each_shard(Visit visit) noexcept;
  std::size_t take_room(std::size_t wanted) noexcept;
  void stop_all() noexcept;
  void keep_shut() noexcept;
  bool try_hold() noexcept;
  void let_go() noexcept;
  void put_right_in_child() noexcept;
  static const fork_ways at_fork;

  std::atomic<std::uint32_t> gate_;
  std::uint32_t open_gate_;  // 1 where there is no barrier: then it is never open
  std::uint64_t number_ = 0;
  std::size_t slot_offset_ = 0;
  object_pool_options chosen_;
  std::size_t most_idle_places_;     // that a shard keeps
  std::atomic<pool_shard*> shards_;  // grows only; the common one is the last

  alignas(64) std::mutex lock_;  // of whoever shuts the gate
  // Of all shards, capacity + places: at most most_idle.
  std::atomic<std::size_t> promised_{0};
  std::atomic<std::uint64_t> last_cycle_ms_;
  std::atomic<std::size_t> cycles_{0};
  std::atomic<std::size_t> made_{0};
  std::atomic<std::size_t> destroyed_{0};
  pool_shard common_;
  pool_shard* held_from_ = nullptr;  // during a fork: the first whose lock is held
  fork_member seat_;
};

}  // namespace detail

// What a pool does with its objects; give one of your own that has these two. Any thread calls
// them.
template <class T>
struct pool_hooks {
  T make() { return T(); }
  // An object came back. False: it is destroyed.
  bool reset(T& /*object*/) noexcept { return true; }
};

template <class T, class Hooks = pool_hooks<T>>
class object_pool;

// An object of a pool; goes back at the end of its scope.
template <class T, class Hooks = pool_hooks<T>>
class [[nodiscard]] pooled {
 public:
  pooled() = default;
  pooled(T* object, object_pool<T, Hooks>& pool) noexcept : object_(object), pool_(&pool) {}
  pooled(pooled&& other) noexcept : object_(other.release()), pool_(other.pool_) {}
  pooled& operator=(pooled&& other) noexcept {
    T* taken = other.release();
    put_back();
    object_ = taken;
    pool_ = other.pool_;
    return *this;
  }
  pooled(const pooled&) = delete;
  pooled& operator=(const pooled&) = delete;
  ~pooled() { put_back(); }

  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  [[nodiscard]] T* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  // The object is the caller's now, who calls the pool's put().
  [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }
  void put_back() noexcept {
    if (T* object = release()) pool_->put(object);
  }

 private:
  T* object_ = nullptr;
  object_pool<T, Hooks>* pool_ = nullptr;
};

// Outlives its objects. Upstream is called from any thread.
template <class T, class Hooks>
class object_pool {
 public:
  using options = object_pool_options;
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;
  using handle = pooled<T, Hooks>;

  explicit object_pool(options chosen = {}, Hooks hooks = {},
                       std::pmr::memory_resource* upstream = std::pmr::get_default_resource())
      : core_(chosen), hooks_(std::move(hooks)), upstream_(upstream) {}
  object_pool(const object_pool&) = delete;
  object_pool& operator=(const object_pool&) = delete;
  ~object_pool() {
    // Again while destructors put others back.
    for (detail::pool_list idle = core_.drain(); idle.count != 0; idle = core_.drain()) {
      destroy_all(idle);
    }
    // Threads that a fork left behind put nothing back.
    if (core_.statistics().in_use() != 0 && !core_.crossed_fork())
      detail::stop(detail::misuse::still_in_use, "object_pool", this);
  }

  // Throws std::bad_alloc, and what make() throws.
  handle get() { return {take(), *this}; }
  // Empty when upstream has no memory; throws what make() throws.
  handle try_get() {
    detail::pool_node* one = core_.take();
    T* object = one != nullptr ? in_use(one) : take_or_make();
    return object != nullptr ? handle(object, *this) : handle();
  }
  // The same without a handle.
  [[nodiscard]] T* take() {
    detail::pool_node* one = core_.take();
    return one != nullptr ? in_use(one) : take_slow();
  }
  void put(T* object) noexcept {
    detail::pool_node* one = node_of(object);
    if (one->link != core_.mark()) [[unlikely]]
      core_.stop_at_put(one);
    if (!hooks_.reset(*object)) {
      destroy(one);
      return;
    }
    detail::poison(object, sizeof(T));
    if (!core_.put(one)) [[unlikely]]
      put_slow(one);
  }

  void cycle() noexcept { destroy_all(core_.cycle()); }
  // Stops all threads' gets and puts for a moment, as cycle() does.
  [[nodiscard]] object_pool_statistics statistics() noexcept { return core_.statistics(); }
  void verify() { core_.verify(); }
  [[nodiscard]] Hooks& hooks() noexcept { return hooks_; }

 private:
  static constexpr std::size_t alignment = std::max(alignof(T), alignof(detail::pool_node));
  static constexpr std::size_t object_offset = std::max(alignment, sizeof(detail::pool_node));
  static constexpr std::size_t block_bytes = object_offset + sizeof(T);

 public:
  // Of one object, with what the pool adds.
  static constexpr std::size_t object_bytes = block_bytes;

 private:
  static detail::pool_node* node_of(T* object) noexcept {
    return detail::pointer_to<detail::pool_node>(detail::address_of(object) -
                                                 sizeof(detail::pool_node));
  }
  static T* object_of(detail::pool_node* one) noexcept {
    return detail::pointer_to<T>(detail::address_of(one) + sizeof(detail::pool_node));
  }

  static T* in_use(detail::pool_node* one) noexcept {
    T* object = object_of(one);
    detail::unpoison(object, sizeof(T));
    return object;
  }
  [[gnu::noinline]] T* take_slow() {
    T* object = take_or_make();
    if (object == nullptr) throw std::bad_alloc();
    return object;
  }
  [[gnu::noinline]] T* take_or_make() {
    if (core_.cycle_is_due()) cycle();
    detail::pool_node* one = core_.take_slow();
    return one != nullptr ? in_use(one) : make(allocate());
  }
  [[gnu::noinline]] void put_slow(detail::pool_node* one) noexcept {
    destroy_all(core_.put_slow(one));
  }
  void* allocate() noexcept {
    try {
      return upstream_->allocate(block_bytes, alignment);
    } catch (...) {
      return nullptr;
    }
  }
  T* make(void* block) {
    if (block == nullptr) return nullptr;
    detail::undo back([&] { upstream_->deallocate(block, block_bytes, alignment); });
    std::uintptr_t at = detail::address_of(block) + object_offset;
    T* object = ::new (detail::pointer_to(at)) T(hooks_.make());
    back.forget();
    ::new (node_of(object)) detail::pool_node{core_.mark()};
    core_.note_made();
    return object;
  }
  void destroy(detail::pool_node* one) noexcept {
    T* object = object_of(one);
    detail::unpoison(object, sizeof(T));
    std::destroy_at(object);
    core_.note_destroyed();
    upstream_->deallocate(detail::pointer_to(detail::address_of(object) - object_offset),
                          block_bytes, alignment);
  }
  void destroy_all(detail::pool_list nodes) noexcept {
    while (detail::pool_node* one = nodes.pop()) destroy(one);
  }

  detail::pool_core core_;
  [[no_unique_address]] Hooks hooks_;
  std::pmr::memory_resource* upstream_;
};

// ---- Byte buffers

// Bytes that grow. What is new in it is not set to anything.
class STRATA_RESOURCES_API byte_buffer {
 public:
  explicit byte_buffer(std::size_t capacity = 0,
                       std::pmr::memory_resource* upstream = std::pmr::get_default_resource())
      : upstream_(upstream) {
    reserve(capacity);
  }
  byte_buffer(const byte_buffer&) = delete;
  byte_buffer& operator=(const byte_buffer&) = delete;
  ~byte_buffer();

  [[nodiscard]] std::byte* data() noexcept { return start_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {start_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(start_), size_};
  }
  void clear() noexcept { size_ = 0; }
  // These throw std::bad_alloc, and the buffer is as it was.
  void reserve(std::size_t bytes) {
    if (bytes > capacity_) grow(bytes);
  }
  void resize(std::size_t bytes) {
    reserve(bytes);
    size_ = bytes;
  }
  void append(const void* from, std::size_t bytes) {
    if (bytes > capacity_ - size_) return append_slow(from, bytes);
    if (bytes != 0) std::memcpy(start_ + size_, from, bytes);
    size_ += bytes;
  }
  void append(std::string_view text) { append(text.data(), text.size()); }

 private:
  friend class byte_buffer_hooks;
  void grow(std::size_t bytes);
  void append_slow(const void* from, std::size_t bytes);

  std::byte* start_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::pmr::memory_resource* upstream_;
  // Puts that the pool hasn't counted yet, all of one step.
  std::uint32_t step_ = 0;
  std::uint32_t puts_ = 0;
};

// Counts how long the buffers are that come back, and finds from it how long new ones should be.
class STRATA_RESOURCES_API byte_buffer_hooks {
 public:
  static constexpr std::size_t steps = 20;
  static constexpr std::size_t puts_until_calibration = 42'000;
  // Step i is of buffers up to this long; the last also of all that are longer.
  static constexpr std::size_t step_bytes(std::size_t step) { return std::size_t{64} << step; }
  static constexpr std::size_t step_of(std::size_t bytes) {
    std::size_t above = bytes == 0 ? 0 : (bytes - 1) / step_bytes(0);
    return std::min(static_cast<std::size_t>(std::bit_width(above)), steps - 1);
  }

  explicit byte_buffer_hooks(std::pmr::memory_resource* upstream) noexcept : upstream_(upstream) {}
  // Before the pool is used.
  byte_buffer_hooks(byte_buffer_hooks&& other) noexcept : upstream_(other.upstream_) {}

  byte_buffer make() { return byte_buffer(default_bytes(), upstream_); }
  bool reset(byte_buffer& one) noexcept {
    count(one);
    one.clear();
    return one.capacity() <= most_bytes();
  }
  // relaxed: advice.
  [[nodiscard]] std::size_t default_bytes() const noexcept {
    return default_bytes_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t most_bytes() const noexcept {
    return most_bytes_.load(std::memory_order_relaxed);
  }

 private:
  // A buffer tells the pool of 16 puts at a time, so that threads seldom write the same line.
  static constexpr std::uint32_t puts_a_report = 16;
  void count(byte_buffer& one) noexcept {
    auto step = static_cast<std::uint32_t>(step_of(one.size()));
    if (step != one.step_) [[unlikely]]
      report(one), one.step_ = step;
    if (++one.puts_ == puts_a_report) [[unlikely]]
      report(one);
  }
  void report(byte_buffer& one) noexcept;
  void calibrate() noexcept;

  std::pmr::memory_resource* upstream_;
  std::atomic<std::size_t> default_bytes_{0};
  std::atomic<std::size_t> most_bytes_{std::numeric_limits<std::size_t>::max()};
  std::atomic_flag calibrating_;
  std::array<std::atomic<std::size_t>, steps> puts_{};
};

using pooled_byte_buffer = pooled<byte_buffer, byte_buffer_hooks>;

// Byte buffers. 42,000 puts of one step make it look at what came back since it last did: new
// buffers get the commonest step's length, and a buffer is dropped if its capacity is above the
// length that the commonest steps, which make up 95 % of the puts, stay within.
class byte_buffer_pool {
 public:
  using options = object_pool_options;
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;

  explicit byte_buffer_pool(options chosen = {},
                            std::pmr::memory_resource* upstream = std::pmr::get_default_resource())
      : pool_(chosen, byte_buffer_hooks(upstream), upstream) {}

  // Empty, with what capacity it happens to have. Throws std::bad_alloc.
  pooled_byte_buffer get() { return pool_.get(); }
  void put(byte_buffer* one) noexcept { pool_.put(one); }
  void cycle() noexcept { pool_.cycle(); }

  // What a new buffer's capacity is; 0 until the first 42,000 puts.
  [[nodiscard]] std::size_t default_bytes() noexcept { return pool_.hooks().default_bytes(); }
  [[nodiscard]] std::size_t most_bytes() noexcept { return pool_.hooks().most_bytes(); }
  [[nodiscard]] object_pool_statistics statistics() noexcept { return pool_.statistics(); }
  void verify() { pool_.verify(); }

 private:
  object_pool<byte_buffer, byte_buffer_hooks> pool_;
};

}  // namespace strata
