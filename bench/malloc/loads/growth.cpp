// Many vectors grow by realloc, step by step, side by side.
//
// What programs do that read lines of unknown length, append to logs or fill tables: one third of
// the vectors grow by half of their size each time, one third double, one third grow by 16 bytes,
// as much code does that never thought of it. What is new is written, and at the end of each life a
// vector's content is checked, and it begins anew. Stresses realloc: growth in place where there is
// room, copies where there is none, and the holes that outgrown blocks leave behind.
#include <deque>

#include "load.hpp"

namespace {

long threads = 2, vectors = 300, steps = 2000000, largest_kib = 1024, largest_linear_kib = 8;

enum class growth { by_half, double_it, by_sixteen };

class growing {
 public:
  growing(growth way, load::live_meter& live) : way_(way), live_(live) {}
  growing(const growing&) = delete;
  growing& operator=(const growing&) = delete;
  ~growing() { begin_anew(); }

  void grow() {
    const size_t size = next_size();
    if (size > limit()) {
      begin_anew();
      return;
    }
    memory_ = static_cast<char*>(load::checked(std::realloc(memory_, size)));
    std::memset(memory_ + size_, pattern(), size - size_);
    live_.add(size - size_);
    size_ = size;
  }

 private:
  size_t next_size() const {
    if (size_ == 0) return 16;
    return way_ == growth::by_sixteen  ? size_ + 16
           : way_ == growth::double_it ? size_ * 2
                                       : size_ + size_ / 2;
  }

  size_t limit() const {
    const long kib = way_ == growth::by_sixteen ? largest_linear_kib : largest_kib;
    return static_cast<size_t>(kib) << 10;
  }

  char pattern() const { return static_cast<char>(0x40 + static_cast<int>(way_)); }

  void begin_anew() {
    if (size_ != 0 && (memory_[0] != pattern() || memory_[size_ / 2] != pattern() ||
                       memory_[size_ - 1] != pattern())) {
      load::fail("a block has changed");
    }
    std::free(memory_);
    live_.remove(size_);
    memory_ = nullptr;
    size_ = 0;
  }

  growth way_;
  load::live_meter& live_;
  char* memory_ = nullptr;
  size_t size_ = 0;
};

void work(long seed, load::live_meter& live) {
  load::random random(seed);
  std::deque<growing> all;
  for (long i = 0; i < vectors; ++i) all.emplace_back(static_cast<growth>(i % 3), live);
  for (long i = 0; i < steps; ++i) {
    // Those that grow by little do so more often: nineteen of twenty steps are theirs.
    const size_t third = random.percent(95) ? 2 : random.below(2);
    const size_t chosen = 3 * random.below(all.size() / 3) + third;
    all[chosen].grow();
  }
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"threads", &threads},
               {"vectors", &vectors, 3},
               {"steps", &steps},
               {"largest_kib", &largest_kib},
               {"largest_linear_kib", &largest_linear_kib}});
  load::live_meter live;
  load::run_threads(threads, [&live](long index) { work(index, live); });
  return 0;
}
