// What single paths of Strata's heap take: inline allocation, the write barrier, marking.
//
//   paths [ROUNDS]
//
// All cases take turns, for ROUNDS (default 9) rounds. Prints a line for each: nanoseconds an operation, least,
// median and most of the rounds.
//
//   make 32 bytes      into a local, by eden's buffer; the collections of what has died are in it
//   bare store         of a local to a field of one of 64 objects, without a barrier
//   store, young       the same with the barrier; the objects are new
//   store, noted       to old objects, of a new one: all but the first find it noted
//   store, old         to old objects, of an old one, which is not noted, but looked at each time
//   mark shuffled      an object of four million, each a header and two references, found by a table in random order:
//                      collected in full by one thread
//   mark graph         the same, and each refers to two others at random
#include <strata/gc.hpp>

#include "rounds.hpp"

namespace {

namespace gc = strata::gc;

struct words {
  std::uint64_t a, b, c;
};
struct node {
  gc::ref<node> left, right;
};
using table = gc::array<gc::ref<node>>;

void time_make(gc::mutator& self, bench::rounds& into) {
  constexpr std::size_t count = 20'000'000;
  gc::local<words> made{self, nullptr};
  std::int64_t began = bench::now_ns();
  for (std::size_t at = 0; at < count; ++at) made = self.make<words>(at, at, at);
  into.add(bench::now_ns() - began, count);
}

// Few enough objects to stay in the first cache.
constexpr std::size_t stored_to = 64;
constexpr std::size_t stores = 64'000'000;

gc::unrooted<table> make_objects(gc::mutator& self) {
  gc::local<table> objects = self.make<table>(stored_to);
  for (std::size_t at = 0; at < stored_to; ++at) (*objects)[at] = self.make<node>();
  return objects;
}
void time_bare_stores(gc::local<table>& to, gc::local<node>& value, bench::rounds& into) {
  std::int64_t began = bench::now_ns();
  for (std::size_t at = 0; at < stores; ++at)
    *reinterpret_cast<node* volatile*>(&(*to)[at % stored_to]->left) = value.get();
  into.add(bench::now_ns() - began, stores);
}
void time_stores(gc::local<table>& to, gc::local<node>& value, bench::rounds& into) {
  std::int64_t began = bench::now_ns();
  for (std::size_t at = 0; at < stores; ++at) (*to)[at % stored_to]->left = value;
  into.add(bench::now_ns() - began, stores);
}

constexpr std::size_t marked = 4'000'000;

// The table leads to all, in an order that is none.
void make_shuffled(gc::mutator& self, gc::local<table>& nodes) {
  bench::draw random{99};
  for (std::size_t at = 0; at < marked; ++at) {
    gc::local<node> made = self.make<node>();
    std::size_t other = random.below(at + 1);
    gc::local<node> displaced{self, (*nodes)[other].get()};
    (*nodes)[at] = displaced;
    (*nodes)[other] = made;
  }
}
void link_at_random(gc::mutator& self, gc::local<table>& nodes) {
  bench::draw random{7};
  for (std::size_t at = 0; at < marked; ++at) {
    gc::local<node> left{self, (*nodes)[random.below(marked)].get()};
    gc::local<node> right{self, (*nodes)[random.below(marked)].get()};
    (*nodes)[at]->left = left;
    (*nodes)[at]->right = right;
  }
}

class marked_heap {
 public:
  explicit marked_heap(bool is_linked) : heap_(options()), self_(heap_) {
    nodes_ = self_.make<table>(marked);
    make_shuffled(self_, nodes_);
    if (is_linked) link_at_random(self_, nodes_);
    self_.collect(gc::collection::full);
  }
  void time(bench::rounds& into) {
    std::uint64_t before = heap_.statistics().pauses.total_ns();
    self_.collect(gc::collection::full);
    into.add(static_cast<std::int64_t>(heap_.statistics().pauses.total_ns() - before), marked);
  }

 private:
  static gc::heap_options options() {
    gc::heap_options chosen;
    chosen.max_bytes = std::size_t{512} << 20;
    chosen.plan = gc::plan::mark_sweep;
    chosen.workers = 1;
    return chosen;
  }
  gc::heap heap_;
  gc::mutator self_;
  gc::local<table> nodes_{self_, nullptr};
};

void measure(unsigned rounds) {
  gc::heap_options generational;
  generational.plan = gc::plan::generational;
  gc::heap heap{generational};
  gc::mutator self{heap};
  bench::rounds make{"make 32 bytes"};
  bench::rounds bare{"bare store"};
  bench::rounds young{"store, young"};
  bench::rounds noted{"store, noted"};
  bench::rounds old{"store, old"};
  bench::rounds shuffled{"mark shuffled"};
  bench::rounds graph{"mark graph"};
  marked_heap alone{false};
  marked_heap linked{true};
  for (unsigned round = 0; round < rounds; ++round) {
    time_make(self, make);
    gc::local<table> old_objects = make_objects(self);
    gc::local<node> old_value = self.make<node>();
    self.collect(gc::collection::full);
    gc::local<table> young_objects = make_objects(self);
    gc::local<node> young_value = self.make<node>();
    time_bare_stores(young_objects, young_value, bare);
    time_stores(young_objects, young_value, young);
    time_stores(old_objects, old_value, old);
    time_stores(old_objects, young_value, noted);
    alone.time(shuffled);
    linked.time(graph);
  }
  bench::rounds::print_head();
  for (bench::rounds* one : {&make, &bare, &young, &noted, &old, &shuffled, &graph}) one->print();
}

}  // namespace

int main(int argc, char** argv) {
  unsigned rounds = bench::parse_rounds(argc, argv);
  try {
    measure(rounds);
  } catch (const gc::out_of_memory&) {
    bench::out_of_memory();
  }
}
