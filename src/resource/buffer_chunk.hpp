// One chunk of a buffer arena: pages cut into runs, and runs cut into elements.
//
//   base, aligned to the chunk's length
//   | buffer_chunk | tags | pages | free runs | sub-pages |  run  | free run | run | run | free ... |
//   |<--------------- head, whole pages ----------------->|<----------- pages of 8 KiB ------------>|
//
//   tags       a byte a page: class + 1 of the block there, 0 where no block may be. Frees read it
//              without a lock: it stands while the block lives.
//   pages      the length of a run, at its first and at its last page, so that a run that is freed
//              finds its free neighbours; and how far back a sub-page run begins
//   free runs  for each class of lengths a bitmap of the pages where such runs begin
//   sub-pages  for each page a descriptor, used where a sub-page run begins: a bitmap of its free elements
//
//   free_pages = sum of free runs; no two of them touch; run r is in the bitmap of the longest class
//   that is no longer than r; a class's bit in `kinds` is set where its bitmap has any
//
// A run is taken from the shortest class that has one, of these the one at the lowest address; what is
// too long stays free behind it. Netty's PoolChunk keeps a priority queue for each length of run; a bitmap
// of 512 bits finds the lowest as well, and puts and takes without sifting.
//
//   time      runs: O(1), a search of at most pages/64 words; elements: at most 8 words
//   overhead  a head of 1.4 % (of which little is touched), no byte a block
//   threads   one at a time (its shard's lock), but for tags
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <strata/detail/buffer_class.hpp>
#include <strata/resource.hpp>

namespace strata::detail {

class buffer_shard;

// A run cut into elements of one class. In the shard's list of its class while any is free.
struct buffer_subpage {
  buffer_subpage* next;
  buffer_subpage* previous;
  std::uint16_t first_page;
  std::uint8_t class_number;
  std::uint8_t hint;  // words before this one have no free element
  std::uint16_t elements;
  std::uint16_t free;
  std::uint64_t bits[8];  // 1: free

  // Null when there is none.
  [[nodiscard]] void* take(std::byte* chunk_base);
  [[nodiscard]] bool is_free(std::size_t element) const {
    return (bits[element / 64] >> element % 64 & 1) != 0;
  }
};

class buffer_chunk {
 public:
  static constexpr std::size_t page_bytes = buffer_page_bytes;
  static constexpr std::size_t tags_offset = buffer_tags_offset;
  static constexpr std::size_t most_bytes = std::size_t{32} << 20;
  static constexpr std::size_t least_bytes = 8 * page_bytes;

  // In memory of so many bytes, aligned to as many: a power of two.
  static buffer_chunk* make(void* memory, std::size_t bytes, buffer_shard* owner);
  // The longest class that a chunk of so many bytes has room for.
  static std::size_t longest_class(std::size_t bytes);

  // A run of so many pages with the tag on its first page; 0 when there is none. Page 0 is the head's.
  [[nodiscard]] std::size_t take_run(std::size_t pages, std::uint8_t tag);
  void free_run(std::size_t first);
  // Longer, into free pages behind it, or shorter; false when they aren't free.
  [[nodiscard]] bool resize_run(std::size_t first, std::size_t pages, std::uint8_t tag);
  [[nodiscard]] bool fits(std::size_t pages) const {
    return kinds_ >> buffer_class_of(pages * buffer_quantum) != 0;
  }

  [[nodiscard]] buffer_subpage* make_subpage(std::size_t class_number);
  void free_subpage(buffer_subpage* one) { free_run(one->first_page); }
  // Where the block lies, and its element's number; null where it isn't the start of one.
  [[nodiscard]] buffer_subpage* subpage_of(std::uintptr_t block, std::size_t& element);

  [[nodiscard]] std::byte* base() { return reinterpret_cast<std::byte*>(this); }
  [[nodiscard]] const std::byte* base() const { return reinterpret_cast<const std::byte*>(this); }
  [[nodiscard]] std::size_t page_of(std::uintptr_t address) const {
    return (address - address_of(this)) / page_bytes;
  }
  [[nodiscard]] void* page(std::size_t number) { return base() + number * page_bytes; }
  [[nodiscard]] std::size_t run_pages(std::size_t first) const { return lengths()[first]; }
  [[nodiscard]] std::uint8_t tag(std::size_t page) const { return tags()[page]; }
  [[nodiscard]] std::size_t pages() const { return pages_; }
  [[nodiscard]] std::size_t bytes() const { return pages_ * page_bytes; }
  [[nodiscard]] std::size_t head_pages() const { return head_pages_; }
  [[nodiscard]] std::size_t free_pages() const { return free_pages_; }
  [[nodiscard]] std::size_t usable_pages() const { return pages_ - head_pages_; }
  [[nodiscard]] bool empty() const { return free_pages_ == usable_pages(); }
  [[nodiscard]] buffer_shard* owner() const { return owner_; }

  // visit(first page, pages, tag, sub-page or null), in the order of addresses.
  template <class Visit>
  void each_run(Visit visit) const;
  void verify() const;

  // The shard's: its list and its band.
  buffer_chunk* next = nullptr;
  buffer_chunk* previous = nullptr;
  // Atomic, relaxed: caches read it without the lock, as a hint which blocks to part with.
  std::atomic<std::uint8_t> band{0};

 private:
  // Where the parts of the head begin, for so many pages.
  struct layout {
    explicit layout(std::size_t pages);
    std::size_t words, lengths, backs, free_runs, subpages, end;
  };
  buffer_chunk() = default;

  template <class T>
  [[nodiscard]] T* at(std::size_t offset) const {
    return reinterpret_cast<T*>(address_of(this) + offset);  // NOLINT(performance-no-int-to-ptr)
  }
  [[nodiscard]] std::uint8_t* tags() const { return at<std::uint8_t>(tags_offset); }
  [[nodiscard]] std::uint16_t* lengths() const { return at<std::uint16_t>(tags_offset + pages_); }
  [[nodiscard]] std::uint8_t* backs() const {
    return at<std::uint8_t>(tags_offset + 3 * std::size_t{pages_});
  }
  [[nodiscard]] std::uint64_t* starts(std::size_t kind) const {
    return at<std::uint64_t>(tags_offset + 4 * std::size_t{pages_}) + kind * words();
  }
  [[nodiscard]] buffer_subpage* subpages() const { return at<buffer_subpage>(subpages_); }
  [[nodiscard]] std::size_t words() const { return (std::size_t{pages_} + 63) / 64; }

  // The longest class of runs that is no longer than this.
  static std::size_t kind_of(std::size_t pages);
  void add_free(std::size_t first, std::size_t pages);
  void remove_free(std::size_t first);
  // Behind first, which becomes a run of so many pages, the rest of was_pages is free.
  void cut(std::size_t first, std::size_t was_pages, std::size_t pages);
  [[nodiscard]] bool free_begins(std::size_t first) const {
    return first < pages_ && is_start(first, kind_of(lengths()[first]));
  }
  [[nodiscard]] bool is_start(std::size_t first, std::size_t kind) const {
    return (starts(kind)[first / 64] >> first % 64 & 1) != 0;
  }

  buffer_shard* owner_ = nullptr;
  std::uint64_t kinds_ = 0;
  std::uint16_t pages_ = 0;
  std::uint16_t head_pages_ = 0;
  std::uint16_t free_pages_ = 0;
  std::uint32_t subpages_ = 0;
};

template <class Visit>
void buffer_chunk::each_run(Visit visit) const {
  for (std::size_t first = head_pages_; first < pages_; first += lengths()[first]) {
    std::uint8_t tag = tags()[first];
    bool cut = tag != 0 && !buffer_class_is_run(tag - 1u);
    visit(first, std::size_t{lengths()[first]}, tag, cut ? &subpages()[first] : nullptr);
  }
}

}  // namespace strata::detail
