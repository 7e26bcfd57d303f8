// What <gc/gc.h> promises, told line by line: the same under libgc and under what takes its place.
//
// Collectors that take words for addresses may keep a few objects for no reason: of many, most are counted.
#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#include <errno.h>
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>
#include <gc/gc_typed.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { many = 1000, most = 900 };

static void say(const char* what, long value) { printf("%s: %ld\n", what, value); }
static void say_most(const char* what, long value) {
  printf("%s: %s\n", what, value >= most ? "most" : value <= many - most ? "few" : "some");
}

// Frames below the caller's, where its dead variables may lie, are overwritten.
__attribute__((noinline)) static void clean_stack(void) {
  volatile char room[32768];
  memset((char*)room, 0, sizeof room);
}
static void collect(void) {
  for (int i = 0; i < 3; ++i) {
    clean_stack();
    GC_gcollect();
  }
}

// ---- Objects

static void* kept[many];  // static data is a root

static void objects(void) {
  char *a = GC_MALLOC(40), *b = GC_MALLOC_ATOMIC(40);
  say("base of an inner address", GC_base(a + 39) == a);
  say("base of the stack", GC_base(&a) == NULL);
  say("is in the heap", GC_is_heap_ptr(b) && !GC_is_heap_ptr(&a));
  say("size is enough", GC_size(a) >= 40 && GC_size(b) >= 40);
  say("aligned", (uintptr_t)a % 16 + (uintptr_t)b % 16);
  size_t bytes = 0;
  say("kinds", GC_get_kind_and_size(a, &bytes) * 10 + GC_get_kind_and_size(b, NULL));
  say("size and kind agree", bytes == GC_size(a));
  char* grown = GC_REALLOC(strcpy(a, "what is in it"), 100000);
  say("grows with its contents", strcmp(grown, "what is in it") == 0 && grown[99999] == 0);
  char* less = GC_REALLOC(grown, 20);
  say("shrinks with its contents", strcmp(less, "what is in it") == 0);
  say("realloc to nothing", GC_REALLOC(less, 0) == NULL);
  say("realloc from nothing", GC_REALLOC(NULL, 10) != NULL);
  say("strdup", strcmp(GC_STRDUP("some text"), "some text") == 0);
  say("strndup", strcmp(GC_STRNDUP("some text", 4), "some") == 0);
  for (size_t alignment = 16; alignment <= 65536; alignment *= 2)
    if ((uintptr_t)GC_memalign(alignment, 100) % alignment != 0)
      say("not aligned to", (long)alignment);
  void* placed = NULL;
  say("posix_memalign", GC_posix_memalign(&placed, 256, 1000));
  say("placed", (uintptr_t)placed % 256);
  say("posix_memalign of an odd alignment", GC_posix_memalign(&placed, 3, 1) == EINVAL);
  GC_FREE(NULL);
  long zero = 1;
  for (int i = 0; i < 20000; ++i) {
    char* object = GC_MALLOC(i % 300 + 1);
    for (int at = 0; at <= i % 300; ++at) zero &= object[at] == 0;
    memset(object, 0xff, (size_t)(i % 300 + 1));
    if (i % 7 == 0) GC_FREE(object);
  }
  say("objects begin as zeros", zero);
  void* list = GC_malloc_many(48);
  long count = 0, apart = 1;
  for (void* before = NULL; list != NULL; before = list, list = GC_NEXT(list), ++count)
    apart &= list != before;
  say("many at once", count > 0 && apart);
}

// ---- What is reachable

struct pair {
  struct pair* next;
  void* other;
  long value;
};

__attribute__((noinline)) static void fill_static(void) {
  for (int i = 0; i < many; ++i) {
    struct pair* made = GC_MALLOC(sizeof *made);
    made->other = GC_MALLOC_ATOMIC(100);
    made->value = i;
    memset(made->other, i % 256, 100);
    kept[i] = made;
  }
}

static long links_left(void** links) {
  long left = 0;
  for (int i = 0; i < many; ++i) left += links[i] != NULL;
  return left;
}
// `many` links to new objects, each by make(i).
static void** weak;
__attribute__((noinline)) static void make_weak(void* (*make)(int)) {
  for (int i = 0; i < many; ++i) {
    void* object = make(i);
    weak[i] = (void*)GC_HIDE_POINTER(object);
    GC_general_register_disappearing_link(&weak[i], GC_base(object));
  }
}
static void forget_weak(void) {
  for (int i = 0; i < many; ++i) GC_unregister_disappearing_link(&weak[i]);
  memset(weak, 0, many * sizeof *weak);
  memset(kept, 0, sizeof kept);
}

static void* make_dropped(int i) { return GC_MALLOC((size_t)(i % 60 + 1)); }
static void* make_in_static(int i) { return kept[i] = GC_MALLOC(64); }
static void* make_inner(int i) {
  char* object = GC_MALLOC((size_t)(i + 1) * 20);
  kept[i] = object + (i + 1) * 20 - 1;
  return object;
}
static void* make_behind(int i) {
  char* object = GC_MALLOC((size_t)(i % 20 + 1) * 16);
  kept[i] = object + (i % 20 + 1) * 16;  // where it ends
  return object;
}
static void* make_in_atomic(int i) {
  void** leaf = GC_MALLOC_ATOMIC(sizeof(void*));
  kept[i] = leaf;
  return *leaf = GC_MALLOC(32);
}
static void* make_in_uncollectable(int i) {
  void** root = GC_MALLOC_UNCOLLECTABLE(3 * sizeof(void*));
  (void)i;
  return root[2] = GC_MALLOC(32);
}
static void* make_in_atomic_uncollectable(int i) {
  void** root = GC_MALLOC_ATOMIC_UNCOLLECTABLE(3 * sizeof(void*));
  (void)i;
  return root[2] = GC_MALLOC(32);
}
static void* make_in_malloc(int i) {
  void** outside = malloc(64);
  (void)i;
  return outside[1] = GC_MALLOC(32);
}
static void* make_in_cycle(int i) {
  struct pair *a = GC_MALLOC(sizeof *a), *b = GC_MALLOC(sizeof *b);
  a->next = b;
  b->next = a;
  (void)i;
  return a;
}
static void* make_in_list(int i) {
  struct pair* made = GC_MALLOC(sizeof *made);
  made->next = i == 0 ? NULL : kept[0];
  kept[0] = made;
  return made;
}
static void* make_large(int i) {
  void* object = GC_MALLOC((size_t)i * 40 + 5000);
  return i % 2 == 0 ? kept[i] = object : object;
}
static void* make_near(int i) {
  char* object = GC_MALLOC_IGNORE_OFF_PAGE(300000);
  kept[i] = object + (i % 2 == 0 ? 100 : 200000);
  return object;
}
static void* make_freed(int i) {
  kept[i] = GC_MALLOC_UNCOLLECTABLE(40);
  void* object = ((void**)kept[i])[0] = GC_MALLOC(40);
  GC_FREE(kept[i]);
  kept[i] = NULL;
  return object;
}
static GC_descr second_word;
static void* make_typed(int i) {
  void** object = GC_MALLOC_EXPLICITLY_TYPED(4 * sizeof(void*), second_word);
  kept[i] = object;
  return object[i % 2 == 0 ? 1 : 2] = GC_MALLOC(32);
}
static void* make_in_array(int i) {
  void** object = GC_CALLOC_EXPLICITLY_TYPED(10, 4 * sizeof(void*), second_word);
  kept[i] = object;
  return object[i % 2 == 0 ? 9 * 4 + 1 : 9 * 4 + 2] = GC_MALLOC(32);
}

static void reach(const char* what, void* (*make)(int)) {
  make_weak(make);
  collect();
  say_most(what, links_left(weak));
  forget_weak();
}

static void reachable(void) {
  fill_static();
  for (int i = 0; i < 50; ++i) memset(GC_MALLOC(10000), 0x55, 10000);
  collect();
  long whole = 0;
  for (int i = 0; i < many; ++i) {
    struct pair* each = kept[i];
    whole += each->value == i && ((unsigned char*)each->other)[99] == i % 256;
  }
  say("whole after collections", whole);
  GC_word bit = 2;
  second_word = GC_make_descriptor(&bit, 2);
  weak = GC_MALLOC_ATOMIC_UNCOLLECTABLE(many * sizeof *weak);
  memset(weak, 0, many * sizeof *weak);
  reach("dropped", make_dropped);
  reach("in static data", make_in_static);
  reach("by inner addresses", make_inner);
  reach("by the address behind", make_behind);
  reach("in atomic objects", make_in_atomic);
  reach("in uncollectable objects", make_in_uncollectable);
  reach("in atomic uncollectable ones", make_in_atomic_uncollectable);
  reach("in malloc's blocks", make_in_malloc);
  reach("in cycles", make_in_cycle);
  reach("in a list", make_in_list);
  reach("large, half of them", make_large);
  reach("of an object that was freed", make_freed);
  reach("in typed objects, half", make_typed);
  reach("in typed arrays, half", make_in_array);
}
static void far(void) {
  make_weak(make_near);
  collect();
  long near = 0, off = 0;
  for (int i = 0; i < many; ++i) *(i % 2 == 0 ? &near : &off) += weak[i] != NULL;
  printf("by far addresses: %s, by near ones: %s\n", off < 50 ? "few" : "some",
         near > 450 ? "most" : "some");
  forget_weak();
}

static void added_roots(void) {
  void** block = malloc(64);
  memset(block, 0, 64);
  GC_add_roots(block, block + 8);
  void* link = NULL;
  block[3] = GC_MALLOC(100);
  link = (void*)GC_HIDE_POINTER(block[3]);
  GC_general_register_disappearing_link(&link, block[3]);
  collect();
  say("in added roots", link != NULL);
  GC_remove_roots(block, block + 8);
  clean_stack();
  GC_unregister_disappearing_link(&link);
}

// ---- Links

__attribute__((noinline)) static void register_links(void** links, void* object) {
  say("registered", GC_general_register_disappearing_link(&links[0], object));
  say("again", GC_general_register_disappearing_link(&links[0], object));
  say("moved", GC_move_disappearing_link(&links[0], &links[1]));
  say("moved from nowhere", GC_move_disappearing_link(&links[0], &links[2]));
  say("moved to itself", GC_move_disappearing_link(&links[1], &links[1]));
  say("registered another", GC_general_register_disappearing_link(&links[2], object));
  say("moved onto another", GC_move_disappearing_link(&links[1], &links[2]));
  say("unregistered", GC_unregister_disappearing_link(&links[2]));
  say("unregistered what is not", GC_unregister_disappearing_link(&links[2]));
  say("long", GC_register_long_link(&links[3], object));
  say("long again", GC_register_long_link(&links[3], object));
  say("long moved", GC_move_long_link(&links[3], &links[2]));
  say("long moved from nowhere", GC_move_long_link(&links[3], &links[2]));
  say("long unregistered", GC_unregister_long_link(&links[2]));
}
static void link_functions(void) {
  void** links = GC_MALLOC_ATOMIC(4 * sizeof *links);
  memset(links, 1, 4 * sizeof *links);
  register_links(links, GC_MALLOC(50));
}

// ---- Finalizers

static long called, called_with, links_seen;
static void **short_links, **long_links;
static void count(void* object, void* data) {
  ++called;
  called_with += data == (void*)0x1234 && GC_base(object) == object;
  long at = ((struct pair*)object)->value;
  links_seen += (short_links[at] == NULL) * 10000 + (long_links[at] != NULL);
}
__attribute__((noinline)) static void make_finalized(void) {
  for (int i = 0; i < many; ++i) {
    struct pair* made = GC_MALLOC(sizeof *made);
    made->value = i;
    GC_REGISTER_FINALIZER(made, count, (void*)0x1234, NULL, NULL);
    short_links[i] = long_links[i] = (void*)GC_HIDE_POINTER(made);
    GC_general_register_disappearing_link(&short_links[i], made);
    GC_register_long_link(&long_links[i], made);
  }
}
static void finalizers(void) {
  short_links = GC_MALLOC_ATOMIC_UNCOLLECTABLE(many * sizeof(void*));
  long_links = GC_MALLOC_ATOMIC_UNCOLLECTABLE(many * sizeof(void*));
  make_finalized();
  collect();
  collect();
  say_most("finalized", called);
  say("each with its data", called == called_with);
  say("short links went before", links_seen / 10000 == called);
  say("long links came after", links_seen % 10000 == called);
  say_most("long links left", links_left(long_links));
  for (int i = 0; i < many; ++i) {
    GC_unregister_disappearing_link(&short_links[i]);
    GC_unregister_long_link(&long_links[i]);
  }
}

static void nothing(void* object, void* data) { (void)object, (void)data; }
static void replaced(void) {
  GC_finalization_proc before = nothing;
  void* data = &before;
  void* object = GC_MALLOC(20);
  GC_REGISTER_FINALIZER(object, count, (void*)7, &before, &data);
  say("no finalizer before", before == NULL && data == NULL);
  GC_REGISTER_FINALIZER(object, nothing, (void*)8, &before, &data);
  say("the one before", before == count && data == (void*)7);
  GC_REGISTER_FINALIZER(object, NULL, NULL, &before, &data);
  say("removed", before == nothing && data == (void*)8);
  int local = 0;
  before = nothing;
  GC_REGISTER_FINALIZER(&local, nothing, NULL, &before, NULL);
  say("not in the heap", before == NULL);
}

static int order[100], ordered;
static void note(void* object, void* data) {
  (void)object;
  if (ordered < 100) order[ordered++] = (int)(intptr_t)data;
}
// kind 0: by what refers to what; 1: ignoring itself; 2: in no order
__attribute__((noinline)) static void make_chain(int kind, int closes, int chains) {
  for (int chain = 0; chain < chains; ++chain) {
    struct pair *first = NULL, *last = NULL;
    for (int i = 3; i >= 1; --i) {
      struct pair* made = GC_MALLOC(sizeof *made);
      made->next = first;
      if (last == NULL) last = made;
      first = made;
      void* data = (void*)(intptr_t)i;
      if (kind == 0) GC_REGISTER_FINALIZER(made, note, data, NULL, NULL);
      if (kind == 1) GC_REGISTER_FINALIZER_IGNORE_SELF(made, note, data, NULL, NULL);
      if (kind == 2) GC_REGISTER_FINALIZER_NO_ORDER(made, note, data, NULL, NULL);
      if (closes == 1) made->other = made;
    }
    if (closes == 2) last->next = first;
  }
}
static void tell_order(const char* what, int kind, int closes) {
  printf("%s:", what);
  ordered = 0;
  make_chain(kind, closes, 30);
  for (int round = 0; round < 4; ++round) {
    int before[4] = {0}, after[4] = {0};
    for (int i = 0; i < ordered; ++i) ++before[order[i]];
    clean_stack();
    GC_gcollect();
    GC_invoke_finalizers();
    for (int i = 0; i < ordered; ++i) ++after[order[i]];
    for (int i = 1; i <= 3; ++i)
      printf(" %s", after[i] - before[i] > 24 ? "x" : after[i] - before[i] < 6 ? "-" : "?");
    printf(" |");
  }
  printf("\n");
}
static void orders(void) {
  tell_order("each waits for who refers to it", 0, 0);
  tell_order("those that refer to themselves wait for ever", 0, 1);
  tell_order("unless that is ignored", 1, 1);
  GC_set_java_finalization(1);
  tell_order("no order", 2, 0);
  tell_order("no order in cycles", 2, 2);
  GC_set_java_finalization(0);
}

static int told;
static void tell_due(void) { ++told; }
__attribute__((noinline)) static void make_due(void) {
  for (int i = 0; i < many; ++i) GC_REGISTER_FINALIZER(GC_MALLOC(40), note, NULL, NULL, NULL);
}
static void on_demand(void) {
  ordered = 0;
  GC_set_finalize_on_demand(1);
  GC_set_finalizer_notifier(tell_due);
  make_due();
  clean_stack();
  GC_gcollect();
  GC_MALLOC(10);
  say("told once", told);
  say("none has run", ordered);
  say("should", GC_should_invoke_finalizers());
  say_most("invoked", GC_invoke_finalizers());
  say("no more", GC_should_invoke_finalizers());
  GC_set_finalizer_notifier(NULL);
  GC_set_finalize_on_demand(0);
}

static long disclaimed;
static void on_disclaim(void* object, void* data) {
  disclaimed += ((long*)object)[0] == 5 && data == &disclaimed;
}
static const struct GC_finalizer_closure closure = {on_disclaim, &disclaimed};
__attribute__((noinline)) static void make_disclaimed(void) {
  for (int i = 0; i < many; ++i) *(long*)GC_finalized_malloc(40, &closure) = 5;
}
static void disclaim(void) {
  GC_init_finalized_malloc();
  make_disclaimed();
  collect();
  for (int i = 0; i < 3000; ++i) GC_finalized_malloc(40, &closure);  // libgc sweeps late
  say_most("disclaimed", disclaimed > many ? many : disclaimed);
}

static GC_ToggleRefStatus toggle_as;
static GC_ToggleRefStatus GC_CALLBACK say_toggle(void* object) {
  return object == NULL ? GC_TOGGLE_REF_DROP : toggle_as;
}
static void* make_toggled(int i) {
  void* object = GC_MALLOC(30);
  GC_toggleref_add(object, i % 2);
  return object;
}
static void toggled(void) {
  GC_set_toggleref_func(say_toggle);
  toggle_as = GC_TOGGLE_REF_STRONG;
  make_weak(make_toggled);
  collect();
  say_most("toggled strong", links_left(weak));
  toggle_as = GC_TOGGLE_REF_WEAK;
  collect();
  say_most("toggled weak", links_left(weak));
  forget_weak();
  toggle_as = GC_TOGGLE_REF_DROP;
  collect();
  GC_set_toggleref_func(NULL);
}

// ---- Kinds

static unsigned own_kind;
static struct GC_ms_entry* mark_first(GC_word* object, struct GC_ms_entry* stack,
                                      struct GC_ms_entry* limit, GC_word given) {
  (void)given;
  return GC_MARK_AND_PUSH((void*)object[0], stack, limit, (void**)object);
}
static void* make_own(int i) {
  void** object = GC_generic_malloc(4 * sizeof(void*), (int)own_kind);
  kept[i] = object;
  return object[i % 2] = GC_MALLOC(32);
}
static void kinds(void) {
  unsigned procedure = GC_new_proc(mark_first);
  own_kind = GC_new_kind(GC_new_free_list(), GC_MAKE_PROC(procedure, 0), 0, 1);
  say("kind of an object",
      GC_get_kind_and_size(GC_generic_malloc(10, (int)own_kind), NULL) == (int)own_kind);
  reach("marked by a procedure, half", make_own);
}

// ---- Collections

static char events[64];
static int event_count, started;
static void on_event(GC_EventType event) {
  if (event_count < 60) events[event_count++] = (char)('a' + (int)event);
}
static void on_start(void) { ++started; }
static int give_up(void) { return 1; }
static int go_on(void) { return 0; }
static void collections(void) {
  GC_word before = GC_get_gc_no();
  GC_gcollect();
  say("collections are counted", GC_get_gc_no() == before + 1);
  GC_disable();
  say("disabled", GC_is_disabled());
  before = GC_get_gc_no();
  GC_gcollect();
  say("none while disabled", GC_get_gc_no() == before);
  GC_enable();
  say("enabled", GC_is_disabled());
  say("given up", GC_try_to_collect(give_up));
  say("gone through", GC_try_to_collect(go_on));
  GC_set_start_callback(on_start);
  GC_set_on_collection_event(on_event);
  GC_gcollect();
  GC_set_on_collection_event(NULL);
  GC_set_start_callback(NULL);
  // Where marking ends and the world goes on is the collector's choice.
  say("began and ended", strchr(events, 'a' + GC_EVENT_START) == events &&
                             events[event_count - 1] == 'a' + GC_EVENT_END);
  say("stopped before marking",
      strchr(events, 'a' + GC_EVENT_POST_STOP_WORLD) < strchr(events, 'a' + GC_EVENT_MARK_START));
  say("started", started);
  size_t total = GC_get_total_bytes();
  for (int i = 0; i < 1000; ++i) GC_MALLOC(1000);
  say("bytes are counted",
      GC_get_total_bytes() - total >= 1000000 && GC_get_total_bytes() - total < 2000000);
  say("heap and free bytes", GC_get_heap_size() > GC_get_free_bytes());
  struct GC_prof_stats_s stats;
  say("figures", GC_get_prof_stats(&stats, sizeof stats) == sizeof stats);
  say("they agree", stats.gc_no == GC_get_gc_no());
}

// ---- Threads

static void* fill_list(void* data) {
  struct pair* list = NULL;
  for (long i = 0; i < 20000; ++i) {
    struct pair* made = GC_MALLOC(sizeof *made);
    made->next = list;
    made->value = i + (long)(intptr_t)data;
    list = made;
    GC_MALLOC_ATOMIC(100);
  }
  long sum = 0;
  for (struct pair* each = list; each != NULL; each = each->next) sum += each->value;
  struct pair* result = GC_MALLOC(sizeof *result);
  result->value = sum;
  return result;
}
static void* collect_here(void* data) { return (void)data, GC_gcollect(), NULL; }
static void* block(void* data) {
  pthread_t other;
  GC_pthread_create(&other, NULL, collect_here, NULL);
  GC_pthread_join(other, NULL);
  return data;
}
static void* act(void* data) { return ((struct pair*)data)->value = 9, GC_MALLOC(10000); }
static void* block_and_act(void* data) { return GC_call_with_gc_active(act, data); }
static void* registers_itself(void* data) {
  struct GC_stack_base base;
  say("is known before", GC_thread_is_registered());
  say("stack base", GC_get_stack_base(&base));
  say("registered itself", GC_register_my_thread(&base));
  say("registered itself again", GC_register_my_thread(&base));
  say("is known", GC_thread_is_registered());
  void* result = fill_list(data);
  say("sum", ((struct pair*)result)->value);
  say("unregistered itself", GC_unregister_my_thread());
  return NULL;
}
static void* call_with_base(struct GC_stack_base* base, void* data) {
  return base->mem_base > (void*)&data ? data : NULL;
}
static void* in_lock(void* data) { return data; }
static void thread_functions(void) {
  pthread_t all[4];
  for (int i = 0; i < 4; ++i) GC_pthread_create(&all[i], NULL, fill_list, (void*)(intptr_t)i);
  for (int i = 0; i < 4; ++i) {
    void* result = NULL;
    GC_gcollect();
    GC_pthread_join(all[i], &result);
    say("sum of a thread", ((struct pair*)result)->value);
  }
  GC_allow_register_threads();
  pthread_t own;
  pthread_create(&own, NULL, registers_itself, (void*)5);
  pthread_join(own, NULL);
  struct pair* local = GC_MALLOC(sizeof *local);
  local->value = 77;
  say("blocked meanwhile", GC_do_blocking(block, local) == local && local->value == 77);
  say("active within", GC_do_blocking(block_and_act, local) != NULL && local->value == 9);
  say("with its stack's base", GC_call_with_stack_base(call_with_base, local) == local);
  say("with the lock", GC_call_with_alloc_lock(in_lock, local) == local);
  pid_t child = fork();
  if (child == 0)
    _exit(((struct pair*)fill_list((void*)1))->value == 20000L * 19999 / 2 + 20000 ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  say("in a forked child", status);
}

// ---- Memory that runs out

static long asked;
static void* on_no_memory(size_t bytes) { return asked = (long)bytes, NULL; }
__attribute__((noinline)) static long fill(void) {
  struct pair* list = NULL;
  for (long count = 0;; ++count) {
    struct pair* made = GC_MALLOC(1000);
    if (made == NULL) return count;
    made->next = list;
    list = made;
  }
}
static void limits(void) {
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_max_heap_size(GC_get_heap_size() + (8 << 20));
  GC_set_oom_fn(on_no_memory);
  say("too large", GC_MALLOC((size_t)1 << 30) == NULL);
  say("asked for it", asked >= 1L << 30);
  say("some had room", fill() > 1000);
  collect();
  say("room again", GC_MALLOC(1000) != NULL);
  GC_set_max_heap_size(0);
  say("more than the limit", GC_MALLOC(64 << 20) != NULL);
}

int main(int argc, char** argv) {
  (void)argc, (void)argv;
  GC_set_handle_fork(1);
  GC_INIT();
  say("version", (long)(GC_get_version() >> 16));
  objects();
  reachable();
  far();
  added_roots();
  link_functions();
  finalizers();
  replaced();
  orders();
  on_demand();
  disclaim();
  toggled();
  kinds();
  collections();
  thread_functions();
  limits();
  return 0;
}
