// The C interface's object pool: what object_pool<T, Hooks> is, for items whose size is known at run time.
//
//   block  | padding | link | item |     link: idle, the next one; in use, its pool's number
#include <algorithm>
#include <cstring>

#include <strata/object_pool.hpp>

#include "resource/c_handle.hpp"

using namespace strata;          // NOLINT(google-build-using-namespace): all of it is C's face
using namespace strata::detail;  // NOLINT(google-build-using-namespace)

namespace {

constexpr std::size_t most_item_bytes = std::size_t{1} << 40;

object_pool_options core_options(const strata_object_pool_options& chosen) {
  object_pool_options with;
  with.most_idle = c_or_none(chosen.most_idle, with.most_idle);
  with.period_ms = chosen.period_ms == UINT32_MAX ? 0 : c_or(chosen.period_ms, with.period_ms);
  return with;
}

}  // namespace

struct strata_object_pool {
  strata_object_pool(const strata_object_pool_options& chosen,
                     std::pmr::memory_resource* upstream) noexcept
      : core(core_options(chosen)),
        with_(chosen),
        item_bytes_(c_or(chosen.item_bytes, sizeof(void*))),
        alignment_(std::max(c_alignment(chosen.item_alignment), alignof(pool_node))),
        item_offset_(std::max(alignment_, sizeof(pool_node))),
        from_(upstream) {}
  strata_object_pool(const strata_object_pool&) = delete;
  strata_object_pool& operator=(const strata_object_pool&) = delete;
  ~strata_object_pool() {
    // Again while items put others back when they are destroyed.
    for (pool_list idle = core.drain(); idle.count != 0; idle = core.drain()) destroy_all(idle);
    if (core.statistics().in_use() != 0) stop(misuse::still_in_use, "object_pool", this);
  }

  void* get() noexcept {
    pool_node* one = core.take();
    if (one == nullptr) [[unlikely]] {
      if (core.cycle_is_due()) destroy_all(core.cycle());
      one = core.take_slow();
    }
    if (one == nullptr) [[unlikely]]
      return make();
    void* item = item_of(one);
    unpoison(item, item_bytes_);
    return item;
  }
  void put(void* item) noexcept {
    pool_node* one = node_of(item);
    if (one->link != core.mark()) [[unlikely]]
      core.stop_at_put(one);
    if (with_.reset != nullptr && with_.reset(item, with_.context) != 0) return destroy(one);
    poison(item, item_bytes_);
    if (!core.put(one)) [[unlikely]]
      destroy_all(core.put_slow(one));
  }
  void destroy_all(pool_list nodes) noexcept {
    while (pool_node* one = nodes.pop()) destroy(one);
  }

  pool_core core;

 private:
  static pool_node* node_of(const void* item) noexcept {
    return pointer_to<pool_node>(address_of(item) - sizeof(pool_node));
  }
  static void* item_of(const pool_node* one) noexcept {
    return pointer_to(address_of(one) + sizeof(pool_node));
  }
  [[nodiscard]] std::size_t block_bytes() const noexcept { return item_offset_ + item_bytes_; }

  void* make() noexcept {
    void* block = c_guarded([&] { return from_->allocate(block_bytes(), alignment_); });
    if (block == nullptr) return nullptr;
    void* item = pointer_to(address_of(block) + item_offset_);
    errno = ENOMEM;  // unless make() says otherwise
    if (with_.make == nullptr) {
      std::memset(item, 0, item_bytes_);
    } else if (with_.make(item, with_.context) != 0) {
      int error = errno;
      from_->deallocate(block, block_bytes(), alignment_);
      return c_fail(error);
    }
    ::new (node_of(item)) pool_node{core.mark()};
    core.note_made();
    return item;
  }
  void destroy(pool_node* one) noexcept {
    void* item = item_of(one);
    unpoison(item, item_bytes_);
    if (with_.destroy != nullptr) with_.destroy(item, with_.context);
    core.note_destroyed();
    from_->deallocate(pointer_to(address_of(item) - item_offset_), block_bytes(), alignment_);
  }

  const strata_object_pool_options with_;
  const std::size_t item_bytes_;
  const std::size_t alignment_;
  const std::size_t item_offset_;
  std::pmr::memory_resource* const from_;
};

strata_object_pool* strata_object_pool_create(strata_resource* upstream,
                                              const strata_object_pool_options* options) {
  const strata_object_pool_options& chosen = c_options(options);
  std::size_t alignment = c_alignment(chosen.item_alignment);
  bool valid = std::has_single_bit(alignment) && alignment <= most_item_bytes &&
               chosen.item_bytes <= most_item_bytes;
  if (!valid) return c_fail(EINVAL);
  return c_guarded([&] { return new strata_object_pool(chosen, c_upstream(upstream)); });
}

void strata_object_pool_destroy(strata_object_pool* pool) { delete pool; }
void* strata_object_pool_get(strata_object_pool* pool) { return pool->get(); }
void strata_object_pool_put(strata_object_pool* pool, void* item) {
  if (item != nullptr) pool->put(item);
}
void strata_object_pool_cycle(strata_object_pool* pool) { pool->destroy_all(pool->core.cycle()); }
void strata_object_pool_verify(strata_object_pool* pool) { pool->core.verify(); }

strata_object_pool_figures strata_object_pool_statistics(strata_object_pool* pool) {
  object_pool_statistics now = pool->core.statistics();
  return {now.made, now.destroyed, now.idle, now.in_use(), now.cycles};
}
