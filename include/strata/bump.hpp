// Bump: memory handed out by moving one pointer forward, given back all at once.
//
//     chunk                                   chunk (newest)
//   | head | block | block |gap| block |    | head | block | free ........ |
//      ^----------------------------------------- '        ^              ^
//                                                        next_           end_
//
//   used = what lies between each chunk's head and its end of use
//   a marker is a place of next_; rewinding to it ends the life of everything younger
//
// For objects that die together: a request, a frame, a parse. A block is a compare and two additions;
// there is nothing to keep for each block, and so nothing to free one by one. Only the youngest block
// can go back or grow in place, which is what a vector that is being filled does.
//
// Chunks double from options.first_chunk_bytes to options.most_chunk_bytes; a block that is longer gets
// one of its own. Objects made by make() that have destructors are remembered and destroyed, the youngest
// first, by rewind, reset and release.
//
//   time      try_allocate O(1), O(chunk) where a new chunk is needed; rewind, reset, release
//             O(destructors + chunks); owns O(chunks)
//   overhead  none a block but alignment; 24 bytes a destructor; a head of 32 bytes a chunk, and what
//             its end was too short for
//   threads   one at a time
//   exhausted null from try_allocate, std::bad_alloc from make
//
// The mechanism is old: obstacks (glibc), Hanson's arenas (1990). Growth of chunks and the list of
// destructors are protobuf's Arena's; merge is folly's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

struct bump_options {
  std::size_t first_chunk_bytes = 1024;
  std::size_t most_chunk_bytes = std::size_t{1} << 20;
  // Blocks, and what lies between them, may take so much in all; then allocation fails.
  std::size_t most_bytes = SIZE_MAX;
};

class STRATA_RESOURCES_API bump {
  struct chunk;
  struct cleanup;

 public:
  using options = bump_options;

  // A place to rewind to. Valid until something older is rewound to, given back or resized, or
  // something is merged, and for no other bump.
  class marker {
    friend class bump;
    chunk* chunk_ = nullptr;
    std::uintptr_t next_ = 0;
    cleanup* cleanups_ = nullptr;
  };

  bump() : bump(std::pmr::get_default_resource()) {}
  explicit bump(std::pmr::memory_resource* upstream, options chosen = {});
  // Starts with memory that is there already, as on the stack, and takes from upstream when that is
  // full. The buffer outlives the bump; one too short for anything is not used.
  explicit bump(std::span<std::byte> initial,
                std::pmr::memory_resource* upstream = std::pmr::get_default_resource(),
                options chosen = {});
  bump(const bump&) = delete;
  bump& operator=(const bump&) = delete;
  ~bump();

  // Null when upstream has no memory, or most_bytes is reached.
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    std::uintptr_t at = detail::align_up(next_, alignment);
    bytes += bytes == 0 ? 1 : 0;
    if (at > end_ || bytes > end_ - at || at < next_) [[unlikely]]
      return allocate_from_new_chunk(bytes, alignment);
    next_ = at + bytes;
    detail::unpoison(detail::pointer_to(at), bytes);
    return detail::pointer_to(at);
  }

  // Takes back the youngest block. For any other it does nothing: its memory comes back with the rest.
  void deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/) noexcept {
    bytes += bytes == 0 ? 1 : 0;
    detail::poison(block, bytes);
    if (detail::address_of(block) + bytes != next_) return;
    note_peak();
    next_ -= bytes;
  }

  // Makes the youngest block longer or shorter where it stands; false when it is not the youngest, or
  // its chunk ends too soon. Neither size is 0.
  [[nodiscard]] bool resize(void* block, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    std::uintptr_t at = detail::address_of(block);
    if (at + old_bytes != next_ || new_bytes > end_ - at) return false;
    note_peak();
    detail::poison(block, old_bytes);
    detail::unpoison(block, new_bytes);
    next_ = at + new_bytes;
    return true;
  }

  // An object that lives until its memory is rewound, reset or released; then it is destroyed. Throws
  // std::bad_alloc and what the constructor throws.
  template <class T, class... Arguments>
  T* make(Arguments&&... arguments) {
    if constexpr (std::is_trivially_destructible_v<T>) {
      return ::new (allocate(sizeof(T), alignof(T))) T(std::forward<Arguments>(arguments)...);
    } else {
      auto* own = static_cast<cleanup*>(allocate(sizeof(cleanup), alignof(cleanup)));
      T* made = ::new (allocate(sizeof(T), alignof(T))) T(std::forward<Arguments>(arguments)...);
      remember(own, made, [](void* object) noexcept { static_cast<T*>(object)->~T(); });
      return made;
    }
  }
  // Calls action(object) when an object of make() would be destroyed. Throws std::bad_alloc.
  void at_end(void* object, void (*action)(void*) noexcept) {
    remember(static_cast<cleanup*>(allocate(sizeof(cleanup), alignof(cleanup))), object, action);
  }

  [[nodiscard]] marker mark() const noexcept;
  // Destroys what was made since, and lets its memory be used again. Chunks stay.
  void rewind(const marker& place) noexcept;
  // Rewinds to the beginning: for the next request.
  void reset() noexcept;
  // The same, and gives all chunks back.
  void release() noexcept;
  // Takes over what the other holds, which is then empty: its objects live on here. Both have the same
  // upstream, and the other was not given a buffer. O(chunks of the other).
  void merge(bump& other) noexcept;

  [[nodiscard]] bool owns(const void* address) const noexcept;
  [[nodiscard]] resource_statistics statistics() const noexcept;
  void verify() const;

  // Objects and raw blocks look alike: everything that is in use in a chunk is one region.
  template <class Visit>
  void each_region(Visit visit) const;

 private:
  struct chunk {
    chunk* older;
    std::size_t bytes;        // with this head
    std::uintptr_t used_end;  // where use ends; kept for all but the newest, which has next_
    bool given;               // a buffer of the caller's

    [[nodiscard]] std::uintptr_t start() const { return detail::address_of(this) + sizeof(chunk); }
    [[nodiscard]] std::uintptr_t end() const { return detail::address_of(this) + bytes; }
  };
  struct cleanup {
    cleanup* older;
    void* object;
    void (*action)(void*) noexcept;
  };

  void* allocate(std::size_t bytes, std::size_t alignment) {
    void* block = try_allocate(bytes, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void remember(cleanup* own, void* object, void (*action)(void*) noexcept) noexcept {
    cleanups_ = ::new (own) cleanup{cleanups_, object, action};
  }
  void* allocate_from_new_chunk(std::size_t bytes, std::size_t alignment) noexcept;
  chunk* spare_for(std::size_t bytes) noexcept;
  chunk* make_chunk(std::size_t bytes) noexcept;
  void enter(chunk* newest) noexcept;
  void leave() noexcept;
  void give_back(chunk* one) noexcept;
  void give_back_spares() noexcept;
  void run_cleanups(const cleanup* until) noexcept;
  [[nodiscard]] std::size_t used_bytes() const {
    return used_before_ + (newest_ != nullptr ? next_ - newest_->start() : 0);
  }
  void note_peak() {
    if (used_bytes() > peak_used_bytes_) peak_used_bytes_ = used_bytes();
  }
  [[nodiscard]] std::uintptr_t used_end_of(const chunk& one) const {
    return &one == newest_ ? next_ : one.used_end;
  }

  std::uintptr_t next_ = 0;
  std::uintptr_t end_ = 0;
  chunk* newest_ = nullptr;
  chunk* spares_ = nullptr;  // left by rewind, the longest first
  cleanup* cleanups_ = nullptr;
  std::pmr::memory_resource* upstream_;
  options chosen_;
  std::size_t next_chunk_bytes_;
  std::size_t held_bytes_ = 0;
  std::size_t used_before_ = 0;  // in chunks before the newest
  std::size_t peak_used_bytes_ = 0;
};

template <class Visit>
void bump::each_region(Visit visit) const {
  for (const chunk* one = newest_; one != nullptr; one = one->older) {
    std::uintptr_t used_end = used_end_of(*one);
    visit(region{one, sizeof(chunk), region_kind::overhead});
    visit(region{detail::pointer_to(one->start()), used_end - one->start(), region_kind::live});
    visit(region{detail::pointer_to(used_end), one->end() - used_end, region_kind::free});
  }
  for (const chunk* one = spares_; one != nullptr; one = one->older) {
    visit(region{one, one->bytes, region_kind::free});
  }
}

}  // namespace strata
