// The public face: heap, mutator, blocking, globals.
#include "strata/gc/heap.hpp"

#include <cstring>
#include <memory>
#include <utility>

#include "base/check.hpp"
#include "gc/core.hpp"
#include "gc/object_inl.hpp"
#include "os/fork.hpp"
#include "os/memory.hpp"
#include "strata/gc/global.hpp"
#include "strata/gc/mutator.hpp"

namespace strata::gc {
namespace {

// What is kept free of a native stack for those who handle its overflow.
constexpr std::size_t stack_reserve_bytes = 128 * base::KiB;

// The calling thread's mutators. The barrier's slow path asks for them: no call to find the variable.
[[gnu::tls_model("initial-exec")]] thread_local constinit record* records_of_thread = nullptr;

record& record_of(mutator& self) { return *static_cast<record*>(self.record()); }

record* make_record(std::size_t most_locals) {
  std::size_t head = base::align_up(sizeof(record), alignof(detail::slot));
  std::size_t bytes = base::align_up(head + most_locals * sizeof(detail::slot), os::page_bytes());
  void* memory = os::map(bytes, os::page_bytes());
  if (memory == nullptr) throw std::bad_alloc();
  auto* made = ::new (memory) record;
  made->mapped_bytes = bytes;
  made->stack = reinterpret_cast<detail::slot*>(static_cast<std::byte*>(memory) + head);
  return made;
}

}  // namespace

heap_options options_for(preset purpose, std::size_t max_bytes) {
  heap_options made;
  made.max_bytes = max_bytes;
  switch (purpose) {
    case preset::throughput:
      made.plan = plan::immix;
      break;
    case preset::latency:
      made.plan = plan::generational_concurrent;
      made.young_bytes = base::MiB;
      break;
    case preset::small:
      made.plan = plan::immix;
      made.workers = 1;
      made.metaspace_max_bytes = 16 * base::MiB;
      made.direct_max_bytes = base::larger(max_bytes / 4, base::MiB);
      made.most_locals = 64 * base::KiB;
      break;
  }
  return made;
}

detail::core* detail::make_core(const heap_options& options, std::size_t header_bytes) {
  STRATA_CHECK(header_bytes == header::bytes);
  return new core(options);
}

heap::~heap() { delete core_; }
void heap::collect(collection kind) { core_->ensure_collected(nullptr, kind); }
std::size_t heap::run_cleaners() { return core_->weaks().run_due() + core_->direct().free_due(); }
heap_statistics heap::statistics() const { return core_->statistics(); }
void heap::verify() { core_->verify(nullptr); }

mutator::mutator(heap& of)
    : core_(&of.core()), record_(make_record(of.core().options().most_locals)) {
  auto& own = record_of(*this);
  state_.top = own.stack;
  state_.stack_limit = own.stack + core_->options().most_locals;
  os::stack_range room = os::room_of_stack();
  if (room.end != 0) state_.lowest_frame = room.start + stack_reserve_bytes;
  own.owner = core_;
  if (!own.log.open(core_->blocks().count() * detail::block_bytes / detail::word_bytes)) {
    os::release(&own, own.mapped_bytes);
    throw std::bad_alloc();
  }
  own.next_of_thread = std::exchange(records_of_thread, &own);
  core_->attach(*this, own);
}

mutator::~mutator() {
  auto& own = record_of(*this);
  core_->detach(own);
  auto** link = &records_of_thread;
  while (*link != &own) link = &(*link)->next_of_thread;
  *link = own.next_of_thread;
  std::size_t bytes = own.mapped_bytes;
  std::destroy_at(&own);
  os::release(&own, bytes);
}

void* mutator::make_of(const type& of, std::size_t count) {
  std::size_t payload = of.bytes;
  if (of.element_bytes != 0) {
    if (count > (~std::size_t{0} / 4) / of.element_bytes) detail::throw_out_of_memory();
    payload = detail::whole_words(payload + count * of.element_bytes);
  }
  std::size_t bytes = header::bytes + payload;
  void* object = bytes <= detail::most_small_bytes ? bump(bytes, of) : nullptr;
  if (object == nullptr) object = detail::allocate_slow(*this, bytes, of);
  std::memset(object, 0, payload);
  if (of.element_bytes != 0) *static_cast<std::size_t*>(object) = count;
  return object;
}

void mutator::collect(collection kind) { core_->ensure_collected(&record_of(*this), kind); }
std::size_t mutator::fail_after(std::size_t allocations) {
  return core_->fail_after(record_of(*this), allocations);
}
void mutator::verify() { core_->verify(&record_of(*this)); }

blocking::blocking(mutator& self) : self_(self) { self.core().enter_blocking(record_of(self)); }
blocking::~blocking() { self_.core().leave_blocking(); }

no_gc::no_gc(mutator& self) noexcept : self_(self) {
  record& own = record_of(self);
  if (own.no_gc++ == 0) self.core().world().call_always(own);
}
no_gc::~no_gc() {
  record& own = record_of(self_);
  if (--own.no_gc == 0) self_.core().world().call_when_stopping(own);
}

detail::global_node::global_node(detail::core& of) : owner(&of) { of.add(*this); }
detail::global_node::~global_node() { owner->remove(*this); }

void* detail::allocate_slow(mutator& self, std::size_t bytes, const type& of) {
  return self.core().allocate(self, bytes, of);
}
void detail::safepoint_slow(mutator& self) { self.core().pause(record_of(self)); }
void detail::throw_stack_overflow() { throw stack_overflow(); }
void detail::throw_out_of_memory() { throw out_of_memory(); }
void detail::log_field(void** field, void* value) noexcept {
  for (record* each = records_of_thread; each != nullptr; each = each->next_of_thread) {
    if (each->owner->blocks().has(field)) return each->owner->log(*each, field, value);
  }
  fatal(misuse::corrupt_metadata, field, 0, "stored to by a thread without a mutator");
}
void* detail::revived(mutator& self, void* object) noexcept {
  record& of = record_of(self);
  if (of.state->marking.load(std::memory_order_relaxed) == marking_now::clears)
    return self.core().has_died(object) ? nullptr : object;
  of.log.push({nullptr, object});
  return object;
}
void* detail::revived_value(mutator& self, void* key, void* value) noexcept {
  record& of = record_of(self);
  if (of.state->marking.load(std::memory_order_relaxed) == marking_now::clears)
    return key == nullptr || self.core().has_died(key) ? nullptr : value;
  of.log.push({nullptr, value});
  return value;
}
void detail::add_cleaner(mutator& self, void* object, cleaner then) {
  self.core().weaks().add(object, then);
}

}  // namespace strata::gc
