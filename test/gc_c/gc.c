/* Each function of strata/gc.h, called from C11, and what compiled code does by the offsets alone. Heaps collect at
 * each few allocations, and objects' old places are inaccessible. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strata/gc.h>
#include <string.h>

#define CHECK(holds)                                                  \
  do {                                                                \
    if (!(holds)) {                                                   \
      fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #holds); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

struct node {
  struct node* next;
  struct node* other;
  long key;
};
static strata_gc_type* node_type;
static strata_gc_type* row_type;  /* of references */
static strata_gc_type* text_type; /* of bytes */
static strata_gc_type* pair_type; /* of structures with a reference */
static strata_gc_type* wide_type; /* too long for a map of one word */

static void make_types(void) {
  static const uint32_t both[] = {0, 8};
  static const char* const names[] = {"next", "other"};
  static const uint32_t first[] = {0};
  static const uint32_t second[] = {8};
  static const uint32_t far[] = {1000, 1992};
  node_type = strata_gc_type_create(
      &(strata_gc_type_options){"node", sizeof(struct node), 0, both, 2, names});
  row_type = strata_gc_type_create(&(strata_gc_type_options){"row", 0, 8, first, 1, NULL});
  text_type = strata_gc_type_create(&(strata_gc_type_options){"text", 0, 1, NULL, 0, NULL});
  pair_type = strata_gc_type_create(&(strata_gc_type_options){"pairs", 0, 16, second, 1, NULL});
  wide_type = strata_gc_type_create(&(strata_gc_type_options){"wide", 2000, 0, far, 2, NULL});
  CHECK(node_type && row_type && text_type && pair_type && wide_type);

  static const uint32_t odd[] = {4};
  static const uint32_t behind[] = {24};
  const strata_gc_type_options wrong[] = {
      {"nothing", 0, 0, NULL, 0, NULL},       {"both", 8, 8, NULL, 0, NULL},
      {"odd", 16, 0, odd, 1, NULL},           {"behind", 24, 0, behind, 1, NULL},
      {"uneven", 0, 12, first, 1, NULL},      {"long element", 0, 520, first, 1, NULL},
      {"endless", SIZE_MAX, 0, NULL, 0, NULL}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    errno = 0;
    CHECK(strata_gc_type_create(&wrong[i]) == NULL && errno == EINVAL);
  }
}

static strata_gc_heap* stressed(int plan, size_t every) {
  strata_gc_options options = {.max_bytes = 16 << 20,
                               .plan = plan,
                               .stress_collect_every = every,
                               .stress_protect_moved = 1,
                               .stress_verify = 1};
  strata_gc_heap* made = strata_gc_heap_create(&options);
  CHECK(made != NULL);
  return made;
}

/* A list whose length is in its head, the head in a slot. */
static void** push_list(strata_gc_mutator* self, long length) {
  void** head = strata_gc_push(self, NULL);
  CHECK(head != NULL);
  for (long key = 1; key <= length; ++key) {
    struct node* made = strata_gc_allocate(self, node_type, 0);
    CHECK(made != NULL && made->key == 0 && strata_gc_type_of(made) == node_type);
    made->key = key;
    strata_gc_store(&made->next, *head);
    *head = made;
  }
  return head;
}
static void check_list(const struct node* head, long length) {
  for (; length > 0; --length, head = head->next) CHECK(head != NULL && head->key == length);
  CHECK(head == NULL);
}

static void objects_of_each_type(int plan) {
  strata_gc_heap* heap = stressed(plan, 5);
  strata_gc_mutator* self = strata_gc_attach(heap);
  void** list = push_list(self, 100);
  void** row = strata_gc_push(self, strata_gc_allocate(self, row_type, 1000));
  void** pairs = strata_gc_push(self, strata_gc_allocate(self, pair_type, 1000));
  void** wide = strata_gc_push(self, strata_gc_allocate(self, wide_type, 0));
  for (size_t i = 0; i < 1000; ++i) {
    void* text = strata_gc_allocate(self, text_type, i);
    CHECK(*(size_t*)text == i);
    memset((char*)text + 8, (int)i, i);
    strata_gc_store((void**)*row + 1 + i, text);
    strata_gc_store((void**)*pairs + 1 + 2 * i + 1, text);
    if (i == 500) strata_gc_store((void**)*wide + 125, text);
    if (i == 501) strata_gc_store((void**)*wide + 249, text);
  }
  strata_gc_collect(heap, self, STRATA_GC_YOUNG);
  strata_gc_collect(heap, self, STRATA_GC_FULL);
  strata_gc_verify(heap, self);
  for (size_t i = 0; i < 1000; ++i) {
    char* text = ((void**)*row)[1 + i];
    CHECK(*(size_t*)text == i && (i == 0 || text[8 + i - 1] == (char)i));
    CHECK(((void**)*pairs)[1 + 2 * i + 1] == text);
  }
  CHECK(((void**)*wide)[125] == ((void**)*row)[501] && ((void**)*wide)[249] == ((void**)*row)[502]);
  check_list(*list, 100);
  strata_gc_pop(self, 4);
  strata_gc_detach(self);
  strata_gc_heap_destroy(heap);
}

static void errors_are_told(int plan) {
  errno = 0;
  CHECK(strata_gc_heap_create(&(strata_gc_options){.plan = 77}) == NULL && errno == EINVAL);
  for (int purpose = STRATA_GC_THROUGHPUT; purpose <= STRATA_GC_SMALL; ++purpose) {
    strata_gc_options chosen;
    CHECK(strata_gc_options_preset(&chosen, purpose, 8 << 20) == 0 && chosen.max_bytes == 8 << 20);
    strata_gc_heap* made = strata_gc_heap_create(&chosen);
    CHECK(made != NULL);
    strata_gc_heap_destroy(made);
  }
  CHECK(strata_gc_options_preset(&(strata_gc_options){0}, 3, 8 << 20) == -1 && errno == EINVAL);
  CHECK(strata_gc_heap_create(&(strata_gc_options){.max_bytes = SIZE_MAX / 2}) == NULL &&
        errno == ENOMEM);
  strata_gc_heap* heap = strata_gc_heap_create(
      &(strata_gc_options){.max_bytes = 4 << 20, .plan = plan, .most_slots = 100});
  strata_gc_mutator* self = strata_gc_attach(heap);
  for (int time = 0; time < 3; ++time) {
    void** list = strata_gc_push(self, NULL);
    errno = 0;
    for (;;) {
      struct node* made = strata_gc_allocate(self, node_type, 0);
      if (made == NULL) break;
      strata_gc_store(&made->next, *list);
      *list = made;
    }
    CHECK(errno == ENOMEM);
    strata_gc_verify(heap, self);
    strata_gc_pop(self, 1);
  }
  CHECK(strata_gc_allocate(self, row_type, SIZE_MAX / 2) == NULL);
  for (int i = 0; i < 100; ++i) CHECK(strata_gc_push(self, NULL) != NULL);
  errno = 0;
  CHECK(strata_gc_push(self, NULL) == NULL && errno == EOVERFLOW);
  CHECK(strata_gc_push_pinned(self, NULL) == -1);
  CHECK(strata_gc_weak_create(self, NULL) == NULL && errno == EOVERFLOW);
  strata_gc_pop(self, 100);
  CHECK(strata_gc_check_depth(self) == 0);
  strata_gc_detach(self);
  strata_gc_heap_destroy(heap);
}

static void pinned_objects_and_globals(int plan) {
  strata_gc_heap* heap = stressed(plan, 3);
  strata_gc_mutator* self = strata_gc_attach(heap);
  struct node* pinned = strata_gc_allocate(self, node_type, 0);
  CHECK(strata_gc_push_pinned(self, pinned) == 0);
  pinned->key = 77;
  void** list = push_list(self, 50);
  strata_gc_global* global = strata_gc_global_create(heap, *list);
  strata_gc_pop(self, 1);
  for (int time = 0; time < 10; ++time) strata_gc_collect(heap, self, time % 2);
  CHECK(pinned->key == 77);
  check_list(strata_gc_global_get(global), 50);
  strata_gc_global_set(global, pinned);
  CHECK(strata_gc_global_get(global) == pinned);
  strata_gc_global_destroy(global);
  strata_gc_pop(self, 1);
  strata_gc_detach(self);
  strata_gc_heap_destroy(heap);
}

struct compiled_frame {
  strata_gc_frame head;
  void* words[4];
};
static long recurse(strata_gc_mutator* self, int depth) {
  static const uint64_t references[] = {0x5}; /* words 0 and 2 */
  static const strata_gc_frame_map map = {4, references, "recurse"};
  struct compiled_frame frame = {{NULL, &map}, {NULL, (void*)1, NULL, (void*)3}};
  strata_gc_enter(self, &frame.head);
  frame.words[0] = strata_gc_allocate(self, node_type, 0);
  ((struct node*)frame.words[0])->key = depth;
  frame.words[2] = strata_gc_allocate(self, text_type, 10);
  long sum = depth > 0 ? recurse(self, depth - 1) : 0;
  CHECK(frame.words[1] == (void*)1 && frame.words[3] == (void*)3);
  CHECK(*(size_t*)frame.words[2] == 10);
  sum += ((struct node*)frame.words[0])->key;
  strata_gc_leave(self, &frame.head);
  return sum;
}
static void frames(int plan) {
  strata_gc_heap* heap = stressed(plan, 7);
  strata_gc_mutator* self = strata_gc_attach(heap);
  CHECK(recurse(self, 100) == 5050);
  strata_gc_detach(self);
  strata_gc_heap_destroy(heap);
}

static void count(void* context) { ++*(int*)context; }
static void weak_references(int plan) {
  int cleaned = 0;
  strata_gc_heap* heap = stressed(plan, 0);
  strata_gc_mutator* self = strata_gc_attach(heap);
  void** key = push_list(self, 1);
  void** weak = strata_gc_push(self, strata_gc_weak_create(self, *key));
  void** value = push_list(self, 2);
  void** ephemeron = strata_gc_push(self, strata_gc_ephemeron_create(self, *key, *value));
  strata_gc_when_dead(self, *value, count, &cleaned);
  *value = NULL;
  strata_gc_collect(heap, self, STRATA_GC_FULL);
  CHECK(strata_gc_weak_get(self, *weak) == *key);
  CHECK(strata_gc_ephemeron_key(self, *ephemeron) == *key);
  check_list(strata_gc_ephemeron_value(self, *ephemeron), 2);
  CHECK(strata_gc_run_cleaners(heap) == 0);
  *key = NULL;
  strata_gc_collect(heap, self, STRATA_GC_FULL);
  strata_gc_collect(heap, self, STRATA_GC_FULL);
  CHECK(strata_gc_weak_get(self, *weak) == NULL);
  CHECK(strata_gc_ephemeron_key(self, *ephemeron) == NULL);
  CHECK(strata_gc_ephemeron_value(self, *ephemeron) == NULL);
  CHECK(strata_gc_run_cleaners(heap) == 1 && cleaned == 1);
  strata_gc_pop(self, 4);
  strata_gc_detach(self);
  strata_gc_heap_destroy(heap);
}

struct told {
  uint64_t begins, ends, growths, shortages, exhausted, pause_ns;
};
static void begins(uint64_t number, int kind, int why, size_t held_bytes, void* context) {
  struct told* told = context;
  CHECK(number == ++told->begins && (kind == STRATA_GC_YOUNG || kind == STRATA_GC_FULL));
  CHECK(why == STRATA_GC_NO_ROOM || why == STRATA_GC_ASKED);
  (void)held_bytes;
}
static void ends(const strata_gc_collected* what, void* context) {
  struct told* told = context;
  CHECK(what->number == ++told->ends);
  told->pause_ns += what->pause_ns;
}
static void grows(size_t before_bytes, size_t after_bytes, void* context) {
  CHECK(before_bytes < after_bytes);
  ++((struct told*)context)->growths;
}
static void is_short(size_t needed_bytes, size_t max_bytes, void* context) {
  CHECK(needed_bytes > max_bytes / 2);
  ++((struct told*)context)->shortages;
}
static void is_exhausted(size_t wanted_bytes, void* context) {
  CHECK(wanted_bytes >= sizeof(struct node));
  ++((struct told*)context)->exhausted;
}

static char report[1 << 20];
static size_t report_bytes;
static void keep(const char* text, size_t bytes, void* context) {
  (void)context;
  CHECK(report_bytes + bytes < sizeof report);
  memcpy(report + report_bytes, text, bytes);
  report[report_bytes += bytes] = '\0';
}

static void seen_from_outside(int plan) {
  struct told told = {0};
  strata_gc_heap* heap = strata_gc_heap_create(
      &(strata_gc_options){.max_bytes = 4 << 20,
                           .plan = plan,
                           .listener = {begins, ends, grows, is_short, is_exhausted, &told}});
  strata_gc_mutator* self = strata_gc_attach(heap);
  void** row = strata_gc_push(self, strata_gc_allocate(self, row_type, 10));
  void** list = push_list(self, 3);
  strata_gc_store((void**)*row + 1 + 7, *list);
  *list = ((struct node*)*list)->next;

  report_bytes = 0;
  CHECK(strata_gc_why_alive(self, list, keep, NULL) == 0);
  CHECK(strstr(report, "node, ") == report);
  CHECK(strstr(report, "  local 0 of mutator 0\n    -> row\n    [7] -> node\n    .next -> node\n"));
  report_bytes = 0;
  CHECK(strata_gc_summarize(heap, self, STRATA_GC_TEXT, keep, NULL) == 0);
  CHECK(strstr(report, "  node\n") && strstr(report, "  row\n") && !strstr(report, "text"));
  report_bytes = 0;
  CHECK(strata_gc_dump_graph(heap, self, keep, NULL) == 0);
  CHECK(strstr(report, "\"fields\": [[0, \"next\"], [8, \"other\"]]"));
  CHECK(strstr(report, "\"objects\": 4, "));
  strata_gc_blocking_begin(self);
  report_bytes = 0;
  CHECK(strata_gc_summarize(heap, NULL, STRATA_GC_JSON, keep, NULL) == 0);
  CHECK(strata_gc_dump_graph(heap, NULL, keep, NULL) == 0);
  strata_gc_collect(heap, NULL, STRATA_GC_FULL);
  strata_gc_verify(heap, NULL);
  strata_gc_blocking_end(self);

  for (void* made; (made = strata_gc_allocate(self, node_type, 0)) != NULL; *list = made)
    strata_gc_store(&((struct node*)made)->next, *list);
  CHECK(told.begins == told.ends && told.growths > 0 && told.shortages > 0 && told.exhausted > 0);
  strata_gc_statistics now;
  strata_gc_get_statistics(heap, &now);
  CHECK(now.young_collections + now.full_collections == told.ends);
  CHECK(now.pauses == told.ends && now.pauses_ns == told.pause_ns);
  CHECK(now.pause_p50_ns <= now.pause_longest_ns && now.pause_longest_ns <= now.pauses_ns);
  report_bytes = 0;
  strata_gc_describe(heap, STRATA_GC_JSON, keep, NULL);
  CHECK(strstr(report, "\"max_bytes\": 4194304"));
  strata_gc_pop(self, 2);
  strata_gc_detach(self);
  strata_gc_heap_destroy(heap);
}

/* ---- What a compiler would emit, by the offsets alone. */

static strata_gc_jit_info info;
/* Ordinary moves, on any processor; of some words others write the like at the same time. */
static uint64_t load_8(const void* base, size_t offset) {
  return __atomic_load_n((const uint64_t*)((const char*)base + offset), __ATOMIC_RELAXED);
}
static void store_8(void* base, size_t offset, uint64_t word) {
  __atomic_store_n((uint64_t*)((char*)base + offset), word, __ATOMIC_RELAXED);
}

static _Thread_local size_t inline_allocations;
static void* allocate_node(strata_gc_mutator* self, const uint64_t header[2]) {
  size_t bytes = info.header_bytes + sizeof(struct node);
  uint64_t at = load_8(self, info.cursor_offset);
  if (at + bytes > load_8(self, info.limit_offset)) return strata_gc_allocate(self, node_type, 0);
  store_8(self, info.cursor_offset, at + bytes);
  char* start = (char*)(uintptr_t)at;
  for (size_t i = 0; i < info.header_words; ++i) store_8(start, 8 * i, header[i]);
  ++inline_allocations;
  return memset(start + info.header_bytes, 0, sizeof(struct node));
}
static void store_reference(void* field, void* value) {
  uintptr_t address = (uintptr_t)field;
  const void* logs = (const void*)(info.log_bias + (address >> info.log_word_shift) * 8);
  if ((load_8(logs, 0) >> ((address >> info.log_bit_shift) & 63) & 1) != 0)
    strata_gc_log_field(field, value);
  store_8(field, 0, (uintptr_t)value);
}
static void** push_slot(strata_gc_mutator* self, void* object) {
  void** top = (void**)(uintptr_t)load_8(self, info.top_offset);
  CHECK((uintptr_t)top < load_8(self, info.stack_limit_offset));
  *top = object;
  store_8(self, info.top_offset, (uintptr_t)(top + 1));
  return top;
}
static void poll(strata_gc_mutator* self) {
  const char* at = (const char*)self + info.poll_offset;
  uint32_t wanted = __atomic_load_n((const uint32_t*)at, __ATOMIC_RELAXED);
  if (wanted != 0) strata_gc_safepoint(self);
}

/* A thread whose lists live through others' collections. */
static void* churn(void* heap) {
  strata_gc_mutator* self = strata_gc_attach(heap);
  uint64_t header[2];
  strata_gc_header(node_type, header);
  CHECK((uintptr_t)__builtin_frame_address(0) > load_8(self, info.lowest_frame_offset));
  void** row = push_slot(self, strata_gc_allocate(self, row_type, 64));
  void** head = push_slot(self, NULL);
  for (long round = 0; round < 1000; ++round) {
    *head = NULL;
    for (long key = 1; key <= 100; ++key) {
      struct node* made = allocate_node(self, header);
      made->next = *head; /* new: no barrier */
      made->key = key;
      *head = made;
      poll(self);
    }
    store_reference((void**)*row + 1 + round % 64, *head); /* old by now */
    check_list(((void**)*row)[1 + round % 64], 100);
  }
  for (size_t i = 0; i < 64; ++i) check_list(((void**)*row)[1 + i], 100);
  strata_gc_pop(self, 2);
  strata_gc_detach(self);
  return NULL;
}

static void compiled_code(int plan) {
  strata_gc_heap* heap = strata_gc_heap_create(&(strata_gc_options){.max_bytes = 4 << 20,
                                                                    .plan = plan,
                                                                    .young_bytes = 128 << 10,
                                                                    .stress_protect_moved = 1,
                                                                    .stress_verify = 1});
  strata_gc_get_jit_info(&info);
  CHECK(info.struct_bytes == sizeof info && info.header_bytes == 8 * info.header_words);
  strata_gc_mutator* self = strata_gc_attach(heap);
  uint64_t header[2];
  strata_gc_header(node_type, header);

  /* What the library makes and what the compiled code makes can't be told apart: neighbours, of the same
   * bytes. */
  void** first = strata_gc_push(self, strata_gc_allocate(self, node_type, 0));
  size_t before = inline_allocations;
  char* second = allocate_node(self, header);
  /* Where objects lie by size no buffer takes any. */
  CHECK(inline_allocations == before + (plan == STRATA_GC_TWO_FINGER ? 0 : 1));
  size_t bytes = info.header_bytes + sizeof(struct node);
  CHECK(second == (char*)*first + bytes);
  CHECK(memcmp(second - info.header_bytes, (char*)*first - info.header_bytes, bytes) == 0);
  CHECK(strata_gc_type_of(second) == node_type);
  char* third = strata_gc_allocate(self, node_type, 0);
  CHECK(third == second + bytes);

  strata_gc_pop(self, 1);
  strata_gc_detach(self);

  pthread_t threads[3];
  for (size_t i = 0; i < 3; ++i) CHECK(pthread_create(&threads[i], NULL, churn, heap) == 0);
  for (size_t i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  strata_gc_statistics now;
  strata_gc_get_statistics(heap, &now);
  CHECK(now.young_collections + now.full_collections > 0);
  strata_gc_heap_destroy(heap);
}

int main(void) {
  make_types();
  for (int plan = STRATA_GC_DEFAULT_PLAN; plan <= STRATA_GC_TWO_FINGER; ++plan) {
    objects_of_each_type(plan);
    errors_are_told(plan);
    pinned_objects_and_globals(plan);
    frames(plan);
    weak_references(plan);
    seen_from_outside(plan);
    compiled_code(plan);
  }
  strata_gc_type_destroy(wide_type);
  strata_gc_type_destroy(pair_type);
  strata_gc_type_destroy(text_type);
  strata_gc_type_destroy(row_type);
  strata_gc_type_destroy(node_type);
  return 0;
}
