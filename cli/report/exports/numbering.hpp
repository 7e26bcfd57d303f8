// Gives different things different numbers, in the order in which they first come.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

namespace strata::cli {

template <typename Thing>
class numbering {
 public:
  explicit numbering(std::uint64_t first) : next_(first) {}

  // The thing's number; new things are told to note(thing, number).
  template <typename Note>
  std::uint64_t of(const Thing& one, Note note) {
    const auto [at, is_new] = known_.try_emplace(one, next_);
    if (is_new) note(at->first, next_++);
    return at->second;
  }

 private:
  std::map<Thing, std::uint64_t> known_;
  std::uint64_t next_;
};

}  // namespace strata::cli
