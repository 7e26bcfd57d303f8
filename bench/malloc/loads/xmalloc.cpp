// Producers allocate, consumers free: no thread frees what it allocated.
//
// After the xmalloc-test of Lever and Boreham, "malloc() Performance in a Multithreaded Linux
// Environment" (USENIX 2000), in the form that allocators are commonly compared with: producers
// allocate batches of 4096 blocks, write to them and put them in a bounded queue; as many consumers
// take batches out and free them. Stresses the way of memory from the thread that frees back to the
// one that allocates: where it is slow, or only remembers, time and memory grow.
//
// size=0 takes sizes from a list of 8 to 1024 bytes at random instead of one size.
#include <algorithm>

#include "load.hpp"

namespace {

long pairs = 2, batches = 1500, size_bytes = 64, queued = 20;

constexpr size_t batch_blocks = 4096;
constexpr size_t some_sizes[] = {8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024};

struct batch {
  batch* next;
  char* blocks[batch_blocks];
};

// A bounded stack of batches. The mutex guards all members.
class exchange {
 public:
  void put(batch* full) {
    std::unique_lock guard(mutex_);
    has_room_.wait(guard, [this] { return count_ < queued; });
    full->next = first_;
    first_ = full;
    ++count_;
    has_some_.notify_one();
  }

  batch* take() {
    std::unique_lock guard(mutex_);
    has_some_.wait(guard, [this] { return count_ > 0; });
    batch* full = first_;
    first_ = full->next;
    --count_;
    has_room_.notify_one();
    return full;
  }

 private:
  std::mutex mutex_;
  std::condition_variable has_room_, has_some_;
  batch* first_ = nullptr;
  long count_ = 0;
};

exchange shared;

void produce(load::random& random) {
  auto* made = static_cast<batch*>(load::checked(std::malloc(sizeof(batch))));
  for (size_t i = 0; i < batch_blocks; ++i) {
    const size_t size = size_bytes != 0 ? static_cast<size_t>(size_bytes)
                                        : some_sizes[random.below(std::size(some_sizes))];
    made->blocks[i] = load::allocate(size);
    std::memset(made->blocks[i], static_cast<int>(i % 256), std::min<size_t>(size, 128));
  }
  shared.put(made);
}

void consume() {
  batch* taken = shared.take();
  for (size_t i = 0; i < batch_blocks; ++i) {
    if (taken->blocks[i][0] != static_cast<char>(i % 256)) load::fail("a block has changed");
    std::free(taken->blocks[i]);
  }
  std::free(taken);
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(
      argc, argv,
      {{"pairs", &pairs}, {"batches", &batches}, {"size", &size_bytes, 0}, {"queued", &queued}});
  load::run_threads(2 * pairs, [](long index) {
    load::random random(index);
    for (long i = 0; i < batches; ++i) {
      if (index % 2 == 0) {
        produce(random);
      } else {
        consume();
      }
    }
  });
  return 0;
}
