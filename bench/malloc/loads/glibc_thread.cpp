// Each thread replaces random blocks of its own; sizes fall by the square.
//
// After malloc-thread of glibc's benchtests: a working set of 1024 blocks a thread; sizes from 4 to
// 32,768 bytes, of which half have at most 8, by an inverse-square distribution. Blocks are not
// written to, as there. Stresses the fast path under a scatter of sizes and addresses, by all
// threads at once.
#include "load.hpp"

namespace {

long threads = 2, operations = 25000000;

constexpr size_t working_set = 1024;
constexpr size_t drawn = 8192;
constexpr double lowest = 4, highest = 32768;

// Sizes drawn beforehand: logarithms and roots would cost more than what is measured.
std::vector<size_t> draw_sizes(load::random& random) {
  std::vector<size_t> sizes(drawn);
  for (size_t& one : sizes) {
    const double even = random.next() / 4294967296.0;
    one = static_cast<size_t>(1 / (1 / lowest + even * (1 / highest - 1 / lowest)));
  }
  return sizes;
}

void work(long seed) {
  load::random random(seed);
  const std::vector<size_t> sizes = draw_sizes(random);
  std::vector<char*> blocks(working_set, nullptr);
  for (long i = 0; i < operations; ++i) {
    const uint32_t draw = random.next();
    char*& slot = blocks[draw % working_set];
    std::free(slot);
    slot = load::allocate(sizes[draw / working_set % drawn]);
  }
  for (char* one : blocks) std::free(one);
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv, {{"threads", &threads}, {"operations", &operations}});
  load::run_threads(threads, work);
  return 0;
}
