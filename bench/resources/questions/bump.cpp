// Which arena is quickest for objects that die together?
//
//   small     blocks of 8 to 135 bytes, one after the other, then all of them go at once
//   tree      a binary tree of small nodes, walked once; the pattern of Boehm's GCBench and of
//             binary-trees (benchmarks game)
//   document  pmr strings in pmr vectors and maps: a parsed document
//   messages  objects with destructors: protobuf's arenas run them in the end
#include <map>
#include <memory_resource>
#include <strata/bump.hpp>
#include <string>
#include <vector>

#include "question.hpp"
#if WITH_BOOST
#include <boost/container/pmr/monotonic_buffer_resource.hpp>
#endif
#if WITH_PROTOBUF
#include <google/protobuf/arena.h>
#endif

namespace {

using question::draw;
using question::expect;

// ---- Contenders: get(bytes), make<T>(), reset()

class strata_bump {
 public:
  void* get(std::size_t bytes) { return memory_->try_allocate(bytes, 8); }
  template <class T, class... Arguments>
  T* make(Arguments&&... arguments) {
    return memory_->make<T>(std::forward<Arguments>(arguments)...);
  }
  void reset() { memory_->reset(); }
  std::pmr::memory_resource* pmr() { return &memory_; }

 private:
  strata::as_pmr<strata::bump> memory_;
};

// Runs no destructors, and gives its memory back to its upstream at each reset.
template <class Resource>
class monotonic {
 public:
  void* get(std::size_t bytes) { return memory_.allocate(bytes, 8); }
  void reset() { memory_.release(); }
  Resource* pmr() { return &memory_; }

 private:
  Resource memory_;
};
using std_monotonic = monotonic<std::pmr::monotonic_buffer_resource>;
#if WITH_BOOST
using boost_monotonic = monotonic<boost::container::pmr::monotonic_buffer_resource>;
#endif

#if WITH_PROTOBUF
class protobuf_arena {
 public:
  void* get(std::size_t bytes) {
    return google::protobuf::Arena::CreateArray<char>(&memory_, bytes);
  }
  template <class T, class... Arguments>
  T* make(Arguments&&... arguments) {
    return google::protobuf::Arena::Create<T>(&memory_, std::forward<Arguments>(arguments)...);
  }
  void reset() { memory_.Reset(); }

 private:
  google::protobuf::Arena memory_;
};
#endif

// ---- Loads

template <class Arena>
void small(std::size_t rounds) {
  Arena arena;
  draw random(7);
  unsigned char sizes[256];
  for (unsigned char& size : sizes) size = static_cast<unsigned char>(8 + random.below(128));
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < 20'000; ++i) {
      auto* block = static_cast<char*>(arena.get(sizes[i % 256]));
      *block = 1;
      question::use(block);
    }
    arena.reset();
  }
}

struct node {
  node* left;
  node* right;
  std::uint64_t value;
};

template <class Arena>
node* grow(Arena& arena, std::size_t depth) {
  auto* made = static_cast<node*>(arena.get(sizeof(node)));
  *made = {nullptr, nullptr, depth};
  if (depth > 0) {
    made->left = grow(arena, depth - 1);
    made->right = grow(arena, depth - 1);
  }
  return made;
}

std::uint64_t sum_of(const node* tree) {
  if (tree == nullptr) return 0;
  return tree->value + sum_of(tree->left) + sum_of(tree->right);
}

template <class Arena>
void tree(std::size_t rounds) {
  Arena arena;
  constexpr std::size_t depth = 15;
  for (std::size_t round = 0; round < rounds; ++round) {
    expect(sum_of(grow(arena, depth)) == (std::uint64_t{2} << depth) - depth - 2, "sum of a tree");
    arena.reset();
  }
}

template <class Arena>
void document(std::size_t rounds) {
  Arena arena;
  for (std::size_t round = 0; round < rounds; ++round) {
    {
      std::pmr::map<std::pmr::string, std::pmr::vector<std::pmr::string>> lists(arena.pmr());
      for (std::size_t i = 0; i < 3000; ++i) {
        std::pmr::string key("the key of list number ", arena.pmr());
        key += std::to_string(i * 7919 % 500);
        lists[key].emplace_back("an entry that is longer than fifteen");
      }
      expect(lists.size() == 500, "lists in a document");
    }
    arena.reset();
  }
}

struct message {
  explicit message(std::size_t from) : number(from), text(20 + from % 30, 'x') {}
  std::size_t number;
  std::string text;
};

template <class Arena>
void messages(std::size_t rounds) {
  Arena arena;
  for (std::size_t round = 0; round < rounds; ++round) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < 5000; ++i) {
      auto* made = arena.template make<message>(i);
      question::use(made);
      sum += made->number;
    }
    expect(sum == 5000 * 4999 / 2, "sum of messages");
    arena.reset();
  }
}

constexpr question::answer answers[] = {
    {"small", "strata", small<strata_bump>, 10'000},
    {"tree", "strata", tree<strata_bump>, 1200},
    {"document", "strata", document<strata_bump>, 1000},
    {"messages", "strata", messages<strata_bump>, 4000},
    {"small", "std", small<std_monotonic>, 10'000},
    {"tree", "std", tree<std_monotonic>, 1200},
    {"document", "std", document<std_monotonic>, 1000},
#if WITH_BOOST
    {"small", "boost", small<boost_monotonic>, 10'000},
    {"tree", "boost", tree<boost_monotonic>, 1200},
#endif
#if WITH_PROTOBUF
    {"small", "protobuf", small<protobuf_arena>, 10'000},
    {"tree", "protobuf", tree<protobuf_arena>, 1200},
    {"messages", "protobuf", messages<protobuf_arena>, 4000},
#endif
};

}  // namespace

int main(int count, char** words) { return question::run(answers, count, words); }
