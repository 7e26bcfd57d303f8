// Blocks of 5 to 25 MB come and go, twenty at a time, all written.
//
// After malloc-large of mimalloc-bench: one of 20 buffers at random is freed and another of a
// random size takes its place. Stresses whether large memory is kept for the next block or fetched
// from the system, page by page, every time; and what keeping it costs in memory.
#include "load.hpp"

namespace {

long buffers = 20, replacements = 300, lowest_mib = 5, highest_mib = 25;

struct buffer {
  char* memory = nullptr;
  size_t size = 0;
};

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"buffers", &buffers},
               {"replacements", &replacements},
               {"lowest_mib", &lowest_mib},
               {"highest_mib", &highest_mib}});
  if (highest_mib < lowest_mib) load::reject("highest_mib is below lowest_mib");
  load::live_meter live;
  load::random random(1);
  std::vector<buffer> slots(static_cast<size_t>(buffers));
  for (long i = 0; i < replacements; ++i) {
    buffer& slot = slots[random.below(slots.size())];
    std::free(slot.memory);
    live.remove(slot.size);
    slot.size = random.between(static_cast<size_t>(lowest_mib) << 20,
                               static_cast<size_t>(highest_mib) << 20);
    slot.memory = load::allocate(slot.size);
    live.add(slot.size);
    std::memset(slot.memory, static_cast<int>(i), slot.size);
  }
  for (buffer& slot : slots) std::free(slot.memory);
  return 0;
}
