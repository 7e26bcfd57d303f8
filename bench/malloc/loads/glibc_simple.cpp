// Batches of one size: allocated one after the other, freed in the same order.
//
// After malloc-simple of glibc's benchtests: batches of 25, 100, 400 and 1600 blocks, for one size
// after the other, by one thread. Blocks are not written to, as there. Stresses the fast path, and
// for the longer batches how memory moves between a thread's cache and what lies behind it.
#include "load.hpp"

namespace {

long repeats = 2000, lowest = 16, highest = 256;

constexpr size_t longest = 1600;
char* blocks[longest];

void one_batch(size_t count, size_t size) {
  for (size_t i = 0; i < count; ++i) blocks[i] = load::allocate(size);
  for (size_t i = 0; i < count; ++i) std::free(blocks[i]);
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv, {{"repeats", &repeats}, {"lowest", &lowest}, {"highest", &highest}});
  for (auto size = static_cast<size_t>(lowest); size <= static_cast<size_t>(highest); size *= 2) {
    for (size_t count = 25; count <= longest; count *= 4) {
      // As many blocks of each length of batch.
      const size_t batches = static_cast<size_t>(repeats) * (longest / count);
      for (size_t i = 0; i < batches; ++i) one_batch(count, size);
    }
  }
  return 0;
}
