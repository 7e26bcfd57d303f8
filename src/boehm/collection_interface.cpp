// Collections: when, how often, who is told, what they found.
#include <cstdio>
#include <cstring>

#include "boehm/world.hpp"
#include "os/process.hpp"

using namespace strata;
using boehm::the_world;
using boehm::thread;

int GC_use_entire_heap = 0;
int GC_full_freq = 19;
int GC_dont_precollect = 0;
unsigned long GC_time_limit = 50;

namespace {

struct time_limit {
  unsigned long ms;
  unsigned long ns;
};
time_limit chosen_time_limit{50, 0};
int rate = 10;
int most_prior_attempts = 3;
int unmaps_on_collection = 0;
bool measures = false;
std::uint64_t measured_from_ns = 0;
GC_word allocated_per_finalizer = 10000;

void write_warning(char* message, GC_word argument) {
  char text[256];
  int length = std::snprintf(text, sizeof text, message, argument);
  if (length > 0) os::write_error(text, std::strlen(text));
}
void write_abort(const char* message) {
  if (message == nullptr) return;
  os::write_error(message, std::strlen(message));
  os::write_error("\n", 1);
}

constexpr std::size_t bytes_of(std::size_t blocks) { return blocks << conservative::block_shift; }

std::uint64_t allocated_since() {
  std::uint64_t bytes = the_world.heap.allocated_bytes_now();
  for (thread* each = the_world.threads.first(); each != nullptr; each = each->next)
    bytes += each->own.allocated_bytes;
  return bytes;
}

}  // namespace

STRATA_GC void GC_init() {
  if (the_world.warn == nullptr) the_world.warn = write_warning;
  boehm::open_world();
}
STRATA_GC int GC_is_init_called() { return the_world.is_open ? 1 : 0; }
STRATA_GC void GC_deinit() {}
STRATA_GC unsigned GC_get_version() { return 8U << 16 | 2U << 8 | 2U; }

STRATA_GC void GC_gcollect() {
  boehm::collect(boehm::whoever_has, the_world.stop_function,
                 unmaps_on_collection != 0 ? boehm::pages::all_go : boehm::pages::as_usual);
  boehm::finalize_or_tell();
}
STRATA_GC void GC_gcollect_and_unmap() {
  boehm::collect(boehm::whoever_has, nullptr, boehm::pages::all_go);
  boehm::finalize_or_tell();
}
STRATA_GC int GC_try_to_collect(GC_stop_func stop) {
  bool is_done = boehm::collect(boehm::whoever_has, stop);
  if (is_done) boehm::finalize_or_tell();
  return is_done ? 1 : 0;
}
STRATA_GC int GC_collect_a_little() {
  boehm::open_world();
  bool pays = false;
  {
    boehm::locked section;
    pays = GC_dont_gc == 0 && boehm::should_collect();
  }
  if (pays) GC_gcollect();
  return 0;
}
STRATA_GC void GC_enable() {
  boehm::locked section;
  --GC_dont_gc;
}
STRATA_GC void GC_disable() {
  boehm::locked section;
  ++GC_dont_gc;
}
STRATA_GC int GC_is_disabled() { return GC_dont_gc != 0; }

// Collections are never in pieces, and never of a part of the heap.
STRATA_GC void GC_enable_incremental() { boehm::open_world(); }
STRATA_GC int GC_is_incremental_mode() { return 0; }
STRATA_GC int GC_incremental_protection_needs() { return 0; }
STRATA_GC void GC_start_incremental_collection() {}
STRATA_GC void GC_set_manual_vdb_allowed(int) {}
STRATA_GC int GC_get_manual_vdb_allowed() { return 0; }
STRATA_GC void GC_change_stubborn(const void*) {}
STRATA_GC void GC_end_stubborn_change(const void*) {}
STRATA_GC void GC_ptr_store_and_dirty(void* place, const void* value) {
  *static_cast<const void**>(place) = value;
}

// ---- Roots

STRATA_GC void GC_add_roots(void* from, void* to) {
  boehm::open_world();
  boehm::locked section;
  STRATA_CHECK(
      the_world.roots.add({base::align_up(base::address_of(from), conservative::word_bytes),
                           base::align_down(base::address_of(to), conservative::word_bytes)}));
}
STRATA_GC void GC_remove_roots(void* from, void* to) {
  boehm::locked section;
  the_world.roots.remove_within({base::address_of(from), base::address_of(to)});
}
STRATA_GC void GC_clear_roots() {
  boehm::open_world();
  boehm::locked section;
  the_world.roots.clear();
}
STRATA_GC void GC_exclude_static_roots(void* from, void* to) {
  boehm::locked section;
  STRATA_CHECK(the_world.roots.exclude({base::address_of(from), base::address_of(to)}));
}
STRATA_GC void GC_clear_exclusion_table() {
  boehm::locked section;
  the_world.roots.clear_excluded();
}
STRATA_GC void GC_register_has_static_roots_callback(boehm::root_filter filter) {
  the_world.roots.filter = filter;
}
STRATA_GC void GC_set_no_dls(int to) { GC_no_dls = to; }
STRATA_GC int GC_get_no_dls() { return GC_no_dls; }
using roots_function = void (*)();
STRATA_GC void GC_set_push_other_roots(roots_function to) { GC_push_other_roots = to; }
STRATA_GC roots_function GC_get_push_other_roots() { return GC_push_other_roots; }

// ---- The heap's size

STRATA_GC int GC_expand_hp(std::size_t bytes) {
  boehm::open_world();
  boehm::locked section;
  // Not more than there is room for: a limit is a number of bytes, the heap one of blocks.
  return boehm::expand(base::align_down(bytes, conservative::block_bytes), 0) ? 1 : 0;
}
STRATA_GC void GC_set_max_heap_size(GC_word to) { the_world.most_bytes = to; }
STRATA_GC void GC_set_free_space_divisor(GC_word to) { GC_free_space_divisor = to; }
STRATA_GC GC_word GC_get_free_space_divisor() { return GC_free_space_divisor; }
STRATA_GC void GC_set_dont_expand(int to) { GC_dont_expand = to; }
STRATA_GC int GC_get_dont_expand() { return GC_dont_expand; }
STRATA_GC void GC_set_max_retries(GC_word to) { GC_max_retries = to; }
STRATA_GC GC_word GC_get_max_retries() { return GC_max_retries; }
STRATA_GC void GC_set_non_gc_bytes(GC_word to) { GC_non_gc_bytes = to; }
STRATA_GC GC_word GC_get_non_gc_bytes() { return GC_non_gc_bytes; }
STRATA_GC void GC_set_min_bytes_allocd(std::size_t to) { the_world.least_allocated_bytes = to; }
STRATA_GC std::size_t GC_get_min_bytes_allocd() { return the_world.least_allocated_bytes; }
STRATA_GC void GC_set_disable_automatic_collection(int to) {
  boehm::locked section;
  the_world.collects_by_itself = to == 0;
}
STRATA_GC int GC_get_disable_automatic_collection() { return the_world.collects_by_itself ? 0 : 1; }
STRATA_GC void GC_set_force_unmap_on_gcollect(int to) { unmaps_on_collection = to; }
STRATA_GC int GC_get_force_unmap_on_gcollect() { return unmaps_on_collection; }

// ---- Kept for who sets them; nothing depends on them

STRATA_GC void GC_set_full_freq(int to) { GC_full_freq = to; }
STRATA_GC int GC_get_full_freq() { return GC_full_freq; }
STRATA_GC void GC_set_time_limit(unsigned long to) { GC_time_limit = chosen_time_limit.ms = to; }
STRATA_GC unsigned long GC_get_time_limit() { return GC_time_limit; }
STRATA_GC void GC_set_time_limit_tv(time_limit to) {
  chosen_time_limit = to;
  GC_time_limit = to.ms;
}
STRATA_GC time_limit GC_get_time_limit_tv() { return chosen_time_limit; }
STRATA_GC void GC_set_rate(int to) { rate = to; }
STRATA_GC int GC_get_rate() { return rate; }
STRATA_GC void GC_set_max_prior_attempts(int to) { most_prior_attempts = to; }
STRATA_GC int GC_get_max_prior_attempts() { return most_prior_attempts; }
STRATA_GC void GC_set_dont_precollect(int to) { GC_dont_precollect = to; }
STRATA_GC int GC_get_dont_precollect() { return GC_dont_precollect; }
STRATA_GC void GC_set_find_leak(int to) { GC_find_leak = to; }
STRATA_GC int GC_get_find_leak() { return GC_find_leak; }
STRATA_GC void GC_set_allocd_bytes_per_finalizer(GC_word to) { allocated_per_finalizer = to; }
STRATA_GC GC_word GC_get_allocd_bytes_per_finalizer() { return allocated_per_finalizer; }
STRATA_GC void GC_set_pages_executable(int) {}
STRATA_GC int GC_get_pages_executable() { return 0; }
STRATA_GC void GC_set_log_fd(int) {}

// ---- Who is told

STRATA_GC void GC_set_oom_fn(GC_oom_func to) {
  boehm::locked section;
  GC_oom_fn = to;
}
STRATA_GC GC_oom_func GC_get_oom_fn() {
  boehm::locked section;
  return GC_oom_fn;
}
STRATA_GC void GC_set_warn_proc(GC_warn_proc to) {
  boehm::locked section;
  the_world.warn = to;
}
STRATA_GC GC_warn_proc GC_get_warn_proc() {
  boehm::locked section;
  return the_world.warn != nullptr ? the_world.warn : write_warning;
}
STRATA_GC void GC_ignore_warn_proc(char*, GC_word) {}
void (*GC_on_abort)(const char*) = write_abort;
using abort_listener = void (*)(const char*);
STRATA_GC void GC_set_abort_func(abort_listener to) { GC_on_abort = to; }
STRATA_GC abort_listener GC_get_abort_func() { return GC_on_abort; }
STRATA_GC void GC_abort_on_oom() {
  write_abort("Insufficient memory for the allocation");
  os::abort_process();
}
using resize_listener = void (*)(GC_word);
STRATA_GC void GC_set_on_heap_resize(resize_listener to) {
  boehm::locked section;
  GC_on_heap_resize = to;
}
STRATA_GC resize_listener GC_get_on_heap_resize() {
  boehm::locked section;
  return GC_on_heap_resize;
}
using event_listener = void (*)(gc_event);
STRATA_GC void GC_set_on_collection_event(event_listener to) {
  boehm::locked section;
  the_world.on_event = to;
}
STRATA_GC event_listener GC_get_on_collection_event() {
  boehm::locked section;
  return the_world.on_event;
}
using start_listener = void (*)();
STRATA_GC void GC_set_start_callback(start_listener to) {
  boehm::locked section;
  the_world.on_start = to;
}
STRATA_GC start_listener GC_get_start_callback() {
  boehm::locked section;
  return the_world.on_start;
}
STRATA_GC void GC_set_stop_func(GC_stop_func to) {
  boehm::locked section;
  the_world.stop_function = to;
}
STRATA_GC GC_stop_func GC_get_stop_func() {
  boehm::locked section;
  return the_world.stop_function != nullptr ? the_world.stop_function : [] { return 0; };
}

// ---- Figures

STRATA_GC GC_word GC_get_gc_no() { return GC_gc_no; }
STRATA_GC std::size_t GC_get_heap_size() { return bytes_of(the_world.heap.blocks().size()); }
STRATA_GC std::size_t GC_get_free_bytes() {
  auto& blocks = the_world.heap.blocks();
  return bytes_of(blocks.size() - blocks.used());
}
// Pages that went back to the system are told as free: they come again by themselves.
STRATA_GC std::size_t GC_get_unmapped_bytes() { return 0; }
STRATA_GC std::size_t GC_get_bytes_since_gc() { return allocated_since(); }
STRATA_GC std::size_t GC_get_expl_freed_bytes_since_gc() {
  return the_world.heap.count.released_bytes;
}
STRATA_GC std::size_t GC_get_total_bytes() {
  return the_world.heap.count.allocated_before + allocated_since();
}
STRATA_GC std::size_t GC_get_obtained_from_os_bytes() {
  auto& blocks = the_world.heap.blocks();
  return bytes_of(blocks.size()) + blocks.table_bytes();
}
STRATA_GC std::size_t GC_get_memory_use() {
  std::size_t bytes = 0;
  boehm::locked section;
  the_world.heap.each([](unsigned) { return true; },
                      [&](const conservative::heap::object& each) { bytes += each.bytes; });
  return bytes;
}
STRATA_GC std::size_t GC_get_size_map_at(int index) {
  if (index < 0 || static_cast<std::size_t>(index) > conservative::most_small_bytes)
    return ~std::size_t{0};
  return conservative::classes[conservative::class_for(static_cast<std::size_t>(index))].bytes;
}
STRATA_GC void GC_get_heap_usage_safe(GC_word* heap, GC_word* free, GC_word* unmapped,
                                      GC_word* since, GC_word* total) {
  boehm::locked section;
  auto put = [](GC_word* into, GC_word value) {
    if (into != nullptr) *into = value;
  };
  put(heap, GC_get_heap_size());
  put(free, GC_get_free_bytes());
  put(unmapped, GC_get_unmapped_bytes());
  put(since, allocated_since());
  put(total, GC_get_total_bytes());
}
STRATA_GC std::size_t GC_get_prof_stats_unsafe(void* into, std::size_t bytes) {
  const auto& count = the_world.heap.count;
  const GC_word figures[] = {GC_get_heap_size() + GC_get_unmapped_bytes(),
                             GC_get_free_bytes() + GC_get_unmapped_bytes(),
                             GC_get_unmapped_bytes(),
                             allocated_since(),
                             count.allocated_before,
                             GC_non_gc_bytes,
                             GC_gc_no,
                             0,
                             count.reclaimed_bytes,
                             count.reclaimed_before,
                             count.released_bytes,
                             GC_get_obtained_from_os_bytes()};
  std::memset(into, 0xff, bytes);
  std::size_t known = base::smaller(bytes, sizeof figures);
  std::memcpy(into, figures, known);
  return known;
}
STRATA_GC std::size_t GC_get_prof_stats(void* into, std::size_t bytes) {
  boehm::locked section;
  return GC_get_prof_stats_unsafe(into, bytes);
}
STRATA_GC void GC_incr_bytes_allocd(std::size_t bytes) {
  the_world.heap.count.allocated_bytes += bytes;
}
STRATA_GC void GC_incr_bytes_freed(std::size_t bytes) {
  the_world.heap.count.released_bytes += bytes;
}
STRATA_GC void GC_start_performance_measurement() {
  measures = true;
  measured_from_ns = the_world.collection_ns;
}
STRATA_GC unsigned long GC_get_full_gc_total_time() {
  return measures ? (the_world.collection_ns - measured_from_ns) / 1'000'000 : 0;
}
