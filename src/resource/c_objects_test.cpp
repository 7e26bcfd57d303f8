#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "resource/c_test.hpp"

namespace strata {
namespace {

struct parser {
  std::uint64_t made;
  char text[48];
};
struct factory {
  std::atomic<int> made{0};
  std::atomic<int> destroyed{0};
  std::atomic<int> refuses_make{0};   // with this errno
  std::atomic<int> refuses_reset{0};  // 1: does
};

strata_object_pool_options options_of(factory& with) {
  strata_object_pool_options options = {};
  options.item_bytes = sizeof(parser);
  options.make = [](void* item, void* context) {
    auto* self = static_cast<factory*>(context);
    if (self->refuses_make != 0) {
      errno = self->refuses_make;
      return -1;
    }
    ::new (item) parser{0x5eed, {}};
    ++self->made;
    return 0;
  };
  options.reset = [](void* item, void* context) {
    EXPECT_EQ(static_cast<parser*>(item)->made, 0x5eedu);
    return static_cast<factory*>(context)->refuses_reset.load();
  };
  options.destroy = [](void* item, void* context) {
    EXPECT_EQ(static_cast<parser*>(item)->made, 0x5eedu);
    ++static_cast<factory*>(context)->destroyed;
  };
  options.context = &with;
  options.period_ms = UINT32_MAX;
  return options;
}

TEST(CObjectPool, KeepsItemsBetweenUses) {
  factory with;
  c_upstream upstream;
  strata_object_pool_options options = options_of(with);
  strata_object_pool* pool = strata_object_pool_create(upstream, &options);
  auto* item = static_cast<parser*>(strata_object_pool_get(pool));
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(detail::address_of(item) % alignof(std::max_align_t), 0u);
  std::strcpy(item->text, "kept");
  strata_object_pool_put(pool, item);
  auto* again = static_cast<parser*>(strata_object_pool_get(pool));
  EXPECT_EQ(again, item);
  EXPECT_STREQ(again->text, "kept");
  EXPECT_EQ(with.made, 1);
  strata_object_pool_figures now = strata_object_pool_statistics(pool);
  EXPECT_EQ(now.in_use, 1u);
  EXPECT_EQ(now.idle, 0u);
  strata_object_pool_put(pool, again);
  strata_object_pool_put(pool, nullptr);
  strata_object_pool_verify(pool);
  strata_object_pool_cycle(pool);
  EXPECT_EQ(with.destroyed, 0);
  strata_object_pool_cycle(pool);
  EXPECT_EQ(with.destroyed, 1);
  EXPECT_EQ(strata_object_pool_statistics(pool).cycles, 2u);
  with.refuses_reset = 1;
  strata_object_pool_put(pool, strata_object_pool_get(pool));
  EXPECT_EQ(with.destroyed, 2);
  strata_object_pool_destroy(pool);
  strata_object_pool_destroy(nullptr);
  EXPECT_EQ(upstream->live_blocks(), 0u);
}

TEST(CObjectPool, TellsWhyThereIsNone) {
  factory with;
  c_upstream upstream;
  strata_object_pool_options options = options_of(with);
  strata_object_pool* pool = strata_object_pool_create(upstream, &options);
  with.refuses_make = EMFILE;
  errno = 0;
  EXPECT_EQ(strata_object_pool_get(pool), nullptr);
  EXPECT_EQ(errno, EMFILE);
  EXPECT_EQ(upstream->live_blocks(), 0u);
  upstream->left = 0;
  EXPECT_EQ(strata_object_pool_get(pool), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  strata_object_pool_destroy(pool);
  options.item_alignment = 24;
  EXPECT_EQ(strata_object_pool_create(nullptr, &options), nullptr);
  EXPECT_EQ(errno, EINVAL);
}

TEST(CObjectPool, NeedsNoFunctions) {
  strata_object_pool_options options = {};
  options.item_bytes = 100;
  options.item_alignment = 64;
  strata_object_pool* pool = strata_object_pool_create(nullptr, &options);
  std::vector<unsigned char*> items(500);
  for (unsigned char*& each : items) {
    each = static_cast<unsigned char*>(strata_object_pool_get(pool));
    EXPECT_EQ(detail::address_of(each) % 64, 0u);
    EXPECT_EQ(each[0] | each[99], 0);
    std::memset(each, 1, 100);
  }
  for (unsigned char* each : items) strata_object_pool_put(pool, each);
  EXPECT_EQ(strata_object_pool_statistics(pool).idle, 500u);
  strata_object_pool_destroy(pool);
}

TEST(CObjectPool, ServesThreads) {
  factory with;
  strata_object_pool_options options = options_of(with);
  options.period_ms = 1;
  strata_object_pool* pool = strata_object_pool_create(nullptr, &options);
  std::atomic<void*> passed{nullptr};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 5000; ++turn) {
        auto* item = static_cast<parser*>(strata_object_pool_get(pool));
        item->text[0] = 'x';
        // What another thread got goes back here.
        strata_object_pool_put(pool, passed.exchange(item));
      }
    });
  }
  for (std::thread& each : threads) each.join();
  strata_object_pool_put(pool, passed);
  EXPECT_EQ(strata_object_pool_statistics(pool).in_use, 0u);
  strata_object_pool_destroy(pool);
  EXPECT_EQ(with.made, with.destroyed);
}

TEST(CObjectPoolDeathTest, StopsOnMisuse) {
  strata_object_pool* pool = strata_object_pool_create(nullptr, nullptr);
  void* item = strata_object_pool_get(pool);
  EXPECT_DEATH(strata_object_pool_destroy(pool), "strata: object_pool: ");
  strata_object_pool_put(pool, item);
  EXPECT_DEATH(strata_object_pool_put(pool, item), "strata: object_pool: double free");
  strata_object_pool_destroy(pool);
}

}  // namespace
}  // namespace strata
