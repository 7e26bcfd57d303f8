// The C interface's buffers: pool, arena with shared handles, direct buffers.
#include <algorithm>
#include <chrono>
#include <vector>

#include <strata/buffer.hpp>
#include <strata/buffer_arena.hpp>
#include <strata/buffer_pool.hpp>
#include <strata/direct_buffer.hpp>

#include "resource/c_handle.hpp"

using namespace strata;          // NOLINT(google-build-using-namespace): all of it is C's face
using namespace strata::detail;  // NOLINT(google-build-using-namespace)

// ---- Buffer pool

struct strata_buffer_pool {
  strata_buffer_pool(const buffer_pool_options& with, std::pmr::memory_resource* upstream)
      : tenants(std::max<std::size_t>(with.weights.size(), 1)), real(with, upstream), face(real) {}

  std::size_t tenants;
  buffer_pool real;
  c_face<buffer_pool> face;
};

namespace {

bool options_of(const strata_buffer_pool_options& chosen, buffer_pool_options& with) {
  with.total_bytes = c_or(chosen.total_bytes, with.total_bytes);
  with.poolable_bytes = c_or_none(chosen.poolable_bytes, with.poolable_bytes);
  with.alignment = c_alignment(chosen.alignment);
  with.weights = {chosen.weights, chosen.tenants};
  bool linkable = with.poolable_bytes == 0 || with.poolable_bytes >= sizeof(void*);
  bool weighty = chosen.tenants == 0 ||
                 (chosen.weights != nullptr && std::ranges::count(with.weights, 0u) == 0);
  return linkable && weighty && std::has_single_bit(with.alignment);
}

time_limit limit_of(std::uint64_t limit_ns) {
  if (limit_ns == STRATA_FOREVER) return {};
  return std::chrono::duration<std::uint64_t, std::nano>(limit_ns);
}

// As errno.
int error_of(acquire_status status) {
  switch (status) {
    case acquire_status::granted:
      return 0;
    case acquire_status::timeout:
      return ETIMEDOUT;
    case acquire_status::closed:
      return ESHUTDOWN;
    case acquire_status::too_large:
      return EMSGSIZE;
    case acquire_status::no_memory:
      return ENOMEM;
    case acquire_status::cancelled:
      return ECANCELED;
  }
  return EINVAL;
}

constexpr std::size_t at_least_one(std::size_t bytes) { return bytes == 0 ? 1 : bytes; }

}  // namespace

strata_buffer_pool* strata_buffer_pool_create(strata_resource* upstream,
                                              const strata_buffer_pool_options* options) {
  buffer_pool_options with;
  if (!options_of(c_options(options), with)) return c_fail(EINVAL);
  return c_guarded([&] { return new strata_buffer_pool(with, c_upstream(upstream)); });
}

void strata_buffer_pool_destroy(strata_buffer_pool* pool) { delete pool; }

void* strata_buffer_pool_acquire(strata_buffer_pool* pool, size_t bytes, uint64_t limit_ns,
                                 size_t tenant) {
  if (tenant >= pool->tenants) [[unlikely]]
    return c_fail(EINVAL);
  raw_buffer got = pool->real.acquire_raw(at_least_one(bytes), limit_of(limit_ns), tenant);
  if (got.start == nullptr) [[unlikely]]
    errno = error_of(got.status);
  return got.start;
}

int strata_buffer_pool_acquire_all(strata_buffer_pool* pool, const size_t* sizes_bytes,
                                   size_t count, void** buffers, uint64_t limit_ns, size_t tenant) {
  int error = tenant < pool->tenants ? 0 : EINVAL;
  if (error == 0) {
    error = ENOMEM;
    c_guarded([&]() -> void* {
      std::vector<pooled_buffer> got(count);
      error =
          error_of(pool->real.acquire_all({sizes_bytes, count}, got, limit_of(limit_ns), tenant));
      if (error == 0) std::ranges::transform(got, buffers, &pooled_buffer::detach);
      return nullptr;
    });
  }
  if (error == 0) return 0;
  errno = error;
  return -1;
}

void strata_buffer_pool_release(strata_buffer_pool* pool, void* buffer, size_t bytes) {
  if (buffer != nullptr) pool->real.release(buffer, at_least_one(bytes));
}

void strata_buffer_pool_close(strata_buffer_pool* pool) { pool->real.close(); }

void strata_buffer_pool_get_metrics(const strata_buffer_pool* pool,
                                    strata_buffer_pool_metrics* out) {
  buffer_pool_metrics now = pool->real.metrics();
  *out = {
      now.total_bytes, now.free_bytes, now.pooled_bytes, now.lent_bytes,      now.reserved_bytes,
      now.waiters,     now.wait_count, now.wait_ns,      now.exhausted_count, {}};
  static_assert(sizeof out->waits == sizeof now.waits);
  std::ranges::copy(now.waits, out->waits);
}

strata_resource* strata_buffer_pool_resource(strata_buffer_pool* pool) { return &pool->face; }

// ---- Buffer arena

struct strata_buffer_arena {
  strata_buffer_arena(const buffer_arena_options& with, const strata_buffer_arena_options& chosen,
                      std::pmr::memory_resource* upstream)
      : on_leak(chosen.on_leak), context(chosen.context), real(upstream, with), face(real) {}

  void (*on_leak)(const strata_buffer_leak*, void*);
  void* context;
  buffer_arena real;
  c_face<buffer_arena> face;
};

namespace {

bool options_of(const strata_buffer_arena_options& chosen, buffer_arena_options& with) {
  constexpr std::size_t least_bytes = std::size_t{64} << 10;
  constexpr std::size_t most_bytes = std::size_t{32} << 20;
  with.chunk_bytes = c_or(chosen.chunk_bytes, with.chunk_bytes);
  with.arenas = chosen.arenas;
  with.most_bytes = c_or(chosen.most_bytes, with.most_bytes);
  with.thread_caches = chosen.no_thread_caches == 0;
  with.trim_every = c_or(chosen.trim_every, with.trim_every);
  with.leaks = static_cast<leak_level>(chosen.leaks);
  // Those that have a function of their own are told before the end.
  if (chosen.on_leak != nullptr) with.on_leak = [](const buffer_leak& /*leak*/) {};
  return std::has_single_bit(with.chunk_bytes) && with.chunk_bytes >= least_bytes &&
         with.chunk_bytes <= most_bytes && chosen.leaks >= STRATA_LEAKS_DISABLED &&
         chosen.leaks <= STRATA_LEAKS_PARANOID;
}

struct leak_visit {
  void (*visit)(const strata_buffer_leak*, void*);
  void* context;

  static void tell(const buffer_leak& leak, void* state) {
    auto* self = static_cast<leak_visit*>(state);
    strata_buffer_leak given{leak.data, leak.bytes, leak.touches, 0, {}};
    for (const buffer_access& each : leak.accesses) {
      if (given.access_count == STRATA_LEAK_ACCESSES) break;
      given.accesses[given.access_count++] = {each.hint, each.file, each.line};
    }
    self->visit(&given, self->context);
  }
};

}  // namespace

strata_buffer_arena* strata_buffer_arena_create(strata_resource* upstream,
                                                const strata_buffer_arena_options* options) {
  const strata_buffer_arena_options& chosen = c_options(options);
  buffer_arena_options with;
  if (!options_of(chosen, with)) return c_fail(EINVAL);
  return c_guarded([&] { return new strata_buffer_arena(with, chosen, c_upstream(upstream)); });
}

void strata_buffer_arena_destroy(strata_buffer_arena* arena) {
  if (arena == nullptr) return;
  if (arena->on_leak != nullptr) {
    strata_buffer_arena_each_leak(arena, arena->on_leak, arena->context);
  }
  delete arena;
}

void strata_buffer_arena_trim(strata_buffer_arena* arena) { arena->real.trim(); }

void strata_buffer_arena_each_leak(const strata_buffer_arena* arena,
                                   void (*visit)(const strata_buffer_leak* leak, void* context),
                                   void* context) {
  leak_visit state{visit, context};
  arena->real.each_leak(leak_visit::tell, &state);
}

void strata_buffer_arena_get_metrics(const strata_buffer_arena* arena,
                                     strata_buffer_arena_metrics* out) {
  buffer_arena_metrics now = arena->real.metrics();
  *out = {{},
          now.hits,
          now.misses,
          now.live_bytes,
          now.cached_bytes,
          now.held_bytes,
          now.huge_bytes,
          now.huge_blocks,
          now.threads};
  static_assert(sizeof out->chunks == sizeof now.chunks);
  std::ranges::copy(now.chunks, out->chunks);
}

strata_resource* strata_buffer_arena_resource(strata_buffer_arena* arena) { return &arena->face; }

// ---- Buffers of an arena

// A handle in parts, and put together again: C's structure has no destructor that could run twice.
struct strata::detail::buffer_parts {
  static strata_buffer take(buffer&& from) noexcept {
    strata_buffer to{from.data_, from.size_, from.block_};
    from.block_ = nullptr;
    from.data_ = nullptr;
    from.size_ = 0;
    return to;
  }
  static buffer give(const strata_buffer& from) noexcept {
    buffer to;
    to.block_ = static_cast<buffer_block*>(from.block);
    to.data_ = static_cast<std::byte*>(from.data);
    to.size_ = from.size;
    return to;
  }
};

namespace {

// The handle of a structure in C for the time of an operation, after which the structure is its again.
class lent_buffer {
 public:
  explicit lent_buffer(strata_buffer& of) noexcept : of_(of), handle_(buffer_parts::give(of)) {}
  lent_buffer(const lent_buffer&) = delete;
  lent_buffer& operator=(const lent_buffer&) = delete;
  ~lent_buffer() { of_ = buffer_parts::take(std::move(handle_)); }
  buffer* operator->() noexcept { return &handle_; }

 private:
  strata_buffer& of_;
  buffer handle_;
};
// Of one that the operation doesn't change.
class looked_at {
 public:
  explicit looked_at(const strata_buffer& one) noexcept : copy_(one), lent_(copy_) {}
  buffer* operator->() noexcept { return lent_.operator->(); }

 private:
  strata_buffer copy_;
  lent_buffer lent_;
};

}  // namespace

strata_buffer strata_buffer_make(strata_buffer_arena* arena, size_t bytes, const char* file,
                                 uint32_t line) {
  strata_buffer made = buffer_parts::take(arena->real.try_buffer(bytes, code_place{file, line}));
  if (made.block == nullptr) errno = ENOMEM;
  return made;
}

strata_buffer strata_buffer_share(const strata_buffer* buffer) {
  return buffer_parts::take(looked_at(*buffer)->slice(0, buffer->size));
}

strata_buffer strata_buffer_slice(const strata_buffer* buffer, size_t offset_bytes,
                                  size_t length_bytes) {
  return buffer_parts::take(looked_at(*buffer)->slice(offset_bytes, length_bytes));
}

strata_buffer strata_buffer_split(strata_buffer* buffer, size_t bytes) {
  return buffer_parts::take(lent_buffer(*buffer)->split(bytes));
}

int strata_buffer_resize(strata_buffer* buffer, size_t bytes) {
  return lent_buffer(*buffer)->resize(bytes) ? 1 : 0;
}

size_t strata_buffer_capacity(const strata_buffer* buffer) {
  return looked_at(*buffer)->capacity();
}

size_t strata_buffer_owners(const strata_buffer* buffer) { return looked_at(*buffer)->owners(); }

void strata_buffer_touch(const strata_buffer* buffer, const char* hint, const char* file,
                         uint32_t line) {
  looked_at(*buffer)->touch(hint, code_place{file, line});
}

void strata_buffer_release(strata_buffer* buffer) {
  if (buffer != nullptr) lent_buffer(*buffer)->reset();
}

// ---- Direct buffers

struct strata_direct_budget {
  strata_direct_budget(std::size_t max_bytes, direct_options with)
      : real(max_bytes, std::move(with), c_malloc()), face(real) {}

  direct_budget real;
  c_face<direct_budget> face;
};
struct strata_direct_buffer {
  direct_buffer real;
};

strata_direct_budget* strata_direct_budget_create(size_t max_bytes,
                                                  const strata_direct_options* options) {
  const strata_direct_options& chosen = c_options(options);
  return c_guarded([&] {
    direct_options with;
    with.guards = chosen.guard_pages != 0 ? guard_pages::around : guard_pages::none;
    // More would be years.
    with.waits =
        static_cast<unsigned>(std::min<std::size_t>(c_or_none(chosen.waits, with.waits), 32));
    with.first_wait_ms = c_or(chosen.first_wait_ms, with.first_wait_ms);
    if (auto* reclaim = chosen.reclaim) {
      with.reclaimer = [reclaim, context = chosen.context](std::size_t missing) {
        reclaim(missing, context);
      };
    }
    return new strata_direct_budget(max_bytes, std::move(with));
  });
}

void strata_direct_budget_destroy(strata_direct_budget* budget) { delete budget; }

strata_direct_figures strata_direct_budget_figures(const strata_direct_budget* budget) {
  direct_figures now = budget->real.figures();
  return {now.max_bytes, now.reserved_bytes, now.used_bytes, now.peak_reserved_bytes,
          now.blocks,    now.waited,         now.refused};
}

strata_resource* strata_direct_budget_resource(strata_direct_budget* budget) {
  return &budget->face;
}

strata_direct_buffer* strata_direct_buffer_make(strata_direct_budget* budget, size_t bytes,
                                                void (*cleaner)(void* data, size_t bytes,
                                                                void* context),
                                                void* context) {
  return c_guarded([&] {
    direct_buffer::cleaner at_end;
    if (cleaner != nullptr) {
      at_end = [cleaner, context](std::span<std::byte> all) {
        cleaner(all.data(), all.size(), context);
      };
    }
    // First: what fails afterwards would clean what the program never saw.
    auto handle = std::make_unique<strata_direct_buffer>();
    handle->real = direct_buffer(budget->real, bytes, std::move(at_end));
    return handle.release();
  });
}

void* strata_direct_buffer_data(const strata_direct_buffer* buffer) { return buffer->real.data(); }

size_t strata_direct_buffer_bytes(const strata_direct_buffer* buffer) {
  return buffer->real.size();
}

strata_direct_buffer* strata_direct_buffer_slice(const strata_direct_buffer* buffer,
                                                 size_t offset_bytes, size_t bytes) {
  std::size_t whole = buffer->real.size();
  bool lies_in_it = buffer->real && offset_bytes <= whole && bytes <= whole - offset_bytes;
  if (!lies_in_it) return c_fail(EINVAL);
  return c_guarded(
      [&] { return new strata_direct_buffer{buffer->real.slice(offset_bytes, bytes)}; });
}

int strata_direct_buffer_free(strata_direct_buffer* buffer) { return buffer->real.free() ? 1 : 0; }

void strata_direct_buffer_drop(strata_direct_buffer* buffer) { delete buffer; }
