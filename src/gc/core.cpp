#include "gc/core.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "base/check.hpp"
#include "gc/object_inl.hpp"
#include "gc/verifier.hpp"
#include "os/process.hpp"

namespace strata::gc::detail {

namespace {

std::unique_ptr<plan_base> make_plan(core& of, plan which) {
  switch (which) {
    case plan::semispace:
      return make_semispace(of);
    case plan::mark_sweep:
      return make_immix(of, evacuation::never);
    case plan::immix:
      return make_immix(of, evacuation::when_fragmented);
    case plan::generational:
      return make_generational(of, marking::in_pauses);
    case plan::lisp2:
      return make_lisp2(of);
    case plan::compressor:
      return make_compressor(of);
    case plan::two_finger:
      return make_two_finger(of);
    case plan::generational_concurrent:
      break;
  }
  return make_generational(of, marking::concurrent);
}

}  // namespace

core::core(const heap_options& options) : options_(options) {
  // Twice for copying, and room to find runs for large objects in.
  std::size_t most = base::align_up(options.max_bytes, block_bytes);
  if (most < options.max_bytes || !blocks_.open(2 * (most / block_bytes) + 64))
    throw std::bad_alloc();
  if (!stack_.open(most / 4 + base::MiB) || !weaks_.open(most / 16 + base::MiB) ||
      !orphan_log_.open(blocks_.count() * block_bytes / word_bytes))
    throw std::bad_alloc();
  weaks_.add(types_);
  weaks_.add(direct_);
  plan_ = make_plan(*this, options.plan);
  if (!plan_->open()) throw std::bad_alloc();
  most_slot_bytes_ = plan_->most_slot_bytes();
}

core::~core() {
  STRATA_CHECK(world_.empty());
  STRATA_CHECK(globals_ == nullptr);
}

void core::attach(mutator& self, record& made) {
  made.state = &self.state();
  made.until_stress = options_.stress.collect_every;
  made.until_failure = options_.stress.fail_after;
  world_.attach(made);
}

void core::detach(record& removed) {
  removed.state->top = removed.stack;
  removed.state->frames = nullptr;
  {
    // Before it is gone, so that no collection comes in between.
    std::lock_guard guard{lock_};
    for (const logged& each : removed.log) orphan_log_.push(each);
    removed.log.clear();
    statistics_.allocated_bytes +=
        removed.allocated_bytes + static_cast<std::size_t>(removed.state->cursor - removed.buffer);
    removed.allocated_bytes = 0;
    removed.buffer = removed.state->cursor;
  }
  world_.detach(removed);
}

void core::add(global_node& added) {
  std::lock_guard guard{globals_lock_};
  added.next = globals_;
  if (globals_ != nullptr) globals_->previous = &added;
  globals_ = &added;
}

void core::remove(global_node& removed) {
  std::lock_guard guard{globals_lock_};
  if (removed.next != nullptr) removed.next->previous = removed.previous;
  (removed.previous != nullptr ? removed.previous->next : globals_) = removed.next;
}

void core::log(record& by, void** field, void* value) {
  // An old object that refers to another: nothing but a snapshot needs to know.
  if (detail::address_of(value) - blocks_.base() >= young_bytes_ &&
      by.state->marking.load(std::memory_order_relaxed) != marking_now::marks)
    return;
  std::uint64_t bit = std::uint64_t{1} << (detail::address_of(field) / word_bytes % 64);
  // relaxed: others store to neighbours of the field; two threads that race for this one both note it.
  std::atomic_ref<std::uint64_t>(log_word(field)).fetch_and(~bit, std::memory_order_relaxed);
  by.log.push({field, std::atomic_ref<void*>(*field).load(std::memory_order_relaxed)});
}

// ---- Allocation

void* core::allocate(mutator& self, std::size_t bytes, const type& of) {
  auto& own = *static_cast<record*>(self.record());
  check_may_collect(&own);
  if (failure_is_due(own)) throw_out_of_memory();
  collection kind = plan_->first_try();
  if (stress_is_due(own))
    collect(&own, ++own.stresses % 16 == 0 ? collection::full : kind, cause::stress);
  if (own.state->poll.load(std::memory_order_relaxed) != 0) pause(own);
  void* object = try_allocate(own, bytes);
  for (int failures = 0; object == nullptr;) {
    // A marking that was under way keeps what has died since it began, and only a further collection moves
    // what lies in its way.
    if (failures == 3) {
      if (options_.listener != nullptr) options_.listener->memory_is_exhausted(bytes);
      throw_out_of_memory();
    }
    request first{bytes, failures > 0};
    bool collected = collect(&own, kind, cause::no_room, &first);
    if (collected && kind == collection::full) ++failures;
    object = first.object != nullptr ? first.object : try_allocate(own, bytes);
    if (object == nullptr && collected) kind = failures == 0 ? plan_->next_try() : collection::full;
  }
  // A large object may have been marked already, by a plan that is marking.
  std::uint8_t mark = bytes > most_small_bytes ? header::mark(object) : std::uint8_t{0};
  header::start(object, &of);
  header::set_mark(object, mark);
  tell_growth();
  return object;
}

bool core::stress_is_due(record& of) {
  if (options_.stress.collect_every == 0 || --of.until_stress != 0) return false;
  of.until_stress = options_.stress.collect_every;
  return true;
}

bool core::failure_is_due(record& of) { return of.until_failure != 0 && --of.until_failure == 0; }

std::size_t core::fail_after(record& of, std::size_t allocations) {
  std::size_t before = std::exchange(of.until_failure, allocations);
  open_limit(of);
  return before;
}

void core::delay() const {
  if (options_.stress.delay_us == 0) return;
  static thread_local std::uint64_t seed = os::random_word();
  std::uint64_t us = base::mixed(seed++) % options_.stress.delay_us;
  std::this_thread::sleep_for(std::chrono::microseconds(us));
}

void core::pause(record& of) {
  check_may_collect(&of);
  delay();
  world_.pause();
}

void core::enter_blocking(record& of) {
  check_may_collect(&of);
  delay();
  world_.enter_blocking();
}

void core::leave_blocking() {
  world_.leave_blocking();
  delay();
}

void* core::try_allocate(record& of, std::size_t bytes) {
  if (bytes > most_small_bytes) return try_large(bytes);
  bool is_slot = bytes <= most_slot_bytes_;
  std::byte* at = is_slot ? take_slot(of, bytes) : bump_or_refill(of, bytes);
  open_limit(of);
  return at == nullptr ? nullptr : at + header::bytes;
}

void core::open_limit(record& of) {
  // Under stress each allocation comes here, and so it does where objects are told apart by size.
  bool comes_here =
      options_.stress.collect_every != 0 || of.until_failure != 0 || most_slot_bytes_ != 0;
  std::byte* limit = comes_here ? nullptr : of.buffer_end;
  // seq_cst: see world::stop.
  of.state->limit.store(limit, std::memory_order_seq_cst);
  if (of.state->poll.load(std::memory_order_seq_cst) != 0)
    of.state->limit.store(nullptr, std::memory_order_relaxed);
}

std::byte* core::take_slot(record& of, std::size_t bytes) {
  bump_range& slots = of.slots[bytes / word_bytes];
  std::byte* at = slots.take(bytes);
  if (at == nullptr) {
    slots = plan_->refill_slots(bytes);
    at = slots.take(bytes);
  }
  if (at != nullptr) of.allocated_bytes += bytes;
  return at;
}

std::byte* core::bump_or_refill(record& of, std::size_t bytes) {
  std::byte*& cursor = of.state->cursor;
  auto room = static_cast<std::size_t>(of.buffer_end - cursor);
  if (room >= bytes) {
    std::byte* at = cursor;
    cursor += bytes;
    return at;
  }
  bool medium = bytes >= medium_bytes && room >= medium_bytes;
  if (medium && static_cast<std::size_t>(of.medium_end - of.medium) >= bytes) {
    std::byte* at = of.medium;
    of.medium += bytes;
    return at;
  }
  bump_range fresh = plan_->refill(of, bytes);
  std::byte* at = fresh.take(bytes);
  if (at == nullptr) return nullptr;
  if (medium) {
    of.allocated_bytes += static_cast<std::size_t>(fresh.end - at);
    of.medium = fresh.cursor;
    of.medium_end = fresh.end;
  } else {
    of.allocated_bytes += static_cast<std::size_t>(cursor - of.buffer);
    of.buffer = at;
    of.buffer_end = fresh.end;
    cursor = fresh.cursor;
  }
  return at;
}

void* core::try_large(std::size_t bytes) {
  std::byte* at = plan_->take_large(bytes);
  if (at == nullptr) return nullptr;
  std::lock_guard guard{lock_};
  statistics_.allocated_bytes += bytes;
  return at + header::bytes;
}

// ---- Collection

void core::give_up_buffers() {
  std::lock_guard guard{lock_};
  world_.each([this](record& of) {
    statistics_.allocated_bytes +=
        of.allocated_bytes + static_cast<std::size_t>(of.state->cursor - of.buffer);
    of.allocated_bytes = 0;
    of.state->cursor = of.buffer = of.buffer_end = of.medium = of.medium_end = nullptr;
    of.cursor = {};
    of.slots = {};
    ++of.state->collections;
  });
}

// Collections that make little room follow each other the sooner: one that compacts costs two of them.
effort core::effort_for(const request* first) const {
  if (options_.stress.compact_always) return effort::last_resort;
  if (first == nullptr) return effort::usual;
  std::uint64_t came = statistics_.allocated_bytes - allocated_at_full_bytes_;
  std::uint64_t room =
      options_.max_bytes - base::smaller(options_.max_bytes, statistics_.live_bytes);
  return first->after_failure || came < room / 4 ? effort::last_resort : effort::usual;
}

void core::zero_behind_roots() {
  each_global([](global_node& at) {
    std::fill(at.end, at.limit, nullptr);
    at.limit = at.end;
  });
}

bool core::collect(record* self, collection kind, cause why, request* first) {
  check_may_collect(self);
  delay();
  std::uint64_t asked_ns = os::monotonic_ns();
  if (!world_.stop(self)) return false;
  collection_end what{.kind = kind, .why = why, .stop_ns = os::monotonic_ns() - asked_ns};
  give_up_buffers();
  plan_->trying = effort_for(first);
  collect_stopped(what);
  // A large object is zeroed, which others need not wait for before it is the last try.
  if (first != nullptr && (first->bytes <= most_small_bytes || kind == collection::full))
    first->object = try_allocate(*self, first->bytes);
  what.pause_ns = os::monotonic_ns() - asked_ns;
  bool knows_live = what.kind == collection::full || what.live_bytes != statistics_.live_bytes;
  heap_shortage shortage{static_cast<std::size_t>(plan_->needed_bytes()), options_.max_bytes};
  bool is_short = knows_live && shortage.needed_bytes > options_.max_bytes / 10 * 9;
  {
    std::lock_guard guard{lock_};
    ++(what.kind == collection::full ? statistics_.full_collections
                                     : statistics_.young_collections);
    statistics_.pauses.add(what.pause_ns);
    statistics_.moved_bytes = plan_->moved_bytes;
    statistics_.promoted_bytes = plan_->promoted_bytes;
    statistics_.concurrent_markings = plan_->concurrent_markings;
    statistics_.live_bytes = what.live_bytes;
  }
  world_.restart(self);
  if (options_.listener != nullptr) {
    options_.listener->collection_ends(what);
    if (is_short) options_.listener->memory_is_short(shortage);
  }
  return true;
}

void core::ensure_collected(record* self, collection kind) {
  auto full_ends = [this] {
    std::lock_guard guard{lock_};
    return statistics_.full_collections;
  };
  std::uint64_t before = full_ends();
  while (!collect(self, kind, cause::asked))
    if (kind == collection::young || full_ends() != before) return;
}

void core::collect_stopped(collection_end& what) {
  zero_behind_roots();
  what.number = statistics_.young_collections + statistics_.full_collections + 1;
  what.held_before_bytes = blocks_.used() * block_bytes;
  if (options_.listener != nullptr)
    options_.listener->collection_begins(
        {what.number, what.kind, what.why, what.held_before_bytes});
  if (options_.stress.verify) verify_heap(*this);
  what.kind = plan_->collect(what.kind);
  if (what.kind == collection::full) allocated_at_full_bytes_ = statistics_.allocated_bytes;
  stack_.trim();
  if (options_.stress.verify) verify_heap(*this);
  what.held_after_bytes = blocks_.used() * block_bytes;
  what.moved_bytes = plan_->moved_bytes - statistics_.moved_bytes;
  what.promoted_bytes = plan_->promoted_bytes - statistics_.promoted_bytes;
  what.live_bytes = plan_->live_bytes;
  what.step = plan_->step;
}

void core::tell_growth() {
  if (options_.listener == nullptr) return;
  // relaxed: of two threads that see the same growth one tells it.
  std::size_t now = blocks_.committed();
  std::size_t told = told_blocks_.load(std::memory_order_relaxed);
  while (told < now) {
    if (!told_blocks_.compare_exchange_weak(told, now, std::memory_order_relaxed)) continue;
    options_.listener->heap_grows({told * block_bytes, now * block_bytes});
    return;
  }
}

void core::verify(record* self) {
  check_may_collect(self);
  while (!world_.stop(self)) continue;
  verify_heap(*this);
  world_.restart(self);
}

heap_statistics core::statistics() {
  std::lock_guard guard{lock_};
  heap_statistics now = statistics_;
  now.held_bytes = blocks_.used() * block_bytes;
  now.committed_bytes = blocks_.committed() * block_bytes;
  return now;
}

}  // namespace strata::gc::detail
