// Slabs: blocks of one size, from chunks that go back upstream when they are empty, whatever the order
// of the frees.
//
//     front    free_ -> block -> block -> block       (LIFO, of any chunks)
//                                                      ^ taken from first, given back to first
//     chunk, aligned to chunk_bytes                    | all of it, when the front is empty
//   | head | live | free | live | free | .. uncarved | v settled, when the front is long
//      '- free -> free -> null  (own list)    ^next_ ^end_
//
//   carved        = live + front + settled         settled = sum of head.free_blocks
//   settle        when live is down to settle_at_, which is looked at when frees_left_ reaches 0
//   frees_left_  <= live, where there are several chunks: so the last free is never missed
//   carving       only when front and settled are empty: so the most carved = the most live
//   a chunk goes  when head.free_blocks == head.carved, or when live == 0
//   small_        the first chunks, shorter and so not aligned to chunk_bytes: else upstream's memory would
//                 have a hole before each. An address is compared with theirs, all at once
//
// Allocation pops the front, and bumps next_ where there is nothing to pop: a block is linked when it
// is first freed, not before. A free pushes, and counts. Nobody counts what is popped: how long the front
// is one finds by walking it, after so many frees that they pay for the walk. Both leave the heads of
// chunks alone; an empty front takes some blocks of a chunk, not all.
// Every so many net frees the front is settled: each of its blocks goes to the list of its own chunk,
// which its address tells, and chunks that are empty by that go upstream. The front is never longer than a
// part of what is live, so that settling costs some twenty steps a free, and none where frees and
// allocations are even. While there is but the one chunk, it never happens.
//
//   time      allocate, deallocate O(1), 6 and 8 instructions; refill O(1) a block, or a call upstream;
//             settle amortised O(1) a free; trim O(free blocks); owns O(chunks); statistics O(front)
//   overhead  none a block (at least 8 bytes long); a head of 48 bytes a chunk and what the end of it
//             is too short for. The first few chunks are shorter; full ones are cut from spans
//             (detail/chunk_source.hpp), each of which loses one chunk to alignment
//   threads   one at a time
//   exhausted null
//   noticed   a block freed twice running, at once; other double and foreign frees by settle() and verify()
//
// Slabs, and objects that stay constructed between uses, are Bonwick's (USENIX 1994); the fresh end of a
// chunk that is bumped is mimalloc's.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <utility>

#include <strata/detail/chunk_source.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

struct slab_options {
  // A power of two, by which chunks are aligned; none is longer. 0: what holds 16 blocks, at least 16 KiB.
  std::size_t chunk_bytes = 0;
  std::size_t first_chunk_bytes = 1024;  // the next three are each twice as long, if that is less
  // So much is kept in empty chunks, and more where waves of allocation and free need it again.
  std::size_t spare_bytes = std::size_t{64} << 10;
  // Chunks of full length are cut from blocks of up to so many bytes. 0: each comes from upstream by
  // itself, and none is kept.
  std::size_t span_bytes = std::size_t{128} << 10;
};

namespace detail {

// The most that an object of so many bytes can need, short of an alignment that it asks for itself.
constexpr std::size_t natural_alignment(std::size_t bytes) {
  std::size_t most = bytes | alignof(std::max_align_t);
  return most & (0 - most);
}

// What slab and object_slab share: blocks of one size with a link somewhere in each free one.
class STRATA_RESOURCES_API slab_core {
 public:
  slab_core(const slab_core&) = delete;
  slab_core& operator=(const slab_core&) = delete;

  // Bytes from one block to the next.
  [[nodiscard]] std::size_t stride() const noexcept { return stride_; }
  [[nodiscard]] std::size_t alignment() const noexcept { return alignment_; }
  // O(length of the front).
  [[nodiscard]] std::size_t live_blocks() const noexcept;
  // Gives every empty chunk back upstream, also those that would be kept. O(free blocks).
  void trim() noexcept;
  [[nodiscard]] bool owns(const void* address) const noexcept;
  [[nodiscard]] resource_statistics statistics() const noexcept;
  void verify() const;
  template <class Visit>
  void each_region(Visit visit) const;

 protected:
  // Ends the objects in that many blocks from the first on.
  using end_objects = void (*)(std::uintptr_t first, std::size_t blocks,
                               std::size_t stride) noexcept;

  slab_core(const char* name, std::size_t block_bytes, std::size_t alignment, std::size_t link,
            std::pmr::memory_resource* upstream, slab_options chosen, end_objects end = nullptr);
  ~slab_core();

  [[nodiscard]] bool can_pop() const noexcept { return free_ != nullptr; }
  [[nodiscard]] bool can_carve() const noexcept { return end_ - next_ >= stride_; }
  // The block that was freed last.
  void* pop(std::size_t link) noexcept {
    void* block = free_;
    unpoison(block, stride_);
    free_ = read_link(block, link);
    return block;
  }
  // One that was never handed out.
  void* carve() noexcept {
    std::uintptr_t at = next_;
    next_ = at + stride_;
    unpoison(pointer_to(at), stride_);
    return pointer_to(at);
  }
  // Takes back what carve() has just returned.
  void uncarve(void* block) noexcept {
    if (address_of(block) + stride_ != next_) stop(misuse::precondition, name_, block);
    poison(block, stride_);
    next_ -= stride_;
  }
  void push(void* block, std::size_t link) noexcept {
    if (block == free_) [[unlikely]]
      return refuse(block, 0);
    write_link(block, link, free_);
    poison(block, stride_);
    free_ = block;
    if (--frees_left_ == 0) [[unlikely]]
      settle_if_due();
  }
  // Sees to it that one can pop or carve; false when upstream has no memory.
  bool refill() noexcept;
  void* allocate_after_refill() noexcept;
  // Stops: the block is the youngest free one, or shorter than bytes. Not declared as [[noreturn]], so
  // that callers jump to it and need no frame.
  void refuse(const void* block, std::size_t bytes) const noexcept;
  void release() noexcept;

 private:
  static constexpr std::size_t most_chunk_blocks = 8192;
  struct chunk {
    const slab_core* owner;
    chunk* next;
    chunk* previous;
    void* free;                 // blocks that are settled here
    std::uint32_t free_blocks;  // how many
    std::uint32_t carved;  // blocks that were ever handed out; that of fresh_ lags behind next_
    std::uint32_t capacity;
    std::uint32_t bytes;
  };
  struct list {
    chunk* first = nullptr;
    void add(chunk* one) noexcept;
    void remove(chunk* one) noexcept;
  };
  using block_bits = std::array<std::uint64_t, most_chunk_blocks / 64>;

  // By memcpy: blocks may be aligned to less than a pointer.
  static void* read_link(const void* block, std::size_t link) noexcept {
    void* next;
    std::memcpy(&next, static_cast<const std::byte*>(block) + link, sizeof next);
    return next;
  }
  static void write_link(void* block, std::size_t link, void* next) noexcept {
    std::memcpy(static_cast<std::byte*>(block) + link, &next, sizeof next);
  }
  [[nodiscard]] void* next_of(const void* free_block) const noexcept;
  void link_to(void* free_block, void* next) const noexcept;

  [[nodiscard]] chunk* chunk_of(const void* block) const noexcept {
    if (address_of(block) - small_from_ < small_bytes_) [[unlikely]]
      return chunk_among_small(block);
    return pointer_to<chunk>(align_down(address_of(block), chunk_bytes_));
  }
  [[nodiscard]] chunk* chunk_among_small(const void* block) const noexcept;
  void note_small() noexcept;
  [[nodiscard]] std::size_t small_alignment() const {
    return alignment_ > alignof(chunk) ? alignment_ : alignof(chunk);
  }
  [[nodiscard]] std::uintptr_t first_of(const chunk& one) const {
    return address_of(&one) + first_offset_;
  }
  [[nodiscard]] std::size_t carved_of(const chunk& one) const {
    return &one == fresh_ ? (next_ - first_of(one)) / stride_ : one.carved;
  }
  [[nodiscard]] std::uintptr_t end_of(const chunk& one) const {
    return first_of(one) + one.capacity * stride_;
  }
  [[nodiscard]] std::size_t carved() const {
    return carved_before_ + (fresh_ != nullptr ? carved_of(*fresh_) : 0);
  }
  [[nodiscard]] std::size_t front_blocks() const;
  void note_peak() {
    if (carved() > peak_blocks_) peak_blocks_ = carved();
  }
  [[nodiscard]] bool is_block_of(const chunk& one, const void* block) const;
  void mark_free(const chunk& one, block_bits& bits) const;
  void verify_chunk(const chunk& one, bool available) const;

  void settle_if_due() noexcept;
  void settle(std::size_t live) noexcept;
  void settle_block(void* block) noexcept;
  void empty(chunk* one) noexcept;
  void empty_all() noexcept;
  void trim(std::size_t live) noexcept;
  void take_settled(chunk* from) noexcept;
  void start(chunk* fresh) noexcept;
  void give_back(chunk* one) noexcept;
  chunk* make_chunk() noexcept;
  void set_room(std::size_t live) noexcept;
  void open_fresh() noexcept;

  // What allocation and free look at stands first.
  void* free_ = nullptr;     // the front
  std::size_t frees_left_;   // until one looks whether to settle the front
  std::uintptr_t next_ = 0;  // of the fresh chunk: the next block to carve
  std::uintptr_t end_ = 0;   // its end, or next_ while something is settled
  std::size_t stride_;
  std::size_t alignment_;
  std::size_t settle_at_ = 0;   // live blocks at which the front is settled
  std::size_t least_wait_ = 0;  // frees from one look to the next, unless fewer are live
  chunk* fresh_ = nullptr;
  list available_;  // with blocks settled
  list others_;
  std::size_t chunk_bytes_;
  std::size_t link_;
  std::size_t first_offset_;
  std::size_t chunk_blocks_;       // of a full chunk
  std::size_t next_chunk_blocks_;  // of the next
  std::array<chunk*, 4> small_{};  // null: not made yet, or given back
  std::size_t small_made_ = 0;
  std::uintptr_t small_from_ = 0;  // they are all in here
  std::size_t small_bytes_ = 0;
  std::size_t carved_before_ = 0;  // in all chunks but the fresh
  std::size_t settled_blocks_ = 0;
  std::size_t peak_blocks_ = 0;
  std::size_t chunks_bytes_ = 0;  // their sum
  chunk_source source_;
  end_objects end_objects_;
  const char* name_;
};

}  // namespace detail

class STRATA_RESOURCES_API slab : public detail::slab_core {
 public:
  using options = slab_options;

  // Blocks of so many bytes (at least 8 are taken), for objects of that size: of 24 bytes they are
  // aligned to 8, of 32 to 16, as no longer alignment divides them or max_align_t asks for none.
  explicit slab(std::size_t block_bytes)
      : slab(block_bytes, detail::natural_alignment(block_bytes)) {}
  // The same, aligned to any power of two.
  slab(std::size_t block_bytes, std::size_t alignment,
       std::pmr::memory_resource* upstream = std::pmr::get_default_resource(), options chosen = {})
      : slab_core("slab", block_bytes, alignment, 0, upstream, chosen) {}

  // Null when upstream has no memory.
  [[nodiscard]] void* try_allocate() noexcept {
    if (can_pop()) [[likely]]
      return pop(0);
    if (can_carve()) [[likely]]
      return carve();
    return allocate_after_refill();
  }
  void deallocate(void* block) noexcept { push(block, 0); }

  // Null also for what doesn't fit into a block.
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > stride() || alignment > this->alignment()) [[unlikely]]
      return nullptr;
    return try_allocate();
  }
  void deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/) noexcept {
    if (bytes > stride()) [[unlikely]]
      return refuse(block, bytes);
    push(block, 0);
  }

  // Takes all blocks back at once, and gives the chunks upstream.
  using slab_core::release;
};

namespace detail {
struct leave_as_is {
  void operator()(const auto& /*object*/) const noexcept {}
};
}  // namespace detail

// Objects that stay constructed between their uses. The constructor runs when an object is handed out
// for the first time, the destructor when its chunk goes: by release of the last object in it, by
// trim(), or at the end, then also of objects in use. Neither may use the slab. Reset is called with each
// object that comes back.
//
//   strata::object_slab<buffer, decltype([](buffer& used) noexcept { used.clear(); })> buffers;
//   buffer* one = buffers.acquire();
//   buffers.release(one);  // its capacity stays
//
// For objects that are constructed anew each time there is make(slab) and destroy(slab), both O(1).
template <std::default_initializable T, class Reset = detail::leave_as_is>
requires std::is_nothrow_invocable_v<Reset&, T&>
class object_slab : public detail::slab_core {
  // Free objects are alive: the link stands behind them.
  struct cell {
    alignas(T) std::byte object[sizeof(T)];
    void* link;
  };
  static constexpr std::size_t link_offset = offsetof(cell, link);

 public:
  using options = slab_options;

  explicit object_slab(std::pmr::memory_resource* upstream = std::pmr::get_default_resource(),
                       options chosen = {}, Reset reset = {})
      : slab_core("object_slab", sizeof(cell), alignof(cell), link_offset, upstream, chosen,
                  std::is_trivially_destructible_v<T> ? nullptr : &destroy_objects),
        reset_(std::move(reset)) {}
  ~object_slab() { slab_core::release(); }
  object_slab(const object_slab&) = delete;
  object_slab& operator=(const object_slab&) = delete;

  // Null when upstream has no memory. Throws what the constructor throws.
  [[nodiscard]] T* try_acquire() {
    do {
      if (can_pop()) [[likely]]
        return static_cast<T*>(pop(link_offset));
      if (can_carve()) return construct(carve());
    } while (refill());
    return nullptr;
  }
  // Throws std::bad_alloc, and what the constructor throws.
  [[nodiscard]] T* acquire() {
    T* object = try_acquire();
    if (object == nullptr) throw std::bad_alloc();
    return object;
  }
  void release(T* object) noexcept {
    reset_(*object);
    push(object, link_offset);
  }

 private:
  T* construct(void* block) {
    detail::undo back([&] { uncarve(block); });
    T* made = ::new (block) T();
    back.forget();
    return made;
  }
  static void destroy_objects(std::uintptr_t first, std::size_t blocks,
                              std::size_t stride) noexcept {
    for (std::size_t i = 0; i < blocks; ++i) {
      std::destroy_at(detail::pointer_to<T>(first + i * stride));
    }
  }

  [[no_unique_address]] Reset reset_;
};

template <class Visit>
void detail::slab_core::each_region(Visit visit) const {
  auto visit_chunk = [&](const chunk& one) {
    block_bits bits{};
    mark_free(one, bits);
    visit(region{&one, first_offset_, region_kind::overhead});
    auto is_free = [&](std::size_t i) { return (bits[i / 64] >> (i % 64) & 1) != 0; };
    for (std::size_t i = 0; i < one.capacity;) {
      std::size_t run = i;
      while (run < one.capacity && is_free(run) == is_free(i)) ++run;
      visit(region{pointer_to(first_of(one) + i * stride_), (run - i) * stride_,
                   is_free(i) ? region_kind::free : region_kind::live});
      i = run;
    }
    visit(region{pointer_to(end_of(one)), address_of(&one) + one.bytes - end_of(one),
                 region_kind::overhead});
  };
  for (const list* each : {&available_, &others_}) {
    for (const chunk* one = each->first; one != nullptr; one = one->next) visit_chunk(*one);
  }
  source_.each_region(visit);
}

}  // namespace strata
