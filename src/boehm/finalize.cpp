// Finalizers and links that disappear.
#include "boehm/world.hpp"

using namespace strata;
using boehm::the_world;
using conservative::finalizer;
using conservative::linked;
using conservative::order;

namespace {

// Entries of the dead go before a large table grows: a program that makes links all the time, and little else, is not
// told of the dead otherwise until the heap is full.
template <class Table>
void make_room(Table& in) {
  GC_word seen = 0;
  {
    boehm::locked section;
    if (!in.is_full_and_large() || GC_dont_gc != 0) return;
    seen = GC_gc_no;
  }
  boehm::collect(seen, the_world.stop_function);
  boehm::locked section;
  in.grow_unless_sparse();
}

void register_finalizer(void* object, GC_finalization_proc call, void* data,
                        GC_finalization_proc* old_call, void** old_data, order by) {
  boehm::open_world();
  finalizer before;
  bool is_ours = false;
  bool is_set = true;
  make_room(the_world.finalization);
  {
    boehm::locked section;
    // Links and finalizers are those of an object's first address: also of one that begins within its slot.
    is_ours = the_world.heap.find(base::address_of(object)).base != nullptr;
    if (is_ours)
      is_set = the_world.finalization.set({base::address_of(object), call, data, by}, before);
  }
  if (!is_set) {
    GC_oom_fn(sizeof(finalizer));
    return;
  }
  if (old_call != nullptr) *old_call = before.call;
  if (old_data != nullptr) *old_data = before.data;
}

int result_of(linked what) {
  switch (what) {
    case linked::added:
    case linked::moved:
      return GC_SUCCESS;
    case linked::again:
      return GC_DUPLICATE;
    case linked::not_found:
      return GC_NOT_FOUND;
    default:
      return GC_NO_MEMORY;
  }
}

int add_link(conservative::links& to, void** link, const void* object) {
  boehm::open_world();
  make_room(to);
  boehm::locked section;
  return result_of(to.add(link, object));
}
int remove_link(conservative::links& from, void** link) {
  boehm::open_world();
  boehm::locked section;
  return from.remove(link) ? 1 : 0;
}
int move_link(conservative::links& in, void** from, void** to) {
  boehm::open_world();
  boehm::locked section;
  return result_of(in.move(from, to));
}

}  // namespace

STRATA_GC void GC_register_finalizer(void* object, GC_finalization_proc call, void* data,
                                     GC_finalization_proc* old_call, void** old_data) {
  register_finalizer(object, call, data, old_call, old_data, order::before_what_it_refers_to);
}
STRATA_GC void GC_register_finalizer_ignore_self(void* object, GC_finalization_proc call,
                                                 void* data, GC_finalization_proc* old_call,
                                                 void** old_data) {
  register_finalizer(object, call, data, old_call, old_data, order::ignoring_itself);
}
STRATA_GC void GC_register_finalizer_no_order(void* object, GC_finalization_proc call, void* data,
                                              GC_finalization_proc* old_call, void** old_data) {
  register_finalizer(object, call, data, old_call, old_data, order::none);
}
STRATA_GC void GC_register_finalizer_unreachable(void* object, GC_finalization_proc call,
                                                 void* data, GC_finalization_proc* old_call,
                                                 void** old_data) {
  register_finalizer(object, call, data, old_call, old_data, order::unreachable);
}

STRATA_GC int GC_should_invoke_finalizers() { return the_world.finalization.is_due() ? 1 : 0; }
STRATA_GC int GC_invoke_finalizers() {
  int count = 0;
  for (finalizer next;; ++count) {
    {
      boehm::locked section;
      if (!the_world.finalization.take_due(next)) return count;
    }
    next.call(base::pointer_to(next.key), next.data);
  }
}
STRATA_GC void GC_finalize_all() {
  boehm::open_world();
  for (;;) {
    {
      boehm::locked section;
      the_world.finalization.make_all_due();
    }
    if (GC_invoke_finalizers() == 0) return;
  }
}

STRATA_GC int GC_general_register_disappearing_link(void** link, const void* object) {
  return add_link(the_world.finalization.short_links, link, object);
}
STRATA_GC int GC_register_disappearing_link(void** link) {
  return GC_general_register_disappearing_link(link, GC_base(link));
}
STRATA_GC int GC_move_disappearing_link(void** from, void** to) {
  return move_link(the_world.finalization.short_links, from, to);
}
STRATA_GC int GC_unregister_disappearing_link(void** link) {
  return remove_link(the_world.finalization.short_links, link);
}
STRATA_GC int GC_register_long_link(void** link, const void* object) {
  return add_link(the_world.finalization.long_links, link, object);
}
STRATA_GC int GC_move_long_link(void** from, void** to) {
  return move_link(the_world.finalization.long_links, from, to);
}
STRATA_GC int GC_unregister_long_link(void** link) {
  return remove_link(the_world.finalization.long_links, link);
}

STRATA_GC void GC_set_finalize_on_demand(int to) { GC_finalize_on_demand = to; }
STRATA_GC int GC_get_finalize_on_demand() { return GC_finalize_on_demand; }
STRATA_GC void GC_set_java_finalization(int to) { GC_java_finalization = to; }
STRATA_GC int GC_get_java_finalization() { return GC_java_finalization; }
STRATA_GC void GC_set_finalizer_notifier(void (*to)()) {
  boehm::locked section;
  GC_finalizer_notifier = to;
}
using notifier = void (*)();
STRATA_GC notifier GC_get_finalizer_notifier() {
  boehm::locked section;
  return GC_finalizer_notifier;
}
using due_listener = void (*)(void* object);
STRATA_GC void GC_set_await_finalize_proc(due_listener to) {
  boehm::locked section;
  the_world.on_due = to;
}
STRATA_GC due_listener GC_get_await_finalize_proc() {
  boehm::locked section;
  return the_world.on_due;
}

// ---- References that are toggled

STRATA_GC void GC_set_toggleref_func(conservative::toggle_function to) {
  boehm::locked section;
  the_world.toggle = to;
}
STRATA_GC conservative::toggle_function GC_get_toggleref_func() {
  boehm::locked section;
  return the_world.toggle;
}
STRATA_GC int GC_toggleref_add(void* object, int is_strong) {
  boehm::open_world();
  boehm::locked section;
  if (the_world.toggle == nullptr) return GC_SUCCESS;
  return the_world.finalization.toggle(
             object, is_strong != 0 ? conservative::toggled::strong : conservative::toggled::weak)
             ? GC_SUCCESS
             : GC_NO_MEMORY;
}
