// Chunk source: the chunks of slabs, aligned to their length, from an upstream that need not be good
// at that.
//
//   span    | head | gap | chunk | t | chunk | t | not cut yet ...... |
//                        ^ aligned to 2^n, as each chunk is
//           chunk: 2^n - 64 bytes     t: which span it is from
//
//   single  | chunk | head |         the head begins as t does: with its own address
//
//   span->idle <= span->cut                  all idle: it may go back upstream
//   idle_bytes_   = sum of span->idle * 2^n  kept up to most_idle_bytes_
//   own_bytes()   = spans - chunks that are handed out
//
// A heap that is asked for a long block with as long an alignment leaves a hole before it, and hardly
// ever uses either again for the next. So spans are plain blocks, up to span_bytes long and no longer than
// half of all spans before them, and chunks are cut from them one by one: what is not cut is not
// touched. The gap is lost: so what would hold less than four chunks is a single one, aligned by upstream.
// Other requests, also those of chunks that have not yet grown to their full length, pass.
//
// Chunks that went upstream and were needed again had gone too soon: by so much does most_idle_bytes_ rise.
// What was idle all the while that 256 chunks came back was of no use: by so much it falls again, but
// not below spare_bytes. So waves of allocation and free soon leave upstream alone, and a single one
// is given back.
//
//   time      allocate, deallocate O(1), or a call upstream and O(chunks of a span)
//   threads   one at a time
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata::detail {

class STRATA_RESOURCES_API chunk_source final : public std::pmr::memory_resource {
 public:
  // What is left of a chunk's alignment behind it.
  static constexpr std::size_t room_behind = 64;

  // span_bytes 0: all requests pass.
  chunk_source(std::pmr::memory_resource* upstream, std::size_t span_bytes,
               std::size_t spare_bytes) noexcept
      : upstream_(upstream),
        span_bytes_(span_bytes),
        least_idle_bytes_(spare_bytes),
        most_idle_bytes_(spare_bytes) {}
  ~chunk_source() override { trim(); }
  chunk_source(const chunk_source&) = delete;
  chunk_source& operator=(const chunk_source&) = delete;

  // Spans of which no chunk is in use go back.
  void trim() noexcept;
  [[nodiscard]] std::size_t own_bytes() const noexcept { return span_total_bytes_ - lent_bytes_; }
  template <class Visit>
  void each_region(Visit visit) const;

 private:
  struct span {
    span* self;  // where chunks of others have t
    span* next;
    span* previous;
    std::uintptr_t first;  // chunk
    std::size_t bytes;
    std::size_t chunk_bytes;  // 2^n
    std::uint32_t cut;
    std::uint32_t idle;

    // Of what came from upstream: a head stands before the first chunk, or behind the only one.
    [[nodiscard]] std::uintptr_t start() const {
      return address_of(this) < first ? address_of(this) : first;
    }
    [[nodiscard]] std::uintptr_t end() const { return start() + bytes; }
    // A chunk, or where one would be.
    [[nodiscard]] std::uintptr_t chunk(std::size_t index) const {
      return first + index * chunk_bytes;
    }
    [[nodiscard]] bool can_cut() const {
      return chunk(cut) + chunk_bytes - room_behind + sizeof(span*) <= end();
    }
  };
  static_assert(sizeof(span) <= room_behind);
  struct idle_chunk {
    idle_chunk* next;
    idle_chunk* previous;
  };
  // What there is of one size.
  struct shelf {
    span* spans = nullptr;  // only the first can be cut
    idle_chunk* idle = nullptr;
  };
  static constexpr std::size_t least_chunks = 4;  // of a span that is not single, its gap included
  static constexpr int shortest_bits = 12;
  static constexpr int longest_bits = 18;

  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  [[nodiscard]] shelf* shelf_of(std::size_t bytes, std::size_t alignment);
  static span*& home_of(void* chunk, std::size_t chunk_bytes) {
    return *pointer_to<span*>(address_of(chunk) + chunk_bytes - room_behind);
  }
  void* take_idle(shelf& from, std::size_t chunk_bytes);
  void* cut(shelf& from, std::size_t chunk_bytes);
  span* make_span(std::size_t chunk_bytes);
  void unlink(shelf& from, idle_chunk* one);
  void give_back(shelf& from, span* one);
  void give_back_idle();
  void look_back();

  std::array<shelf, longest_bits - shortest_bits + 1> shelves_{};
  std::pmr::memory_resource* upstream_;
  std::size_t span_bytes_;
  std::size_t least_idle_bytes_;
  std::size_t most_idle_bytes_;
  std::size_t idle_bytes_ = 0;
  std::size_t unused_bytes_ = 0;      // the least that idle_bytes_ was since the last look back
  std::size_t given_back_bytes_ = 0;  // and not taken again
  std::uint32_t until_look_back_ = 256;
  std::size_t span_total_bytes_ = 0;
  std::size_t lent_bytes_ = 0;
};

template <class Visit>
void chunk_source::each_region(Visit visit) const {
  auto give = [&](std::uintptr_t from, std::uintptr_t to, region_kind kind) {
    visit(region{pointer_to(from), to - from, kind});
  };
  for (const shelf& each : shelves_) {
    for (const span* one = each.spans; one != nullptr; one = one->next) {
      if (one->start() != one->first) give(one->start(), one->first, region_kind::overhead);
      for (std::size_t i = 1; i <= one->cut; ++i) {
        std::uintptr_t next = one->chunk(i);
        give(next - room_behind, next < one->end() ? next : one->end(), region_kind::overhead);
      }
      if (one->chunk(one->cut) < one->end()) {
        give(one->chunk(one->cut), one->end(), region_kind::free);
      }
    }
    for (const idle_chunk* one = each.idle; one != nullptr; one = one->next) {
      std::size_t bytes = each.spans->chunk_bytes - room_behind;
      visit(region{one, bytes, region_kind::free});
    }
  }
}

}  // namespace strata::detail
