// A random program on a managed heap beside a shadow of its graph: for model tests.
//
//   roots     16 locals                                16 indices
//   objects   pair | row | table | bytes, with a key   a shadow each: kind, key, indices of fields
//
// After a while, and after each collection that it asks for, the graph that the roots reach is walked on
// both sides at once: the same kinds, keys, lengths, references, identity hashes, and the same bytes in plain
// data.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "base/bits.hpp"
#include "strata/gc.hpp"

namespace strata::gc {

struct model_object;
struct model_cell {
  std::uint32_t tag = 0;
  ref<model_object> to;
};
// Every object of the model begins like this, so that one type of reference leads to all of them.
struct model_object {
  std::uint32_t kind = 0;
  std::uint32_t key = 0;
  ref<model_object> left, right;
  ref<array<ref<model_object>>> row;
  ref<array<model_cell>> table;
  ref<array<std::uint8_t>> bytes;
};

class graph_model {
 public:
  static constexpr std::size_t root_count = 16;
  static constexpr std::size_t none = ~std::size_t{0};

  struct limits {
    std::size_t most_row = 40;
    std::size_t most_bytes = 300;
    std::size_t large_one_in = 200;  // of rows and of bytes
    std::size_t large_elements = 20000;
  };

  graph_model(mutator& self, std::uint64_t seed, limits most)
      : self_(self), seed_(seed), most_(most) {
    for (std::size_t at = 0; at < root_count; ++at) {
      roots_.emplace_back(self);
      shadow_roots_.push_back(none);
    }
  }
  graph_model(const graph_model&) = delete;
  graph_model& operator=(const graph_model&) = delete;
  ~graph_model() {
    while (!roots_.empty()) roots_.pop_back();
  }

  // One random operation.
  void step() {
    switch (random(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return make_pair_of(random(root_count));
      case 5:
        return make_row(random(root_count));
      case 6:
        return make_table(random(root_count));
      case 7:
        return make_bytes(random(root_count));
      case 8:
      case 9:
      case 10:
        return store(random(root_count), random(root_count));
      case 11:
      case 12:
        return load(random(root_count), random(root_count));
      case 13:
        return copy(random(root_count), random(root_count));
      case 14:
        if (random(4) == 0) return drop(random(root_count));
        return ask(random(root_count));
      default:
        return self_.safepoint();
    }
  }

  // Walks both graphs. Returns the digest of what was seen.
  std::uint64_t check() {
    std::map<std::size_t, const model_object*> matched;
    std::vector<std::size_t> open;
    std::uint64_t digest = 0;
    auto match = [&](const model_object* object, std::size_t index) {
      ASSERT_EQ(object == nullptr, index == none);
      if (object == nullptr) return;
      auto [at, is_new] = matched.emplace(index, object);
      ASSERT_EQ(at->second, object);
      if (is_new) open.push_back(index);
    };
    for (std::size_t at = 0; at < root_count; ++at) match(roots_[at].get(), shadow_roots_[at]);
    while (!open.empty() && !testing::Test::HasFatalFailure()) {
      std::size_t index = open.back();
      open.pop_back();
      digest = base::mixed(digest ^ index);
      compare(*matched[index], shadows_[index], match);
    }
    if (shadows_.size() > 4 * matched.size() + 1000) forget_unreached(matched);
    return digest;
  }

 private:
  enum kind : std::uint32_t { pair, row, table, bytes };
  struct shadow {
    std::uint32_t kind = pair;
    std::uint32_t key = 0;
    std::vector<std::size_t> fields;
    std::size_t length = 0;  // of bytes
    bool asked = false;
    std::uint32_t hash = 0;  // once it was asked
  };

  std::size_t random(std::size_t below) {
    seed_ += 0x9E3779B97F4A7C15U;
    return base::mixed(seed_) % below;
  }
  std::size_t length(std::size_t most) {
    return random(most_.large_one_in) == 0 ? random(most_.large_elements) : random(most);
  }
  static std::uint8_t byte_at(std::uint32_t key, std::size_t at) {
    return static_cast<std::uint8_t>(key * 31 + at);
  }

  std::size_t add(shadow made) {
    shadows_.emplace(next_, std::move(made));
    return next_++;
  }
  void root(std::size_t at, unrooted<model_object>&& object, shadow made) {
    roots_[at] = std::move(object);
    shadow_roots_[at] = add(std::move(made));
  }

  void make_pair_of(std::size_t at) {
    std::size_t left = random(root_count);
    std::size_t right = random(root_count);
    std::uint32_t key = next_key_++;
    shadow made{pair, key, {shadow_roots_[left], shadow_roots_[right]}, 0};
    root(at, self_.make<model_object>(pair, key, roots_[left], roots_[right]), std::move(made));
  }
  void make_row(std::size_t at) {
    std::size_t count = length(most_.most_row);
    std::uint32_t key = next_key_++;
    local<array<ref<model_object>>> elements = self_.make<array<ref<model_object>>>(count);
    shadow made{row, key, std::vector<std::size_t>(count, none), 0};
    for (std::size_t each = 0; each < count; each += 1 + random(8)) {
      std::size_t from = random(root_count);
      (*elements)[each] = roots_[from];
      made.fields[each] = shadow_roots_[from];
    }
    root(at, self_.make<model_object>(row, key, nullptr, nullptr, elements), std::move(made));
  }
  void make_table(std::size_t at) {
    std::size_t count = length(most_.most_row);
    std::uint32_t key = next_key_++;
    local<model_object> holder = self_.make<model_object>(table, key);
    holder->table = self_.make<array<model_cell>>(count);
    shadow made{table, key, std::vector<std::size_t>(count, none), 0};
    for (std::size_t each = 0; each < count; each += 1 + random(8)) {
      std::size_t from = random(root_count);
      (*holder->table)[each].to = roots_[from];
      made.fields[each] = shadow_roots_[from];
    }
    for (std::size_t each = 0; each < count; ++each)
      (*holder->table)[each].tag = key + static_cast<std::uint32_t>(each);
    root(at, holder, std::move(made));
  }
  void make_bytes(std::size_t at) {
    std::size_t count = length(most_.most_bytes) * 4;
    std::uint32_t key = next_key_++;
    local<array<std::uint8_t>> data = self_.make<array<std::uint8_t>>(count);
    for (std::size_t each = 0; each < count; ++each) (*data)[each] = byte_at(key, each);
    root(at, self_.make<model_object>(bytes, key, nullptr, nullptr, nullptr, nullptr, data),
         {bytes, key, {}, count});
  }

  static ref<model_object>& field_of(model_object& of, std::size_t at) {
    if (of.kind == row) return (*of.row)[at];
    if (of.kind == table) return (*of.table)[at].to;
    return at == 0 ? of.left : of.right;
  }
  void store(std::size_t into, std::size_t from) {
    if (shadow_roots_[into] == none) return;
    shadow& of = shadows_[shadow_roots_[into]];
    if (of.fields.empty()) return;
    std::size_t at = random(of.fields.size());
    field_of(*roots_[into], at) = roots_[from];
    of.fields[at] = shadow_roots_[from];
  }
  void load(std::size_t from, std::size_t into) {
    if (shadow_roots_[from] == none) return;
    shadow& of = shadows_[shadow_roots_[from]];
    if (of.fields.empty()) return;
    std::size_t at = random(of.fields.size());
    roots_[into] = field_of(*roots_[from], at);
    shadow_roots_[into] = of.fields[at];
  }
  void copy(std::size_t from, std::size_t into) {
    roots_[into] = roots_[from];
    shadow_roots_[into] = shadow_roots_[from];
  }
  void drop(std::size_t at) {
    roots_[at] = nullptr;
    shadow_roots_[at] = none;
  }

  // For the identity hash: of bytes, of their array's.
  void ask(std::size_t at) {
    if (shadow_roots_[at] == none) return;
    shadow& of = shadows_[shadow_roots_[at]];
    std::uint32_t hash = hash_of(*roots_[at]);
    if (of.asked) {
      ASSERT_EQ(of.hash, hash);
    }
    of.asked = true;
    of.hash = hash;
  }
  [[nodiscard]] std::uint32_t hash_of(const model_object& of) const {
    const void* asked = of.kind == bytes ? static_cast<const void*>(of.bytes.get()) : &of;
    return detail::identity_hash(self_, const_cast<void*>(asked));
  }

  template <class Match>
  void compare(const model_object& object, const shadow& of, Match match) const {
    if (of.asked) {
      ASSERT_EQ(of.hash, hash_of(object));
    }
    ASSERT_EQ(of.kind, object.kind);
    ASSERT_EQ(of.key, object.key);
    if (of.kind == row) {
      ASSERT_EQ(of.fields.size(), object.row->size());
    }
    if (of.kind == table) {
      ASSERT_EQ(of.fields.size(), object.table->size());
      for (std::size_t at = 0; at < of.fields.size(); ++at)
        ASSERT_EQ(of.key + at, (*object.table)[at].tag);
    }
    if (of.kind == bytes) {
      ASSERT_EQ(of.length, object.bytes->size());
      for (std::size_t at = 0; at < of.length; ++at)
        ASSERT_EQ(byte_at(of.key, at), (*object.bytes)[at]);
    }
    for (std::size_t at = 0; at < of.fields.size(); ++at)
      match(field_of(const_cast<model_object&>(object), at).get(), of.fields[at]);
  }
  void forget_unreached(const std::map<std::size_t, const model_object*>& matched) {
    for (auto at = shadows_.begin(); at != shadows_.end();)
      at = matched.count(at->first) == 0 ? shadows_.erase(at) : std::next(at);
  }

  mutator& self_;
  std::uint64_t seed_;
  limits most_;
  std::deque<local<model_object>> roots_;
  std::vector<std::size_t> shadow_roots_;
  std::map<std::size_t, shadow> shadows_;
  std::size_t next_ = 0;
  std::uint32_t next_key_ = 1;
};

}  // namespace strata::gc
