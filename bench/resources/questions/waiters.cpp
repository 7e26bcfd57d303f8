// Sixteen threads want buffers, of which there are eight: whose bounded pool hands them on quickest?
//
//   equal  all of one size, held while another thread runs: so that there are always some who wait
//   mixed  of one to four times the size
//
// The work is done when the last thread has had all of its buffers.
//
// Contenders: Strata's, strictly first in first out; a condition variable for all (whoever wakes first
// wins, nothing is fair); a condition variable for each waiter, in a queue, as Kafka's pool has.
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <latch>
#include <memory>
#include <mutex>
#include <new>
#include <strata/buffer_pool.hpp>
#include <thread>
#include <vector>

#include "question.hpp"

namespace {

constexpr std::size_t unit = 16 << 10;
constexpr std::size_t total = 8 * unit;
constexpr std::size_t threads = 16;

class strata_pool {
 public:
  void* get(std::size_t bytes) { return memory_.acquire_raw(bytes).start; }
  void put(void* block, std::size_t bytes) { memory_.release(block, bytes); }

 private:
  strata::buffer_pool memory_{{.total_bytes = total, .poolable_bytes = unit}};
};

// What both peers keep: bytes left, and buffers of the common size.
class stock {
 public:
  bool take(std::size_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }
  void give(std::size_t bytes) { left_ += bytes; }
  void* make(std::size_t bytes) {
    if (bytes != unit || ready_.empty()) return ::operator new(bytes);
    void* block = ready_.back();
    ready_.pop_back();
    return block;
  }
  void keep(void* block, std::size_t bytes) {
    if (bytes == unit)
      ready_.push_back(block);
    else
      ::operator delete(block);
  }
  ~stock() {
    for (void* block : ready_) ::operator delete(block);
  }

 private:
  std::size_t left_ = total;
  std::vector<void*> ready_;
};

class one_condition {
 public:
  void* get(std::size_t bytes) {
    std::unique_lock hold(mutex_);
    free_.wait(hold, [&] { return stock_.take(bytes); });
    return stock_.make(bytes);
  }
  void put(void* block, std::size_t bytes) {
    {
      std::lock_guard hold(mutex_);
      stock_.keep(block, bytes);
      stock_.give(bytes);
    }
    free_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable free_;
  stock stock_;
};

class queue_of_conditions {
 public:
  void* get(std::size_t bytes) {
    std::unique_lock hold(mutex_);
    if (!waiters_.empty() || !stock_.take(bytes)) {
      std::condition_variable mine;
      waiters_.push_back(&mine);
      mine.wait(hold, [&] { return waiters_.front() == &mine && stock_.take(bytes); });
      waiters_.pop_front();
      if (!waiters_.empty()) waiters_.front()->notify_one();
    }
    return stock_.make(bytes);
  }
  void put(void* block, std::size_t bytes) {
    std::lock_guard hold(mutex_);
    stock_.keep(block, bytes);
    stock_.give(bytes);
    if (!waiters_.empty()) waiters_.front()->notify_one();
  }

 private:
  std::mutex mutex_;
  std::deque<std::condition_variable*> waiters_;
  stock stock_;
};

template <class Pool, std::size_t Most>
void run(std::size_t rounds) {
  Pool pool;
  std::vector<std::thread> all;
  std::latch start(threads);
  for (std::size_t id = 0; id < threads; ++id) {
    all.emplace_back([&pool, &start, rounds, id] {
      question::draw random(id + 1);
      start.arrive_and_wait();
      for (std::size_t i = 0; i < rounds * 1000; ++i) {
        std::size_t bytes = unit * (1 + random.below(Most));
        auto* block = static_cast<char*>(pool.get(bytes));
        std::memset(block, static_cast<int>(id), 256);
        question::use(block);
        std::this_thread::yield();
        pool.put(block, bytes);
      }
    });
  }
  for (std::thread& one : all) one.join();
}

constexpr question::answer answers[] = {
    {"equal", "strata", run<strata_pool, 1>, 10},
    {"mixed", "strata", run<strata_pool, 4>, 10},
    {"equal", "condition", run<one_condition, 1>, 10},
    {"mixed", "condition", run<one_condition, 4>, 10},
    {"equal", "conditions", run<queue_of_conditions, 1>, 10},
    {"mixed", "conditions", run<queue_of_conditions, 4>, 10},
};

}  // namespace

int main(int count, char** words) { return question::run(answers, count, words); }
