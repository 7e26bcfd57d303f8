/* Each function of strata/resources.h, called from C11. What they do in each case is tested in
 * src/resource/c_*_test.cpp; here is that they link, and agree with their declarations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strata/resources.h>
#include <string.h>

#define CHECK(holds)                                                  \
  do {                                                                \
    if (!(holds)) {                                                   \
      fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #holds); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

_Static_assert(sizeof(strata_buffer) == 3 * sizeof(void*), "a handle is three words");

static int count_regions(const strata_region* region, void* context) {
  size_t* sums = context;
  CHECK(region->kind >= STRATA_REGION_LIVE && region->kind <= STRATA_REGION_OVERHEAD);
  sums[region->kind] += region->bytes;
  return 0;
}

/* Blocks, figures, a map; then all of it goes. */
static void use(strata_resource* one, size_t bytes) {
  void* blocks[20];
  CHECK(one != NULL);
  for (size_t i = 0; i < 20; ++i) {
    blocks[i] = strata_resource_allocate(one, bytes, 8);
    CHECK(blocks[i] != NULL);
    memset(blocks[i], 1, bytes);
  }
  errno = 0;
  CHECK(strata_resource_allocate(one, bytes, 24) == NULL && errno == EINVAL);
  CHECK(strata_resource_owns(one, blocks[3]) != 0);
  size_t sums[3] = {0, 0, 0};
  strata_resource_each_region(one, count_regions, sums);
  strata_resource_figures now = strata_resource_statistics(one);
  CHECK(now.used_bytes >= 20 * bytes && now.peak_used_bytes >= now.used_bytes);
  strata_resource_verify(one);
  for (size_t i = 20; i-- > 0;) strata_resource_deallocate(one, blocks[i], bytes, 8);
  strata_free_space space;
  CHECK(strata_resource_free_space(one, &space) == 0 || errno == ENOTSUP);
  CHECK(strata_resource_trim(one) == 0 || errno == ENOTSUP);
  CHECK(strata_resource_release(one) == 0 || errno == ENOTSUP);
  strata_resource_destroy(one);
}

static void* from_malloc(size_t bytes, size_t alignment, void* calls) {
  ++*(size_t*)calls;
  return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}
static void to_malloc(void* block, size_t bytes, size_t alignment, void* calls) {
  (void)bytes, (void)alignment;
  --*(size_t*)calls;
  free(block);
}

static void kinds(void) {
  size_t live = 0;
  strata_resource* own =
      strata_custom_create(&(strata_custom_functions){from_malloc, to_malloc, &live});
  strata_resource* upstreams[] = {NULL, own};
  for (size_t i = 0; i < 2; ++i) {
    strata_resource* up = upstreams[i];
    use(strata_bump_create(up, &(strata_bump_options){.first_chunk_bytes = 4096}), 100);
    for (int fit = STRATA_FIRST_FIT; fit <= STRATA_SEGREGATED_FIT; ++fit)
      use(strata_free_list_create(fit, up, NULL), 100);
    use(strata_tlsf_create(up, NULL), 100);
    use(strata_bitmap_create(up, &(strata_bitmap_options){.block_bytes = 16}), 100);
    use(strata_buddy_create(1 << 16, up, NULL), 100);
    use(strata_slab_create(100, 0, up, NULL), 100);
    use(strata_pools_create(up, NULL), 100);
    use(strata_synchronized_pools_create(up, NULL), 100);
  }
  strata_resource_destroy(own);
  CHECK(live == 0);

  static char buffer[1 << 15];
  use(strata_bump_create_in(buffer, sizeof buffer), 100);
  use(strata_free_list_create_in(STRATA_NEXT_FIT, buffer, sizeof buffer, NULL), 100);
  use(strata_tlsf_create_in(buffer, sizeof buffer), 100);
  use(strata_bitmap_create_in(buffer, sizeof buffer, NULL), 100);
  use(strata_buddy_create_in(buffer, sizeof buffer, NULL), 100);
}

static int ended;
static void end(void* object) { ended += *(int*)object; }

static void bumps(void) {
  strata_resource* bump = strata_bump_create(NULL, NULL);
  strata_resource* other = strata_bump_create(NULL, NULL);
  strata_bump_mark mark = strata_bump_get_mark(bump);
  int* five = strata_resource_allocate(bump, sizeof *five, _Alignof(int));
  *five = 5;
  CHECK(strata_bump_at_end(bump, five, end) == 0);
  char* text = strata_resource_allocate(bump, 10, 1);
  CHECK(strata_resource_resize(bump, text, 10, 20, 1) == 1);
  strata_bump_rewind(bump, mark);
  CHECK(ended == 5);
  CHECK(strata_resource_allocate(other, 10, 1) != NULL);
  strata_bump_merge(bump, other);
  strata_bump_reset(bump);
  strata_resource_destroy(other);
  strata_resource_destroy(bump);
}

static void composers(void) {
  use(strata_malloc_create(), 100);
  strata_resource* tlsf = strata_tlsf_create(NULL, NULL);
  strata_resource* parts[] = {NULL, tlsf};
  strata_failing_options never = {0};
  for (size_t i = 0; i < 2; ++i) {
    use(strata_limited_create(1 << 20, parts[i]), 100);
    use(strata_synchronized_create(parts[i]), 100);
    use(strata_thread_front_create(parts[i]), 100);
    use(strata_fallback_create(tlsf, parts[i]), 100);
    use(strata_segregator_create(50, parts[i], tlsf), 100);
    use(strata_fenced_create(parts[i]), 100);
    use(strata_tracked_create(parts[i], "of C", STRATA_LEAKS_STOP), 100);
    use(strata_failing_create(parts[i], &never), 100);
  }
  CHECK(strata_resource_statistics(tlsf).live_blocks == 0);
  strata_resource_destroy(tlsf);
}

static void note_soft_limit(strata_account* account, void* calls) {
  CHECK(account != NULL);
  ++*(int*)calls;
}
static int nothing_to_reclaim(strata_account* account, size_t missing_bytes, void* calls) {
  CHECK(account != NULL && missing_bytes == 50);
  *(int*)calls += 10;
  return 0;
}
static int is_ours(const strata_account_figures* each, void* name) {
  return strcmp(each->name, name) == 0;
}

static void accounts(void) {
  int calls = 0;
  strata_account* all = strata_account_create("all", NULL);
  strata_account* one =
      strata_account_create("one", &(strata_account_options){.parent = all,
                                                             .soft_limit_bytes = 50,
                                                             .hard_limit_bytes = 100,
                                                             .at_soft_limit = note_soft_limit,
                                                             .reclaim = nothing_to_reclaim,
                                                             .context = &calls});
  CHECK(strata_account_charge(one, 80) == 0 && calls == 1);
  CHECK(strata_account_charge(one, 70) == -1 && errno == ENOMEM && calls == 11);
  strata_account_set_hard_limit(one, STRATA_NONE);
  strata_account_set_soft_limit(one, STRATA_NONE);
  strata_account_figures now;
  CHECK(strata_account_get_figures(one, &now) == 0 && now.charged_bytes == 80 && now.refused == 1);
  CHECK(strata_each_account(is_ours, "one") == 1 && strata_each_account(is_ours, "two") == 0);
  char json[1000];
  CHECK(strata_accounts_json(json, sizeof json) == strlen(json) && strstr(json, "\"one\""));
  strata_account_relieve(one, 80);
  use(strata_accounted_create(one, NULL), 100);
  strata_account_destroy(one);
  strata_account_destroy(all);
}

static void buffer_pools(void) {
  strata_buffer_pool* pool =
      strata_buffer_pool_create(NULL, &(strata_buffer_pool_options){.total_bytes = 3000});
  void* one = strata_buffer_pool_acquire(pool, 1000, STRATA_FOREVER, 0);
  size_t sizes[] = {700, 1300};
  void* both[2];
  CHECK(one != NULL && strata_buffer_pool_acquire_all(pool, sizes, 2, both, 0, 0) == 0);
  CHECK(strata_buffer_pool_acquire(pool, 1, 1000, 0) == NULL && errno == ETIMEDOUT);
  strata_buffer_pool_metrics now;
  strata_buffer_pool_get_metrics(pool, &now);
  CHECK(now.lent_bytes == 3000 && now.exhausted_count == 1);
  strata_buffer_pool_release(pool, one, 1000);
  for (size_t i = 0; i < 2; ++i) strata_buffer_pool_release(pool, both[i], sizes[i]);
  strata_resource_verify(strata_buffer_pool_resource(pool));
  strata_buffer_pool_close(pool);
  CHECK(strata_buffer_pool_acquire(pool, 1, 0, 0) == NULL && errno == ESHUTDOWN);
  strata_buffer_pool_destroy(pool);
}

static void count_leak(const strata_buffer_leak* leak, void* count) {
  CHECK(strcmp(leak->accesses[0].file, __FILE__) == 0);
  CHECK(leak->access_count == 2 && strcmp(leak->accesses[1].hint, "sent") == 0);
  ++*(int*)count;
}

static void buffer_arenas(void) {
  int leaks = 0;
  strata_buffer_arena* arena = strata_buffer_arena_create(
      NULL, &(strata_buffer_arena_options){
                .leaks = STRATA_LEAKS_PARANOID, .on_leak = count_leak, .context = &leaks});
  strata_buffer whole = strata_buffer_make(arena, 100, STRATA_HERE);
  strata_buffer part = strata_buffer_slice(&whole, 10, 20);
  strata_buffer same = strata_buffer_share(&whole);
  strata_buffer head = strata_buffer_split(&same, 40);
  CHECK(strata_buffer_owners(&whole) == 4 && part.size == 20 && head.size == 40);
  CHECK(strata_buffer_capacity(&whole) >= 100 && strata_buffer_resize(&whole, 50) == 1);
  strata_buffer_release(&part);
  strata_buffer_release(&head);
  strata_buffer_release(&same);
  strata_buffer_touch(&whole, "sent", STRATA_HERE);
  strata_buffer_arena_each_leak(arena, count_leak, &leaks);
  CHECK(leaks == 1);
  strata_buffer_arena_metrics now;
  strata_buffer_arena_get_metrics(arena, &now);
  CHECK(now.live_bytes >= 100);
  strata_resource* raw = strata_buffer_arena_resource(arena);
  void* block = strata_resource_allocate(raw, 1000, 8);
  strata_resource_deallocate(raw, block, 1000, 8);
  strata_buffer_arena_trim(arena);
  strata_buffer_arena_destroy(arena);
  CHECK(leaks == 2);
}

static void clean(void* data, size_t bytes, void* count) {
  CHECK(data != NULL && bytes == 5000);
  ++*(int*)count;
}
static void ask(size_t missing_bytes, void* count) {
  CHECK(missing_bytes == 4096);
  *(int*)count += 10;
}

static void direct_buffers(void) {
  int count = 0;
  strata_direct_budget* budget = strata_direct_budget_create(
      8192, &(strata_direct_options){
                .guard_pages = 1, .reclaim = ask, .context = &count, .waits = STRATA_NONE});
  strata_direct_buffer* buffer = strata_direct_buffer_make(budget, 5000, clean, &count);
  strata_direct_buffer* part = strata_direct_buffer_slice(buffer, 4000, 1000);
  CHECK((char*)strata_direct_buffer_data(buffer) + 4000 == strata_direct_buffer_data(part));
  CHECK(strata_direct_buffer_bytes(part) == 1000);
  CHECK(strata_direct_buffer_make(budget, 100, NULL, NULL) == NULL && errno == ENOMEM);
  CHECK(count == 10 && strata_direct_budget_figures(budget).blocks == 1);
  strata_resource_verify(strata_direct_budget_resource(budget));
  CHECK(strata_direct_buffer_free(part) == 1 && count == 11);
  strata_direct_buffer_drop(part);
  strata_direct_buffer_drop(buffer);
  strata_direct_budget_destroy(budget);
}

static int make_item(void* item, void* made) {
  *(int*)item = ++*(int*)made;
  return 0;
}
static int reset_item(void* item, void* made) { return item == made; }
static void destroy_item(void* item, void* made) { *(int*)made -= item != made; }

static void object_pools(void) {
  int made = 0;
  strata_object_pool* pool =
      strata_object_pool_create(NULL, &(strata_object_pool_options){.item_bytes = sizeof(int),
                                                                    .make = make_item,
                                                                    .reset = reset_item,
                                                                    .destroy = destroy_item,
                                                                    .context = &made,
                                                                    .period_ms = UINT32_MAX});
  int* item = strata_object_pool_get(pool);
  CHECK(*item == 1);
  strata_object_pool_put(pool, item);
  CHECK(strata_object_pool_get(pool) == item);
  strata_object_pool_put(pool, item);
  strata_object_pool_verify(pool);
  CHECK(strata_object_pool_statistics(pool).idle == 1);
  strata_object_pool_cycle(pool);
  strata_object_pool_cycle(pool);
  CHECK(made == 0);
  strata_object_pool_destroy(pool);
}

static void stack_pools(void) {
  strata_stack_pool* pool =
      strata_stack_pool_create(&(strata_stack_pool_options){.stack_bytes = 1 << 16});
  strata_fiber_stack stack = strata_stack_acquire(pool, "fiber");
  CHECK(stack.top != NULL && strata_stack_at(pool, (char*)stack.top - 100).top == stack.top);
  strata_stack_rename(pool, stack, "another");
  CHECK(strata_stack_watermark(pool, stack) <= stack.bytes + 4096);
  CHECK(strata_stack_guard_of(pool, stack) <= STRATA_GUARD_CANARY);
  CHECK(strata_stack_number(pool, stack) == 1 && strata_stack_watch_this_thread() == 0);
  strata_stack_release(pool, stack);
  CHECK(strata_stack_pool_get_figures(pool).idle == 1);
  CHECK(strata_resource_statistics(strata_stack_pool_resource(pool)).live_blocks == 0);
  CHECK(strata_stack_pool_trim(pool) > 0);
  strata_stack_pool_destroy(pool);
}

int main(void) {
  kinds();
  bumps();
  composers();
  accounts();
  buffer_pools();
  buffer_arenas();
  direct_buffers();
  object_pools();
  stack_pools();
  puts("resources.h works in C");
  return 0;
}
