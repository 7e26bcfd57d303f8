#include "resource/buffer_chunk.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace strata::detail {
namespace {

constexpr const char* name = "buffer_arena";

// floor(offset / size) = offset * ceil(2^32 / size) >> 32 while offset * size < 2^32: both are less
// than 2^16.
constexpr auto make_reciprocals() {
  std::array<std::uint64_t, buffer_cached_classes> table{};
  for (std::size_t number = 0; number < table.size(); ++number) {
    std::size_t bytes = buffer_class_bytes(number);
    table[number] = ((std::uint64_t{1} << 32) + bytes - 1) / bytes;
  }
  return table;
}
constexpr auto reciprocals = make_reciprocals();

}  // namespace

// ---- Elements

void* buffer_subpage::take(std::byte* chunk_base) {
  if (free == 0) return nullptr;
  while (bits[hint] == 0) ++hint;
  std::size_t element = hint * 64u + static_cast<std::size_t>(std::countr_zero(bits[hint]));
  bits[hint] &= bits[hint] - 1;
  --free;
  return chunk_base + first_page * buffer_page_bytes + element * buffer_class_bytes(class_number);
}

buffer_subpage* buffer_chunk::make_subpage(std::size_t class_number) {
  std::size_t pages = buffer_run_pages(class_number);
  auto tag = static_cast<std::uint8_t>(class_number + 1);
  std::size_t first = take_run(pages, tag);
  if (first == 0) return nullptr;
  for (std::size_t i = 0; i < pages; ++i) {
    tags()[first + i] = tag;
    backs()[first + i] = static_cast<std::uint8_t>(i);
  }
  std::size_t elements = pages * page_bytes / buffer_class_bytes(class_number);
  auto* made = ::new (&subpages()[first]) buffer_subpage{};
  made->first_page = static_cast<std::uint16_t>(first);
  made->class_number = static_cast<std::uint8_t>(class_number);
  made->elements = made->free = static_cast<std::uint16_t>(elements);
  for (std::size_t i = 0; i < elements / 64; ++i) made->bits[i] = ~std::uint64_t{0};
  if (elements % 64 != 0) made->bits[elements / 64] = (std::uint64_t{1} << elements % 64) - 1;
  return made;
}

buffer_subpage* buffer_chunk::subpage_of(std::uintptr_t block, std::size_t& element) {
  std::size_t page_number = page_of(block);
  std::size_t first = page_number - backs()[page_number];
  buffer_subpage* found = &subpages()[first];
  std::size_t offset = block - address_of(page(first));
  element = offset * reciprocals[found->class_number] >> 32;
  return element * buffer_class_bytes(found->class_number) == offset ? found : nullptr;
}

// ---- Runs

buffer_chunk::layout::layout(std::size_t pages)
    : words((pages + 63) / 64),
      lengths(tags_offset + pages),
      backs(lengths + 2 * pages),
      free_runs(backs + pages),
      subpages(free_runs + (kind_of(pages) + 1) * words * 8),
      end(subpages + pages * sizeof(buffer_subpage)) {}

buffer_chunk* buffer_chunk::make(void* memory, std::size_t bytes, buffer_shard* owner) {
  static_assert(sizeof(buffer_chunk) <= tags_offset);
  std::size_t pages = bytes / page_bytes;
  layout head(pages);
  std::memset(static_cast<std::byte*>(memory) + tags_offset, 0, head.subpages - tags_offset);
  auto* made = ::new (memory) buffer_chunk;
  made->owner_ = owner;
  made->pages_ = static_cast<std::uint16_t>(pages);
  made->head_pages_ = static_cast<std::uint16_t>((head.end + page_bytes - 1) / page_bytes);
  made->subpages_ = static_cast<std::uint32_t>(head.subpages);
  made->free_pages_ = static_cast<std::uint16_t>(made->usable_pages());
  made->add_free(made->head_pages_, made->free_pages_);
  poison(made->page(made->head_pages_), made->free_pages_ * page_bytes);
  return made;
}

std::size_t buffer_chunk::longest_class(std::size_t bytes) {
  std::size_t pages = bytes / page_bytes;
  std::size_t room = bytes - align_up(layout(pages).end, page_bytes);
  std::size_t number = buffer_class_of(room);
  return buffer_class_bytes(number) > room ? number - 1 : number;
}

std::size_t buffer_chunk::kind_of(std::size_t pages) {
  std::size_t units = pages * buffer_quantum;
  std::size_t number = buffer_class_of(units);
  return buffer_class_bytes(number) > units ? number - 1 : number;
}

void buffer_chunk::add_free(std::size_t first, std::size_t pages) {
  std::size_t kind = kind_of(pages);
  lengths()[first] = lengths()[first + pages - 1] = static_cast<std::uint16_t>(pages);
  starts(kind)[first / 64] |= std::uint64_t{1} << first % 64;
  kinds_ |= std::uint64_t{1} << kind;
}

void buffer_chunk::remove_free(std::size_t first) {
  std::size_t kind = kind_of(lengths()[first]);
  std::uint64_t* bits = starts(kind);
  bits[first / 64] &= ~(std::uint64_t{1} << first % 64);
  if (std::all_of(bits, bits + words(), [](std::uint64_t word) { return word == 0; })) {
    kinds_ &= ~(std::uint64_t{1} << kind);
  }
}

void buffer_chunk::cut(std::size_t first, std::size_t was_pages, std::size_t pages) {
  lengths()[first] = lengths()[first + pages - 1] = static_cast<std::uint16_t>(pages);
  if (was_pages > pages) add_free(first + pages, was_pages - pages);
}

std::size_t buffer_chunk::take_run(std::size_t pages, std::uint8_t tag) {
  std::size_t wanted = buffer_class_of(pages * buffer_quantum);
  std::uint64_t long_enough = kinds_ >> wanted;
  if (long_enough == 0) return 0;
  std::size_t kind = wanted + static_cast<std::size_t>(std::countr_zero(long_enough));
  std::uint64_t* bits = starts(kind);
  std::size_t word = 0;
  while (bits[word] == 0) ++word;
  std::size_t first = word * 64 + static_cast<std::size_t>(std::countr_zero(bits[word]));
  std::size_t was_pages = lengths()[first];
  remove_free(first);
  cut(first, was_pages, pages);
  free_pages_ = static_cast<std::uint16_t>(free_pages_ - pages);
  tags()[first] = tag;
  return first;
}

void buffer_chunk::free_run(std::size_t first) {
  std::size_t pages = lengths()[first];
  std::memset(tags() + first, 0, pages);
  std::memset(backs() + first, 0, pages);
  free_pages_ = static_cast<std::uint16_t>(free_pages_ + pages);
  if (free_begins(first + pages)) {
    std::size_t behind = lengths()[first + pages];
    remove_free(first + pages);
    pages += behind;
  }
  // The last page of what lies before says how long that is; a run that is in use says so too, and
  // is in no bitmap.
  if (first > head_pages_) {
    std::size_t before = lengths()[first - 1];
    if (free_begins(first - before)) {
      remove_free(first - before);
      first -= before;
      pages += before;
    }
  }
  add_free(first, pages);
}

bool buffer_chunk::resize_run(std::size_t first, std::size_t pages, std::uint8_t tag) {
  std::size_t was_pages = lengths()[first];
  std::size_t behind = first + was_pages;
  std::size_t room = free_begins(behind) ? lengths()[behind] : 0;
  if (pages > was_pages + room) return false;
  if (room != 0) remove_free(behind);
  cut(first, was_pages + room, pages);
  free_pages_ = static_cast<std::uint16_t>(free_pages_ + was_pages - pages);
  tags()[first] = tag;
  return true;
}

void buffer_chunk::verify() const {
  std::size_t free = 0;
  std::size_t marked = 0;
  bool before_was_free = false;
  std::size_t end = head_pages_;
  each_run([&](std::size_t first, std::size_t pages, std::uint8_t tag, const buffer_subpage* cut) {
    check(pages != 0 && first + pages <= pages_, name, this);
    check(lengths()[first + pages - 1] == pages, name, this);
    bool is_free = free_begins(first);
    check(is_free == (tag == 0) && !(is_free && before_was_free), name, this);
    before_was_free = is_free;
    free += is_free ? pages : 0;
    marked += is_free ? 1 : 0;
    end = first + pages;
    if (cut == nullptr) return;
    std::size_t count = 0;
    for (std::uint64_t word : cut->bits) count += static_cast<std::size_t>(std::popcount(word));
    check(count == cut->free && cut->first_page == first, name, cut);
    check(cut->class_number + 1 == tag && buffer_run_pages(tag - 1u) == pages, name, cut);
  });
  check(end == pages_ && free == free_pages_, name, this);
  for (std::size_t kind = 0; kind <= kind_of(pages_); ++kind) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < words(); ++i) {
      count += static_cast<std::size_t>(std::popcount(starts(kind)[i]));
    }
    check((count != 0) == ((kinds_ >> kind & 1) != 0), name, this);
    marked -= count;
  }
  check(marked == 0, name, this);
}

}  // namespace strata::detail
