// Which free list is quickest, and which keeps memory together?
//
//   even     3000 live blocks of 16 to 512 bytes, replaced at random
//   skewed   as many, most of them short, some of 20,000 bytes
//   growing  blocks become longer and longer while others die: the pattern that breaks first fit
#include <memory_resource>
#include <new>
#include <strata/free_list.hpp>
#include <strata/tlsf.hpp>
#include <vector>

#include "question.hpp"

namespace {

using question::draw;

class heap {
 public:
  void* try_allocate(std::size_t bytes, std::size_t /*alignment*/) {
    return ::operator new(bytes, std::nothrow);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/) {
    ::operator delete(block, bytes);
  }
};

struct held {
  char* block = nullptr;
  std::size_t bytes = 0;
};

template <class Resource>
void replace(Resource& memory, held& one, std::size_t bytes) {
  if (one.block != nullptr) memory.deallocate(one.block, one.bytes, 16);
  one.bytes = bytes;
  one.block = static_cast<char*>(memory.try_allocate(bytes, 16));
  question::expect(one.block != nullptr, "a block");
  *one.block = 1;
}

template <class Resource, class Size>
void run(std::size_t operations, Size size) {
  Resource memory;
  draw random(7);
  std::vector<held> live(3000);
  for (std::size_t i = 0; i < operations; ++i) {
    replace(memory, live[random.below(live.size())], size(random, i));
  }
  for (held& one : live) {
    if (one.block != nullptr) memory.deallocate(one.block, one.bytes, 16);
  }
}

template <class Resource>
void even(std::size_t rounds) {
  run<Resource>(rounds * 100'000, [](draw& random, std::size_t) { return 16 + random.below(497); });
}
template <class Resource>
void skewed(std::size_t rounds) {
  run<Resource>(rounds * 100'000, [](draw& random, std::size_t) {
    std::size_t which = random.below(100);
    return which < 90 ? 16 + random.below(100) : 16 + random.below(which < 99 ? 2000 : 20'000);
  });
}
template <class Resource>
void growing(std::size_t rounds) {
  run<Resource>(rounds * 100'000, [](draw& random, std::size_t turn) {
    return 16 + random.below(64 + turn % 100'000 / 100);
  });
}

#define ANSWERS(name, type)                                             \
  {"even", name, even<type>, 60}, {"skewed", name, skewed<type>, 60}, { \
    "growing", name, growing<type>, 60                                  \
  }
constexpr question::answer answers[] = {
    ANSWERS("strata-first", strata::first_fit),
    ANSWERS("strata-next", strata::next_fit),
    ANSWERS("strata-best", strata::best_fit),
    ANSWERS("strata-segregated", strata::segregated_fit),
    ANSWERS("strata-tlsf", strata::tlsf),
    ANSWERS("heap", heap),
};

}  // namespace

int main(int count, char** words) { return question::run(answers, count, words); }
