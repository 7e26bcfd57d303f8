// Memory released by hand, by whichever malloc the process has.
//
//   malloc WORKLOAD SIZE COUNT
#include <cstdlib>

#include "plain.hpp"
#include "workloads.hpp"

namespace {

struct by_malloc {
  static constexpr bool by_hand = true;
  struct heap {
    void begin_measuring(const plain::scope&) {}
    void print_measured(const plain::scope&) {}
  };
  struct attachment {
    explicit attachment(heap&) {}
  };
  template <class Key, class Value>
  using pair = plain::known_pair<Key, Value>;

  static void* allocate(std::size_t bytes, bool leaf) {
    return leaf ? std::malloc(bytes) : std::calloc(1, bytes);
  }
  static void release(void* object, std::size_t) { std::free(object); }
};

}  // namespace

int main(int argc, char** argv) {
  bench::arguments chosen = bench::parse(argc, argv, 0, "");
  by_malloc::heap heap;
  bench::run_named<plain::memory<by_malloc>>(heap, chosen, "");
}
