// Heaps, mutators, roots and references of the C interface.
#include <memory>

#include "base/check.hpp"
#include "gc/c_handle.hpp"
#include "gc/core.hpp"

using namespace strata::gc;  // NOLINT(google-build-using-namespace)

static_assert(static_cast<int>(collection::young) == STRATA_GC_YOUNG);
static_assert(static_cast<int>(collection::full) == STRATA_GC_FULL);
static_assert(static_cast<int>(cause::no_room) == STRATA_GC_NO_ROOM);
static_assert(static_cast<int>(cause::asked) == STRATA_GC_ASKED);
static_assert(static_cast<int>(cause::stress) == STRATA_GC_STRESS);
static_assert(static_cast<int>(preset::throughput) == STRATA_GC_THROUGHPUT);
static_assert(static_cast<int>(preset::latency) == STRATA_GC_LATENCY);
static_assert(static_cast<int>(preset::small) == STRATA_GC_SMALL);
static_assert(static_cast<int>(plan::semispace) + 1 == STRATA_GC_SEMISPACE);
static_assert(static_cast<int>(plan::mark_sweep) + 1 == STRATA_GC_MARK_SWEEP);
static_assert(static_cast<int>(plan::immix) + 1 == STRATA_GC_IMMIX);
static_assert(static_cast<int>(plan::generational) + 1 == STRATA_GC_GENERATIONAL);
static_assert(static_cast<int>(plan::generational_concurrent) + 1 ==
              STRATA_GC_GENERATIONAL_CONCURRENT);
static_assert(static_cast<int>(plan::lisp2) + 1 == STRATA_GC_LISP2);
static_assert(static_cast<int>(plan::compressor) + 1 == STRATA_GC_COMPRESSOR);
static_assert(static_cast<int>(plan::two_finger) + 1 == STRATA_GC_TWO_FINGER);

// ---- Events

void strata_gc_heap::collection_begins(const collection_begin& what) noexcept {
  if (to_.collection_begins == nullptr) return;
  to_.collection_begins(what.number, static_cast<int>(what.kind), static_cast<int>(what.why),
                        what.held_bytes, to_.context);
}

void strata_gc_heap::collection_ends(const collection_end& what) noexcept {
  if (to_.collection_ends == nullptr) return;
  strata_gc_collected told{what.number,
                           static_cast<int>(what.kind),
                           static_cast<int>(what.why),
                           what.stop_ns,
                           what.pause_ns,
                           what.held_before_bytes,
                           what.held_after_bytes,
                           what.moved_bytes,
                           what.promoted_bytes,
                           what.live_bytes};
  to_.collection_ends(&told, to_.context);
}

void strata_gc_heap::heap_grows(const heap_growth& what) noexcept {
  if (to_.heap_grows != nullptr) to_.heap_grows(what.before_bytes, what.after_bytes, to_.context);
}

void strata_gc_heap::memory_is_short(const heap_shortage& what) noexcept {
  if (to_.memory_is_short != nullptr)
    to_.memory_is_short(what.needed_bytes, what.max_bytes, to_.context);
}

void strata_gc_heap::memory_is_exhausted(std::size_t wanted_bytes) noexcept {
  if (to_.memory_is_exhausted != nullptr) to_.memory_is_exhausted(wanted_bytes, to_.context);
}

namespace {

template <class Number>
void set_unless_0(Number& option, Number value) {
  if (value != 0) option = value;
}

heap_options options_of(const strata_gc_options& from) {
  heap_options made;
  set_unless_0(made.max_bytes, from.max_bytes);
  set_unless_0(made.young_bytes, from.young_bytes);
  set_unless_0(made.pause_goal_us, from.pause_goal_us);
  set_unless_0(made.workers, from.workers);
  set_unless_0(made.most_locals, from.most_slots);
  if (from.plan != STRATA_GC_DEFAULT_PLAN) made.plan = static_cast<plan>(from.plan - 1);
  made.stress.collect_every = from.stress_collect_every;
  made.stress.protect_moved = from.stress_protect_moved != 0;
  made.stress.verify = from.stress_verify != 0;
  made.stress.mark_always = from.stress_mark_always != 0;
  return made;
}

record& record_of(strata_gc_mutator* self) { return *static_cast<record*>(self->own.record()); }
record* record_or_null(strata_gc_mutator* self) {
  return self == nullptr ? nullptr : &record_of(self);
}

// Null when the shadow stack is full.
detail::slot* push(detail::mutator_state& state, detail::slot value) {
  detail::slot* at = state.top;
  if (at == state.stack_limit) {
    errno = EOVERFLOW;
    return nullptr;
  }
  *at = value;
  state.top = at + 1;
  return at;
}

type weak_type{.bytes = 8, .kind = shape::weak, .name = "weak"};
type ephemeron_type{.bytes = 16, .kind = shape::ephemeron, .name = "ephemeron"};

void* reference_in(const void* object, std::size_t word) {
  return static_cast<void* const*>(object)[word];
}

}  // namespace

// ---- Heaps

int strata_gc_options_preset(strata_gc_options* options, int purpose, size_t max_bytes) {
  if (purpose < STRATA_GC_THROUGHPUT || purpose > STRATA_GC_SMALL) {
    errno = EINVAL;
    return -1;
  }
  heap_options chosen = options_for(static_cast<preset>(purpose), max_bytes);
  *options = strata_gc_options{};
  options->max_bytes = chosen.max_bytes;
  options->plan = static_cast<int>(chosen.plan) + 1;
  options->young_bytes = chosen.young_bytes;
  options->pause_goal_us = chosen.pause_goal_us;
  options->workers = chosen.workers;
  options->most_slots = chosen.most_locals;
  return 0;
}

strata_gc_heap* strata_gc_heap_create(const strata_gc_options* options) {
  strata_gc_options chosen = options != nullptr ? *options : strata_gc_options{};
  if (chosen.plan < STRATA_GC_DEFAULT_PLAN || chosen.plan > STRATA_GC_TWO_FINGER) {
    errno = EINVAL;
    return nullptr;
  }
  return told_by_errno(static_cast<strata_gc_heap*>(nullptr),
                       [&] { return new strata_gc_heap(options_of(chosen), chosen.listener); });
}

void strata_gc_heap_destroy(strata_gc_heap* heap) { delete heap; }

void strata_gc_collect(strata_gc_heap* heap, strata_gc_mutator* self, int kind) {
  heap->own.core().ensure_collected(record_or_null(self),
                                    kind == STRATA_GC_YOUNG ? collection::young : collection::full);
}

void strata_gc_verify(strata_gc_heap* heap, strata_gc_mutator* self) {
  heap->own.core().verify(record_or_null(self));
}

size_t strata_gc_run_cleaners(strata_gc_heap* heap) { return heap->own.run_cleaners(); }

// ---- Mutators

strata_gc_mutator* strata_gc_attach(strata_gc_heap* heap) {
  return told_by_errno(static_cast<strata_gc_mutator*>(nullptr),
                       [&] { return new strata_gc_mutator(*heap); });
}

void strata_gc_detach(strata_gc_mutator* self) { delete self; }

void* strata_gc_allocate(strata_gc_mutator* self, const strata_gc_type* type, size_t count) {
  return told_by_errno(static_cast<void*>(nullptr),
                       [&] { return self->own.make_of(type->own, count); });
}

void strata_gc_store(void* field, void* value) {
  detail::store_field(static_cast<void**>(field), value);
}

void strata_gc_safepoint(strata_gc_mutator* self) { self->own.safepoint(); }
void strata_gc_blocking_begin(strata_gc_mutator* self) {
  self->own.core().enter_blocking(*static_cast<record*>(self->own.record()));
}
void strata_gc_blocking_end(strata_gc_mutator* self) { self->own.core().leave_blocking(); }

int strata_gc_check_depth(const strata_gc_mutator* self) {
  return told_by_errno(-1, [&] {
    self->own.check_depth();
    return 0;
  });
}

// ---- Roots

void** strata_gc_push(strata_gc_mutator* self, void* object) {
  return reinterpret_cast<void**>(push(self->own.state(), detail::address_of(object)));
}

int strata_gc_push_pinned(strata_gc_mutator* self, void* object) {
  detail::slot value = detail::address_of(object) | detail::pinned_slot;
  return push(self->own.state(), value) != nullptr ? 0 : -1;
}

void strata_gc_pop(strata_gc_mutator* self, size_t count) {
  detail::mutator_state& state = self->own.state();
  STRATA_CHECK(count <= static_cast<std::size_t>(state.top - record_of(self).stack));
  state.top -= count;
}

void strata_gc_enter(strata_gc_mutator* self, strata_gc_frame* frame) {
  detail::mutator_state& state = self->own.state();
  frame->caller = state.frames;
  state.frames = frame;
}

void strata_gc_leave(strata_gc_mutator* self, strata_gc_frame* frame) {
  self->own.state().frames = frame->caller;
}

strata_gc_global* strata_gc_global_create(strata_gc_heap* heap, void* object) {
  return told_by_errno(static_cast<strata_gc_global*>(nullptr), [&] {
    auto* made = new strata_gc_global(*heap);
    made->own.object = object;
    return made;
  });
}

void strata_gc_global_destroy(strata_gc_global* global) { delete global; }
void* strata_gc_global_get(const strata_gc_global* global) { return global->own.object; }
void strata_gc_global_set(strata_gc_global* global, void* object) { global->own.object = object; }

// ---- Weak references

void* strata_gc_weak_create(strata_gc_mutator* self, void* object) {
  return told_by_errno(static_cast<void*>(nullptr), [&] {
    local<std::byte> kept{self->own, static_cast<std::byte*>(object)};
    void* made = self->own.make_of(weak_type);
    *static_cast<void**>(made) = kept.get();
    return made;
  });
}

void* strata_gc_ephemeron_create(strata_gc_mutator* self, void* key, void* value) {
  return told_by_errno(static_cast<void*>(nullptr), [&] {
    local<std::byte> kept_key{self->own, static_cast<std::byte*>(key)};
    local<std::byte> kept_value{self->own, static_cast<std::byte*>(value)};
    void* made = self->own.make_of(ephemeron_type);
    static_cast<void**>(made)[0] = kept_key.get();
    static_cast<void**>(made)[1] = kept_value.get();
    return made;
  });
}

void* strata_gc_weak_get(strata_gc_mutator* self, const void* weak) {
  return detail::strengthened(self->own, reference_in(weak, 0));
}
void* strata_gc_ephemeron_key(strata_gc_mutator* self, const void* ephemeron) {
  return detail::strengthened(self->own, reference_in(ephemeron, 0));
}
void* strata_gc_ephemeron_value(strata_gc_mutator* self, const void* ephemeron) {
  void* value = reference_in(ephemeron, 1);
  return detail::strengthened_value(self->own, reference_in(ephemeron, 0), value);
}

void strata_gc_when_dead(strata_gc_mutator* self, void* object, void (*run)(void* context),
                         void* context) {
  detail::add_cleaner(self->own, object, {run, context});
}
