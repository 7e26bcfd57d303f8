// The names of <gc/gc.h>, <gc/gc_mark.h>, <gc/gc_typed.h>, <gc/gc_inline.h> and <gc/gc_disclaim.h>, version 8.2, as
// far as this folder refers to them itself. What each means is documented there; nothing of it is needed to build.
#pragma once

#include <cstddef>
#include <cstdint>

#define STRATA_GC extern "C" __attribute__((visibility("default")))

using GC_word = std::uintptr_t;
using GC_finalization_proc = void (*)(void* object, void* data);
using GC_oom_func = void* (*)(std::size_t bytes);
using GC_stop_func = int (*)();
using GC_warn_proc = void (*)(char* message, GC_word argument);
using GC_fn_type = void* (*)(void* data);
// As struct GC_stack_base.
struct gc_stack_base {
  void* address;
};

inline constexpr int GC_SUCCESS = 0;
inline constexpr int GC_DUPLICATE = 1;
inline constexpr int GC_NO_MEMORY = 2;
inline constexpr int GC_NOT_FOUND = 4;

// As GC_EventType has them.
enum class gc_event : int {
  start,
  mark_start,
  mark_end,
  reclaim_start,
  reclaim_end,
  end,
  pre_stop_world,
  post_stop_world,
  pre_start_world,
  post_start_world,
  thread_suspended,
  thread_unsuspended,
};

// Programs read and write these. A program that is linked without PIE has them in its own data: they are
// reached through the global offset table.
STRATA_GC GC_word GC_gc_no;
STRATA_GC GC_oom_func GC_oom_fn;
STRATA_GC void (*GC_on_heap_resize)(GC_word);
STRATA_GC int GC_find_leak;
STRATA_GC int GC_all_interior_pointers;
STRATA_GC int GC_finalize_on_demand;
STRATA_GC int GC_java_finalization;
STRATA_GC void (*GC_finalizer_notifier)();
STRATA_GC int GC_dont_gc;
STRATA_GC int GC_dont_expand;
STRATA_GC GC_word GC_non_gc_bytes;
STRATA_GC int GC_no_dls;
STRATA_GC GC_word GC_free_space_divisor;
STRATA_GC GC_word GC_max_retries;
STRATA_GC char* GC_stackbottom;
STRATA_GC void (*GC_push_other_roots)();
STRATA_GC void* GC_least_plausible_heap_addr;
STRATA_GC void* GC_greatest_plausible_heap_addr;
STRATA_GC int GC_parallel;
STRATA_GC int GC_use_entire_heap;
STRATA_GC int GC_full_freq;
STRATA_GC int GC_dont_precollect;
STRATA_GC unsigned long GC_time_limit;
STRATA_GC int GC_gcj_kind;
STRATA_GC int GC_gcj_debug_kind;
STRATA_GC void (*GC_on_abort)(const char* message);
STRATA_GC void (*GC_same_obj_print_proc)(void* first, void* second);
STRATA_GC void (*GC_is_valid_displacement_print_proc)(void* address);
STRATA_GC void (*GC_is_visible_print_proc)(void* place);
STRATA_GC const std::size_t GC_debug_header_size;

STRATA_GC void GC_init();
STRATA_GC void* GC_malloc(std::size_t bytes);
STRATA_GC void* GC_malloc_atomic(std::size_t bytes);
STRATA_GC void* GC_malloc_uncollectable(std::size_t bytes);
STRATA_GC void* GC_malloc_atomic_uncollectable(std::size_t bytes);
STRATA_GC void* GC_malloc_kind(std::size_t bytes, int kind);
STRATA_GC void* GC_realloc(void* object, std::size_t bytes);
STRATA_GC void* GC_memalign(std::size_t alignment, std::size_t bytes);
STRATA_GC void GC_free(void* object);
STRATA_GC void* GC_base(void* address);
STRATA_GC char* GC_strdup(const char* text);
STRATA_GC char* GC_strndup(const char* text, std::size_t most);
STRATA_GC int GC_invoke_finalizers();
