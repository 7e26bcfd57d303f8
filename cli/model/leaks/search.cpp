#include "cli/model/leaks/search.hpp"

#include <algorithm>

namespace strata::cli::leaks {
namespace {

constexpr std::uint64_t word_bytes = sizeof(std::uint64_t);
constexpr std::size_t most_windows = 1024;

}  // namespace

search::search(const map::memory& from, const block_index& blocks)
    : from_(from), blocks_(blocks), reached_(blocks.all().size()) {}

// Most blocks are small, and many are in one window: a system call for each of them would be dear.
const search::window& search::window_at(std::uint64_t start) {
  if (windows_.size() >= most_windows && !windows_.contains(start)) windows_.clear();
  const auto [at, is_new] = windows_.try_emplace(start);
  window& made = at->second;
  if (!is_new) return made;
  made.resize(window_bytes / word_bytes);
  if (from_.read(start, made.data(), window_bytes)) return made;
  // Some of its pages cannot be read: they stay zeros.
  const std::uint64_t page = map::system_page_bytes();
  for (std::uint64_t offset = 0; offset < window_bytes; offset += page) {
    std::uint64_t* to = made.data() + offset / word_bytes;
    if (!from_.read(start + offset, to, page)) std::fill_n(to, page / word_bytes, 0);
  }
  return made;
}

template <typename Visit>
void search::each_word(std::uint64_t start, std::uint64_t end, Visit visit) {
  start = (start + word_bytes - 1) / word_bytes * word_bytes;
  while (start + word_bytes <= end) {
    const std::uint64_t base = start / window_bytes * window_bytes;
    const std::uint64_t stop = std::min(end, base + window_bytes);
    const window& words = window_at(base);
    for (; start + word_bytes <= stop; start += word_bytes) {
      visit(start, words[(start - base) / word_bytes]);
    }
  }
}

void search::add_root(const range& words) {
  each_word(words.start, words.end,
            [&](std::uint64_t, std::uint64_t word) { reach(blocks_.find(word)); });
}

void search::add_root(const std::vector<std::uint64_t>& words) {
  for (const std::uint64_t word : words) reach(blocks_.find(word));
}

void search::run() {
  while (!open_.empty()) {
    const block& one = blocks_[open_.back()];
    open_.pop_back();
    add_root(range{one.start, one.start + one.bytes});
  }
}

lost_graph search::lost() {
  lost_graph made;
  std::vector<std::uint32_t> numbers(reached_.size());
  for (std::size_t i = 0; i < reached_.size(); ++i) {
    numbers[i] = static_cast<std::uint32_t>(made.blocks.size());
    if (!reached_[i]) made.blocks.push_back(blocks_[i]);
  }
  made.first_words.resize(made.blocks.size());
  for (std::uint32_t number = 0; number < made.blocks.size(); ++number) {
    const block& one = made.blocks[number];
    each_word(one.start, one.start + one.bytes, [&](std::uint64_t at, std::uint64_t word) {
      if (at == one.start) made.first_words[number] = word;
      const std::size_t to = blocks_.find(word);
      if (to == no_block || reached_[to]) return;
      made.edges.push_back({number, numbers[to], at - one.start, word - blocks_[to].start});
    });
  }
  return made;
}

}  // namespace strata::cli::leaks
