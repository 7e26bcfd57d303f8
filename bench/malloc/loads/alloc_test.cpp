// Random slots, used at very different rates, hold blocks of very different sizes.
//
// After alloc-test by OLogN Technologies (ITHare), written to resemble what programs really do:
// few slots are used often and most seldom, small sizes are frequent and large ones rare, both by a
// power law, and all memory is written when it is allocated and read before it is freed. Stresses
// everyday allocation, the locality of what is handed out included.
#include "load.hpp"

namespace {

long threads = 1, operations = 15000000, slots = 65536, largest_exponent = 10;

// 0 to limit, each half as probable as the one before.
size_t falling(load::random& random, size_t limit) {
  const auto zeros = static_cast<size_t>(__builtin_ctz(random.next() | 0x80000000U));
  return zeros < limit ? zeros : random.below(limit + 1);
}

// 1 to 2^largest_exponent bytes; half of the blocks have at most 16.
size_t random_size(load::random& random) {
  const auto largest = static_cast<size_t>(largest_exponent);
  const size_t floor = largest < 4 ? largest : 4;
  return random.between(1, size_t{1} << (floor + falling(random, largest - floor)));
}

// A fifth of the slots is chosen four times of five, a fifth of those again four of five, and so on.
size_t random_slot(load::random& random) {
  size_t range = static_cast<size_t>(slots);
  for (int i = 0; i < 4 && range >= 5 && random.percent(80); ++i) range /= 5;
  return random.below(range);
}

struct block {
  char* memory = nullptr;
  size_t size = 0;
};

void fill(block& slot, size_t size) {
  slot.size = size;
  slot.memory = load::allocate(size);
  std::memset(slot.memory, static_cast<char>(size), size);
}

void release(block& slot) {
  char different = 0;
  for (size_t i = 0; i < slot.size; ++i) different |= slot.memory[i] ^ static_cast<char>(slot.size);
  if (different != 0) load::fail("a block has changed");
  std::free(slot.memory);
  slot = {};
}

void work(long seed) {
  load::random random(seed);
  std::vector<block> mine(static_cast<size_t>(slots));
  for (long i = 0; i < operations; ++i) {
    block& slot = mine[random_slot(random)];
    if (slot.memory == nullptr) {
      fill(slot, random_size(random));
    } else {
      release(slot);
    }
  }
  for (block& slot : mine) {
    if (slot.memory != nullptr) release(slot);
  }
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"threads", &threads},
               {"operations", &operations},
               {"slots", &slots},
               {"exponent", &largest_exponent, 4}});
  if (largest_exponent > 30) load::reject("exponent is above 30");
  load::run_threads(threads, work);
  return 0;
}
