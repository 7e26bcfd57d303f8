// How much is alive at most: memory released by hand and counted, each object with its 8 bytes of header and
// rounded up to 8, as the tightest heap would hold it. Heap limits are multiples of this.
//
//   counted WORKLOAD SIZE COUNT     prints live_bytes besides the other figures
#include <atomic>
#include <cstdlib>

#include "plain.hpp"
#include "workloads.hpp"

namespace {

std::atomic<std::int64_t> live_bytes{0};
std::atomic<std::int64_t> most_bytes{0};

std::int64_t held_bytes(std::size_t bytes) {
  return 8 + ((static_cast<std::int64_t>(bytes) + 7) & ~std::int64_t{7});
}

struct by_count {
  static constexpr bool by_hand = true;
  struct heap {
    void begin_measuring(const plain::scope&) {}
    void print_measured(const plain::scope&) {
      std::printf("live_bytes %lld\n", static_cast<long long>(most_bytes));
    }
  };
  struct attachment {
    explicit attachment(heap&) {}
  };
  template <class Key, class Value>
  using pair = plain::known_pair<Key, Value>;

  static void* allocate(std::size_t bytes, bool) {
    std::int64_t now = live_bytes += held_bytes(bytes);
    std::int64_t most = most_bytes;
    while (now > most && !most_bytes.compare_exchange_weak(most, now)) {
    }
    return std::calloc(1, bytes);
  }
  static void release(void* object, std::size_t bytes) {
    live_bytes -= held_bytes(bytes);
    std::free(object);
  }
};

}  // namespace

int main(int argc, char** argv) {
  bench::arguments chosen = bench::parse(argc, argv, 0, "");
  by_count::heap heap;
  bench::run_named<plain::memory<by_count>>(heap, chosen, "");
  if (live_bytes == 0) return 0;
  std::fprintf(stderr, "the workload has left %lld bytes\n", static_cast<long long>(live_bytes));
  return 1;
}
