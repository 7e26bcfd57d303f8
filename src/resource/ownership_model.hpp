// Random programs of owners beside a shadow count, for each way of counting and in both modes of
// STRATA_OWNERSHIP_DEBUG: each object is destroyed exactly once, when the shadow says so.
#pragma once

#include <map>
#include <random>
#include <vector>

#include <strata/ownership.hpp>

#include "resource/resource_test.hpp"

namespace strata {
namespace {  // the two modes meet in one program

struct shadow {
  std::size_t strong = 0;
  std::size_t weak = 0;
  int deaths = 0;
};
using shadows = std::vector<shadow>;

struct model_base {
  model_base(shadows& in, std::size_t which) : all(&in), id(which) {}
  model_base(const model_base&) = delete;
  model_base& operator=(const model_base&) = delete;
  virtual ~model_base() { ++(*all)[id].deaths; }
  shadows* all;
  std::size_t id;
};
struct model_derived final : model_base {
  using model_base::model_base;
  long member = 42;
};

template <class Counting>
class ownership_model {
  using base_owner = counted_ptr<model_base, Counting>;
  using derived_owner = counted_ptr<model_derived, Counting>;

 public:
  ownership_model(std::uint64_t seed, std::pmr::memory_resource* memory)
      : random_(seed), memory_(memory) {}

  void run(std::size_t operations) {
    shadows_.reserve(operations);
    for (std::size_t turn = 0; turn < operations; ++turn) {
      step();
      if (turn % 16 == 0) {
        ASSERT_NO_FATAL_FAILURE(compare());
      }
    }
    while (!bases_.empty()) drop(bases_);
    while (!deriveds_.empty()) drop(deriveds_);
    while (!aliases_.empty()) drop_alias();
    ASSERT_NO_FATAL_FAILURE(compare());
    for (const shadow& each : shadows_) ASSERT_EQ(each.deaths, 1);
    while (!weaks_.empty()) drop_weak();
  }

 private:
  struct weak_one {
    counted_weak<model_base, Counting> pointer;
    std::size_t id;
  };
  struct alias_one {
    counted_alias<long, Counting> pointer;
    std::size_t id;
  };

  void step() {
    switch (random_() % 14) {
      case 0:
      case 1:
        return make();
      case 2:
        return clone(bases_);
      case 3:
        return clone(deriveds_);
      case 4:
        return move(bases_);
      case 5:
        return move(deriveds_);
      case 6:
        return drop(bases_);
      case 7:
        return drop(deriveds_);
      case 8:
        return downgrade();
      case 9:
        return upgrade();
      case 10:
        return drop_weak();
      case 11:
        return up_cast();
      case 12:
        return down_cast();
      default:
        return random_() % 2 == 0 ? make_alias() : drop_alias();
    }
  }
  template <class List>
  auto pick(List& list) {
    return list.begin() + static_cast<std::ptrdiff_t>(random_() % list.size());
  }

  void make() {
    std::size_t id = shadows_.size();
    shadows_.push_back({1, 0, 0});
    if (random_() % 2 == 0) {
      deriveds_.push_back(make_counted<model_derived, Counting>(heap_memory(), shadows_, id));
    } else {
      deriveds_.push_back(make_counted<model_derived, Counting>(memory_of(memory_), shadows_, id));
    }
  }
  template <class List>
  void clone(List& list) {
    if (list.empty()) return;
    auto copy = *pick(list);
    ++shadows_[copy->id].strong;
    list.push_back(std::move(copy));
  }
  // Over another owner, which drops what it had; now and then over itself.
  template <class List>
  void move(List& list) {
    if (list.size() < 2) return;
    auto from = pick(list);
    auto to = pick(list);
    if (from == to) {
      auto& same = *to;
      *from = same;
      return;
    }
    --shadows_[(*to)->id].strong;
    *to = std::move(*from);
    ASSERT_EQ(from->get(), nullptr);
    list.erase(from);
  }
  template <class List>
  void drop(List& list) {
    if (list.empty()) return;
    auto one = pick(list);
    --shadows_[(*one)->id].strong;
    if (random_() % 2 == 0) one->reset();
    list.erase(one);
  }
  void downgrade() {
    if (bases_.empty()) return;
    auto from = pick(bases_);
    ++shadows_[(*from)->id].weak;
    weaks_.push_back({from->downgrade(), (*from)->id});
  }
  void upgrade() {
    if (weaks_.empty()) return;
    auto from = pick(weaks_);
    base_owner owner = from->pointer.upgrade();
    ASSERT_EQ(owner != nullptr, shadows_[from->id].strong > 0);
    if (owner == nullptr) return;
    ASSERT_EQ(owner->id, from->id);
    ++shadows_[from->id].strong;
    bases_.push_back(std::move(owner));
  }
  void drop_weak() {
    if (weaks_.empty()) return;
    auto one = pick(weaks_);
    --shadows_[one->id].weak;
    *one = std::move(weaks_.back());
    weaks_.pop_back();
  }
  void up_cast() {
    if (deriveds_.empty()) return;
    auto from = pick(deriveds_);
    if (random_() % 2 == 0) {
      ++shadows_[(*from)->id].strong;
      bases_.push_back(*from);
    } else {
      bases_.push_back(std::move(*from));
      deriveds_.erase(from);
    }
  }
  void down_cast() {
    if (bases_.empty()) return;
    auto from = pick(bases_);
    ++shadows_[(*from)->id].strong;
    if (random_() % 2 == 0)
      deriveds_.push_back(static_pointer_cast<model_derived>(*from));
    else
      deriveds_.push_back(dynamic_pointer_cast<model_derived>(*from));
  }
  void make_alias() {
    if (deriveds_.empty()) return;
    auto from = pick(deriveds_);
    std::size_t id = (*from)->id;
    ++shadows_[id].strong;
    aliases_.push_back({alias(*from, &(*from)->member), id});
  }
  void drop_alias() {
    if (aliases_.empty()) return;
    auto one = pick(aliases_);
    ASSERT_EQ(*one->pointer, 42);
    --shadows_[one->id].strong;
    *one = std::move(aliases_.back());
    aliases_.pop_back();
  }

  void compare() {
    for (const base_owner& each : bases_) compare_owner(each);
    for (const derived_owner& each : deriveds_) compare_owner(each);
    for (const alias_one& each : aliases_) {
      ASSERT_EQ(each.pointer.strong_count(), shadows_[each.id].strong);
    }
    for (const weak_one& each : weaks_) {
      const shadow& want = shadows_[each.id];
      ASSERT_EQ(each.pointer.strong_count(), want.strong);
      ASSERT_EQ(each.pointer.weak_count(), want.strong == 0 ? 0 : want.weak);
    }
    for (const shadow& each : shadows_) ASSERT_EQ(each.deaths, each.strong == 0 ? 1 : 0);
  }
  template <class Owner>
  void compare_owner(const Owner& one) {
    const shadow& want = shadows_[one->id];
    ASSERT_EQ(one.strong_count(), want.strong);
    ASSERT_EQ(one.weak_count(), want.weak);
    ASSERT_EQ(one.get_mut() != nullptr, want.strong == 1 && want.weak == 0);
  }

  std::mt19937_64 random_;
  std::pmr::memory_resource* memory_;
  shadows shadows_;  // before the owners, whose objects write to it
  std::vector<base_owner> bases_;
  std::vector<derived_owner> deriveds_;
  std::vector<weak_one> weaks_;
  std::vector<alias_one> aliases_;
};

// The same for box: one owner, moved about.
inline void run_box_model(std::uint64_t seed, std::size_t operations) {
  std::mt19937_64 random(seed);
  shadows all;
  all.reserve(operations);
  std::vector<box<model_base>> boxes;
  std::vector<std::size_t> ids;  // what each has; SIZE_MAX for null
  for (std::size_t turn = 0; turn < operations; ++turn) {
    if (boxes.empty() || random() % 3 == 0) {
      all.push_back({1, 0, 0});
      ids.push_back(all.size() - 1);
      boxes.push_back(make_box<model_derived>(all, all.size() - 1));
    } else {
      std::size_t from = random() % boxes.size();
      std::size_t to = random() % boxes.size();
      if (from != to && random() % 4 == 0) {
        if (ids[to] != SIZE_MAX) --all[ids[to]].strong;
        boxes[to] = std::move(boxes[from]);
        ids[to] = std::exchange(ids[from], SIZE_MAX);
      } else if (random() % 3 == 0) {
        boxes[from] = box<model_base>::from_raw(std::move(boxes[from]).into_raw());
      } else {
        if (ids[from] != SIZE_MAX) --all[ids[from]].strong;
        boxes.erase(boxes.begin() + static_cast<std::ptrdiff_t>(from));
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(from));
      }
    }
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      ASSERT_EQ(boxes[i] == nullptr, ids[i] == SIZE_MAX);
      if (boxes[i] != nullptr) {
        ASSERT_EQ(boxes[i]->id, ids[i]);
      }
    }
  }
  boxes.clear();
  for (const shadow& each : all) ASSERT_EQ(each.deaths, 1);
}

}  // namespace
}  // namespace strata
