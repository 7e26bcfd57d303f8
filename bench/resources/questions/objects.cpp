// Which pool of reusable objects costs least?
//
//   pairs    two threads take an object, use it, and put it back
//   bursts   two threads take 100, and put them back
//   passing  one thread takes, another puts back
//
// Contenders: Strata's; a list of free objects under a mutex; Go's sync.Pool, the same loads in a
// program of Go's (pool.go), where Debian's Go is installed.
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <strata/object_pool.hpp>
#include <string>
#include <thread>
#include <vector>

#include "question.hpp"

namespace {

struct request {
  char text[256] = {};
  std::size_t used = 0;
};

class strata_pool {
 public:
  request* get() { return memory_.take(); }
  void put(request* object) { memory_.put(object); }

 private:
  strata::object_pool<request> memory_;
};

class locked_list {
 public:
  request* get() {
    {
      std::lock_guard hold(mutex_);
      if (!free_.empty()) {
        request* object = free_.back().release();
        free_.pop_back();
        return object;
      }
    }
    return new request;
  }
  void put(request* object) {
    std::unique_ptr<request> owned(object);
    std::lock_guard hold(mutex_);
    free_.push_back(std::move(owned));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<request>> free_;
};

void use(request& object) {
  object.used = 1;
  object.text[7] = 'x';
  question::use(object.text);
}

template <class Work>
void on_two_threads(Work work) {
  std::thread other(work);
  work();
  other.join();
}

template <class Pool>
void pairs(std::size_t rounds) {
  Pool pool;
  on_two_threads([&] {
    for (std::size_t i = 0; i < rounds * 1'000'000; ++i) {
      request* object = pool.get();
      use(*object);
      pool.put(object);
    }
  });
}

template <class Pool>
void bursts(std::size_t rounds) {
  Pool pool;
  on_two_threads([&] {
    std::vector<request*> taken(100);
    for (std::size_t i = 0; i < rounds * 10'000; ++i) {
      for (request*& object : taken) {
        object = pool.get();
        use(*object);
      }
      for (request* object : taken) pool.put(object);
    }
  });
}

template <class Pool>
void passing(std::size_t rounds) {
  Pool pool;
  constexpr std::size_t slots = 1024;
  std::vector<std::atomic<request*>> ring(slots);
  std::thread taker([&] {
    for (std::size_t i = 0; i < rounds * 1'000'000; ++i) {
      request* object = pool.get();
      use(*object);
      while (ring[i % slots].load(std::memory_order_acquire) != nullptr) std::this_thread::yield();
      ring[i % slots].store(object, std::memory_order_release);
    }
  });
  for (std::size_t i = 0; i < rounds * 1'000'000; ++i) {
    request* object;
    while ((object = ring[i % slots].exchange(nullptr, std::memory_order_acq_rel)) == nullptr) {
      std::this_thread::yield();
    }
    pool.put(object);
  }
  taker.join();
}

#if WITH_GO
template <char Load>
void in_go(std::size_t rounds) {
  std::string text = std::to_string(rounds);
  const char* load = Load == 'p' ? "pairs" : "bursts";
  execl(GO_PROGRAM, GO_PROGRAM, load, text.c_str(), nullptr);
  question::expect(false, "cannot run " GO_PROGRAM);
}
#endif

constexpr question::answer answers[] = {
    {"pairs", "strata", pairs<strata_pool>, 20},
    {"bursts", "strata", bursts<strata_pool>, 20},
    {"passing", "strata", passing<strata_pool>, 5},
    {"pairs", "locked-list", pairs<locked_list>, 20},
    {"bursts", "locked-list", bursts<locked_list>, 20},
    {"passing", "locked-list", passing<locked_list>, 5},
#if WITH_GO
    {"pairs", "go", in_go<'p'>, 20},
    {"bursts", "go", in_go<'b'>, 20},
#endif
};

}  // namespace

int main(int count, char** words) { return question::run(answers, count, words); }
