// What a heap does on request beside making and collecting objects: identity hashes, weak references, ephemerons,
// cleaners, and views of itself.
//
//   services [ROUNDS]
//
// All cases take turns, for ROUNDS (default 9) rounds. Prints a line for each: nanoseconds for each of a
// million objects, least, median and most of the rounds. One worker; the plan is immix, for hashes semispace.
//
//   hash, first      of an object that was never asked
//   hash, moved      of one that carries its hash
//   weak, get        the referent by its weak reference
//   pair, get        the value by its ephemeron
//   collect objects  a full collection's pause, for each of as many objects in a table: to compare with
//   collect weak     the same with a weak reference to each in a second table
//   collect dead     of weak references alone, whose referents have died
//   collect pairs    of objects, and an ephemeron for each whose key and value it is
//   collect chain    of ephemerons alone, each value the key of another, and of one key
//   cleaner, given   to a living object
//   cleaner, run     after its death, by run_cleaners
//   summary          objects and bytes by type
//   graph            the heap's dump, thrown away
//   why alive        of the last object of a list: every other is on the way
#include <strata/gc.hpp>

#include "rounds.hpp"

namespace {

namespace gc = strata::gc;

constexpr std::size_t objects = 1'000'000;

struct node {
  gc::ref<node> next;
  long number = 0;
};
using nodes = gc::array<gc::ref<node>>;
using weak_nodes = gc::array<gc::ref<gc::weak<node>>>;
using pair = gc::ephemeron<node, node>;
using pairs = gc::array<gc::ref<pair>>;

gc::heap_options options(gc::plan plan) {
  gc::heap_options chosen;
  chosen.max_bytes = std::size_t{512} << 20;
  chosen.plan = plan;
  chosen.workers = 1;
  return chosen;
}

gc::unrooted<nodes> make_nodes(gc::mutator& self) {
  gc::local<nodes> made = self.make<nodes>(objects);
  for (std::size_t at = 0; at < objects; ++at) (*made)[at] = self.make<node>();
  return made;
}
gc::unrooted<weak_nodes> make_weak(gc::mutator& self, const gc::local<nodes>& to) {
  gc::local<weak_nodes> made = self.make<weak_nodes>(objects);
  for (std::size_t at = 0; at < objects; ++at) {
    gc::local<node> referent{self, (*to)[at]};
    (*made)[at] = self.make<gc::weak<node>>(referent);
  }
  return made;
}
// The value of each pair is the key of the one that is `step` behind it.
gc::unrooted<pairs> make_pairs(gc::mutator& self, const gc::local<nodes>& keys, std::size_t step) {
  gc::local<pairs> made = self.make<pairs>(objects);
  for (std::size_t at = 0; at < objects; ++at) {
    gc::local<node> key{self, (*keys)[at]};
    gc::local<node> value{self, (*keys)[(at + step) % objects]};
    (*made)[at] = self.make<pair>(key, value);
  }
  return made;
}

volatile std::uintptr_t used;
void use(std::uintptr_t word) { used = used ^ word; }

void time_hashes(bench::rounds& first, bench::rounds& moved) {
  gc::heap heap{options(gc::plan::semispace)};
  gc::mutator self{heap};
  gc::local<nodes> all = make_nodes(self);
  auto ask = [&] {
    for (std::size_t at = 0; at < objects; ++at)
      use(gc::identity_hash(gc::local<node>{self, (*all)[at]}));
  };
  first.time(objects, ask);
  self.collect();
  moved.time(objects, ask);
}

void time_collection(gc::mutator& self, gc::heap& heap, bench::rounds& into) {
  std::uint64_t before = heap.statistics().pauses.total_ns();
  self.collect(gc::collection::full);
  into.add(static_cast<std::int64_t>(heap.statistics().pauses.total_ns() - before), objects);
}

void time_weak(bench::rounds& get, bench::rounds& plain, bench::rounds& alive,
               bench::rounds& dead) {
  gc::heap heap{options(gc::plan::immix)};
  gc::mutator self{heap};
  gc::local<nodes> all = make_nodes(self);
  time_collection(self, heap, plain);
  gc::local<weak_nodes> weak = make_weak(self, all);
  get.time(objects, [&] {
    for (std::size_t at = 0; at < objects; ++at)
      use(gc::detail::address_of((*weak)[at]->get(self).get()));
  });
  time_collection(self, heap, alive);
  all = nullptr;
  time_collection(self, heap, dead);
}

void time_pairs(bench::rounds& get, bench::rounds& alive, bench::rounds& chain) {
  gc::heap heap{options(gc::plan::immix)};
  gc::mutator self{heap};
  gc::local<nodes> all = make_nodes(self);
  gc::local<pairs> made = make_pairs(self, all, 0);
  get.time(objects, [&] {
    for (std::size_t at = 0; at < objects; ++at)
      use(gc::detail::address_of((*made)[at]->value(self).get()));
  });
  time_collection(self, heap, alive);
  made = make_pairs(self, all, 1);
  gc::local<node> key{self, (*all)[0]};
  all = nullptr;
  time_collection(self, heap, chain);
}

void time_cleaners(bench::rounds& given, bench::rounds& run) {
  gc::heap heap{options(gc::plan::immix)};
  gc::mutator self{heap};
  gc::local<nodes> all = make_nodes(self);
  gc::cleaner then{[](void*) { use(1); }, nullptr};
  given.time(objects, [&] {
    for (std::size_t at = 0; at < objects; ++at)
      gc::when_dead(gc::local<node>{self, (*all)[at]}, then);
  });
  all = nullptr;
  self.collect();
  run.time(objects, [&] { use(heap.run_cleaners()); });
}

void time_views(bench::rounds& summary, bench::rounds& graph, bench::rounds& why) {
  gc::heap heap{options(gc::plan::immix)};
  gc::mutator self{heap};
  gc::local<node> list = self.make<node>();
  gc::local<node> last = list;
  for (std::size_t at = 1; at < objects; ++at) {
    gc::local<node> before = self.make<node>(list, 0L);
    list = before;
  }
  summary.time(objects, [&] { use(gc::summarize(self).size()); });
  graph.time(objects,
             [&] { gc::dump_graph(self, [](std::string_view text) { use(text.size()); }); });
  why.time(objects, [&] { use(gc::why_alive(last).path.size()); });
}

void measure(unsigned rounds) {
  bench::rounds first{"hash, first"};
  bench::rounds moved{"hash, moved"};
  bench::rounds get_weak{"weak, get"};
  bench::rounds get_pair{"pair, get"};
  bench::rounds plain{"collect objects"};
  bench::rounds alive{"collect weak"};
  bench::rounds dead{"collect dead"};
  bench::rounds both{"collect pairs"};
  bench::rounds chain{"collect chain"};
  bench::rounds given{"cleaner, given"};
  bench::rounds run{"cleaner, run"};
  bench::rounds summary{"summary"};
  bench::rounds graph{"graph"};
  bench::rounds why{"why alive"};
  for (unsigned round = 0; round < rounds; ++round) {
    time_hashes(first, moved);
    time_weak(get_weak, plain, alive, dead);
    time_pairs(get_pair, both, chain);
    time_cleaners(given, run);
    time_views(summary, graph, why);
  }
  bench::rounds::print_head();
  for (bench::rounds* one : {&first, &moved, &get_weak, &get_pair, &plain, &alive, &dead, &both,
                             &chain, &given, &run, &summary, &graph, &why})
    one->print();
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
