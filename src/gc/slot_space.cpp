#include "gc/slot_space.hpp"

#include <algorithm>

#include "os/memory.hpp"

namespace strata::gc {

bool slot_space::open() {
  std::size_t pages = blocks_.count() * block_pages;
  bytes_ = base::align_up(pages, os::page_bytes());
  sizes_ = static_cast<std::uint8_t*>(os::map(bytes_, os::page_bytes()));
  if (sizes_ == nullptr || !free_pages_.open(pages) || !pinned_.open(pages)) return false;
  return std::all_of(classes_.begin(), classes_.end(),
                     [&](size_class& each) { return each.pages.open(pages); });
}

slot_space::~slot_space() {
  if (sizes_ != nullptr) os::release(sizes_, bytes_);
}

// ---- Allocation

bump_range slot_space::take(std::size_t bytes) {
  std::size_t words = bytes / detail::word_bytes;
  if (bump_range hole = next_hole(words); hole.cursor != nullptr) return hole;
  if (free_pages_.empty()) return {};
  std::uint32_t page = free_pages_.pop();
  sizes_[page] = static_cast<std::uint8_t>(words);
  std::size_t start = page * page_words;
  return {live_.at(start), live_.at(start + slots_of(words) * words)};
}

void slot_space::add_block(std::size_t block) {
  for (std::size_t page = (block + 1) * block_pages; page-- > block * block_pages;) {
    sizes_[page] = 0;
    free_pages_.push(static_cast<std::uint32_t>(page));
  }
}

// Of the pages that the last collection has left. What is new in them is behind the finger.
bump_range slot_space::next_hole(std::size_t words) {
  size_class& of = classes_[words];
  finger& at = of.free;
  while (at.page < of.pages.size() && live_.has_at(word_at(words, at))) advance(at, words);
  if (at.page >= of.pages.size()) return {};
  std::size_t start = word_at(words, at);
  std::size_t page = at.page;
  std::size_t end = start;
  do {
    end += words;
    advance(at, words);
  } while (at.page == page && !live_.has_at(end));
  return {live_.at(start), live_.at(end)};
}

// ---- Collection

void slot_space::keep(void* object) {
  if ((header::load(object) & header::pinned) != 0) return;
  header::at(object) |= header::pinned;
  pinned_.push(object);
}

void slot_space::list_pages() {
  for (size_class& each : classes_) each.pages.clear();
  blocks_.each_used([this](std::size_t block, use as) {
    if (as != use::slots) return;
    each_page(block, [this](std::size_t page) {
      if (sizes_[page] != 0) classes_[sizes_[page]].pages.push(static_cast<std::uint32_t>(page));
    });
  });
}

std::uint64_t slot_space::compact() {
  list_pages();
  std::uint64_t moved_bytes = 0;
  for (std::size_t words = 2; words <= most_words; ++words) moved_bytes += compact(words);
  return moved_bytes;
}

std::uint64_t slot_space::compact(std::size_t words) {
  size_class& of = classes_[words];
  of.free = {};
  if (of.pages.empty()) return 0;
  std::size_t bytes = words * detail::word_bytes;
  std::uint64_t moved_bytes = 0;
  finger free;
  finger live{of.pages.size(), 0};
  for (;;) {
    while (free.is_before(live) && live_.has_at(word_at(words, free))) advance(free, words);
    void* object = nullptr;
    while (free.is_before(live) && object == nullptr) {
      retreat(live, words);
      std::size_t first = word_at(words, live);
      if (!live_.has_at(first) || stays(live_.object_at(first))) continue;
      object = live_.object_at(first);
    }
    if (object == nullptr) return moved_bytes;
    std::byte* to = live_.at(word_at(words, free));
    copy_object(to, static_cast<std::byte*>(object) - header::bytes, bytes);
    header::forward(object, to + header::bytes);
    sizes_[of.pages[live.page]] |= moved_out;
    moved_bytes += bytes;
    advance(free, words);
  }
}

void slot_space::settle() {
  for (void* object : pinned_) header::at(object) &= ~header::pinned;
  pinned_.clear();
  for (std::size_t words = 2; words <= most_words; ++words) {
    for (std::uint32_t page : classes_[words].pages) {
      if ((sizes_[page] & moved_out) == 0) continue;
      for (std::size_t slot = 0; slot < slots_of(words); ++slot) {
        std::size_t first = page * page_words + slot * words;
        if (!live_.has_at(first)) continue;
        std::uint64_t word = header::load(live_.object_at(first));
        if ((word & header::forwarded) == 0) continue;
        std::size_t to = live_.first_word(header::forwarding(word));
        live_.remove(first, first + words - 1);
        live_.add_first(to);
        live_.add_last(to + words - 1);
      }
    }
  }
}

bool slot_space::is_empty(std::size_t page) const {
  constexpr std::size_t page_chunks = page_words / chunk_words;
  std::uint64_t bits = 0;
  for (std::size_t chunk = page * page_chunks; chunk < (page + 1) * page_chunks; ++chunk)
    bits |= live_.bits_of(chunk);
  return bits == 0;
}

void slot_space::reclaim(blocks::after then) {
  free_pages_.clear();
  blocks_.each_used([&](std::size_t block, use as) {
    if (as != use::slots) return;
    std::size_t before = free_pages_.size();
    each_page(block, [this](std::size_t page) {
      sizes_[page] &= static_cast<std::uint8_t>(~moved_out);
      if (!is_empty(page)) return;
      sizes_[page] = 0;
      free_pages_.push(static_cast<std::uint32_t>(page));
    });
    if (free_pages_.size() - before < block_pages) return;
    free_pages_.shorten(before);
    blocks_.give(block, 1, then);
  });
  std::reverse(free_pages_.begin(), free_pages_.end());  // the lowest is taken first
  list_pages();
}

}  // namespace strata::gc
