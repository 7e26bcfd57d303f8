#include "sync/mutex.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>
#include <vector>

namespace strata::sync {
namespace {

constexpr int thread_count = 4;
constexpr int rounds = 50'000;

TEST(Mutex, KeepsACounterExact) {
  mutex lock(rank::bin);
  long counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < thread_count; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < rounds; ++round) {
        lock.lock();
        ++counter;
        lock.unlock();
      }
    });
  }
  for (std::thread& one : threads) one.join();
  EXPECT_EQ(counter, long{thread_count} * rounds);
}

TEST(Mutex, WakesASleeper) {
  mutex lock(rank::bin);
  bool entered = false;
  lock.lock();
  std::thread sleeper([&] {
    lock.lock();
    entered = true;
    lock.unlock();
  });
  // Long enough for the other thread to go to sleep.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(entered);
  lock.unlock();
  sleeper.join();
  EXPECT_TRUE(entered);
}

TEST(Mutex, TryLockFailsWhileHeld) {
  mutex lock(rank::bin);
  EXPECT_TRUE(lock.try_lock());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

TEST(Mutex, ResetFreesIt) {
  mutex lock(rank::bin);
  lock.lock();
  lock.reset();
  EXPECT_TRUE(lock.try_lock());
  lock.unlock();
}

bool is_blocked(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

TEST(SignalShield, BlocksAllButFaults) {
  signal_shield shield;
  EXPECT_TRUE(is_blocked(SIGUSR1));
  EXPECT_TRUE(is_blocked(SIGALRM));
  EXPECT_FALSE(is_blocked(SIGSEGV));
  EXPECT_FALSE(is_blocked(SIGABRT));
}

TEST(SignalShield, NestsAndRestoresTheMask) {
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &own, nullptr);
  mutex outer_lock(rank::registry);
  mutex inner_lock(rank::bin);
  {
    locked outer(outer_lock);
    {
      locked inner(inner_lock);
      EXPECT_TRUE(is_blocked(SIGUSR1));
    }
    EXPECT_TRUE(is_blocked(SIGUSR1)) << "the inner section ended the outer one's shield";
  }
  EXPECT_FALSE(is_blocked(SIGUSR1));
  EXPECT_TRUE(is_blocked(SIGUSR2)) << "what the thread itself had blocked";
  pthread_sigmask(SIG_UNBLOCK, &own, nullptr);
}

volatile sig_atomic_t handled = 0;

TEST(SignalShield, ASignalWaitsForTheEndOfTheSection) {
  signal(SIGUSR1, [](int) { handled = 1; });
  mutex lock(rank::bin);
  {
    locked section(lock);
    raise(SIGUSR1);
    EXPECT_EQ(handled, 0);
  }
  // ThreadSanitizer keeps a signal back until the next call that may block.
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(handled, 1);
  signal(SIGUSR1, SIG_DFL);
}

}  // namespace
}  // namespace strata::sync
