// Minimises logic functions by sets of bits: many small blocks that live for a while.
//
// After espresso, the minimiser for programmable logic arrays from Berkeley (Brayton and others,
// 1984), which allocator papers have used since Grunwald, Zorn and Henderson (1993). A function is a
// cover: a list of cubes, each a small block with two bits for each variable (may it be 0? 1?).
// Rounds of expanding, dropping and reducing cubes work on cofactors and complements, which are made
// recursively, a new cover of new cubes at each step, and freed on the way back. Stresses blocks of
// 16 to 64 bytes and growing arrays of all sizes, with lifetimes that nest, by one thread.
//
// Functions are random. At the end some inputs are tried: the function must be what it was.
#include <algorithm>
#include <utility>

#include "load.hpp"

namespace {

long functions = 20, variables = 20, cubes = 60, literals = 8;

size_t words() { return (2 * static_cast<size_t>(variables) + 31) / 32; }

// A product of literals. Bits 2v and 2v + 1: may variable v be 0, may it be 1. Bits beyond are set.
class cube {
 public:
  cube() : cube(nullptr) { std::memset(bits_, 0xff, words() * sizeof(uint32_t)); }
  cube(cube&& other) noexcept : bits_(std::exchange(other.bits_, nullptr)) {}
  cube& operator=(cube&& other) noexcept {
    std::swap(bits_, other.bits_);
    return *this;
  }
  ~cube() { std::free(bits_); }

  cube copy() const {
    cube same(nullptr);
    std::memcpy(same.bits_, bits_, words() * sizeof(uint32_t));
    return same;
  }

  // 1: only 0, 2: only 1, 3: either.
  uint32_t get(size_t variable) const { return bits_[variable / 16] >> (variable % 16 * 2) & 3; }
  void set(size_t variable, uint32_t value) {
    uint32_t& word = bits_[variable / 16];
    word = (word & ~(3U << (variable % 16 * 2))) | value << (variable % 16 * 2);
  }

  // Is there an input that both hold for? Not where some variable may be neither 0 nor 1.
  bool meets(const cube& other) const {
    for (size_t i = 0; i < words(); ++i) {
      const uint32_t both = bits_[i] & other.bits_[i];
      if (((both | both >> 1) & 0x55555555) != 0x55555555) return false;
    }
    return true;
  }

  bool contains(const cube& other) const {
    for (size_t i = 0; i < words(); ++i) {
      if ((other.bits_[i] & ~bits_[i]) != 0) return false;
    }
    return true;
  }

  bool full() const {
    return std::all_of(bits_, bits_ + words(), [](uint32_t word) { return word == 0xffffffff; });
  }

  void intersect(const cube& other) {
    for (size_t i = 0; i < words(); ++i) bits_[i] &= other.bits_[i];
  }
  void unite(const cube& other) {
    for (size_t i = 0; i < words(); ++i) bits_[i] |= other.bits_[i];
  }
  // What is left to decide of this one where the other holds.
  void divide(const cube& other) {
    for (size_t i = 0; i < words(); ++i) bits_[i] |= ~other.bits_[i];
  }

 private:
  explicit cube(std::nullptr_t)
      : bits_(reinterpret_cast<uint32_t*>(load::allocate(words() * sizeof(uint32_t)))) {}

  uint32_t* bits_;
};

// A sum of products.
using cover = std::vector<cube>;

cover copy(const cover& all) {
  cover same;
  for (const cube& one : all) same.push_back(one.copy());
  return same;
}

cover cofactor(const cover& all, const cube& where) {
  cover left;
  for (const cube& one : all) {
    if (!one.meets(where)) continue;
    left.push_back(one.copy());
    left.back().divide(where);
  }
  return left;
}

cube literal(size_t variable, uint32_t value) {
  cube one;
  one.set(variable, value);
  return one;
}

// The variable that most cubes depend on; `variables` when none does. One that occurs both ways is
// preferred.
size_t busiest_variable(const cover& all) {
  auto busiest = static_cast<size_t>(variables);
  size_t most = 0;
  for (size_t v = 0; v < static_cast<size_t>(variables); ++v) {
    size_t zeros = 0, ones = 0;
    for (const cube& one : all) {
      zeros += one.get(v) == 1;
      ones += one.get(v) == 2;
    }
    const size_t weight = zeros + ones + (zeros != 0 && ones != 0 ? all.size() : 0);
    if (weight > most) {
      most = weight;
      busiest = v;
    }
  }
  return busiest;
}

bool has_full(const cover& all) {
  return std::any_of(all.begin(), all.end(), [](const cube& one) { return one.full(); });
}

bool tautology(const cover& all) {
  if (has_full(all)) return true;
  const size_t v = busiest_variable(all);
  if (v == static_cast<size_t>(variables)) return false;
  return tautology(cofactor(all, literal(v, 1))) && tautology(cofactor(all, literal(v, 2)));
}

// Cubes that differ in the split variable alone become one.
void append_merged(cover& result, cover zeros, cover ones, size_t variable) {
  for (cube& one : zeros) {
    const auto same = std::find_if(ones.begin(), ones.end(), [&one](const cube& other) {
      return one.contains(other) && other.contains(one);
    });
    if (same != ones.end()) {
      ones.erase(same);
    } else {
      one.set(variable, 1);
    }
    result.push_back(std::move(one));
  }
  for (cube& one : ones) {
    one.set(variable, 2);
    result.push_back(std::move(one));
  }
}

cover complement(const cover& all) {
  cover result;
  if (has_full(all)) return result;
  const size_t v = busiest_variable(all);
  if (v == static_cast<size_t>(variables)) {
    result.push_back(cube());
    return result;
  }
  append_merged(result, complement(cofactor(all, literal(v, 1))),
                complement(cofactor(all, literal(v, 2))), v);
  return result;
}

// Makes each cube as large as the complement allows, and drops those that another contains.
cover expand(cover all, const cover& outside) {
  cover result;
  for (cube& one : all) {
    for (size_t v = 0; v < static_cast<size_t>(variables); ++v) {
      cube larger = one.copy();
      larger.set(v, 3);
      const bool allowed = std::none_of(outside.begin(), outside.end(),
                                        [&](const cube& other) { return other.meets(larger); });
      if (allowed) one = std::move(larger);
    }
    const bool known = std::any_of(result.begin(), result.end(),
                                   [&one](const cube& other) { return other.contains(one); });
    if (!known) result.push_back(std::move(one));
  }
  return result;
}

cover without(const cover& all, size_t index) {
  cover rest;
  for (size_t i = 0; i < all.size(); ++i) {
    if (i != index) rest.push_back(all[i].copy());
  }
  return rest;
}

// Drops each cube that the others cover.
cover irredundant(cover all) {
  for (size_t i = all.size(); i-- > 0;) {
    cover rest = without(all, i);
    if (tautology(cofactor(rest, all[i]))) all = std::move(rest);
  }
  return all;
}

// Makes each cube as small as the others allow, so that the next expansion can go another way.
cover reduce(cover all) {
  for (size_t i = 0; i < all.size(); ++i) {
    const cover needed = complement(cofactor(without(all, i), all[i]));
    if (needed.empty()) continue;
    cube smallest = needed.front().copy();
    for (const cube& one : needed) smallest.unite(one);
    all[i].intersect(smallest);
  }
  return all;
}

cover minimise(const cover& function) {
  const cover outside = complement(function);
  cover best = irredundant(expand(copy(function), outside));
  for (;;) {
    cover next = irredundant(expand(reduce(copy(best)), outside));
    if (next.size() >= best.size()) return best;
    best = std::move(next);
  }
}

cover random_function(load::random& random) {
  cover all;
  for (long i = 0; i < cubes; ++i) {
    cube& one = all.emplace_back();
    for (long k = 0; k < literals; ++k) {
      one.set(random.below(static_cast<size_t>(variables)), random.percent(50) ? 1 : 2);
    }
  }
  return all;
}

bool holds(const cover& all, const cube& input) {
  return std::any_of(all.begin(), all.end(), [&](const cube& one) { return one.contains(input); });
}

void check_same(const cover& before, const cover& after, load::random& random) {
  for (int i = 0; i < 2000; ++i) {
    cube input;
    for (size_t v = 0; v < static_cast<size_t>(variables); ++v) {
      input.set(v, random.percent(50) ? 1 : 2);
    }
    if (holds(before, input) != holds(after, input)) load::fail("a function has changed");
  }
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"functions", &functions},
               {"variables", &variables},
               {"cubes", &cubes},
               {"literals", &literals}});
  load::random random(1);
  for (long i = 0; i < functions; ++i) {
    const cover function = random_function(random);
    check_same(function, minimise(function), random);
  }
  return 0;
}
