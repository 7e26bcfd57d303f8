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
//   block  | padding | link | T |     link: idle, the next one; in use, its pool's number
//
//   time      get and put O(1), some 20 instructions each; O(threads) when its own objects run out;
//             cycle O(idle objects) and a system call
//   overhead  8 bytes an object, or alignof(T) if that is more; 192 bytes a thread
//   threads   all; also an object taken by one and put back by another
//   exhausted std::bad_alloc from get, null from try_get
//
// The order of the search, the cycle and the victims are Go's sync.Pool's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>

#include <strata/detail/pool_core.hpp>
#include <strata/detail/support.hpp>

namespace strata {

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

}  // namespace strata
