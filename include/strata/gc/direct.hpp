// gc::direct_buffer: memory beside the heap that does not move, owned by a small managed object and freed
// when that dies, or earlier by hand. docs/gc/direct.md introduces it.
//
//   gc::local<gc::direct_buffer> b = gc::make_direct(self, 1 << 20);
//   read(file, b->data(), b->size());       // the memory stays where it is, the object need not
//   gc::release(b);                         // now; or when nothing refers to the object any more
//
//   live buffers + dead ones not yet freed + leased ones <= heap_options::direct_max_bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <strata/gc/mutator.hpp>

namespace strata::gc {

// The limit of direct memory stays reached, after a full collection and a wait.
class direct_memory_exhausted : public out_of_memory {
 public:
  [[nodiscard]] const char* what() const noexcept override {
    return "strata::gc: out of direct memory after a full collection";
  }
};

struct direct_statistics {
  std::size_t used_bytes = 0;  // as charged: whole pages, or powers of two up to 32 KiB
  std::size_t peak_bytes = 0;
  std::size_t buffers = 0;  // whose memory is not freed yet
  std::uint64_t waits = 0;  // of allocations, for memory that others were about to free
};

class direct_buffer;

namespace detail {
struct direct_block;
STRATA_GC_API direct_block* allocate_direct(mutator& self, std::size_t bytes);
STRATA_GC_API void adopt_direct(mutator& self, direct_block* block, void* object);
STRATA_GC_API void release_direct(direct_block* block) noexcept;
STRATA_GC_API void forget_direct(direct_block* block) noexcept;
STRATA_GC_API void lease_direct(direct_block* block) noexcept;
STRATA_GC_API void end_lease_of_direct(direct_block* block) noexcept;
STRATA_GC_API std::byte* data_of(const direct_block* block) noexcept;
}  // namespace detail

class direct_buffer {
 public:
  direct_buffer(detail::direct_block* block, std::size_t bytes) noexcept
      : block_(block), data_(detail::data_of(block)), bytes_(bytes) {}
  // Null, and 0, once it is released.
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return bytes_; }

 private:
  friend class direct_lease;
  friend void release(const local<direct_buffer>& of) noexcept;
  detail::direct_block* block_;
  std::byte* data_;
  std::size_t bytes_;
};
template <>
struct fields<direct_buffer> : no_references {};

// Zeroed memory, aligned to 64 bytes. May collect, free what dead buffers have, and wait up to
// heap_options::direct_wait_ms for those whose freeing is late; then throws direct_memory_exhausted.
inline unrooted<direct_buffer> make_direct(mutator& self, std::size_t bytes) {
  detail::direct_block* block = detail::allocate_direct(self, bytes);
  try {
    local<direct_buffer> made = self.make<direct_buffer>(block, bytes);
    detail::adopt_direct(self, block, made.get());
    return made;
  } catch (...) {
    detail::forget_direct(block);
    throw;
  }
}

// Frees the memory now, or at the end of its last lease. Again: does nothing.
inline void release(const local<direct_buffer>& of) noexcept {
  of->data_ = nullptr;
  of->bytes_ = 0;
  detail::release_direct(of->block_);
}

// Keeps the memory, not the object, for those who use it without a mutator: a device, a thread of I/O. It
// may be moved to another thread, and ends before the heap does. The memory stays charged.
class direct_lease {
 public:
  explicit direct_lease(const local<direct_buffer>& of) noexcept
      : block_(of->data_ == nullptr ? nullptr : of->block_), data_(of->data_), bytes_(of->bytes_) {
    if (block_ != nullptr) detail::lease_direct(block_);
  }
  direct_lease(direct_lease&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), data_(other.data_), bytes_(other.bytes_) {}
  direct_lease& operator=(direct_lease&&) = delete;
  ~direct_lease() {
    if (block_ != nullptr) detail::end_lease_of_direct(block_);
  }

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return bytes_; }

 private:
  detail::direct_block* block_;
  std::byte* data_;
  std::size_t bytes_;
};

STRATA_GC_API direct_statistics direct_of(const heap& of);

}  // namespace strata::gc
