// Frame pool: memory for coroutine frames, from the stacks of a stack pool.
//
//   chunk: a stack, used as one is, from its top
//
//     | guard | free ............. | frame | frame |   frame   |frame| head |
//                                  ^                                 ^
//                                next_                         the chunk's top
//
//   free_[i]: frames of (i + 1) * 64 bytes that were given back, the last first
//   longer than 2 KiB: a stack of its own
//
// Frames of one coroutine function have one size, and come and go in great numbers: a free list for
// each multiple of 64 bytes makes both a pop and a push. What a chunk's end is too short for
// becomes a frame of its own size. Chunks stay until the pool's end; stacks of their own go back at
// once.
//
//   time      try_allocate, deallocate O(1); a stack of the stack pool's now and then
//   overhead  up to 63 bytes of rounding a frame, and pooled_frame's pointer; 64 bytes a chunk
//   threads   one at a time
//   exhausted null from try_allocate, std::bad_alloc from a coroutine's call
//
// Free lists by size are as old as quick-fit (Weinstock, 1976).
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include <strata/detail/support.hpp>
#include <strata/resource.hpp>
#include <strata/stack_pool.hpp>

#if defined(__cpp_impl_coroutine)
#define STRATA_COROUTINES 1  // the compiler has C++20's
#else
#define STRATA_COROUTINES 0
#endif

namespace strata {

class STRATA_RESOURCES_API frame_pool {
 public:
  explicit frame_pool(stack_pool& stacks) noexcept : stacks_(&stacks) {}
  frame_pool(const frame_pool&) = delete;
  frame_pool& operator=(const frame_pool&) = delete;
  ~frame_pool();

  // Null when the stack pool has no stack, or none that is long enough.
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t index = index_of(bytes);
    if (index >= classes || alignment > granule) [[unlikely]]
      return allocate_whole(bytes, alignment);
    frame* taken = free_[index];
    if (taken == nullptr) [[unlikely]]
      return carve(index);
    detail::unpoison(taken, (index + 1) * granule);
    free_[index] = taken->next;
    note_taken((index + 1) * granule);
    return taken;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t index = index_of(bytes);
    if (index >= classes || alignment > granule) [[unlikely]]
      return deallocate_whole(block);
    free_[index] = ::new (block) frame{free_[index]};
    --live_blocks_;
    used_bytes_ -= (index + 1) * granule;
    detail::poison(block, (index + 1) * granule);
  }

  [[nodiscard]] stack_pool& stacks() const noexcept { return *stacks_; }
  [[nodiscard]] bool owns(const void* address) const noexcept;
  [[nodiscard]] resource_statistics statistics() const noexcept {
    return {held_bytes_, used_bytes_, peak_used_bytes_, live_blocks_};
  }
  void verify() const;
  // Sorts what is free, in memory of the default resource.
  template <class Visit>
  void each_region(Visit visit) const {
    visit_regions([](void* to, const region& each) { (*static_cast<Visit*>(to))(each); }, &visit);
  }

 private:
  static constexpr std::size_t granule = 64;
  static constexpr std::size_t classes = 32;

  struct frame {
    frame* next;
  };
  // At the top of each stack that is held; in two lists.
  struct alignas(granule) head {
    head* older;
    head* newer;
    fiber_stack stack;
    std::size_t block_bytes;  // of a whole stack's block
    [[nodiscard]] std::uintptr_t bottom() const { return detail::address_of(stack.bottom()); }
  };
  static_assert(sizeof(head) == granule);

  // Of the class whose frames are long enough; classes or more when there is none.
  static std::size_t index_of(std::size_t bytes) noexcept {
    return (bytes - (bytes != 0 ? 1 : 0)) / granule;
  }
  void note_taken(std::size_t bytes) noexcept {
    ++live_blocks_;
    used_bytes_ += bytes;
    if (used_bytes_ > peak_used_bytes_) peak_used_bytes_ = used_bytes_;
  }
  void* carve(std::size_t index) noexcept;
  void* allocate_whole(std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_whole(void* block) noexcept;
  head* take_stack(head*& list) noexcept;
  void give_stack_back(head* one) noexcept;
  void visit_regions(void (*visit)(void*, const region&), void* to) const;

  std::array<frame*, classes> free_ = {};
  std::uintptr_t next_ = 0;  // frames of the newest chunk start here
  std::uintptr_t end_ = 0;   // and may not start before here
  head* chunks_ = nullptr;
  head* wholes_ = nullptr;
  stack_pool* stacks_;
  std::size_t held_bytes_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t peak_used_bytes_ = 0;
  std::size_t live_blocks_ = 0;
};

// A base of a promise type whose coroutines take a frame_pool& as their first parameter, or as
// their second behind the object that they are members of. Their frames come from there; other
// coroutines with such a promise don't compile. The pool outlives them.
struct pooled_frame {
  template <class... Rest>
  static void* operator new(std::size_t bytes, frame_pool& pool, const Rest&...) {
    std::size_t whole = with_pointer(bytes);
    void* frame = pool.try_allocate(whole, alignof(std::max_align_t));
    if (frame == nullptr) throw std::bad_alloc();
    *pointer_behind(frame, bytes) = &pool;
    return frame;
  }
  template <class Object, class... Rest>
  requires(!std::same_as<Object, frame_pool>) static void* operator new(std::size_t bytes,
                                                                        const Object&,
                                                                        frame_pool& pool,
                                                                        const Rest&...) {
    return operator new(bytes, pool);
  }
  static void operator delete(void* frame, std::size_t bytes) noexcept {
    frame_pool* pool = *pointer_behind(frame, bytes);
    pool->deallocate(frame, with_pointer(bytes), alignof(std::max_align_t));
  }

 private:
  static std::size_t with_pointer(std::size_t bytes) noexcept {
    return detail::align_up(bytes, sizeof(void*)) + sizeof(void*);
  }
  static frame_pool** pointer_behind(void* frame, std::size_t bytes) noexcept {
    return detail::pointer_to<frame_pool*>(detail::address_of(frame) +
                                           detail::align_up(bytes, sizeof(void*)));
  }
};

}  // namespace strata
