#include <strata/buffer.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/text.hpp"
#include "os/process.hpp"
#include "resource/buffer_core.hpp"

namespace strata {

using detail::buffer_block;
using detail::buffer_cache;
using detail::misuse;

namespace detail {

// What is known of a buffer that is followed. In a list of the arena's.
struct leak_track {
  static constexpr std::size_t most_records = 14;
  static constexpr std::uint64_t kept_touches = 4;

  leak_track* next;
  leak_track* previous;
  buffer_block* block;
  bool given_up;
  std::uint64_t touches;
  std::size_t records;  // of which the last one is the latest touch, if it has no other place
  std::array<buffer_access, most_records> accesses;
};

namespace {

constexpr const char* buffers_name = "buffer";
constexpr std::uint32_t sample_every = 128;
constexpr std::size_t class_of_blocks = buffer_class_of(sizeof(buffer_block));

// Uniform around 128, so that no pattern of a program's escapes it.
std::uint32_t next_sample(buffer_cache& cache) {
  cache.random ^= cache.random << 13;
  cache.random ^= cache.random >> 7;
  cache.random ^= cache.random << 17;
  return 1 + static_cast<std::uint32_t>(cache.random % (2 * sample_every - 1));
}

void print(const buffer_leak& leak) {
  char line[512];
  base::text message(line, sizeof line);
  message << "strata: buffer_arena: leaked buffer: address ";
  message.hex(address_of(leak.data))
      << ", " << std::uint64_t{leak.bytes} << " bytes, process " << os::process_id() << "\n";
  os::write_error(message.data(), message.stored());
  for (const buffer_access& each : leak.accesses) {
    base::text place(line, sizeof line);
    place << "  " << each.hint;
    if (each.file != nullptr) place << " at " << each.file << ":" << std::uint64_t{each.line};
    place << "\n";
    os::write_error(place.data(), place.stored());
  }
}

}  // namespace

// ---- Buffers that are followed

void buffer_core::follow(buffer_block& one, const code_place& where) {
  void* memory = arena.try_allocate(sizeof(leak_track), alignof(leak_track));
  if (memory == nullptr) return;
  auto* made = ::new (memory) leak_track{};
  made->block = &one;
  made->accesses[0] = {"allocated", where.file, where.line};
  made->records = 1;
  one.track = made;
  std::scoped_lock held(leaks_lock);
  made->next = leaks;
  if (leaks != nullptr) leaks->previous = made;
  leaks = made;
}

void buffer_core::unfollow(buffer_block& one) {
  leak_track* track = one.track;
  {
    std::scoped_lock held(leaks_lock);
    if (track->next != nullptr) track->next->previous = track->previous;
    (track->previous != nullptr ? track->previous->next : leaks) = track->next;
  }
  arena.deallocate(track, sizeof(leak_track), alignof(leak_track));
}

// Touches 1 to 4, 8, 16, 32 ... keep their places; any other takes the place behind them, until the
// next comes.
void buffer_core::note_access(buffer_block& one, const buffer_access& access) {
  if (chosen.leaks == leak_level::simple) return;
  std::scoped_lock held(leaks_lock);
  leak_track& track = *one.track;
  std::uint64_t touch = ++track.touches;
  auto place = static_cast<std::size_t>(touch);
  if (touch > leak_track::kept_touches) {
    bool kept = std::has_single_bit(touch);
    place = static_cast<std::size_t>(std::bit_width(touch)) + (kept ? 1u : 2u);
  }
  place = std::min(place, leak_track::most_records - 1);
  track.accesses[place] = access;
  track.records = place + 1;
}

void buffer_core::each_leak(void (*visit)(const buffer_leak&, void*), void* state) {
  std::scoped_lock held(leaks_lock);
  for (leak_track* one = leaks; one != nullptr; one = one->next) {
    visit({one->block->memory, one->block->bytes, one->given_up, one->touches,
           std::span(one->accesses).first(one->records)},
          state);
  }
}

void buffer_core::report_leaks() {
  each_leak(
      [](const buffer_leak& leak, void* state) {
        auto* core = static_cast<buffer_core*>(state);
        if (core->chosen.on_leak != nullptr) {
          core->chosen.on_leak(leak);
        } else {
          print(leak);
        }
      },
      this);
}

}  // namespace detail

// ---- Buffers

bool buffer_arena::follows_next() noexcept {
  if (core_->chosen.leaks == leak_level::disabled) return false;
  if (core_->chosen.leaks == leak_level::paranoid) return true;
  detail::buffer_cache* cache = cache_of_thread();
  if (cache == nullptr || --cache->until_sample != 0) return false;
  cache->until_sample = detail::next_sample(*cache);
  return true;
}

buffer buffer_arena::try_buffer(std::size_t bytes, code_place where) noexcept {
  buffer_cache* cache = known_cache();
  bool cached = cache != nullptr && bytes - 1 < detail::buffer_cached_bytes;
  void* block = cached ? allocate_from(*cache, detail::class_of_blocks, sizeof(buffer_block))
                       : try_allocate(sizeof(buffer_block), alignof(buffer_block));
  if (block == nullptr) return {};
  auto* memory =
      static_cast<std::byte*>(cached ? allocate_from(*cache, detail::buffer_class_of(bytes), bytes)
                                     : try_allocate(bytes, detail::buffer_quantum));
  if (memory == nullptr) {
    deallocate(block, sizeof(buffer_block), alignof(buffer_block));
    return {};
  }
  auto* made = ::new (block) buffer_block{this, memory, bytes, {1}, nullptr};
  if (follows_next()) core_->follow(*made, where);
  return buffer(made);
}

buffer buffer_arena::make_buffer(std::size_t bytes, code_place where) {
  buffer made = try_buffer(bytes, where);
  if (!made) throw std::bad_alloc();
  return made;
}

void buffer_arena::each_leak(void (*visit)(const buffer_leak&, void*), void* state) const {
  core_->each_leak(visit, state);
}

void buffer::stop_released(const void* block) noexcept {
  detail::stop(misuse::double_free, detail::buffers_name, block);
}

void buffer::end(std::uint32_t owners) noexcept {
  if (owners == 0) stop_released(block_);
  buffer_block& one = *block_;
  one.owners.store(0, std::memory_order_relaxed);
  buffer_arena& arena = *one.arena;
  if (one.track != nullptr) arena.core_->unfollow(one);
  buffer_cache* cache = arena.known_cache();
  std::size_t number = detail::buffer_class_of(std::max<std::size_t>(one.bytes, 1));
  if (cache != nullptr && number < detail::buffer_cached_classes &&
      arena.looks_right(one.memory, number)) [[likely]] {
    arena.deallocate_to(*cache, one.memory, number);
    // Its owners were counted here, so that nobody else can have freed it.
    return arena.deallocate_to(*cache, &one, detail::class_of_blocks);
  }
  arena.deallocate(one.memory, one.bytes, detail::buffer_quantum);
  arena.deallocate(&one, sizeof one, alignof(buffer_block));
}

std::size_t buffer::copy_to(std::span<std::byte> target) const noexcept {
  std::size_t count = std::min(size_, target.size());
  if (count != 0) std::memcpy(target.data(), data_, count);
  return count;
}

bool buffer::resize(std::size_t new_size) noexcept {
  if (new_size > size_) {
    if (block_ == nullptr || owners() != 1) return false;
    if (new_size > capacity()) {
      std::size_t before = static_cast<std::size_t>(data_ - block_->memory);
      if (new_size > SIZE_MAX - before) return false;
      std::size_t wanted = before + new_size;
      if (!block_->arena->resize(block_->memory, block_->bytes, wanted, detail::buffer_quantum)) {
        return false;
      }
      block_->bytes = wanted;
    }
  }
  size_ = new_size;
  return true;
}

void buffer::note(const buffer_access& access) const noexcept {
  block_->arena->core_->note_access(*block_, access);
}

buffer::token buffer::leak() noexcept {
  token given = std::exchange(block_, nullptr);
  data_ = nullptr;
  size_ = 0;
  if (given != nullptr && given->track != nullptr) {
    std::scoped_lock held(given->arena->core_->leaks_lock);
    given->track->given_up = true;
  }
  return given;
}

buffer buffer::adopt(token given) noexcept {
  if (given == nullptr) return {};
  if (given->owners.load(std::memory_order_relaxed) == 0) stop_released(given);
  if (given->track != nullptr) {
    std::scoped_lock held(given->arena->core_->leaks_lock);
    given->track->given_up = false;
  }
  return buffer(given);
}

// ---- Composites

void composite::append(buffer part) {
  if (part.size() == 0) return;
  std::size_t bytes = part.size();
  parts_.push_back(std::move(part));
  size_ += bytes;
}

void composite::append(const composite& other) {
  parts_.insert(parts_.end(), other.parts_.begin(), other.parts_.end());
  size_ += other.size_;
}

std::byte& composite::operator[](std::size_t offset) const noexcept {
  check_range(offset, 1);
  const buffer* part = parts_.data();
  for (; offset >= part->size(); ++part) offset -= part->size();
  return part->data()[offset];
}

composite composite::slice(std::size_t offset, std::size_t length) const {
  check_range(offset, length);
  composite made(arena());
  for (const buffer& each : parts_) {
    if (length == 0) break;
    if (offset >= each.size()) {
      offset -= each.size();
      continue;
    }
    std::size_t count = std::min(each.size() - offset, length);
    made.append(each.slice(offset, count));
    length -= count;
    offset = 0;
  }
  return made;
}

composite composite::split(std::size_t count) {
  composite head = slice(0, count);
  composite rest = slice(count, size_ - count);
  parts_.swap(rest.parts_);
  size_ = rest.size_;
  return head;
}

std::size_t composite::copy_to(std::span<std::byte> target, std::size_t offset) const noexcept {
  std::size_t done = 0;
  for (const buffer& each : parts_) {
    if (offset >= each.size()) {
      offset -= each.size();
      continue;
    }
    std::size_t count = std::min(each.size() - offset, target.size() - done);
    if (count != 0) std::memcpy(target.data() + done, each.data() + offset, count);
    done += count;
    offset = 0;
  }
  return done;
}

buffer composite::flatten() const {
  if (parts_.size() == 1) return parts_[0];
  buffer made = arena().make_buffer(size_);
  copy_to(made.bytes());
  return made;
}

}  // namespace strata
