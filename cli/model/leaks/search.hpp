// Which blocks can the program still reach? All words of the roots that point into a block make it
// reachable, and all words of reachable blocks do the same. What is left is lost, and its words that point
// into lost blocks are the edges of a graph.
//
//   roots --> block --> block          reachable
//             block --> block <--.     lost: judged by graph.hpp
//                        |_______|
//
// Words stand at multiples of their size. A word that only looks like a pointer keeps its block: nothing
// is called lost that is not.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "cli/model/leaks/block_index.hpp"
#include "cli/model/leaks/roots.hpp"
#include "cli/model/map/memory.hpp"

namespace strata::cli::leaks {

// A word of a lost block that points into a lost block. Both are numbers of the graph.
struct edge {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint64_t offset = 0;  // of the word, in the one
  std::uint64_t into = 0;    // where it points to, in the other
};

struct lost_graph {
  std::vector<block> blocks;               // by address
  std::vector<std::uint64_t> first_words;  // of each: often tells what it is
  std::vector<edge> edges;                 // by from, by offset
};

class search {
 public:
  search(const map::memory& from, const block_index& blocks);

  void add_root(const range& words);
  void add_root(const std::vector<std::uint64_t>& words);
  // The block is reachable by itself.
  void add_root(std::size_t block) { reach(block); }
  // Follows all pointers.
  void run();

  bool is_reachable(std::size_t block) const { return reached_[block]; }
  lost_graph lost();

 private:
  static constexpr std::uint64_t window_bytes = 64 << 10;
  using window = std::vector<std::uint64_t>;

  void reach(std::size_t block) {
    if (block == no_block || reached_[block]) return;
    reached_[block] = true;
    open_.push_back(block);
  }
  const window& window_at(std::uint64_t start);
  template <typename Visit>
  void each_word(std::uint64_t start, std::uint64_t end, Visit visit);

  const map::memory& from_;
  const block_index& blocks_;
  std::vector<bool> reached_;
  std::vector<std::size_t> open_;  // reached, and not yet searched
  std::unordered_map<std::uint64_t, window> windows_;
};

}  // namespace strata::cli::leaks
