#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "resource/c_test.hpp"

namespace strata {
namespace {

// ---- Composers

struct composer {
  const char* name;
  strata_resource* (*make)(strata_resource* part);
  bool has_map = true;
  bool has_map_of_malloc = false;
};
const composer composers[] = {
    {"limited", [](strata_resource* part) { return strata_limited_create(10 << 20, part); }},
    {"synchronized", strata_synchronized_create},
    {"fenced", strata_fenced_create, true, true},
    {"tracked",
     [](strata_resource* part) { return strata_tracked_create(part, nullptr, STRATA_LEAKS_STOP); },
     true, true},
    {"failing", [](strata_resource* part) { return strata_failing_create(part, nullptr); }},
    {"segregator", [](strata_resource* part) { return strata_segregator_create(100, part, part); }},
};

class CComposer : public testing::TestWithParam<composer> {};
INSTANTIATE_TEST_SUITE_P(All, CComposer, testing::ValuesIn(composers),
                         [](const auto& each) { return std::string(each.param.name); });

bool has_regions(const strata_resource* one) {
  auto seen = [](const strata_region*, void*) { return 1; };
  return strata_resource_each_region(one, seen, nullptr) == 1;
}

TEST_P(CComposer, IsAroundAPart) {
  c_upstream upstream;
  strata_resource* part = strata_tlsf_create(upstream, nullptr);
  strata_resource* one = GetParam().make(part);
  void* block = strata_resource_allocate(one, 50, 8);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(strata_resource_owns(one, block), 1);
  EXPECT_EQ(strata_resource_owns(one, &upstream), 0);
  EXPECT_TRUE(has_regions(one));
  EXPECT_EQ(strata_resource_statistics(part).live_blocks, 1u);
  strata_resource_verify(one);
  strata_resource_deallocate(one, block, 50, 8);
  EXPECT_EQ(strata_resource_statistics(part).live_blocks, 0u);
  EXPECT_EQ(strata_resource_release(one), -1);
  strata_resource_destroy(one);
  strata_resource_destroy(part);
}

TEST_P(CComposer, IsAroundMalloc) {
  strata_resource* one = GetParam().make(nullptr);
  void* block = strata_resource_allocate(one, 50, 8);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(has_regions(one), GetParam().has_map_of_malloc);
  EXPECT_EQ(strata_resource_statistics(one).live_blocks, 1u);
  strata_resource_deallocate(one, block, 50, 8);
  EXPECT_EQ(strata_resource_statistics(one).live_blocks, 0u);
  strata_resource_destroy(one);
}

// What a part can't tell, its composer can't either.
TEST_P(CComposer, KnowsNoMoreThanItsPart) {
  strata_resource* part = strata_malloc_create();
  strata_resource* one = GetParam().make(part);
  EXPECT_EQ(strata_resource_owns(one, part), -1);
  EXPECT_EQ(strata_fallback_create(one, nullptr), nullptr);
  EXPECT_EQ(errno, EINVAL);
  strata_resource_destroy(one);
  strata_resource_destroy(part);
}

TEST(CCompose, LimitedRefuses) {
  strata_resource* one = strata_limited_create(100, nullptr);
  void* block = strata_resource_allocate(one, 60, 8);
  EXPECT_EQ(strata_resource_allocate(one, 41, 8), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  strata_resource_deallocate(one, block, 60, 8);
  block = strata_resource_allocate(one, 100, 8);
  EXPECT_NE(block, nullptr);
  strata_resource_deallocate(one, block, 100, 8);
  strata_resource_destroy(one);
}

TEST(CCompose, FallbackGoesToTheSecond) {
  alignas(16) std::byte buffer[1024];
  strata_resource* first = strata_bump_create_in(buffer, sizeof buffer);
  for (strata_resource* second : {static_cast<strata_resource*>(nullptr), strata_malloc_create()}) {
    strata_resource* one = strata_fallback_create(first, second);
    void* near = strata_resource_allocate(one, 100, 8);
    void* far = strata_resource_allocate(one, 5000, 8);
    EXPECT_EQ(strata_resource_owns(first, near), 1);
    EXPECT_EQ(strata_resource_owns(first, far), 0);
    strata_resource_deallocate(one, far, 5000, 8);
    strata_resource_deallocate(one, near, 100, 8);
    EXPECT_EQ(strata_resource_statistics(first).used_bytes, 0u);
    strata_resource_destroy(one);
    strata_resource_destroy(second);
  }
  strata_resource_destroy(first);
  EXPECT_EQ(strata_fallback_create(nullptr, nullptr), nullptr);
}

TEST(CCompose, SegregatorGoesBySize) {
  strata_resource* parts[] = {strata_malloc_create(), strata_malloc_create()};
  for (unsigned given = 0; given < 4; ++given) {
    strata_resource* small = (given & 1) != 0 ? parts[0] : nullptr;
    strata_resource* large = (given & 2) != 0 ? parts[1] : nullptr;
    strata_resource* one = strata_segregator_create(100, small, large);
    void* blocks[] = {strata_resource_allocate(one, 100, 8), strata_resource_allocate(one, 101, 8)};
    EXPECT_EQ(strata_resource_statistics(parts[0]).live_blocks, small != nullptr ? 1u : 0u);
    EXPECT_EQ(strata_resource_statistics(parts[1]).live_blocks, large != nullptr ? 1u : 0u);
    EXPECT_EQ(strata_resource_statistics(one).live_blocks, 2u);
    strata_resource_deallocate(one, blocks[0], 100, 8);
    strata_resource_deallocate(one, blocks[1], 101, 8);
    strata_resource_destroy(one);
  }
  for (strata_resource* each : parts) strata_resource_destroy(each);
}

TEST(CCompose, FailingFailsWhenTold) {
  strata_failing_options options = {2, 0, 0, 0};
  strata_resource* one = strata_failing_create(nullptr, &options);
  void* block = strata_resource_allocate(one, 10, 8);
  EXPECT_NE(block, nullptr);
  errno = 0;
  EXPECT_EQ(strata_resource_allocate(one, 10, 8), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  strata_resource_deallocate(one, block, 10, 8);
  strata_resource_destroy(one);
}

TEST(CCompose, ThreadsShareOne) {
  strata_resource* parts[] = {strata_tlsf_create(nullptr, nullptr),
                              strata_tlsf_create(nullptr, nullptr)};
  strata_resource* ones[] = {strata_synchronized_create(parts[0]),
                             strata_thread_front_create(parts[1])};
  for (strata_resource* one : ones) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        for (std::size_t turn = 0; turn < 3000; ++turn) {
          void* block = strata_resource_allocate(one, turn % 600, 8);
          std::memset(block, 1, turn % 600);
          strata_resource_deallocate(one, block, turn % 600, 8);
        }
      });
    }
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(strata_resource_statistics(one).live_blocks, 0u);
  }
  void* block = strata_resource_allocate(ones[1], 10, 8);
  strata_resource_deallocate(ones[1], block, 10, 8);
  EXPECT_NE(strata_resource_statistics(parts[1]).live_blocks, 0u) << "cached";
  EXPECT_EQ(strata_resource_trim(ones[1]), 0);
  EXPECT_EQ(strata_resource_statistics(parts[1]).live_blocks, 0u);
  for (strata_resource* one : ones) strata_resource_destroy(one);
  for (strata_resource* part : parts) strata_resource_destroy(part);
}

TEST(CComposeDeathTest, FindsWhatItIsThereFor) {
  strata_resource* fenced = strata_fenced_create(nullptr);
  auto* block = static_cast<char*>(strata_resource_allocate(fenced, 10, 8));
  char kept = block[10];
  block[10] = 1;
  EXPECT_DEATH(strata_resource_verify(fenced), "strata: fenced: write past the end of a block");
  EXPECT_DEATH(strata_resource_deallocate(fenced, block, 10, 8), "strata: fenced: ");
  block[10] = kept;
  strata_resource_deallocate(fenced, block, 10, 8);
  strata_resource_destroy(fenced);

  std::string name = "orders";
  strata_resource* tracked = strata_tracked_create(nullptr, name.c_str(), STRATA_LEAKS_STOP);
  name = "overwritten";
  void* leaked = strata_resource_allocate(tracked, 10, 8);
  EXPECT_DEATH(strata_resource_destroy(tracked), "strata: orders: 1 blocks? of 10 bytes");
  strata_resource_deallocate(tracked, leaked, 10, 8);
  strata_resource_destroy(tracked);
  EXPECT_EQ(strata_tracked_create(nullptr, "orders", 3), nullptr);
}

// ---- Accounts

struct cache {
  strata_account* charged = nullptr;
  std::size_t entries = 0;
  std::size_t soft_passes = 0;
  std::size_t missing = 0;
};

int evict(strata_account* account, std::size_t missing, void* context) {
  auto* one = static_cast<cache*>(context);
  EXPECT_EQ(account, one->charged);
  one->missing = missing;
  if (one->entries == 0) return 0;
  --one->entries;
  strata_account_relieve(account, 1000);
  return 1;
}

TEST(CAccount, ReclaimsBeforeItRefuses) {
  cache of;
  strata_account_options server_options = {};
  server_options.hard_limit_bytes = 5000;
  strata_account* server = strata_account_create("server", &server_options);
  strata_account_options options = {};
  options.parent = server;
  options.soft_limit_bytes = 2500;
  options.at_soft_limit = [](strata_account*, void* context) {
    ++static_cast<cache*>(context)->soft_passes;
  };
  options.reclaim = evict;
  options.context = &of;
  strata_account* account = of.charged = strata_account_create("cache", &options);
  for (; of.entries < 4; ++of.entries) EXPECT_EQ(strata_account_charge(account, 1000), 0);
  EXPECT_EQ(of.soft_passes, 1u);
  EXPECT_EQ(strata_account_charge(account, 3000), 0);  // two have to go
  EXPECT_EQ(of.entries, 2u);
  EXPECT_EQ(of.missing, 1000u);
  errno = 0;
  EXPECT_EQ(strata_account_charge(account, 5001), -1);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(of.entries, 2u) << "asked in vain";

  strata_account_figures now = {};
  EXPECT_EQ(strata_account_get_figures(account, &now), 0);
  EXPECT_STREQ(now.name, "cache");
  EXPECT_EQ(now.charged_bytes, 5000u);
  EXPECT_EQ(now.soft_limit_bytes, 2500u);
  EXPECT_EQ(now.hard_limit_bytes, STRATA_NONE);
  EXPECT_EQ(now.reclaims, 2u);
  strata_account_figures above = {};
  EXPECT_EQ(strata_account_get_figures(server, &above), 0);
  EXPECT_EQ(now.parent, above.number);
  EXPECT_EQ(above.refused + now.refused, 1u);

  strata_account_relieve(account, 5000);
  strata_account_set_hard_limit(account, 10);
  EXPECT_EQ(strata_account_charge(account, 11), -1);
  strata_account_destroy(account);
  strata_account_destroy(server);
  strata_account_destroy(nullptr);
  EXPECT_EQ(strata_account_create(nullptr, nullptr), nullptr);
}

TEST(CAccount, TellsOfAll) {
  strata_account* one = strata_account_create("one", nullptr);
  strata_account_options options = {};
  options.parent = one;
  strata_account* two = strata_account_create("two", &options);
  EXPECT_EQ(strata_account_charge(two, 7), 0);
  std::string names;
  auto visit = [](const strata_account_figures* each, void* context) {
    *static_cast<std::string*>(context) += std::string(each->name) + " ";
    return each->charged_bytes == 7 && each->parent != 0 ? 3 : 0;
  };
  EXPECT_EQ(strata_each_account(visit, &names), 3);
  EXPECT_EQ(names, "one two ");
  char text[1000];
  std::size_t length = strata_accounts_json(text, sizeof text);
  EXPECT_EQ(length, std::strlen(text));
  EXPECT_NE(std::string(text).find("\"name\":\"two\""), std::string::npos);
  char shorter[10];
  EXPECT_EQ(strata_accounts_json(shorter, sizeof shorter), length);
  EXPECT_EQ(std::string(shorter), std::string(text).substr(0, 9));
  EXPECT_EQ(strata_accounts_json(nullptr, 0), length);
  strata_account_relieve(two, 7);
  strata_account_destroy(two);
  strata_account_destroy(one);
}

TEST(CAccount, ChargesBlocks) {
  strata_account_options options = {};
  options.hard_limit_bytes = 100;
  strata_account* account = strata_account_create("blocks", &options);
  strata_resource* part = strata_bump_create(nullptr, nullptr);
  for (strata_resource* each : {static_cast<strata_resource*>(nullptr), part}) {
    strata_resource* one = strata_accounted_create(account, each);
    void* block = strata_resource_allocate(one, 60, 8);
    EXPECT_NE(block, nullptr);
    EXPECT_EQ(strata_resource_allocate(one, 60, 8), nullptr);
    EXPECT_EQ(strata_resource_owns(one, block), each != nullptr ? 1 : -1);
    strata_account_figures now = {};
    strata_account_get_figures(account, &now);
    EXPECT_EQ(now.charged_bytes, 60u);
    if (each == nullptr) strata_resource_deallocate(one, block, 60, 8);
    strata_resource_destroy(one);  // relieves of the block in the bump
  }
  strata_resource_destroy(part);
  strata_account_destroy(account);
  EXPECT_EQ(strata_accounted_create(nullptr, nullptr), nullptr);
}

}  // namespace
}  // namespace strata
