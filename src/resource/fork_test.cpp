// fork() while other threads are at work in a resource; the child uses it, and is well.
#include <strata/detail/fork.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <strata/account.hpp>
#include <strata/buffer_arena.hpp>
#include <strata/buffer_pool.hpp>
#include <strata/bump.hpp>
#include <strata/compose.hpp>
#include <strata/direct_buffer.hpp>
#include <strata/free_list.hpp>
#include <strata/object_pool.hpp>
#include <strata/pools.hpp>
#include <strata/stack_pool.hpp>
#include <strata/test_resource.hpp>
#include <strata/thread_front.hpp>
#include <strata/tlsf.hpp>

// There where ThreadSanitizer is, which allows no threads in the child of a process with threads.
extern "C" __attribute__((weak)) void __tsan_init();
// There where AddressSanitizer is, whose malloc stays locked in a child if a thread was in it (GCC 12's).
extern "C" __attribute__((weak)) void __asan_init();

namespace strata {
namespace {

using namespace std::chrono_literals;

bool children_may_have_threads() { return __tsan_init == nullptr; }
bool threads_may_be_in_malloc() { return __asan_init == nullptr; }

constexpr int rounds = 4;
constexpr unsigned hang_seconds = 60;

// What the child does, which has no way to say more than a number. 0: all is well.
using child_work = std::function<int()>;

void fork_and_wait(const child_work& work) {
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(hang_seconds);
    _exit(work());
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Threads that call work(random) until this dies, or, where a fork must not find them in malloc, until
// each has done so a hundred times. All have by the time that this is made.
class hammers {
 public:
  using work = std::function<void(std::mt19937&)>;
  explicit hammers(const work& each, unsigned count = 3) {
    for (unsigned i = 0; i < count; ++i) {
      threads_.emplace_back([this, each, i] {
        std::mt19937 random{i};
        for (std::size_t turn = 0; !stop_.load(std::memory_order_relaxed); ++turn) {
          each(random);
          if (turn != 100) continue;
          ready_.fetch_add(1);
          if (!threads_may_be_in_malloc()) stop_.wait(false);
        }
      });
    }
    while (ready_.load() < count) std::this_thread::yield();
  }
  hammers(const hammers&) = delete;
  hammers& operator=(const hammers&) = delete;
  ~hammers() {
    stop_ = true;
    stop_.notify_all();
    for (std::thread& each : threads_) each.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<unsigned> ready_{0};
  std::vector<std::thread> threads_;
};

std::size_t some_bytes(std::mt19937& random, std::size_t most) {
  return 1 + random() % (1 + random() % most);
}

// Blocks go from thread to thread through these.
struct exchange {
  struct held {
    void* start;
    std::size_t bytes;
  };
  std::mutex lock;
  std::array<held, 64> places{};

  held swap(std::size_t place, held one) {
    std::lock_guard inside(lock);
    return std::exchange(places[place], one);
  }
};

template <resource Resource>
void allocate_some(Resource& from, exchange& others, std::size_t most, std::mt19937& random) {
  std::size_t bytes = some_bytes(random, most);
  void* block = from.try_allocate(bytes, 8);
  if (block != nullptr) *static_cast<volatile char*>(block) = 1;
  exchange::held taken = others.swap(random() % others.places.size(), {block, bytes});
  if (taken.start != nullptr) from.deallocate(taken.start, taken.bytes, 8);
}

// Allocates and frees; what it writes is there until then.
template <resource Resource>
int use(Resource& from, std::size_t most) {
  std::mt19937 random{7};
  struct held {
    unsigned char* start;
    std::size_t bytes;
  };
  std::vector<held> live;
  for (int i = 0; i < 400; ++i) {
    std::size_t bytes = some_bytes(random, most);
    auto* start = static_cast<unsigned char*>(from.try_allocate(bytes, 8));
    if (start == nullptr) return 11;
    std::memset(start, i % 251, bytes);
    live.push_back({start, bytes});
  }
  for (std::size_t i = 0; i < live.size(); ++i) {
    for (std::size_t at = 0; at < live[i].bytes; ++at) {
      if (live[i].start[at] != i % 251) return 12;
    }
    from.deallocate(live[i].start, live[i].bytes, 8);
  }
  return 0;
}

// The child's only thread, then another, then a child of its own.
template <class Use>
int use_up(Use use_once) {
  if (int wrong = use_once()) return wrong;
  int other = 0;
  if (children_may_have_threads()) std::thread([&] { other = use_once(); }).join();
  if (other != 0) return other;
  pid_t grandchild = fork();
  if (grandchild == 0) {
    alarm(hang_seconds);
    _exit(use_once());
  }
  int status = 0;
  if (waitpid(grandchild, &status, 0) != grandchild || status != 0) return 13;
  return 0;
}

template <resource Resource>
void survive_forks(Resource& one, std::size_t most_bytes) {
  exchange blocks;
  {
    hammers at_work([&](std::mt19937& random) { allocate_some(one, blocks, most_bytes, random); });
    for (int i = 0; i < rounds; ++i) {
      fork_and_wait([&] {
        return use_up([&] {
          int wrong = use(one, most_bytes);
          one.verify();
          return one.statistics().held_bytes == 0 ? 14 : wrong;
        });
      });
    }
  }
  for (auto& [start, bytes] : blocks.places) {
    if (start != nullptr) one.deallocate(start, bytes, 8);
  }
  one.verify();
  if (one.statistics().live_blocks != resource_statistics::not_counted) {
    EXPECT_EQ(one.statistics().live_blocks, 0u) << "in the parent nothing is lost";
  }
}

TEST(Fork, Synchronized) {
  synchronized<tlsf> one;
  survive_forks(one, 2000);
}

TEST(Fork, SynchronizedPools) {
  synchronized_pools one;
  survive_forks(one, 3000);
}

TEST(Fork, ThreadFront) {
  thread_front<tlsf> one;
  survive_forks(one, 700);
}

TEST(Fork, BufferArena) {
  buffer_arena one(std::pmr::get_default_resource(), {.arenas = 2, .trim_every = 64});
  survive_forks(one, 40'000);
}

TEST(Fork, BufferPool) {
  buffer_pool one({.total_bytes = 4 << 20, .poolable_bytes = 512});
  survive_forks(one, 600);
}

TEST(Fork, StackPool) {
  stack_pool one({.stack_bytes = 16384});
  survive_forks(one, 100);
}

TEST(Fork, DirectBudget) {
  direct_budget one(64 << 20);
  survive_forks(one, 9000);
}

TEST(Fork, TestResource) {
  test_resource one;
  survive_forks(one, 300);
}

TEST(Fork, ResourcesUponResources) {
  synchronized<tlsf> below;
  pmr_ref lowest(below);
  buffer_arena between(&lowest, {.chunk_bytes = 64 << 10, .arenas = 1});
  pmr_ref lower(between);
  thread_front<free_list<fit::best>> one(&lower);
  survive_forks(one, 700);
}

struct session {
  std::array<int, 20> words{};
};

TEST(Fork, ObjectPool) {
  object_pool<session> one({.most_idle = 300, .period_ms = 1});
  auto take_some = [&](std::size_t count) {
    std::vector<object_pool<session>::handle> taken;
    for (std::size_t i = 0; i < count; ++i) {
      taken.push_back(one.get());
      taken.back()->words.fill(static_cast<int>(i));
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (taken[i]->words[7] != static_cast<int>(i)) return 21;
    }
    return 0;
  };
  {
    hammers at_work([&](std::mt19937& random) { take_some(random() % 40); });
    for (int i = 0; i < rounds; ++i) {
      fork_and_wait([&] {
        return use_up([&] {
          int wrong = take_some(200);
          one.verify();
          one.cycle();
          one.verify();
          return one.statistics().made == 0 ? 22 : wrong;
        });
      });
    }
  }
  one.verify();
  EXPECT_EQ(one.statistics().in_use(), 0u);
}

TEST(Fork, Account) {
  account all("all", {.hard_limit_bytes = 10'000});
  std::atomic<int> asked{0};
  account some("some", {.parent = &all,
                        .soft_limit_bytes = 5000,
                        .at_soft_limit = [](account&) {},
                        .reclaimer = [&](account&, std::size_t) { return ++asked, false; }});
  {
    hammers at_work([&](std::mt19937& random) {
      std::size_t bytes = some_bytes(random, 8000);
      if (some.charge(bytes)) some.relieve(bytes);
      static_cast<void>(accounts());
    });
    for (int i = 0; i < rounds; ++i) {
      fork_and_wait([&] {
        all.set_hard_limit(1'000'000);
        return use_up([&] {
          if (!some.charge(20'000)) return 31;
          some.relieve(20'000);
          account below("below", {.parent = &some});
          return accounts().size() == 3 && !some.charge(2'000'000) ? 0 : 32;
        });
      });
    }
  }
  EXPECT_EQ(all.charged_bytes(), 0u);
}

// Blocks that a thread had cached are to be had again in the child.
TEST(Fork, CachesOfThreadsThatAreGoneComeBack) {
  thread_front<tlsf> front;
  buffer_arena arena(std::pmr::get_default_resource(), {.arenas = 1});
  std::atomic<int> step{0};
  std::thread other([&] {
    std::vector<void*> blocks;
    for (int i = 0; i < 30; ++i) {
      blocks.push_back(front.try_allocate(64, 8));
      blocks.push_back(arena.try_allocate(64, 8));
    }
    for (std::size_t i = 0; i < blocks.size(); i += 2) {
      front.deallocate(blocks[i], 64, 8);
      arena.deallocate(blocks[i + 1], 64, 8);
    }
    step = 1;
    step.notify_all();
    step.wait(1);
  });
  step.wait(0);
  EXPECT_GE(arena.metrics().cached_bytes, 30u * 64);
  fork_and_wait([&] {
    void* block = front.try_allocate(100, 8);
    auto used = [](tlsf& part) { return part.statistics().live_blocks; };
    if (block == nullptr || front.with(used) != 1) return 41;
    void* buffer = arena.try_allocate(30'000, 8);
    if (buffer == nullptr || arena.metrics().threads != 1) return 42;
    arena.verify();
    return arena.metrics().cached_bytes < 30u * 64 ? 0 : 43;
  });
  step = 2;
  step.notify_all();
  other.join();
}

// A thread waits for a buffer on a stack that is nobody's in the child.
TEST(Fork, WaitersAreGone) {
  buffer_pool one({.total_bytes = 1000, .poolable_bytes = 0});
  pooled_buffer all = one.acquire(1000);
  std::thread waiter([&] { EXPECT_TRUE(one.acquire(900)); });
  while (one.metrics().waiters == 0) std::this_thread::yield();
  fork_and_wait([&] {
    if (one.metrics().waiters != 0) return 51;
    all.reset();
    if (one.metrics().free_bytes != 1000) return 52;
    return one.try_acquire(1000) ? 0 : 53;
  });
  all.reset();
  waiter.join();
}

// Its owner is not to return what it has, and the end of the pool says nothing of it.
TEST(Fork, WhatThreadsHeldIsNoFaultOfTheChild) {
  auto buffers = std::make_unique<buffer_pool>();
  auto objects = std::make_unique<object_pool<session>>();
  auto stacks = std::make_unique<stack_pool>();
  auto charged = std::make_unique<account>("charged");
  std::atomic<int> step{0};
  std::thread other([&] {
    pooled_buffer buffer = buffers->acquire(100);
    object_pool<session>::handle object = objects->get();
    fiber_stack stack = stacks->acquire();
    bool fits = charged->charge(100);
    step = 1;
    step.notify_all();
    step.wait(1);
    stacks->release(stack);
    if (fits) charged->relieve(100);
  });
  step.wait(0);
  fork_and_wait([&] {
    buffers.reset();
    objects.reset();
    stacks.reset();
    charged.reset();
    return 0;
  });
  step = 2;
  step.notify_all();
  other.join();
}

// Resources on the stacks of threads are lost with them; those stacks serve again.
TEST(Fork, ResourcesOnStacksOfThreadsAreForgotten) {
  std::atomic<int> step{0};
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      account own("own");
      synchronized<tlsf> one;
      thread_front<tlsf> two;
      void* block = two.try_allocate(10, 8);
      ++step;
      step.notify_all();
      for (int now = step; now < 10; now = step) step.wait(now);
      two.deallocate(block, 10, 8);
    });
  }
  for (int now = step; now < 3; now = step) step.wait(now);
  EXPECT_EQ(accounts().size(), 3u);
  fork_and_wait([] {
    if (!accounts().empty()) return 61;
    auto overwrite = [] {
      std::array<unsigned char, 100'000> junk;
      for (unsigned char& each : junk) *const_cast<volatile unsigned char*>(&each) = 0xa5;
      synchronized<tlsf> one;
      account own("own");
      if (use(one, 100) != 0 || accounts().size() != 1) _exit(62);
    };
    for (int i = 0; i < 5 && children_may_have_threads(); ++i) std::thread(overwrite).join();
    return use_up([] {
      synchronized<tlsf> one;
      return use(one, 100);
    });
  });
  step = 10;
  step.notify_all();
  for (std::thread& each : others) each.join();
}

// It holds the lock itself, and goes on holding it in both.
TEST(Fork, FromWithinACallTheLockStaysWithTheThread) {
  synchronized<bump> one;
  one.with([&](bump& part) {
    fork_and_wait([&] { return part.try_allocate(10, 8) != nullptr ? 0 : 71; });
  });
  EXPECT_NE(one.try_allocate(10, 8), nullptr);
}

// And nothing is waited for: the other locks are held as in any fork.
TEST(Fork, FromWithinACallOtherLocksAreStillHeld) {
  synchronized<tlsf> older;
  thread_front<tlsf> one;
  synchronized<tlsf> younger;
  one.with([&](tlsf& part) {
    fork_and_wait([&] {
      if (part.try_allocate(10, 8) == nullptr) return 72;
      return older.try_allocate(10, 8) != nullptr && younger.try_allocate(10, 8) != nullptr ? 0
                                                                                            : 73;
    });
  });
  int visits = 0;
  void* block = older.try_allocate(10, 8);
  older.each_region([&](const region& /*each*/) {
    if (visits++ == 0) fork_and_wait([&] { return use(one, 100); });
  });
  EXPECT_GT(visits, 0);
  older.deallocate(block, 10, 8);
  EXPECT_EQ(use(older, 100), 0);
}

}  // namespace
}  // namespace strata
