// The names of libgc's debugging allocation: objects as others are, with nothing before or behind them.
#include <cstdio>
#include <cstring>

#include "boehm/world.hpp"
#include "os/process.hpp"

using namespace strata;
using boehm::the_world;

STRATA_GC void* GC_malloc_ignore_off_page(std::size_t bytes);
STRATA_GC void* GC_malloc_atomic_ignore_off_page(std::size_t bytes);
STRATA_GC void* GC_generic_or_special_malloc(std::size_t bytes, int kind);
STRATA_GC void GC_register_displacement(std::size_t bytes);
STRATA_GC void GC_register_finalizer(void*, GC_finalization_proc, void*, GC_finalization_proc*,
                                     void**);
STRATA_GC void GC_register_finalizer_ignore_self(void*, GC_finalization_proc, void*,
                                                 GC_finalization_proc*, void**);
STRATA_GC void GC_register_finalizer_no_order(void*, GC_finalization_proc, void*,
                                              GC_finalization_proc*, void**);
STRATA_GC void GC_register_finalizer_unreachable(void*, GC_finalization_proc, void*,
                                                 GC_finalization_proc*, void**);

const std::size_t GC_debug_header_size = 0;
STRATA_GC std::size_t GC_get_debug_header_size() { return GC_debug_header_size; }

STRATA_GC void* GC_debug_malloc(std::size_t bytes, const char*, int) { return GC_malloc(bytes); }
STRATA_GC void* GC_debug_malloc_atomic(std::size_t bytes, const char*, int) {
  return GC_malloc_atomic(bytes);
}
STRATA_GC void* GC_debug_malloc_uncollectable(std::size_t bytes, const char*, int) {
  return GC_malloc_uncollectable(bytes);
}
STRATA_GC void* GC_debug_malloc_atomic_uncollectable(std::size_t bytes, const char*, int) {
  return GC_malloc_atomic_uncollectable(bytes);
}
STRATA_GC void* GC_debug_malloc_stubborn(std::size_t bytes, const char*, int) {
  return GC_malloc(bytes);
}
STRATA_GC void* GC_debug_malloc_ignore_off_page(std::size_t bytes, const char*, int) {
  return GC_malloc_ignore_off_page(bytes);
}
STRATA_GC void* GC_debug_malloc_atomic_ignore_off_page(std::size_t bytes, const char*, int) {
  return GC_malloc_atomic_ignore_off_page(bytes);
}
STRATA_GC void* GC_debug_generic_or_special_malloc(std::size_t bytes, int kind, const char*, int) {
  return GC_generic_or_special_malloc(bytes, kind);
}
STRATA_GC char* GC_debug_strdup(const char* text, const char*, int) { return GC_strdup(text); }
STRATA_GC char* GC_debug_strndup(const char* text, std::size_t most, const char*, int) {
  return GC_strndup(text, most);
}
STRATA_GC void* GC_debug_realloc(void* object, std::size_t bytes, const char*, int) {
  return GC_realloc(object, bytes);
}
STRATA_GC void GC_debug_free(void* object) { GC_free(object); }
STRATA_GC void* GC_debug_malloc_replacement(std::size_t bytes) { return GC_malloc(bytes); }
STRATA_GC void* GC_debug_realloc_replacement(void* object, std::size_t bytes) {
  return GC_realloc(object, bytes);
}
STRATA_GC void GC_debug_change_stubborn(const void*) {}
STRATA_GC void GC_debug_end_stubborn_change(const void*) {}
STRATA_GC void GC_debug_ptr_store_and_dirty(void* place, const void* value) {
  *static_cast<const void**>(place) = value;
}
STRATA_GC void GC_debug_register_displacement(std::size_t bytes) {
  GC_register_displacement(bytes);
}
STRATA_GC void GC_debug_register_finalizer(void* object, GC_finalization_proc call, void* data,
                                           GC_finalization_proc* old_call, void** old_data) {
  GC_register_finalizer(object, call, data, old_call, old_data);
}
STRATA_GC void GC_debug_register_finalizer_ignore_self(void* object, GC_finalization_proc call,
                                                       void* data, GC_finalization_proc* old_call,
                                                       void** old_data) {
  GC_register_finalizer_ignore_self(object, call, data, old_call, old_data);
}
STRATA_GC void GC_debug_register_finalizer_no_order(void* object, GC_finalization_proc call,
                                                    void* data, GC_finalization_proc* old_call,
                                                    void** old_data) {
  GC_register_finalizer_no_order(object, call, data, old_call, old_data);
}
STRATA_GC void GC_debug_register_finalizer_unreachable(void* object, GC_finalization_proc call,
                                                       void* data, GC_finalization_proc* old_call,
                                                       void** old_data) {
  GC_register_finalizer_unreachable(object, call, data, old_call, old_data);
}
STRATA_GC void GC_register_describe_type_fn(int, void (*)(void*, char*)) {}

// ---- Checks of pointers, which programs that ask for them call

namespace {

void stop_for(const char* what, const void* first, const void* second) {
  char text[160];
  int length = std::snprintf(text, sizeof text, "strata: %s: %p, %p\n", what, first, second);
  if (length > 0) os::write_error(text, static_cast<std::size_t>(length));
  os::abort_process();
}

}  // namespace

void (*GC_same_obj_print_proc)(void*, void*) = [](void* a, void* b) {
  stop_for("not in the same object", a, b);
};
void (*GC_is_valid_displacement_print_proc)(void*) = [](void* a) {
  stop_for("no reference to an object", a, nullptr);
};
void (*GC_is_visible_print_proc)(void*) = [](void* a) {
  stop_for("not where the collector looks", a, nullptr);
};

STRATA_GC void* GC_same_obj(void* first, void* second) {
  if (GC_base(first) != GC_base(second)) GC_same_obj_print_proc(first, second);
  return first;
}
STRATA_GC void* GC_pre_incr(void** pointer, std::ptrdiff_t by) {
  void* moved = GC_same_obj(static_cast<char*>(*pointer) + by, *pointer);
  return *pointer = moved;
}
STRATA_GC void* GC_post_incr(void** pointer, std::ptrdiff_t by) {
  void* before = *pointer;
  *pointer = GC_same_obj(static_cast<char*>(before) + by, before);
  return before;
}
STRATA_GC void* GC_is_valid_displacement(void* address) {
  void* base = GC_base(address);
  if (base != nullptr &&
      !the_world.heap.is_allowed(base::address_of(address) - base::address_of(base)))
    GC_is_valid_displacement_print_proc(address);
  return address;
}
STRATA_GC void* GC_is_visible(void* place) { return place; }
STRATA_GC void* GC_clear_stack(void* result) { return result; }
STRATA_GC void GC_noop1(GC_word) {}

// ---- Reports

STRATA_GC void GC_dump_named(const char* name) {
  const auto& count = the_world.heap.count;
  auto& blocks = the_world.heap.blocks();
  char text[512];
  int length = std::snprintf(
      text, sizeof text,
      "***GC Dump %s\ncollections %lu, heap %zu KiB, in use %zu KiB, live after the last %lu KiB, "
      "roots %zu KiB\n"
      "finalizers %zu, due %zu, cycles %zu, links %zu short %zu long\n",
      name != nullptr ? name : "", GC_gc_no,
      blocks.size() * (conservative::block_bytes / base::KiB),
      blocks.used() * (conservative::block_bytes / base::KiB), count.live_bytes / base::KiB,
      the_world.root_bytes / base::KiB, the_world.finalization.size(), the_world.finalization.due(),
      the_world.finalization.cycles(), the_world.finalization.short_links.size(),
      the_world.finalization.long_links.size());
  if (length > 0)
    os::write_error(text, base::smaller(static_cast<std::size_t>(length), sizeof text - 1));
}
STRATA_GC void GC_dump() {
  boehm::locked section;
  GC_dump_named(nullptr);
}
STRATA_GC void GC_dump_regions() { GC_dump(); }
STRATA_GC void GC_dump_finalization() { GC_dump(); }
