// Batches of mixed sizes, a part of which other threads free.
//
// After sh8bench of MicroQuill's SmartHeap, which adds to sh6bench what servers do: some blocks are
// freed by another thread than the one that allocated them, some in reverse order. Each thread
// fills a table; when it is full, a quarter is exchanged for blocks of another thread, which are
// freed, a quarter is freed in reverse, a quarter in order, and a quarter stays.
// Stresses frees from other threads in bulk, beside frees within the thread.
#include <algorithm>
#include <iterator>
#include <utility>

#include "load.hpp"

namespace {

long threads = 4, rounds = 2000, slots = 8000, highest = 1000;

using parcel = std::vector<char*>;

void release(const parcel& blocks) {
  for (char* one : blocks) std::free(one);
}

// What is on its way between threads: a few places with a parcel each, so that no thread can fall
// behind and memory pile up. The mutex guards the places.
class exchange {
 public:
  exchange() : places_(4 * static_cast<size_t>(threads)) {}

  // Leaves a parcel at a place and takes the one that lay there, which mostly is another thread's.
  parcel swap(parcel blocks, load::random& random) {
    const std::lock_guard guard(mutex_);
    std::swap(places_[random.below(places_.size())], blocks);
    return blocks;
  }

  void release_all() {
    for (parcel& one : places_) release(one);
  }

 private:
  std::mutex mutex_;
  std::vector<parcel> places_;
};

class worker {
 public:
  worker(exchange& shared, long seed) : shared_(shared), random_(seed) {
    blocks_.reserve(static_cast<size_t>(slots));
  }

  void one_round() {
    for (long base = 1; base <= highest; base = base * 3 / 2 + 1) {
      for (int i = 0; i < 200; ++i) {
        // Small ones are the most frequent: the size is cut down by a random shift.
        allocate(1 + (random_.below(static_cast<size_t>(base)) >> random_.below(4)));
      }
    }
  }

  void release_all() { release(blocks_); }

 private:
  void allocate(size_t size) {
    if (blocks_.size() == static_cast<size_t>(slots)) release_some();
    char* memory = load::allocate(size);
    load::touch(memory, size);
    blocks_.push_back(memory);
  }

  void release_some() {
    const auto quarter = static_cast<std::ptrdiff_t>(blocks_.size() / 4);
    const auto first = blocks_.begin();
    release(shared_.swap(parcel(first, first + quarter), random_));
    std::for_each(std::make_reverse_iterator(first + 2 * quarter),
                  std::make_reverse_iterator(first + quarter), std::free);
    std::for_each(first + 2 * quarter, first + 3 * quarter, std::free);
    blocks_.erase(first, first + 3 * quarter);
  }

  exchange& shared_;
  load::random random_;
  parcel blocks_;
};

}  // namespace

int main(int argc, char** argv) {
  load::parse(
      argc, argv,
      {{"threads", &threads}, {"rounds", &rounds}, {"slots", &slots, 8}, {"highest", &highest}});
  exchange shared;
  load::run_threads(threads, [&shared](long index) {
    worker one(shared, index);
    for (long i = 0; i < rounds; ++i) one.one_round();
    one.release_all();
  });
  shared.release_all();
  return 0;
}
