// The C interface's stack pool.
#include <algorithm>

#include <strata/stack_pool.hpp>

#include "resource/c_handle.hpp"

using namespace strata;          // NOLINT(google-build-using-namespace): all of it is C's face
using namespace strata::detail;  // NOLINT(google-build-using-namespace)

namespace {

constexpr std::size_t most_stack_bytes = std::size_t{1} << 40;

stack_guard guard_of(int chosen) {
  switch (chosen) {
    case STRATA_GUARD_PROTECTION:
      return stack_guard::protection;
    case STRATA_GUARD_CANARY:
      return stack_guard::canary;
    default:
      return stack_guard::markers;
  }
}

int guard_in_c(stack_guard guard) {
  switch (guard) {
    case stack_guard::protection:
      return STRATA_GUARD_PROTECTION;
    case stack_guard::canary:
      return STRATA_GUARD_CANARY;
    default:
      return STRATA_GUARD_MARKERS;
  }
}

bool is_valid(const strata_stack_pool_options& chosen) {
  return chosen.stack_bytes <= most_stack_bytes && chosen.guard_bytes <= most_stack_bytes &&
         chosen.guard >= STRATA_GUARD_MARKERS && chosen.guard <= STRATA_GUARD_CANARY;
}

fiber_stack from_c(strata_fiber_stack stack) { return {stack.top, stack.bytes}; }
strata_fiber_stack to_c(fiber_stack stack) { return {stack.top, stack.bytes}; }

}  // namespace

struct strata_stack_pool {
  explicit strata_stack_pool(const strata_stack_pool_options& chosen) noexcept
      : on_overflow(chosen.on_overflow),
        context(chosen.context),
        real(options_for(*this, chosen)),
        face(real) {}

  void (*on_overflow)(strata_stack_overflow*, void*);
  void* context;
  stack_pool real;
  c_face<stack_pool> face;

 private:
  // In a signal handler.
  static void tell(stack_overflow& overflow, void* argument) {
    auto* self = static_cast<strata_stack_pool*>(argument);
    strata_stack_overflow given{overflow.name,    overflow.number, to_c(overflow.stack),
                                overflow.address, nullptr,         nullptr};
    self->on_overflow(&given, self->context);
    if (given.restart != nullptr) overflow.restart(given.restart, given.restart_argument);
  }
  static stack_pool_options options_for(strata_stack_pool& self,
                                        const strata_stack_pool_options& chosen) {
    stack_pool_options with;
    with.stack_bytes = c_or(chosen.stack_bytes, with.stack_bytes);
    with.guard_bytes = chosen.guard_bytes;
    with.keep_bytes = std::min(c_or(chosen.keep_bytes, with.keep_bytes), most_stack_bytes);
    with.most_stacks = c_or(chosen.most_stacks, with.most_stacks);
    with.most_idle = c_or_none(chosen.most_idle, with.most_idle);
    with.guard = ::guard_of(chosen.guard);
    with.most_guard_mappings = chosen.most_guard_mappings;
    with.reports_overflow = chosen.no_overflow_reports == 0;
    if (chosen.on_overflow != nullptr) {
      with.on_overflow = tell;
      with.overflow_argument = &self;
    }
    return with;
  }
};

strata_stack_pool* strata_stack_pool_create(const strata_stack_pool_options* options) {
  const strata_stack_pool_options& chosen = c_options(options);
  if (!is_valid(chosen)) return c_fail(EINVAL);
  return c_guarded([&] { return new strata_stack_pool(chosen); });
}

void strata_stack_pool_destroy(strata_stack_pool* pool) { delete pool; }

strata_fiber_stack strata_stack_acquire(strata_stack_pool* pool, const char* name) {
  fiber_stack got = pool->real.try_acquire(name);
  if (!got) [[unlikely]]
    errno = ENOMEM;
  return to_c(got);
}

void strata_stack_release(strata_stack_pool* pool, strata_fiber_stack stack) {
  if (stack.top != nullptr) pool->real.release(from_c(stack));
}

void strata_stack_rename(strata_stack_pool* pool, strata_fiber_stack stack, const char* name) {
  pool->real.rename(from_c(stack), name);
}

size_t strata_stack_watermark(const strata_stack_pool* pool, strata_fiber_stack stack) {
  return pool->real.watermark(from_c(stack));
}

int strata_stack_guard_of(const strata_stack_pool* pool, strata_fiber_stack stack) {
  return guard_in_c(pool->real.guard_of(from_c(stack)));
}

uint64_t strata_stack_number(const strata_stack_pool* pool, strata_fiber_stack stack) {
  return pool->real.number_of(from_c(stack));
}

strata_fiber_stack strata_stack_at(const strata_stack_pool* pool, const void* inside) {
  if (!pool->real.owns(inside)) return {nullptr, 0};
  return to_c(pool->real.stack_of(inside));
}

size_t strata_stack_pool_trim(strata_stack_pool* pool) { return pool->real.trim(); }

strata_stack_pool_figures strata_stack_pool_get_figures(const strata_stack_pool* pool) {
  stack_pool_figures now = pool->real.figures();
  strata_stack_pool_figures out{now.live,          now.idle, now.cold,     now.slabs,
                                now.deepest_bytes, {},       now.measured, now.trimmed};
  static_assert(sizeof out.by_depth == sizeof now.by_depth);
  std::ranges::copy(now.by_depth, out.by_depth);
  return out;
}

int strata_stack_watch_this_thread(void) {
  if (stack_pool::watch_this_thread()) return 0;
  errno = ENOMEM;
  return -1;
}

strata_resource* strata_stack_pool_resource(strata_stack_pool* pool) { return &pool->face; }
