// The shadow of a managed graph, in plain C++: which objects there must be and what is in each.
//
//   a word    0: null | id * 2: a reference | odd: an immediate, as gc::value has it
//   objects_  | 0: none | object 1 | object 2 | ...      free ones in free_
//   colours_  of the last trace:  none    nothing leads there, and the heap may have forgotten it
//                                 weakly  only through weak references and ephemerons without a key: the heap
//                                         may have it or not, and a weak reference may give it back
//                                 strong  the heap must have it
//
// A trace frees the objects of colour none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "objects.hpp"

namespace gc_fuzz {

using word = std::uint64_t;
inline word reference_to(std::uint32_t id) { return word{id} << 1; }
inline bool is_immediate(word of) { return (of & 1) != 0; }
inline std::uint32_t id_in(word of) {
  return is_immediate(of) ? 0 : static_cast<std::uint32_t>(of >> 1);
}

struct shadow {
  static constexpr std::uint32_t most_few = 4;

  kind what = kind::leaf;
  std::uint32_t count = 0;  // of fields; a weakling's and a pairing's are weak
  std::uint64_t seal = 0;
  std::uint32_t number = 0;  // a length of bytes, the key of a text
  std::uint32_t hash = 0;    // the identity hash, if somebody has asked: 1 in asked
  std::uint32_t asked = 0;
  std::uint32_t cleaner = 0;  // its token; 0: none
  union {
    word few[most_few];
    word* many;
  };

  shadow() : few{} {}
  shadow(const shadow&) = delete;
  shadow& operator=(const shadow&) = delete;
  ~shadow() { drop_fields(); }

  void give_fields(std::uint32_t wanted) {
    count = wanted;
    if (wanted > most_few)
      many = new word[wanted]();
    else
      std::fill(few, few + most_few, 0);
  }
  void drop_fields() {
    if (count > most_few) delete[] many;
    count = 0;
  }
  std::span<word> fields() { return {count <= most_few ? few : many, count}; }
  [[nodiscard]] bool is_weak() const { return what == kind::weakling || what == kind::pairing; }
};
static_assert(sizeof(shadow) == 64);

class shadow_graph {
 public:
  enum class colour : std::uint8_t { none, weakly, strong };

  explicit shadow_graph(std::uint32_t most)
      : objects_(most + 1), colours_(most + 1), used_(most + 1) {
    for (std::uint32_t id = most; id > 0; --id) free_.push_back(id);
  }

  shadow& operator[](std::uint32_t id) { return objects_[id]; }
  [[nodiscard]] std::size_t free_count() const { return free_.size(); }
  [[nodiscard]] std::size_t strong_count() const { return strong_.size(); }
  // Those of the last trace.
  [[nodiscard]] const std::vector<std::uint32_t>& strong() const { return strong_; }
  [[nodiscard]] bool is_strong(std::uint32_t id) const { return colours_[id] == colour::strong; }

  std::uint32_t take(kind what, std::uint32_t count, std::uint64_t seal) {
    std::uint32_t id = free_.back();
    free_.pop_back();
    shadow& made = objects_[id];
    made.what = what;
    made.seal = seal;
    made.number = made.hash = made.asked = made.cleaner = 0;
    made.give_fields(count);
    used_[id] = 1;
    return id;
  }
  void give(std::uint32_t id) {
    objects_[id].drop_fields();
    used_[id] = 0;
    free_.push_back(id);
  }

  // Each gets what the other has in it, and stays who it was.
  void swap_contents(std::uint32_t first, std::uint32_t second) {
    shadow& a = objects_[first];
    shadow& b = objects_[second];
    std::swap(a.what, b.what);
    std::swap(a.count, b.count);
    std::swap(a.seal, b.seal);
    std::swap(a.number, b.number);
    std::swap(a.few, b.few);
  }

  // each_root(visit): calls visit(word). forget(shadow&): of those that are freed.
  template <class EachRoot, class Forget>
  void trace(EachRoot each_root, Forget forget) {
    std::fill(colours_.begin(), colours_.end(), colour::none);
    strong_.clear();
    pairings_.clear();
    each_root([this](word root) { reach(root); });
    do follow_strong();
    while (follow_pairings());
    follow_weakly();
    for (std::uint32_t id = 1; id < objects_.size(); ++id) {
      if (used_[id] == 0 || colours_[id] != colour::none) continue;
      forget(objects_[id]);
      give(id);
    }
  }

 private:
  void reach(word to) {
    std::uint32_t id = id_in(to);
    if (id == 0 || colours_[id] == colour::strong) return;
    colours_[id] = colour::strong;
    strong_.push_back(id);
  }
  void follow_strong() {
    for (; followed_ < strong_.size(); ++followed_) {
      std::uint32_t id = strong_[followed_];
      shadow& of = objects_[id];
      if (of.what == kind::pairing) pairings_.push_back(id);
      if (of.is_weak()) continue;
      for (word each : of.fields()) reach(each);
    }
  }
  // True when a value was found.
  bool follow_pairings() {
    std::size_t before = strong_.size();
    for (std::uint32_t id : pairings_) {
      shadow& of = objects_[id];
      if (is_strong(id_in(of.few[0]))) reach(of.few[1]);
    }
    if (strong_.size() != before) return true;
    followed_ = 0;
    return false;
  }
  void follow_weakly() {
    std::vector<std::uint32_t>& open = pairings_;
    open = strong_;
    while (!open.empty()) {
      std::uint32_t id = open.back();
      open.pop_back();
      for (word each : objects_[id].fields()) {
        std::uint32_t to = id_in(each);
        if (to == 0 || colours_[to] != colour::none) continue;
        colours_[to] = colour::weakly;
        open.push_back(to);
      }
    }
  }

  std::vector<shadow> objects_;
  std::vector<colour> colours_;
  std::vector<std::uint8_t> used_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> strong_;
  std::size_t followed_ = 0;  // of strong_
  std::vector<std::uint32_t> pairings_;
};

}  // namespace gc_fuzz
