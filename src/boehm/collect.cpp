// One collection, and what follows from it for the program.
#include "boehm/world.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"

namespace strata::boehm {
namespace {

using conservative::marker;

void tell(gc_event event) {
  if (the_world.on_event != nullptr) the_world.on_event(event);
}

std::size_t scan_stack(std::uintptr_t top, std::uintptr_t base) {
  if (top >= base) return 0;
  the_world.marker.scan_roots(base::pointer_to(top), base::pointer_to(base), marker::interior::any);
  return base - top;
}

std::size_t scan_thread_data(const thread& of, const snapshot& loaded) {
  std::size_t bytes = 0;
  for (std::size_t at = 0; at < loaded.module_count; ++at) {
    os::data_range block = os::thread_block(of.pointer, loaded.modules[at]);
    bytes += scan_stack(block.from, block.to);
  }
  os::data_range control = os::control_block(of.pointer);
  return bytes + scan_stack(control.from, control.to);
}

std::size_t scan_thread(const thread& of, std::uintptr_t own_top, const snapshot& loaded) {
  the_world.marker.add_root(base::address_of(of.result), marker::interior::any);
  if (of.has_ended) return 0;
  std::uintptr_t top = &of == threads::self ? own_top
                       : of.blocked_at != 0 ? of.blocked_at
                                            : of.stopped_at.load(std::memory_order_relaxed);
  std::size_t bytes = scan_thread_data(of, loaded);
  if (of.blocked_at == 0 && of.signal_stack_end != 0) {
    // Where its own stack ends is not known.
    bytes += scan_stack(top, of.signal_stack_end);
    top = of.stack_low;
  }
  bytes += scan_stack(top, of.stack_base);
  for (const stack_section* at = of.outer; at != nullptr; at = at->outer)
    bytes += scan_stack(at->top, at->base);
  return bytes;
}

void mark(std::uintptr_t own_top, const snapshot& loaded) {
  the_world.heap.flush_shared();
  for (thread* each = the_world.threads.first(); each != nullptr; each = each->next)
    the_world.heap.flush(each->own);
  the_world.marker.begin();
  the_world.root_bytes = the_world.roots.scan(loaded, the_world.marker);
  for (thread* each = the_world.threads.first(); each != nullptr; each = each->next)
    the_world.root_bytes += scan_thread(*each, own_top, loaded);
  the_world.finalization.add_roots(the_world.marker);
  GC_push_other_roots();
  the_world.marker.drain();
}

// What was needed lately keeps its pages.
void give_back(pages then) {
  auto& blocks = the_world.heap.blocks();
  std::uint64_t& peak = the_world.recent_peak_blocks;
  if (then == pages::all_go)
    blocks.give_back_to(blocks.used());
  else if (blocks.backed() > peak)
    blocks.give_back_to(peak);
}

// What dead objects refer to whose kind wants to see it whole.
void mark_for_disclaimers() {
  auto& kinds = the_world.heap.kinds();
  the_world.heap.each([&](unsigned kind) { return kinds.at[kind].marks_before_disclaim; },
                      [](const conservative::heap::object& each) {
                        if (the_world.heap.is_marked(each)) return;
                        the_world.marker.push_contents(each);
                        the_world.marker.drain();
                      });
}

void finish(pages then) {
  auto& blocks = the_world.heap.blocks();
  std::uint64_t& peak = the_world.recent_peak_blocks;
  peak = base::larger(peak - peak / 8, blocks.used());
  mark_for_disclaimers();
  the_world.finalization.keeps_reachable = GC_java_finalization != 0;
  the_world.finalization.run(the_world.heap, the_world.marker, the_world.on_due);
  the_world.marker.end();
  tell(gc_event::reclaim_start);
  the_world.heap.sweep();
  give_back(then);
  tell(gc_event::reclaim_end);
}

// False when something was loaded since the snapshot.
bool stop_and_mark(std::uintptr_t own_top, const snapshot& loaded) {
  tell(gc_event::pre_stop_world);
  the_world.threads.stop();
  bool is_current = loaded.is_current();
  tell(gc_event::post_stop_world);
  if (is_current) {
    tell(gc_event::mark_start);
    mark(own_top, loaded);
    tell(gc_event::mark_end);
  }
  tell(gc_event::pre_start_world);
  the_world.threads.restart();
  tell(gc_event::post_start_world);
  return is_current;
}

enum class outcome { done, given_up, again };

// A frame of its own: what collect() has spilled lies above it.
STRATA_NOINLINE outcome collect_locked(GC_word seen, GC_stop_func stop, pages then,
                                       const snapshot& loaded) {
  if (seen != whoever_has && GC_gc_no != seen) return outcome::done;
  if (GC_dont_gc != 0 || the_world.is_collecting) return outcome::given_up;
  if (stop != nullptr && stop() != 0) return outcome::given_up;
  the_world.is_collecting = true;
  std::uint64_t began = os::monotonic_ns();
  tell(gc_event::start);
  if (the_world.on_start != nullptr) the_world.on_start();
  if (the_world.toggle != nullptr) the_world.finalization.ask(the_world.toggle);
  bool is_done = stop_and_mark(base::address_of(__builtin_frame_address(0)), loaded);
  if (is_done) {
    ++GC_gc_no;
    finish(then);
    tell(gc_event::end);
  }
  the_world.collection_ns += os::monotonic_ns() - began;
  the_world.is_collecting = false;
  return is_done ? outcome::done : outcome::again;
}

}  // namespace

STRATA_NOINLINE bool collect(GC_word seen, GC_stop_func stop, pages then) {
  // What callers have in registers goes on the stack.
  __builtin_unwind_init();
  if (known_self() == nullptr) return false;
  for (;;) {
    snapshot* loaded = snapshot::take(the_world.roots.filter);
    if (loaded == nullptr) return false;
    the_world.lock.lock();
    outcome result = collect_locked(seen, stop, then, *loaded);
    the_world.lock.unlock();
    loaded->release();
    if (result != outcome::again) return result == outcome::done;
  }
}

void finalize_or_tell() {
  static GC_word told_in = 0;
  static thread_local constinit bool is_finalizing = false;
  if (!the_world.finalization.is_due()) return;
  if (GC_finalize_on_demand == 0) {
    if (is_finalizing) return;
    is_finalizing = true;
    GC_invoke_finalizers();
    is_finalizing = false;
    return;
  }
  if (GC_finalizer_notifier == nullptr || told_in == GC_gc_no) return;
  told_in = GC_gc_no;
  GC_finalizer_notifier();
}

}  // namespace strata::boehm
