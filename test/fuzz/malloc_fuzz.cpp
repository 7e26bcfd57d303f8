// The allocator by Strata's own names: malloc's functions, sized and batched ones, first-class heaps,
// moves, trim, the walk.
#include <strata/strata.h>

#include "fuzz.hpp"

using namespace strata;

namespace {

class program {
 public:
  ~program() {
    for (std::size_t slot = 0; slot < fuzz::live_blocks::slots; ++slot) free(slot);
    for (strata_heap* each : heaps_) strata_heap_destroy(each);
  }

  void apply(const fuzz::record& now) {
    std::size_t slot = now.which;
    std::size_t bytes = bytes_from(now.amount);
    switch (now.operation()) {
      case 0:
        return put(slot, strata_malloc(bytes), bytes, 1);
      case 1:
        return allocate_otherwise(slot, bytes, now.flavour());
      case 2:
      case 3:
        return free(slot);
      case 4:
        for (std::size_t i = 0; i <= now.flavour() * 4; ++i) {
          put(slot + i, strata_malloc(bytes), bytes, 1);
        }
        return;
      case 5:
        for (std::size_t i = 0; i <= now.flavour() * 4; ++i) free(slot + i * (now.amount | 1U));
        return;
      case 6:
      case 7:
        return reallocate(slot, bytes);
      case 8:
        return batch(slot, bytes, now.flavour());
      case 9:
        return in_heap(slot, bytes, now.flavour());
      case 10:
        return end_heap(now.flavour() % heaps_.size());
      case 11:
        return move(slot);
      case 12:
        if (live_.has(slot)) strata_free_uncached(taken(slot));
        return put(slot, strata_malloc_uncached(bytes), bytes, 1);
      case 13:
        if (now.flavour() == 0) strata_trim(bytes);
        return;
      case 14:
        if (live_.has(slot)) live_.look(slot);
        return;
      default:
        return look();
    }
  }
  // Every block of the program's is met once. Others of the process may be met too.
  void look() {
    std::size_t met = 0;
    auto count = [](void* block, std::size_t usable, void* context) {
      auto& [self, sum] = *static_cast<std::pair<program*, std::size_t*>*>(context);
      self->live_.each([&, sum = sum](const fuzz::block& each) {
        if (each.start != block) return;
        fuzz::expect(usable >= each.bytes, "a block is shorter than was asked for", block);
        ++*sum;
      });
      return 0;
    };
    std::pair<program*, std::size_t*> context(this, &met);
    strata_walk(count, &context);
    fuzz::expect(met == live_.count(), "the walk met another number of blocks");
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{4} << 20U;

  // Such as a small machine has, and such as none has.
  static std::size_t bytes_from(std::uint16_t amount) {
    std::size_t bytes = fuzz::size_from(amount);
    return bytes > std::size_t{1} << 50U ? bytes : bytes % most_bytes;
  }

  void* taken(std::size_t slot) {
    heap_of_[slot % heap_of_.size()] = nullptr;
    return live_.take(slot).start;
  }
  void free(std::size_t slot) {
    if (live_.has(slot)) strata_free(taken(slot));
  }
  void put(std::size_t slot, void* start, std::size_t bytes, std::size_t alignment,
           strata_heap* owner = nullptr) {
    fuzz::expect(start != nullptr || bytes > 4 * most_bytes || alignment > most_bytes,
                 "null without need");
    if (start == nullptr) return;
    fuzz::expect(strata_usable_size(start) >= bytes, "shorter than was asked for", start);
    std::size_t promised = bytes >= 16 ? 16 : 8;
    alignment = std::max(alignment, promised);
    if (live_.has(slot)) {
      // After the new one was made, as a copy would.
      void* old = taken(slot);
      live_.put(slot, start, bytes, alignment);
      strata_free(old);
    } else {
      live_.put(slot, start, bytes, alignment);
    }
    heap_of_[slot % heap_of_.size()] = owner;
  }
  static void expect_zeros(const void* start, std::size_t bytes) {
    const auto* at = static_cast<const unsigned char*>(start);
    for (std::size_t i = 0; at != nullptr && i < std::min<std::size_t>(bytes, 2048); ++i) {
      fuzz::expect(at[i] == 0 && at[bytes - 1 - i] == 0, "calloc's block is not zeroed", start);
    }
  }

  void allocate_otherwise(std::size_t slot, std::size_t bytes, unsigned flavour) {
    if (flavour == 0) {
      void* start = strata_calloc(bytes, 3);
      std::size_t all = 0;
      if (__builtin_mul_overflow(bytes, std::size_t{3}, &all)) {
        fuzz::expect(start == nullptr, "a product that overflowed");
        return;
      }
      expect_zeros(start, start != nullptr ? all : 0);
      return put(slot, start, all, 1);
    }
    if (flavour == 1) {
      strata_sized_block got = strata_malloc_sized(bytes);
      std::size_t usable = got.block != nullptr ? got.size : bytes;
      fuzz::expect(usable >= bytes, "a sized block is shorter");
      return put(slot, got.block, usable, 1);
    }
    if (flavour == 2) {
      fuzz::expect(strata_aligned_alloc(bytes | 3U, 8) == nullptr, "no power of two");
      return;
    }
    std::size_t alignment = fuzz::alignment_from(flavour);
    put(slot, strata_aligned_alloc(alignment, bytes), bytes, alignment);
  }
  // A block keeps the beginning, and its heap.
  void reallocate(std::size_t slot, std::size_t bytes) {
    if (!live_.has(slot)) return put(slot, strata_realloc(nullptr, bytes), bytes, 1);
    if (bytes == 0) {
      fuzz::expect(strata_realloc(taken(slot), 0) == nullptr, "realloc to nothing gave a block");
      return;
    }
    live_.look(slot);
    strata_heap* owner = heap_of_[slot % heap_of_.size()];
    void* old = live_[slot].start;
    void* start =
        owner != nullptr ? strata_heap_realloc(owner, old, bytes) : strata_realloc(old, bytes);
    fuzz::expect(start != nullptr || bytes > most_bytes, "null without need");
    if (start != nullptr) live_.resize(slot, start, bytes);
  }
  void batch(std::size_t slot, std::size_t bytes, unsigned flavour) {
    std::array<void*, 64> blocks{};
    std::size_t count = std::size_t{flavour} * 4 + 1;
    std::size_t done = strata_malloc_batch(bytes, count, blocks.data());
    fuzz::expect(done == count || bytes > most_bytes, "less than a batch");
    for (std::size_t i = 0; i < done; ++i) {
      if (!live_.has(slot + i)) put(slot + i, std::exchange(blocks[i], nullptr), bytes, 1);
    }
    strata_free_batch(blocks.data(), count);
  }

  void in_heap(std::size_t slot, std::size_t bytes, unsigned flavour) {
    strata_heap*& heap = heaps_[flavour % heaps_.size()];
    if (heap == nullptr) heap = strata_heap_create();
    switch (flavour / 4) {
      case 0:
        return put(slot, strata_heap_malloc(heap, bytes), bytes, 1, heap);
      case 1: {
        void* start = strata_heap_calloc(heap, 1, bytes);
        expect_zeros(start, bytes);
        return put(slot, start, bytes, 1, heap);
      }
      default: {
        std::size_t alignment = std::size_t{16} << slot % 12;
        return put(slot, strata_heap_aligned_alloc(heap, alignment, bytes), bytes, alignment, heap);
      }
    }
  }
  // Its blocks go with it.
  void end_heap(std::size_t number) {
    strata_heap* heap = std::exchange(heaps_[number], nullptr);
    for (std::size_t slot = 0; slot < heap_of_.size() && heap != nullptr; ++slot) {
      if (heap_of_[slot] == heap) taken(slot);
    }
    strata_heap_destroy(heap);
  }
  void move(std::size_t slot) {
    if (!live_.has(slot)) return;
    live_.look(slot);
    void* old = live_[slot].start;
    std::size_t usable = strata_usable_size(old);
    bool should = strata_should_move(old) != 0;
    void* start = strata_move(old);
    fuzz::expect((start != nullptr) == should,
                 "moved though it should not, or not though it should");
    if (start == nullptr) return;
    fuzz::expect(strata_usable_size(start) == usable, "a move changed the usable size");
    live_.resize(slot, start, live_[slot].bytes);
  }

  fuzz::live_blocks live_;
  std::array<strata_heap*, fuzz::live_blocks::slots> heap_of_{};
  std::array<strata_heap*, 4> heaps_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  program one;
  for (fuzz::record now; from.next(now);) one.apply(now);
  one.look();
  return 0;
}
