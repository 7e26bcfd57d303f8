// Kinds of objects that programs define, objects that say what they are, and calls for mark procedures.
#include <cstring>

#include "boehm/world.hpp"
#include "conservative/typed.hpp"

using namespace strata;
using boehm::the_world;
namespace kinds = conservative::kinds;

namespace {

// What libgc's lists of free objects are to programs: a thing to hand back. Ours are elsewhere.
void* no_list[1];

constexpr std::size_t closure_bytes = conservative::word_bytes;

struct closure {
  GC_finalization_proc call;
  void* data;
};

unsigned finalized_kind = 0;

// The low bit says that there is a closure: an object that is not made yet has none.
int call_closure(void* object) {
  auto word = *static_cast<std::uintptr_t*>(object);
  if ((word & 1) != 0) {
    const auto* what = base::pointer_to<const closure>(word & ~std::uintptr_t{1});
    what->call(static_cast<std::uintptr_t*>(object) + 1, what->data);
  }
  return 0;
}

}  // namespace

int GC_gcj_kind = 0;
int GC_gcj_debug_kind = 0;

STRATA_GC void** GC_new_free_list_inner() { return no_list; }
STRATA_GC void** GC_new_free_list() { return no_list; }

STRATA_GC unsigned GC_new_kind_inner(void**, GC_word word, int adds_size, int clears) {
  conservative::kind_table& table = the_world.heap.kinds();
  STRATA_CHECK(table.count < conservative::most_kinds);
  table.at[table.count] = {.word = word, .adds_size = adds_size != 0, .clears = clears != 0};
  return table.count++;
}
STRATA_GC unsigned GC_new_kind(void** list, GC_word word, int adds_size, int clears) {
  boehm::open_world();
  boehm::locked section;
  return GC_new_kind_inner(list, word, adds_size, clears);
}

STRATA_GC unsigned GC_new_proc_inner(conservative::mark_procedure call) {
  conservative::kind_table& table = the_world.heap.kinds();
  STRATA_CHECK(table.procedure_count < conservative::most_procedures);
  table.procedures[table.procedure_count] = call;
  return table.procedure_count++;
}
STRATA_GC unsigned GC_new_proc(conservative::mark_procedure call) {
  boehm::open_world();
  boehm::locked section;
  return GC_new_proc_inner(call);
}

STRATA_GC void* GC_mark_and_push(void* object, void* token, void*, void**) {
  static_cast<conservative::marker*>(token)->push(base::address_of(object));
  return token;
}
STRATA_GC void GC_push_all(void* from, void* to) {
  the_world.marker.scan_roots(from, to, conservative::marker::interior::as_heap);
}
STRATA_GC void GC_push_all_eager(void* from, void* to) {
  the_world.marker.scan_roots(from, to, conservative::marker::interior::any);
}
STRATA_GC void GC_push_conditional(void* from, void* to, int) { GC_push_all(from, to); }
STRATA_GC void GC_push_finalizer_structures() {
  the_world.finalization.add_roots(the_world.marker);
}

STRATA_GC int GC_is_marked(const void* object) {
  conservative::heap::object found = the_world.heap.find(base::address_of(object));
  return found.base != nullptr && the_world.heap.is_marked(found);
}
STRATA_GC void GC_set_mark_bit(const void* object) {
  conservative::heap::object found = the_world.heap.find(base::address_of(object));
  if (found.base != nullptr) the_world.heap.set_mark(found, true);
}
STRATA_GC void GC_clear_mark_bit(const void* object) {
  conservative::heap::object found = the_world.heap.find(base::address_of(object));
  if (found.base != nullptr) the_world.heap.set_mark(found, false);
}
STRATA_GC int GC_is_tmp_root(void*) { return 0; }
STRATA_GC void GC_enumerate_reachable_objects_inner(void (*visit)(void*, std::size_t, void*),
                                                    void* data) {
  the_world.heap.each(
      [](unsigned) { return true; },
      [&](const conservative::heap::object& each) { visit(each.base, each.bytes, data); });
}

// ---- Typed objects

STRATA_GC GC_word GC_make_descriptor(const GC_word* bits, std::size_t count) {
  boehm::open_world();
  boehm::locked section;
  return conservative::make_description(bits, count);
}

namespace {

void* allocate_typed(std::size_t bytes, GC_word description, boehm::references which) {
  std::size_t wanted = bytes + conservative::typed_extra_bytes - boehm::extra_bytes();
  if (wanted < bytes) wanted = ~std::size_t{0};
  void* object = boehm::allocate_large(wanted, kinds::typed, which);
  if (object != nullptr)
    conservative::describe(object, the_world.heap.find(base::address_of(object)).bytes,
                           description);
  return object;
}

}  // namespace

STRATA_GC void* GC_malloc_explicitly_typed(std::size_t bytes, GC_word description) {
  boehm::open_world();
  return allocate_typed(bytes, description, boehm::references::anywhere);
}
STRATA_GC void* GC_malloc_explicitly_typed_ignore_off_page(std::size_t bytes, GC_word description) {
  boehm::open_world();
  return allocate_typed(bytes, description, boehm::references::first_page);
}
STRATA_GC void* GC_calloc_explicitly_typed(std::size_t count, std::size_t element_bytes,
                                           GC_word description) {
  boehm::open_world();
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, element_bytes, &bytes) ||
      bytes > PTRDIFF_MAX - conservative::typed_array_extra_bytes)
    return GC_oom_fn(~std::size_t{0});
  void* object = boehm::allocate(
      bytes + conservative::typed_array_extra_bytes - boehm::extra_bytes(), kinds::typed_array);
  if (object != nullptr)
    conservative::describe_array(object, the_world.heap.find(base::address_of(object)).bytes,
                                 element_bytes, description);
  return object;
}

// ---- Objects of Java: the first word points to a table whose second word is the description

STRATA_GC void GC_init_gcj_malloc(int index, void* call) {
  boehm::open_world();
  boehm::locked section;
  if (GC_gcj_kind != 0) return;
  if (call != nullptr)
    the_world.heap.kinds()
        .procedures[static_cast<unsigned>(index) % conservative::most_procedures] =
        reinterpret_cast<conservative::mark_procedure>(call);
  constexpr auto word = static_cast<GC_word>(-static_cast<std::intptr_t>(
                            conservative::word_bytes + conservative::tag::in_place_bias)) |
                        conservative::tag::in_place;
  GC_gcj_kind = static_cast<int>(GC_new_kind_inner(no_list, word, 0, 1));
  GC_gcj_debug_kind = GC_gcj_kind;
}
STRATA_GC void* GC_gcj_malloc(std::size_t bytes, void* table) {
  void* object = GC_malloc_kind(bytes, GC_gcj_kind);
  if (object != nullptr) *static_cast<void**>(object) = table;
  return object;
}
STRATA_GC void* GC_gcj_malloc_ignore_off_page(std::size_t bytes, void* table) {
  return GC_gcj_malloc(bytes, table);
}
STRATA_GC void* GC_debug_gcj_malloc(std::size_t bytes, void* table, const char*, int) {
  return GC_gcj_malloc(bytes, table);
}

// ---- Objects that are told when they are taken back

STRATA_GC void GC_register_disclaim_proc(int kind, conservative::disclaim_procedure call,
                                         int marks_from_all) {
  boehm::open_world();
  boehm::locked section;
  conservative::kind& of =
      the_world.heap.kinds().at[static_cast<unsigned>(kind) % conservative::most_kinds];
  of.disclaim = call;
  of.marks_before_disclaim = marks_from_all != 0;
}
STRATA_GC void GC_init_finalized_malloc() {
  boehm::open_world();
  boehm::locked section;
  if (finalized_kind != 0) return;
  finalized_kind = GC_new_kind_inner(no_list, 0, 1, 1);
  conservative::kind& of = the_world.heap.kinds().at[finalized_kind];
  of.disclaim = call_closure;
  of.marks_before_disclaim = true;
  the_world.heap.allow_displacement(closure_bytes);
}
STRATA_GC void* GC_finalized_malloc(std::size_t bytes, const closure* what) {
  auto* words = static_cast<std::uintptr_t*>(
      GC_malloc_kind(bytes + closure_bytes, static_cast<int>(finalized_kind)));
  if (words == nullptr) return nullptr;
  *words = base::address_of(what) | 1;
  return words + 1;
}
