// Blocks of 1 to 32 KiB replace each other at random.
//
// The sizes between the small ones, which every allocator has classes for, and the large ones, which
// get pages of their own: buffers of files and sockets, pages of databases, rows of images. Each
// thread replaces random ones of its blocks; one byte of each page is written. Stresses how blocks
// of several KiB are cut, cached and handed back, and what that leaves unused.
#include "load.hpp"

namespace {

long threads = 2, operations = 4000000, slots = 1000, lowest = 1024, highest = 32768;

void work(long seed) {
  load::random random(seed);
  std::vector<char*> blocks(static_cast<size_t>(slots), nullptr);
  for (long i = 0; i < operations; ++i) {
    char*& slot = blocks[random.below(blocks.size())];
    std::free(slot);
    const size_t size = random.between(static_cast<size_t>(lowest), static_cast<size_t>(highest));
    slot = load::allocate(size);
    load::touch_pages(slot, size);
  }
  for (char* one : blocks) std::free(one);
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"threads", &threads},
               {"operations", &operations},
               {"slots", &slots},
               {"lowest", &lowest},
               {"highest", &highest}});
  if (highest < lowest) load::reject("highest is below lowest");
  load::run_threads(threads, work);
  return 0;
}
