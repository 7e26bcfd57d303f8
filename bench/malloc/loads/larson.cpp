// A server whose threads inherit each other's blocks.
//
// After Larson and Krishnan, "Memory Allocation for Long-Running Server Applications" (ISMM 1998).
// Each lane is an array of blocks. A thread replaces random ones of them, each by one of a random
// size, as a server answers requests; then it hands the array to a new thread and ends. So most
// blocks are freed by another thread than the one that allocated them, which has gone by then.
// Stresses frees of what ended threads allocated, and the start and end of threads.
//
// The classic arguments are sizes of 8 to 1000 bytes, 5000 blocks a lane and 100 rounds (of as many
// replacements as there are blocks) a thread, for as long as the clock says. Here the number of
// threads that follow each other in a lane is fixed instead. With sized=1 blocks come from operator
// new and go by the operator delete that is told the size.
#include <new>

#include "load.hpp"

namespace {

long threads = 2, generations = 30, rounds = 100, blocks = 5000, lowest = 8, highest = 1000;
long sized = 0;

struct block {
  char* memory = nullptr;
  size_t size = 0;
};

struct by_malloc {
  static char* allocate(size_t size) { return load::allocate(size); }
  static void release(const block& old) { std::free(old.memory); }
};

struct by_sized_delete {
  static char* allocate(size_t size) { return static_cast<char*>(::operator new(size)); }
  static void release(const block& old) { ::operator delete(old.memory, old.size); }
};

struct lane {
  explicit lane(long seed) : random(seed), slots(static_cast<size_t>(blocks)) {}

  load::random random;
  std::vector<block> slots;
  long generation = 0;
};

// How many lanes are still at work; main waits until none is.
class countdown {
 public:
  explicit countdown(long count) : left_(count) {}

  void arrive() {
    const std::lock_guard guard(mutex_);
    if (--left_ == 0) done_.notify_all();
  }

  void wait() {
    std::unique_lock guard(mutex_);
    done_.wait(guard, [this] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  long left_;
};

template <class Way>
void fill(lane& mine, block& slot) {
  slot.size = mine.random.between(static_cast<size_t>(lowest), static_cast<size_t>(highest));
  slot.memory = Way::allocate(slot.size);
  load::touch(slot.memory, slot.size);
}

template <class Way>
void replace_some(lane& mine, long count) {
  for (long i = 0; i < count; ++i) {
    block& slot = mine.slots[mine.random.below(mine.slots.size())];
    Way::release(slot);
    fill<Way>(mine, slot);
  }
}

template <class Way>
void generation(lane* mine, countdown* working) {
  replace_some<Way>(*mine, rounds * blocks);
  if (++mine->generation == generations) {
    working->arrive();
  } else {
    std::thread(generation<Way>, mine, working).detach();
  }
}

template <class Way>
void run() {
  std::vector<lane> lanes;
  for (long i = 0; i < threads; ++i) {
    lane& mine = lanes.emplace_back(i);
    for (block& slot : mine.slots) fill<Way>(mine, slot);
    // Blocks are scattered before the clock counts, as they are in a server that has run for long.
    replace_some<Way>(mine, blocks);
  }
  countdown working(threads);
  for (lane& mine : lanes) std::thread(generation<Way>, &mine, &working).detach();
  working.wait();
  for (lane& mine : lanes) {
    for (const block& slot : mine.slots) Way::release(slot);
  }
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"threads", &threads},
               {"generations", &generations},
               {"rounds", &rounds},
               {"blocks", &blocks},
               {"lowest", &lowest},
               {"highest", &highest},
               {"sized", &sized, 0}});
  if (highest < lowest) load::reject("highest is below lowest");
  if (sized == 0) {
    run<by_malloc>();
  } else {
    run<by_sized_delete>();
  }
  return 0;
}
