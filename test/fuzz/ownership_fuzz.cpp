// A graph of objects that own one another, by rc or arc, beside counts made by looking at all of them:
// each object is destroyed when its last owner goes, and once. Cycles are cut at the end.
#include <strata/ownership.hpp>

#include "fuzz.hpp"

using namespace strata;

namespace {

constexpr std::size_t most_nodes = 256;
constexpr std::size_t slots = 64;

template <class Counting>
class graph {
  struct node;
  using owner = counted_ptr<node, Counting>;
  using weak = counted_weak<node, Counting>;
  using part = counted_alias<long, Counting>;

  struct node {
    node(graph& in, std::size_t which) : all(&in), id(which) { all->nodes_[id] = this; }
    node(const node&) = delete;
    node& operator=(const node&) = delete;
    ~node() {
      fuzz::expect(all->nodes_[id] == this, "a node is destroyed twice");
      all->nodes_[id] = nullptr;
    }
    graph* all;
    std::size_t id;
    long member = 42;
    std::array<owner, 3> edges;
    weak back;
  };

 public:
  ~graph() {
    for (owner& each : owners_) each.reset();
    for (part& each : parts_) each = part();
    // What lives still is in cycles, or is owned by them.
    for (node* each : nodes_) cut(each);
    for (const node* each : nodes_) fuzz::expect(each == nullptr, "a node outlives its owners");
    for (weak& each : weaks_) fuzz::expect(each.upgrade() == nullptr, "a dead node is upgraded");
  }

  void apply(const fuzz::record& now) {
    owner& at = owners_[now.which % slots];
    owner& other = owners_[now.amount % slots];
    weak& weak_at = weaks_[now.amount % slots];
    std::size_t edge = now.flavour() % 3;
    switch (now.operation()) {
      case 0:
      case 1:
        return make(at, now.flavour() % 2 == 1);
      case 2:
        at = other;
        return;
      case 3:
        if (&at != &other) at = std::move(other);
        return;
      case 4:
        at.reset();
        return;
      case 5:
      case 6:
        if (at != nullptr) at->edges[edge] = other;
        return;
      case 7:
        if (at != nullptr) at->edges[edge].reset();
        return;
      case 8:
        if (at != nullptr && at->edges[edge] != nullptr) at = owner(at->edges[edge]);
        return;
      case 9:
        weak_at = at != nullptr ? at.downgrade() : weak();
        return;
      case 10:
        at = weak_at.upgrade();
        return;
      case 11:
        if (at != nullptr && other != nullptr) at->back = other.downgrade();
        return;
      case 12:
        return borrow(at);
      case 13:
        parts_[now.amount % slots] = at != nullptr ? alias(at, &at->member) : part();
        return;
      case 14:
        memory_.fail_later(now.amount % 8, 1);
        return;
      default:
        compare();
    }
  }

  void compare() {
    std::array<std::size_t, most_nodes> strong{};
    std::array<std::size_t, most_nodes> weakly{};
    for (const owner& each : owners_) count(strong, each);
    for (const part& each : parts_) {
      if (each) ++strong[of_member(each)];
    }
    for (const node* each : nodes_) {
      if (each == nullptr) continue;
      for (const owner& edge : each->edges) count(strong, edge);
      count_weak(weakly, each->back);
    }
    for (const weak& each : weaks_) count_weak(weakly, each);
    for (const node* each : nodes_) {
      if (each != nullptr) fuzz::expect(strong[each->id] > 0, "a node without an owner lives");
    }
    for (const owner& each : owners_) {
      if (each == nullptr) continue;
      fuzz::expect(nodes_[each->id] == each.get(), "an owner of a dead node");
      fuzz::expect(each.strong_count() == strong[each->id], "another count of owners");
      fuzz::expect(each.weak_count() == weakly[each->id], "another count of weak pointers");
      fuzz::expect((each.get_mut() != nullptr) == (strong[each->id] == 1 && weakly[each->id] == 0),
                   "get_mut of a node with others, or none of one's own");
    }
  }

 private:
  static void count(std::array<std::size_t, most_nodes>& into, const owner& one) {
    if (one != nullptr) ++into[one->id];
  }
  static void count_weak(std::array<std::size_t, most_nodes>& into, const weak& one) {
    owner now = one.upgrade();
    if (now != nullptr) ++into[now->id];
  }
  std::size_t of_member(const part& one) {
    for (const node* each : nodes_) {
      if (each != nullptr && &each->member == &*one) return each->id;
    }
    fuzz::fail("an alias of a dead node");
  }
  void cut(node* one) {
    if (one == nullptr) return;
    // Out of the node first: it may die with them.
    std::array<owner, 3> edges = std::move(one->edges);
  }

  void make(owner& at, bool on_heap) {
    if (made_ == most_nodes) return;
    std::size_t id = made_;
    if (on_heap) {
      at = make_counted<node, Counting>(heap_memory(), *this, id);
    } else {
      try {
        at = make_counted<node, Counting>(memory_of(&memory_), *this, id);
      } catch (const std::bad_alloc&) {
        return;
      }
    }
    ++made_;
  }
  static void borrow(const owner& at) {
    if (at == nullptr) return;
    owner kept = at;
    borrowed<node> lent(kept.get());
    fuzz::expect(lent->member == 42, "a borrowed node is not what was lent");
  }

  fuzz::upstream memory_;
  std::array<node*, most_nodes> nodes_{};
  std::size_t made_ = 0;
  std::array<weak, slots> weaks_;
  std::array<part, slots> parts_;
  std::array<owner, slots> owners_;
};

template <class Counting>
void run(fuzz::input& from) {
  graph<Counting> all;
  for (fuzz::record now; from.next(now);) all.apply(now);
  all.compare();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  if (from.next().operation() % 2 == 0)
    run<local_counting>(from);
  else
    run<atomic_counting>(from);
  return 0;
}
