// Buffers of a buffer arena: handles that share a block, look at a part of it, or chain several.
//
//   buffer a          buffer b = a.slice(64, 32)
//   | block, data, size |   | block, data + 64, size 32 |
//        |                       |
//        v-----------------------'
//   | arena, memory, bytes, owners 2, track | ---> memory |..............................|
//
//   owners = handles of the block;  the last one that goes gives block and memory back
//   [data, data + size) lies in [memory, memory + bytes)
//
// A composite holds buffers in a row: bytes that arrived in pieces, and are looked at as one.
//
// A program that loses a handle, by leak() or by memory that is never destroyed, leaks its buffer. The
// arena follows buffers as its leak level says (a sample of 1 in 128, or all), and names those that
// were not released, with the places that touched them: the allocation, the first four touches, then
// each eighth, sixteenth, thirty-second, and so on, and the last.
//
//   time      slice, copy O(1), an atomic addition; release of a handle that is alone: no atomic change
//   overhead  a block of 48 bytes a buffer, and 24 a handle; 400 where it is followed
//   threads   handles of one buffer may belong to several threads; one handle to one at a time
//
// Slices and composites are netty's ByteBuf and CompositeByteBuf; leak levels are its
// ResourceLeakDetector's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <strata/buffer_arena.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

// Where a buffer was touched. The texts live as long as the program.
struct buffer_access {
  const char* hint = nullptr;
  const char* file = nullptr;
  std::uint32_t line = 0;
};
struct buffer_leak {
  const void* data;
  std::size_t bytes;
  bool given_up;                            // by leak(), and not adopted since
  std::uint64_t touches;                    // of which there are records:
  std::span<const buffer_access> accesses;  // the oldest first, beginning with the allocation
};

namespace detail {

// The first two words are overwritten when this is freed: owners stays 0 until the memory has another
// use, so that a second release is noticed.
struct buffer_block {
  buffer_arena* arena;
  std::byte* memory;
  std::size_t bytes;
  std::atomic<std::uint32_t> owners;
  leak_track* track;
};

struct buffer_parts;  // of the interface in C, whose handle is a plain structure

}  // namespace detail

class STRATA_RESOURCES_API buffer {
 public:
  // What leak() leaves in the program's hands.
  using token = detail::buffer_block*;

  buffer() = default;
  // Another handle of the same bytes.
  buffer(const buffer& other) noexcept
      : block_(other.block_), data_(other.data_), size_(other.size_) {
    share();
  }
  buffer(buffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  // By value: both kinds of assignment.
  buffer& operator=(buffer other) noexcept {
    swap(other);
    return *this;
  }
  ~buffer() { reset(); }

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data_, size_}; }
  // From data() to the end of the memory behind it.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return block_ == nullptr ? 0 : static_cast<std::size_t>(block_->memory + block_->bytes - data_);
  }
  [[nodiscard]] explicit operator bool() const noexcept { return block_ != nullptr; }
  // relaxed: by the time that it is read it may be another.
  [[nodiscard]] std::size_t owners() const noexcept {
    return block_ == nullptr ? 0 : block_->owners.load(std::memory_order_relaxed);
  }

  // A handle of length bytes from offset on, which lie in this one.
  [[nodiscard]] buffer slice(std::size_t offset, std::size_t length) const noexcept {
    check_range(offset, length);
    buffer part(*this);
    part.data_ += offset;
    part.size_ = length;
    return part;
  }
  // Takes the first `count` bytes away, as a handle of their own.
  [[nodiscard]] buffer split(std::size_t count) noexcept {
    buffer head = slice(0, count);
    data_ += count;
    size_ -= count;
    return head;
  }
  // Copies from the start on as much as fits; how much that was.
  std::size_t copy_to(std::span<std::byte> target) const noexcept;
  // Shorter, or longer where it stands: within capacity(), and beyond it where the arena can lengthen the
  // block. False when it can't. Growth needs the only handle.
  [[nodiscard]] bool resize(std::size_t new_size) noexcept;

  // Lets go of the bytes; the handle is empty then.
  void reset() noexcept {
    if (block_ == nullptr) return;
    // acquire, release: what other handles did with the bytes comes before their reuse.
    std::uint32_t owners = block_->owners.load(std::memory_order_acquire);
    if (owners != 1) owners = block_->owners.fetch_sub(1, std::memory_order_acq_rel);
    if (owners <= 1) [[unlikely]]
      end(owners);
    block_ = nullptr;
    data_ = nullptr;
    size_ = 0;
  }
  void swap(buffer& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  // Adds a record to a buffer that is followed.
  void touch(const char* hint, code_place where = code_place::here()) const noexcept {
    if (block_ != nullptr && block_->track != nullptr) [[unlikely]]
      note({hint, where.file, where.line});
  }
  // Gives the handle's ownership away, as through an interface in C; adopt() takes it up again, as a
  // handle of the whole buffer. Until then it counts as leaked.
  [[nodiscard]] token leak() noexcept;
  [[nodiscard]] static buffer adopt(token given) noexcept;

 private:
  friend class buffer_arena;
  friend struct detail::buffer_parts;

  explicit buffer(detail::buffer_block* block) noexcept
      : block_(block), data_(block->memory), size_(block->bytes) {}
  void share() const noexcept {
    // relaxed: the handle copied from keeps the block alive meanwhile.
    if (block_ != nullptr && block_->owners.fetch_add(1, std::memory_order_relaxed) == 0)
        [[unlikely]]
      stop_released(block_);
  }
  void check_range(std::size_t offset, std::size_t length) const noexcept {
    if (offset > size_ || length > size_ - offset) [[unlikely]]
      detail::stop(detail::misuse::precondition, "buffer", data_, size_);
  }
  void end(std::uint32_t owners) noexcept;
  void note(const buffer_access& access) const noexcept;
  [[noreturn]] static void stop_released(const void* block) noexcept;

  detail::buffer_block* block_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Buffers in a row. Its list lies in the arena. append throws std::bad_alloc, and then nothing changed.
class STRATA_RESOURCES_API composite {
 public:
  explicit composite(buffer_arena& arena) noexcept
      : parts_(allocator<buffer, buffer_arena>(arena)) {}
  composite(const composite&) = default;
  composite(composite&& other) noexcept
      : parts_(std::move(other.parts_)), size_(std::exchange(other.size_, 0)) {}
  composite& operator=(const composite&) = default;
  composite& operator=(composite&& other) {
    parts_ = std::move(other.parts_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~composite() = default;

  // Empty ones are left out.
  void append(buffer part);
  void append(const composite& other);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<const buffer> parts() const noexcept { return parts_; }
  // The byte at an offset less than size().
  [[nodiscard]] std::byte& operator[](std::size_t offset) const noexcept;

  // The same bytes, of parts of the same buffers. O(parts).
  [[nodiscard]] composite slice(std::size_t offset, std::size_t length) const;
  // Takes the first `count` bytes away, as a composite of their own.
  [[nodiscard]] composite split(std::size_t count);
  // Copies from offset on as much as fits; how much that was.
  std::size_t copy_to(std::span<std::byte> target, std::size_t offset = 0) const noexcept;
  // All bytes in one buffer: the only part, or a copy. Throws std::bad_alloc.
  [[nodiscard]] buffer flatten() const;

 private:
  [[nodiscard]] buffer_arena& arena() const { return parts_.get_allocator().from(); }
  void check_range(std::size_t offset, std::size_t length) const noexcept {
    if (offset > size_ || length > size_ - offset) [[unlikely]]
      detail::stop(detail::misuse::precondition, "composite", this, size_);
  }

  std::vector<buffer, allocator<buffer, buffer_arena>> parts_;
  std::size_t size_ = 0;
};

}  // namespace strata
