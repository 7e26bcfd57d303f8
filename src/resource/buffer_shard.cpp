#include <algorithm>
#include <utility>

#include "resource/buffer_core.hpp"

namespace strata::detail {
namespace {

constexpr std::size_t band(buffer_band which) { return static_cast<std::size_t>(which); }

// Per cent in use that each band begins and ends at. They overlap, so that a chunk at a border
// does not go to and fro.
struct limits {
  std::size_t least, most;
};
constexpr std::array<limits, 6> bands = {
    {{0, 25}, {1, 50}, {25, 75}, {50, 100}, {75, 100}, {100, 101}}};

// Half full ones first: they fill up, and emptier ones get the chance to run dry.
constexpr std::array<buffer_band, 5> search_order = {
    buffer_band::q050, buffer_band::q025, buffer_band::q000, buffer_band::qinit, buffer_band::q075};

std::size_t band_of(const buffer_chunk& one) { return one.band.load(std::memory_order_relaxed); }

// 0 only for none in use, 100 only for all.
std::size_t usage(const buffer_chunk& one) {
  if (one.empty()) return 0;
  if (one.free_pages() == 0) return 100;
  std::size_t used = (one.usable_pages() - one.free_pages()) * 100 / one.usable_pages();
  return std::clamp<std::size_t>(used, 1, 99);
}

}  // namespace

// ---- Chunks in their bands

void buffer_shard::link(buffer_chunk* one, std::size_t into) {
  one->band.store(static_cast<std::uint8_t>(into), std::memory_order_relaxed);
  one->previous = nullptr;
  one->next = bands_[into];
  if (one->next != nullptr) one->next->previous = one;
  bands_[into] = one;
}

void buffer_shard::unlink(buffer_chunk* one) {
  if (one->next != nullptr) one->next->previous = one->previous;
  (one->previous != nullptr ? one->previous->next : bands_[band_of(*one)]) = one->next;
}

// After a change of what is free: into the band where it belongs, or away. One empty chunk stays in
// qinit, or a run that is taken and freed by turns would fetch a chunk each time; trim() takes that one.
void buffer_shard::place(buffer_chunk* one) {
  std::size_t used = usage(*one);
  std::size_t to = band_of(*one);
  while (used >= bands[to].most) ++to;
  while (used < bands[to].least && to > band(buffer_band::q000)) --to;
  bool fell_out = used == 0 && to == band(buffer_band::q000);
  if (fell_out && bands_[band(buffer_band::qinit)] != nullptr) {
    unlink(one);
    give_back(one);
    return;
  }
  if (fell_out) to = band(buffer_band::qinit);
  if (to != band_of(*one)) {
    unlink(one);
    link(one, to);
  }
}

buffer_chunk* buffer_shard::new_chunk() {
  std::size_t bytes = core_->chosen.chunk_bytes;
  void* memory = core_->source.take(bytes, bytes);
  if (memory == nullptr) return nullptr;
  buffer_chunk* made = buffer_chunk::make(memory, bytes, this);
  if (!core_->enter_chunk(made)) {
    unpoison(memory, bytes);
    core_->source.give(memory, bytes, bytes);
    return nullptr;
  }
  link(made, band(buffer_band::qinit));
  return made;
}

void buffer_shard::give_back(buffer_chunk* one) {
  std::size_t bytes = one->bytes();
  core_->forget_chunk(one);
  unpoison(one, bytes);
  core_->source.give(one, bytes, bytes);
}

template <class Action>
auto buffer_shard::from_chunks(std::size_t pages, Action action)
    -> decltype(action(std::declval<buffer_chunk&>())) {
  for (buffer_band each : search_order) {
    for (buffer_chunk* one = bands_[band(each)]; one != nullptr; one = one->next) {
      if (!one->fits(pages)) continue;
      auto found = action(*one);
      place(one);
      return found;
    }
  }
  buffer_chunk* one = new_chunk();
  if (one == nullptr) return nullptr;
  auto found = action(*one);
  place(one);
  return found;
}

// ---- Sub-pages with free elements

void buffer_shard::link(buffer_subpage* one) {
  buffer_subpage*& first = partial_[one->class_number];
  one->previous = nullptr;
  one->next = first;
  if (first != nullptr) first->previous = one;
  first = one;
}

void buffer_shard::unlink(buffer_subpage* one) {
  if (one->next != nullptr) one->next->previous = one->previous;
  (one->previous != nullptr ? one->previous->next : partial_[one->class_number]) = one->next;
}

buffer_subpage* buffer_shard::new_subpage(std::size_t number) {
  auto* made = from_chunks(buffer_run_pages(number),
                           [&](buffer_chunk& chunk) { return chunk.make_subpage(number); });
  if (made != nullptr) link(made);
  return made;
}

// Of the first few, one in the fullest chunk: the emptiest ones are to run dry.
buffer_subpage* buffer_shard::partial(std::size_t number) const {
  constexpr int most_looked_at = 8;
  buffer_subpage* best = nullptr;
  std::size_t best_band = 0;
  int looked_at = 0;
  for (buffer_subpage* one = partial_[number]; one != nullptr && looked_at < most_looked_at;
       one = one->next, ++looked_at) {
    std::size_t its_band = band_of(*core_->chunk_of(address_of(one)));
    if (best != nullptr && its_band <= best_band) continue;
    best = one;
    best_band = its_band;
  }
  return best;
}

std::size_t buffer_shard::take_elements(std::size_t number, void** blocks, std::size_t most) {
  std::size_t count = 0;
  while (count < most) {
    buffer_subpage* one = partial(number);
    if (one == nullptr) one = new_subpage(number);
    if (one == nullptr) break;
    std::byte* base = core_->chunk_of(address_of(one))->base();
    while (count < most && one->free != 0) blocks[count++] = one->take(base);
    if (one->free == 0) unlink(one);
  }
  return count;
}

void buffer_shard::put_element(buffer_chunk* chunk, void* block) {
  std::size_t element = 0;
  buffer_subpage* one = chunk->subpage_of(address_of(block), element);
  if (one == nullptr) stop(misuse::interior_free, buffer_name, block);
  if (one->is_free(element)) stop(misuse::double_free, buffer_name, block);
  one->bits[element / 64] |= std::uint64_t{1} << element % 64;
  one->hint = static_cast<std::uint8_t>(std::min<std::size_t>(one->hint, element / 64));
  if (one->free++ == 0) link(one);
  // The last one of its class stays, or a block that is taken and freed by turns would make and
  // unmake it each time. Trimming takes it too.
  bool alone = one->next == nullptr && one->previous == nullptr;
  if (one->free < one->elements || alone) return;
  unlink(one);
  chunk->free_subpage(one);
  place(chunk);
}

// ---- Blocks

std::size_t buffer_shard::take(std::size_t number, void** blocks, std::size_t most) {
  if (--until_trim_ == 0) trim();
  std::size_t count = 0;
  if (!buffer_class_is_run(number)) {
    count = take_elements(number, blocks, most);
  } else {
    std::size_t pages = buffer_run_pages(number);
    auto tag = static_cast<std::uint8_t>(number + 1);
    auto take_one = [&](buffer_chunk& chunk) { return chunk.page(chunk.take_run(pages, tag)); };
    while (count < most && (blocks[count] = from_chunks(pages, take_one)) != nullptr) ++count;
  }
  core_->note_handed(count * buffer_class_bytes(number));
  return count;
}

void buffer_shard::put(void* block) {
  if (--until_trim_ == 0) trim();
  buffer_chunk* chunk = core_->chunk_of(address_of(block));
  std::size_t page = chunk->page_of(address_of(block));
  std::uint8_t tag = chunk->tag(page);
  if (tag == 0) stop(misuse::double_free, buffer_name, block);
  std::size_t bytes = buffer_class_bytes(tag - 1u);
  if (!buffer_class_is_run(tag - 1u)) {
    put_element(chunk, block);
  } else {
    if (block != chunk->page(page)) stop(misuse::interior_free, buffer_name, block);
    chunk->free_run(page);
    place(chunk);
  }
  core_->handed_bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

bool buffer_shard::resize(void* block, std::size_t new_number) {
  buffer_chunk* chunk = core_->chunk_of(address_of(block));
  std::size_t page = chunk->page_of(address_of(block));
  std::size_t old_number = chunk->tag(page) - 1u;
  if (!chunk->resize_run(page, buffer_run_pages(new_number),
                         static_cast<std::uint8_t>(new_number + 1))) {
    return false;
  }
  place(chunk);
  core_->note_handed(buffer_class_bytes(new_number));
  core_->handed_bytes.fetch_sub(buffer_class_bytes(old_number), std::memory_order_relaxed);
  ++freed[old_number];
  ++taken[new_number];
  return true;
}

void buffer_shard::trim() {
  until_trim_ = visits_between_trims;
  for (buffer_subpage*& first : partial_) {
    for (buffer_subpage* one = first; one != nullptr;) {
      buffer_subpage* next = one->next;
      if (one->free == one->elements) {
        buffer_chunk* chunk = core_->chunk_of(address_of(one));
        unlink(one);
        chunk->free_subpage(one);
        place(chunk);
      }
      one = next;
    }
  }
  for (buffer_chunk* one = bands_[band(buffer_band::qinit)]; one != nullptr;) {
    buffer_chunk* next = one->next;
    if (one->empty()) {
      unlink(one);
      give_back(one);
    }
    one = next;
  }
}

void buffer_shard::release_all() {
  for (buffer_chunk*& first : bands_) {
    while (first != nullptr) {
      buffer_chunk* one = first;
      first = one->next;
      give_back(one);
    }
  }
}

void buffer_shard::verify() const {
  for (std::size_t which = 0; which < bands_.size(); ++which) {
    const buffer_chunk* before = nullptr;
    for (const buffer_chunk* one = bands_[which]; one != nullptr; one = one->next) {
      std::size_t used = usage(*one);
      bool here = used < bands[which].most &&
                  (used >= bands[which].least || which == band(buffer_band::qinit));
      check(one->owner() == this && band_of(*one) == which && one->previous == before && here,
            buffer_name, one);
      one->verify();
      before = one;
    }
  }
  for (std::size_t number = 0; number < partial_.size(); ++number) {
    for (const buffer_subpage* one = partial_[number]; one != nullptr; one = one->next) {
      check(one->class_number == number && one->free != 0, buffer_name, one);
    }
  }
}

}  // namespace strata::detail
