// Threads of unlike appetite keep some blocks, free others, and pass some on; again and again.
//
// After mstress by Daan Leijen, the stress test of mimalloc: generations of threads run one after
// the other. In each, thread i does (i mod 8 + 1) times as much as the first. It allocates arrays
// of words, each filled with numbers that are checked when it is freed: half of them it retains to
// its end, of the others it frees some at random and exchanges some with slots that all threads
// share. Sizes are powers of two and now and then much larger. What lies in the shared slots
// outlives its thread, and every tenth generation half of it is freed by the main thread.
// Stresses frees across threads, the end of threads with blocks alive, and larger sizes among small.
#include "load.hpp"

namespace {

long threads = 2, generations = 60, scale = 50;

constexpr size_t transfer_slots = 1000;
constexpr uintptr_t cookie = 0xbf58476d1ce4e5b9;

std::atomic<uintptr_t*> transfer[transfer_slots];

// The first word tells how many there are, and the others count down.
uintptr_t* allocate_words(load::random& random) {
  size_t count = size_t{1} << random.below(8);
  if (random.percent(1)) {
    count *= random.percent(10) ? 1000 : 100;
  } else if (random.percent(10)) {
    count *= 10;
  }
  auto* words = static_cast<uintptr_t*>(load::checked(std::calloc(count, sizeof(uintptr_t))));
  for (size_t i = 0; i < count; ++i) words[i] = (count - i) ^ cookie;
  return words;
}

void release_words(uintptr_t* words) {
  if (words == nullptr) return;
  const size_t count = words[0] ^ cookie;
  for (size_t i = 0; i < count; ++i) {
    if ((words[i] ^ cookie) != count - i) load::fail("a block has changed");
  }
  std::free(words);
}

void free_some(std::vector<uintptr_t*>& blocks, load::random& random) {
  uintptr_t*& one = blocks[random.below(blocks.size())];
  release_words(one);
  one = nullptr;
}

// Acquire and release: whoever takes the array must see what its maker wrote.
void exchange_some(std::vector<uintptr_t*>& blocks, load::random& random) {
  uintptr_t*& one = blocks[random.below(blocks.size())];
  one = transfer[random.below(transfer_slots)].exchange(one, std::memory_order_acq_rel);
}

void work(long generation, long index) {
  load::random random(generation * threads + index);
  long passing = 100 * (index % 8 + 1) * scale;
  long retained = passing / 2;
  std::vector<uintptr_t*> kept;
  std::vector<uintptr_t*> blocks;
  while (passing > 0 || retained > 0) {
    if (retained == 0 || (passing > 0 && random.percent(50))) {
      --passing;
      blocks.push_back(allocate_words(random));
    } else {
      --retained;
      kept.push_back(allocate_words(random));
    }
    if (blocks.empty()) continue;
    if (random.percent(66)) free_some(blocks, random);
    if (random.percent(25)) exchange_some(blocks, random);
  }
  for (uintptr_t* one : kept) release_words(one);
  for (uintptr_t* one : blocks) release_words(one);
}

void empty_transfer(load::random& random, size_t percent) {
  for (auto& slot : transfer) {
    if (random.percent(percent)) release_words(slot.exchange(nullptr, std::memory_order_acq_rel));
  }
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"threads", &threads}, {"generations", &generations}, {"scale", &scale}});
  load::random random(threads);
  for (long generation = 0; generation < generations; ++generation) {
    load::run_threads(threads, [generation](long index) { work(generation, index); });
    if (generation % 10 == 9) empty_transfer(random, 50);
  }
  empty_transfer(random, 100);
  return 0;
}
