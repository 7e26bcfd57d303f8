// Random sizes up to 16,000 bytes, and and every other round blocks of another thread.
//
// After the benchmark that Mattias Jansson wrote for rpmalloc. Each thread has a table of blocks
// and goes round in it, freeing and allocating a hundred at a time, in strides; the smaller a size,
// the more frequent, falling linearly from 8 to 16,000 bytes. Every second loop it leaves a hundred
// fresh blocks in a place that all threads share, and frees those that it finds there. Stresses many size classes at
// once, those of several KiB included, and frees across threads in bulk.
#include <algorithm>

#include "load.hpp"

namespace {

long threads = 2, loops = 20000, blocks = 1000, operations = 100, cross = 2;
long lowest = 8, highest = 16000;

struct parcel {
  size_t count;
  char* blocks[1];
};

void release(parcel* one) {
  if (one == nullptr) return;
  for (size_t i = 0; i < one->count; ++i) std::free(one->blocks[i]);
  std::free(one);
}

// What is on its way between threads: a few places with a parcel each, so that no thread can fall
// behind and memory pile up.
using exchange = std::vector<std::atomic<parcel*>>;

// The lower of two even draws falls linearly.
size_t random_size(load::random& random) {
  const auto range = static_cast<size_t>(highest - lowest + 1);
  return static_cast<size_t>(lowest) + std::min(random.below(range), random.below(range));
}

char* allocate(load::random& random) {
  const size_t size = random_size(random);
  char* memory = load::allocate(size);
  load::touch(memory, size);
  return memory;
}

parcel* make_parcel(load::random& random) {
  const auto count = static_cast<size_t>(operations);
  const size_t bytes = sizeof(parcel) + count * sizeof(char*);
  auto* made = reinterpret_cast<parcel*>(load::allocate(bytes));
  made->count = count;
  for (size_t i = 0; i < count; ++i) made->blocks[i] = allocate(random);
  return made;
}

// Acquire and release: whoever takes a parcel must see what its maker wrote.
void exchange_some(exchange& shared, load::random& random) {
  parcel* made = make_parcel(random);
  release(shared[random.below(shared.size())].exchange(made, std::memory_order_acq_rel));
}

void work(exchange& shared, long seed) {
  load::random random(seed);
  std::vector<char*> table(static_cast<size_t>(blocks), nullptr);
  size_t at = 0;
  for (long loop = 0; loop < loops; ++loop) {
    for (long i = 0; i < operations; ++i) {
      std::free(table[at]);
      table[at] = allocate(random);
      at = (at + 7) % table.size();
    }
    if (loop % cross == 0) exchange_some(shared, random);
  }
  for (char* one : table) std::free(one);
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"threads", &threads},
               {"loops", &loops},
               {"blocks", &blocks},
               {"operations", &operations},
               {"cross", &cross},
               {"lowest", &lowest},
               {"highest", &highest}});
  if (highest < lowest) load::reject("highest is below lowest");
  exchange shared(4 * static_cast<size_t>(threads));
  load::run_threads(threads, [&shared](long index) { work(shared, index); });
  for (std::atomic<parcel*>& one : shared) release(one);
  return 0;
}
