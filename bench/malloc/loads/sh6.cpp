// Many small sizes in batches, freed in mixed orders.
//
// After sh6bench of MicroQuill's SmartHeap, known for freeing some blocks last allocated first and
// others in the order of their allocation. Each thread runs through sizes from 1 to 1000 bytes,
// halving down from bases that grow by half, many blocks of the smaller ones, into a table. When
// the table is full, a part of it goes: its older half in order, its newer half in reverse, or
// every other block. What stays is moved together, so a few blocks grow old among many young ones.
// Stresses the plain allocating and freeing of batches within a thread, in no convenient order.
#include <algorithm>

#include "load.hpp"

namespace {

long threads = 4, rounds = 2000, slots = 12000, highest = 1000;

class table {
 public:
  table() { blocks_.reserve(static_cast<size_t>(slots)); }

  void allocate(size_t size) {
    if (blocks_.size() == static_cast<size_t>(slots)) release_some();
    char* memory = load::allocate(size);
    *static_cast<volatile char*>(memory) = 1;
    blocks_.push_back(memory);
  }

  void release_all() {
    for (char* one : blocks_) std::free(one);
    blocks_.clear();
  }

 private:
  void release_some() {
    const auto middle = blocks_.begin() + slots / 2;
    switch (turn_++ % 3) {
      case 0:
        std::for_each(blocks_.begin(), middle, std::free);
        blocks_.erase(blocks_.begin(), middle);
        break;
      case 1:
        std::for_each(blocks_.rbegin(), std::make_reverse_iterator(middle), std::free);
        blocks_.erase(middle, blocks_.end());
        break;
      default:
        release_every_other();
    }
  }

  void release_every_other() {
    size_t kept = 0;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      if (i % 2 == 0) {
        std::free(blocks_[i]);
      } else {
        blocks_[kept++] = blocks_[i];
      }
    }
    blocks_.resize(kept);
  }

  std::vector<char*> blocks_;
  long turn_ = 0;
};

size_t repeats(size_t size) { return size < 100 ? 50 : size < 500 ? 20 : 10; }

void one_round(table& mine) {
  for (long base = 1; base <= highest; base = base * 3 / 2 + 1) {
    for (auto size = static_cast<size_t>(base); size != 0; size /= 2) {
      for (size_t i = 0; i < repeats(size); ++i) mine.allocate(size);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(
      argc, argv,
      {{"threads", &threads}, {"rounds", &rounds}, {"slots", &slots, 2}, {"highest", &highest}});
  load::run_threads(threads, [](long) {
    table mine;
    for (long i = 0; i < rounds; ++i) one_round(mine);
    mine.release_all();
  });
  return 0;
}
