// Aligned blocks beside ordinary ones.
//
// Numeric and graphics code wants 32 and 64 bytes for its vectors, files without the page cache want
// 512 and 4096. Each thread replaces random blocks: half are plain, the others come by
// posix_memalign and aligned_alloc with alignments of 32 to 4096. Stresses aligned allocation, what
// it wastes, and that its blocks are freed like any other.
#include <algorithm>

#include "load.hpp"

namespace {

long threads = 2, operations = 6000000, slots = 1000, highest = 4096;

// 32 and 64 are the most frequent.
size_t random_alignment(load::random& random) {
  if (random.percent(80)) return size_t{32} << random.below(2);
  return size_t{128} << random.below(6);
}

char* allocate_aligned(load::random& random, size_t size, size_t alignment) {
  void* memory = nullptr;
  if (random.percent(50)) {
    if (posix_memalign(&memory, alignment, size) != 0) load::fail("out of memory");
  } else {
    memory =
        load::checked(std::aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1)));
  }
  if (reinterpret_cast<uintptr_t>(memory) % alignment != 0) load::fail("a block is not aligned");
  return static_cast<char*>(memory);
}

void work(long seed) {
  load::random random(seed);
  std::vector<char*> blocks(static_cast<size_t>(slots), nullptr);
  for (long i = 0; i < operations; ++i) {
    char*& slot = blocks[random.below(blocks.size())];
    std::free(slot);
    const size_t size = 1 + (random.below(static_cast<size_t>(highest)) >> random.below(5));
    slot = random.percent(50) ? load::allocate(size)
                              : allocate_aligned(random, size, random_alignment(random));
    load::touch(slot, size);
  }
  for (char* one : blocks) std::free(one);
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"threads", &threads},
               {"operations", &operations},
               {"slots", &slots},
               {"highest", &highest}});
  load::run_threads(threads, work);
  return 0;
}
