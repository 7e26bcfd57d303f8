// Blocks that must be zero: many small ones, some of several KiB, few large.
//
// Interpreters and databases allocate their records, hash tables and page buffers by calloc. Each
// thread replaces random blocks; a fresh one is checked to be zero at both ends and in the middle,
// and dirtied as a whole before it is freed, so that memory which is used again has to be cleared.
// Stresses calloc: the price of clearing, and whether pages fresh from the system are cleared twice.
#include <algorithm>

#include "load.hpp"

namespace {

long threads = 2, operations = 4000000, slots = 2000, largest_exponent = 20;

struct block {
  char* memory = nullptr;
  size_t size = 0;
};

// Three of four at most 512 bytes; beyond, each doubling is half as frequent.
size_t random_size(load::random& random) {
  if (random.percent(75)) return random.between(1, 512);
  const auto more = static_cast<size_t>(__builtin_ctz(random.next() | 0x80000000U));
  const size_t exponent = std::min(10 + more, static_cast<size_t>(largest_exponent));
  return random.between(size_t{1} << (exponent - 1), size_t{1} << exponent);
}

void fill(block& slot, size_t size) {
  slot.size = size;
  slot.memory = static_cast<char*>(load::checked(std::calloc(1, size)));
  if ((slot.memory[0] | slot.memory[size / 2] | slot.memory[size - 1]) != 0) {
    load::fail("a block from calloc is not zero");
  }
  std::memset(slot.memory, 0x55, size);
}

void work(long seed) {
  load::random random(seed);
  std::vector<block> blocks(static_cast<size_t>(slots));
  for (long i = 0; i < operations; ++i) {
    block& slot = blocks[random.below(blocks.size())];
    std::free(slot.memory);
    fill(slot, random_size(random));
  }
  for (block& one : blocks) std::free(one.memory);
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"threads", &threads},
               {"operations", &operations},
               {"slots", &slots},
               {"exponent", &largest_exponent, 10}});
  if (largest_exponent > 30) load::reject("exponent is above 30");
  load::run_threads(threads, work);
  return 0;
}
