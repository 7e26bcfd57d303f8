// Threads start, allocate, leave a few blocks to others and end; thousands of them.
//
// After mleak of mimalloc-bench: does the memory of ended threads stay of use to later ones? Each
// thread allocates blocks of mixed sizes, frees all but every sixteenth, and ends; the main thread
// frees those afterwards. A few threads run at a time. Stresses the start and the end of threads,
// the first allocations of each size in a thread, and what ended threads have cached.
#include "load.hpp"

namespace {

long threads = 2, generations = 3000, blocks = 400, highest = 2000;

void work(std::vector<char*>& left, load::random random) {
  std::vector<char*> mine(static_cast<size_t>(blocks));
  for (char*& one : mine) {
    const size_t size = 1 + (random.below(static_cast<size_t>(highest)) >> random.below(6));
    one = load::allocate(size);
    load::touch(one, size);
  }
  for (size_t i = 0; i < mine.size(); ++i) {
    if (i % 16 == 0) {
      left.push_back(mine[i]);
    } else {
      std::free(mine[i]);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"threads", &threads},
               {"generations", &generations},
               {"blocks", &blocks},
               {"highest", &highest}});
  std::vector<std::vector<char*>> left(static_cast<size_t>(threads));
  for (long generation = 0; generation < generations; ++generation) {
    load::run_threads(threads, [&left, generation](long index) {
      work(left[static_cast<size_t>(index)], load::random(generation * threads + index));
    });
    for (std::vector<char*>& one : left) {
      for (char* memory : one) std::free(memory);
      one.clear();
    }
  }
  return 0;
}
