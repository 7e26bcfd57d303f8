// Parts that look for mistakes: put one around any resource, in tests or while a bug is hunted.
//
//   fenced<Part>     finds writes past a block's end and before its start, when it is freed
//   tracked<Part>    counts, and knows each live block: size, tag, how many came before it
//   failing<Part>    refuses some allocations, to see what the program does then
//
//   fenced, a block of n bytes:
//
//     | gap, if alignment > 16 | head: 32 bytes      | fence: 16 |  block: n  | fence: 16 |
//     |                        | links, size, mark   | fd fd ... | cd cd cd.. | fd fd ... |
//                                                         aligned ^     once freed: dd dd dd... throughout
//
//   Live heads are in a list; a head is right where its mark fits its address and its neighbours
//   point to it. verify() checks every live block.
//
//   tracked keeps a ledger (strata/detail/ledger.hpp) beside the part, and writes nothing into its
//   memory.
//
//   time      fenced O(n), it fills; tracked O(1), O(blocks) when its table grows; failing O(1)
//   overhead  fenced 64 bytes a block, and alignment; tracked 43 to 171, in a table that is not
//             among held_bytes
//   threads   one at a time: synchronized<tracked<...>> for more
//   exhausted null when the part is; tracked also when its table can't grow
//
// A freed block's head tells a double free as long as the part leaves its memory alone; a foreign
// free is found if what lies before the address may be read. tracked is exact in both. The patterns
// are those of Microsoft's debug heap; the failure injector is after Seastar's.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <new>
#include <utility>

#include <strata/compose.hpp>
#include <strata/detail/fence.hpp>
#include <strata/detail/ledger.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {
namespace detail {

// The blocks of a fenced resource.
class STRATA_RESOURCES_API fenced_blocks {
 public:
  fenced_blocks() = default;
  fenced_blocks(const fenced_blocks&) = delete;
  fenced_blocks& operator=(const fenced_blocks&) = delete;

 protected:
  ~fenced_blocks() = default;
  struct head {
    head* older;
    head* newer;
    std::size_t bytes;
    std::uint32_t mark;
    std::uint32_t alignment_log2;

    [[nodiscard]] std::byte* block() {
      return reinterpret_cast<std::byte*>(this) + sizeof(head) + fence_bytes;
    }
  };
  static constexpr std::size_t least_alignment = 16;
  static_assert(sizeof(head) == 32 && fence_bytes == 16,
                "a block of the least alignment is aligned");

  // From where the part's block starts to the program's.
  static constexpr std::size_t lead_bytes(std::size_t alignment) {
    return align_up(sizeof(head) + fence_bytes, alignment);
  }
  // 0: too many.
  static constexpr std::size_t whole_bytes(std::size_t bytes, std::size_t alignment) {
    std::size_t more = lead_bytes(alignment) + fence_bytes;
    return bytes <= SIZE_MAX - more ? bytes + more : 0;
  }
  static head* head_of(void* block) {
    return reinterpret_cast<head*>(static_cast<std::byte*>(block) - sizeof(head) - fence_bytes);
  }
  // Puts head, fences and fresh memory in place; returns the program's block.
  void* enclose(void* whole, std::size_t bytes, std::size_t alignment) noexcept;
  // Checks, fills and unlinks. Returns the part's block.
  void* open(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void check_all() const;
  template <class Visit>
  void each_block_region(Visit visit) const {
    for (head* one = newest_; one != nullptr; one = one->older) {
      std::size_t lead = lead_bytes(std::size_t{1} << one->alignment_log2);
      visit(region{one->block() - lead, lead, region_kind::overhead});
      visit(region{one->block(), one->bytes, region_kind::live});
      visit(region{one->block() + one->bytes, fence_bytes, region_kind::overhead});
    }
  }

  std::size_t live_blocks_ = 0;

 private:
  [[nodiscard]] static std::uint32_t live_mark(const head* own);
  [[nodiscard]] bool is_listed(const head* one) const;
  [[noreturn]] void stop_for(head* own, std::size_t bytes) const;
  void check_fences(head* own) const;

  head* newest_ = nullptr;
};

}  // namespace detail

template <resource Part = upstream_ref>
class fenced : public detail::over<Part>, private detail::fenced_blocks {
 public:
  static constexpr bool has_map = true;

  template <class... Arguments>
  requires std::constructible_from<Part, Arguments...>
  explicit fenced(Arguments&&... arguments)
      : detail::over<Part>(std::in_place, std::forward<Arguments>(arguments)...) {}
  // Looks at the blocks that are live still.
  ~fenced() { check_all(); }

  // What a block takes of the part, aligned to 16 at least: for parts with blocks of one size. 0: too
  // many.
  static constexpr std::size_t part_bytes(std::size_t bytes, std::size_t alignment) noexcept {
    return whole_bytes(bytes, alignment < least_alignment ? least_alignment : alignment);
  }

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    alignment = alignment < least_alignment ? least_alignment : alignment;
    std::size_t whole = whole_bytes(bytes, alignment);
    void* start = whole != 0 ? this->part_.try_allocate(whole, alignment) : nullptr;
    return start != nullptr ? enclose(start, bytes, alignment) : nullptr;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    alignment = alignment < least_alignment ? least_alignment : alignment;
    void* start = open(block, bytes, alignment);
    this->part_.deallocate(start, whole_bytes(bytes, alignment), alignment);
  }

  [[nodiscard]] resource_statistics statistics() const noexcept {
    resource_statistics all = this->part_.statistics();
    all.live_blocks = live_blocks_;
    return all;
  }
  void verify() const {
    check_all();
    this->part_.verify();
  }
  // The part's map, or the live blocks where it has none.
  template <class Visit>
  void each_region(Visit visit) const {
    if constexpr (detail::has_map<Part>)
      this->part_.each_region(visit);
    else
      each_block_region(visit);
  }
};

enum class leak_report : std::uint8_t { none, print, stop };

struct tracked_options {
  const char* name = "tracked";             // in messages; outlives the resource
  leak_report at_end = leak_report::print;  // what the destructor does when blocks are live
  std::pmr::memory_resource* tables = std::pmr::new_delete_resource();
};

struct tracked_counts {
  std::uint64_t allocations = 0;
  std::uint64_t deallocations = 0;
  std::uint64_t refusals = 0;     // allocations that failed
  std::uint64_t total_bytes = 0;  // of all allocations ever, as they were asked for
  std::size_t live_blocks = 0;
  std::size_t live_bytes = 0;
  std::size_t peak_live_bytes = 0;
};

struct tracked_block {
  const void* start;
  std::size_t bytes;
  std::size_t alignment;
  std::uint64_t number;  // 1 for the first block ever
  const char* tag;       // null: none
};

// Blocks that are live at the end are reported, and left as they are.
template <resource Part = upstream_ref>
class tracked : public detail::over<Part> {
  using over = detail::over<Part>;

 public:
  static constexpr bool has_map = true;
  // [0]: blocks of 0 bytes; [n]: of 2^(n-1) to 2^n - 1.
  using histogram_counts = std::array<std::uint64_t, 65>;

  template <class... Arguments>
  requires std::constructible_from<Part, Arguments...>
  explicit tracked(Arguments&&... arguments)
      : tracked(tracked_options(), std::forward<Arguments>(arguments)...) {}
  template <class... Arguments>
  requires std::constructible_from<Part, Arguments...>
  explicit tracked(tracked_options chosen, Arguments&&... arguments)
      : over(std::in_place, std::forward<Arguments>(arguments)...),
        chosen_(chosen),
        ledger_(chosen.tables) {}
  ~tracked() {
    if (ledger_.live_blocks() == 0 || chosen_.at_end == leak_report::none) return;
    report();
    if (chosen_.at_end == leak_report::stop) {
      const detail::ledger::entry* oldest = ledger_.oldest_from(0);
      detail::stop(detail::misuse::still_in_use, chosen_.name, detail::pointer_to(oldest->address),
                   oldest->bytes);
    }
  }

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    void* block = ledger_.has_room() ? this->part_.try_allocate(bytes, alignment) : nullptr;
    if (block == nullptr) {
      ++refusals_;
      return nullptr;
    }
    ledger_.add(block, bytes, alignment, tag_);
    total_bytes_ += bytes;
    ++histogram_[static_cast<std::size_t>(std::bit_width(bytes))];
    return block;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    detail::ledger::entry* own = ledger_.find(block, bytes, alignment);
    if (own == nullptr) [[unlikely]]
      stop_for(block);
    ledger_.remove(*own);
    this->part_.deallocate(block, bytes, alignment);
  }

  // While one lives, blocks get its tag; the innermost counts. The text outlives the blocks.
  class tag {
   public:
    tag(tracked& in, const char* text) noexcept : in_(in), before_(std::exchange(in.tag_, text)) {}
    tag(const tag&) = delete;
    tag& operator=(const tag&) = delete;
    ~tag() { in_.tag_ = before_; }

   private:
    tracked& in_;
    const char* before_;
  };

  [[nodiscard]] tracked_counts counts() const noexcept {
    std::uint64_t allocations = ledger_.last_number();
    return {allocations,
            allocations - ledger_.live_blocks(),
            refusals_,
            total_bytes_,
            ledger_.live_blocks(),
            ledger_.live_bytes(),
            ledger_.peak_live_bytes()};
  }
  [[nodiscard]] const histogram_counts& histogram() const noexcept { return histogram_; }
  // visit(const tracked_block&) for each live one, in no order.
  template <class Visit>
  void each_live(Visit visit) const {
    ledger_.each([&](const detail::ledger::entry& one) {
      visit(tracked_block{detail::pointer_to(one.address), one.bytes, one.alignment(), one.number,
                          one.tag});
    });
  }
  // What is live, and the oldest of it, to stderr.
  void report() const noexcept { ledger_.report(chosen_.name); }

  // In a live block.
  [[nodiscard]] bool owns(const void* address) const noexcept {
    return ledger_.containing(address) != nullptr;
  }
  [[nodiscard]] resource_statistics statistics() const noexcept {
    resource_statistics all = this->part_.statistics();
    all.live_blocks = ledger_.live_blocks();
    return all;
  }
  void verify() const {
    ledger_.verify(chosen_.name);
    this->part_.verify();
  }
  // The part's map, or the live blocks where it has none.
  template <class Visit>
  void each_region(Visit visit) const {
    if constexpr (detail::has_map<Part>) {
      this->part_.each_region(visit);
    } else {
      ledger_.each([&](const detail::ledger::entry& one) {
        visit(region{detail::pointer_to(one.address), one.bytes == 0 ? 1 : one.bytes,
                     region_kind::live});
      });
    }
  }

 private:
  [[noreturn]] void stop_for(const void* block) const noexcept {
    auto [kind, about] = ledger_.judge(block);
    detail::stop(kind, chosen_.name, block, about != nullptr ? about->bytes : 0);
  }

  tracked_options chosen_;
  detail::ledger ledger_;
  const char* tag_ = nullptr;
  std::uint64_t refusals_ = 0;
  std::uint64_t total_bytes_ = 0;
  histogram_counts histogram_{};
};

// Which allocations fail, counted from 1 since the last restart. Any that one of these picks does.
struct failing_options {
  std::uint64_t at = 0;     // this one; 0: none
  std::uint64_t every = 0;  // each so-and-so-many-th; 0: none
  double probability = 0;   // 1: all
  std::uint64_t seed = 1;   // the same seed, the same failures
};

template <resource Part = upstream_ref>
class failing : public detail::over<Part> {
 public:
  template <class... Arguments>
  requires std::constructible_from<Part, Arguments...>
  explicit failing(failing_options chosen, Arguments&&... arguments)
      : detail::over<Part>(std::in_place, std::forward<Arguments>(arguments)...) {
    restart(chosen);
  }

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    ++calls_;
    if (is_picked()) {
      ++failures_;
      return nullptr;
    }
    return this->part_.try_allocate(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    this->part_.deallocate(block, bytes, alignment);
  }

  // Counts from 0 again.
  void restart(failing_options chosen) noexcept {
    chosen_ = chosen;
    random_ = chosen.seed;
    calls_ = failures_ = 0;
  }
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

 private:
  bool is_picked() noexcept {
    bool by_chance = chosen_.probability > 0 && next_fraction() < chosen_.probability;
    return by_chance || calls_ == chosen_.at || (chosen_.every != 0 && calls_ % chosen_.every == 0);
  }
  // splitmix64 (Steele, Lea, Flood 2014), its upper 53 bits: from 0 to 1, without 1.
  double next_fraction() noexcept {
    random_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = (random_ ^ (random_ >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    mixed ^= mixed >> 31;
    return static_cast<double>(mixed >> 11) * 0x1p-53;
  }

  failing_options chosen_;
  std::uint64_t random_ = 0;
  std::uint64_t calls_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace strata
