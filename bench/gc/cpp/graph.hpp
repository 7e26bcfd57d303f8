// A large old graph whose edges are rewired at random, as heaps of servers and of object databases are:
// after the list and graph mutators by which the costs of write barriers are usually shown (Blackburn and
// Hosking, 'Barriers: friend or foe?').
//
// Stresses: the write barrier and the remembered set, for each store puts a young object into an old one;
// old objects that die one by one, all over the heap; marking that must go on while edges change under it.
// Each operation also leaves young garbage: the trail of a walk.
//
// SIZE: nodes. COUNT: operations, in thousands.
#pragma once

#include "bench.hpp"

namespace bench {

template <class Memory>
class graph {
  template <class T>
  using ref = typename Memory::template ref<T>;
  template <class T>
  using local = typename Memory::template local<T>;
  using mutator = typename Memory::mutator;

  static constexpr std::size_t degree = 4;
  static constexpr int rewired_at_once = 8;
  static constexpr int walk_length = 8;

  struct node;
  struct edge {
    ref<node> to;
    std::int64_t weight;
  };
  struct node {
    std::array<ref<edge>, degree> edges;
    std::int64_t name;
  };
  struct step {
    ref<step> before;
    ref<node> at;
  };
  using node_list = typename Memory::template array<ref<node>>;

 public:
  graph(typename Memory::heap&, mutator& self, std::size_t size, std::size_t count)
      : size_(size), operations_(count * 1000), nodes_{self, nullptr} {
    nodes_ = self.template make<node_list>(size);
    for (std::size_t i = 0; i < size; ++i) {
      local<node> made = self.template make<node>();
      made->name = static_cast<std::int64_t>(i);
      (*nodes_)[i] = made;
    }
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t slot = 0; slot < degree; ++slot) rewire(self, i, slot);
  }

  std::uint64_t pass(mutator& self, histogram& operations) {
    checksum result;
    stopwatch watch(operations);
    for (std::size_t i = 0; i < operations_; ++i) {
      for (int j = 0; j < rewired_at_once; ++j) {
        std::size_t from = random_.below(size_);
        rewire(self, from, random_.below(degree));
      }
      result.add(walk(self, random_.below(size_)));
      watch.lap();
    }
    return result.sum();
  }

  void drop(mutator& self) {
    if constexpr (Memory::by_hand) {
      for (std::size_t i = 0; i < size_; ++i) {
        for (auto& one : (*nodes_)[i]->edges) self.release(one);
        self.release((*nodes_)[i]);
      }
      self.release(nodes_);
    }
  }

 private:
  // A new edge to anywhere takes the place of another.
  void rewire(mutator& self, std::size_t from, std::size_t slot) {
    local<edge> made = self.template make<edge>();
    made->to = (*nodes_)[random_.below(size_)];
    made->weight = static_cast<std::int64_t>(random_.below(1000));
    ref<edge>& place = (*nodes_)[from]->edges[slot];
    if constexpr (Memory::by_hand) self.release(place);
    place = made;
  }

  // Goes where edges lead, noting the steps; then back along the notes.
  std::int64_t walk(mutator& self, std::size_t from) {
    std::int64_t sum = 0;
    local<node> at{self, (*nodes_)[from]};
    local<step> last{self};
    for (int i = 0; i < walk_length; ++i) {
      local<step> now = self.template make<step>();
      now->before = last;
      now->at = at;
      last = now;
      edge* next = at->edges[static_cast<std::size_t>(sum) & (degree - 1)].get();
      sum += next->weight;
      at = next->to;
    }
    for (step* back = last.get(); back != nullptr;) {
      sum = sum * 3 + back->at->name;
      step* before = back->before.get();
      if constexpr (Memory::by_hand) self.release(back);
      back = before;
    }
    return sum;
  }

  std::size_t size_;
  std::size_t operations_;
  typename Memory::template global<node_list> nodes_;
  draw random_{4712};
};

}  // namespace bench
