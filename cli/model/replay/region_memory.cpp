#include "cli/model/replay/region_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <new>

namespace strata::cli::replay {
namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t most_reserved = std::size_t{1} << 38;
constexpr std::size_t least_reserved = std::size_t{1} << 26;

std::uintptr_t align_up(std::uintptr_t value, std::size_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}
void* pointer_to(std::uintptr_t address) {
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

// As much as the system grants: limits of address space may be low.
region_memory::region_memory() {
  for (std::size_t bytes = most_reserved; bytes >= least_reserved; bytes /= 2) {
    void* made = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) continue;
    // A policy touches a tag here and there: each must cost a page, not 2 MiB.
    madvise(made, bytes, MADV_NOHUGEPAGE);
    start_ = top_ = reinterpret_cast<std::uintptr_t>(made);
    end_ = start_ + bytes;
    return;
  }
}

region_memory::~region_memory() {
  if (start_ != end_) munmap(pointer_to(start_), end_ - start_);
}

// Without memory of its own, which might be what is measured.
std::uint64_t region_memory::touched_bytes() const {
  std::array<unsigned char, 4096> pages;
  std::uint64_t touched = 0;
  for (std::uintptr_t from = start_; from < top_; from += pages.size() * page_bytes) {
    const std::size_t count = std::min(pages.size(), (top_ - from) / page_bytes);
    if (mincore(pointer_to(from), count * page_bytes, pages.data()) != 0) return held_bytes_;
    for (std::size_t i = 0; i < count; ++i) touched += pages[i] & 1U;
  }
  return touched * page_bytes;
}

void* region_memory::do_allocate(std::size_t bytes, std::size_t alignment) {
  if (bytes > most_reserved || alignment > most_reserved) throw std::bad_alloc();
  const std::size_t taken = align_up(bytes, page_bytes);
  for (const auto& [gap, gap_bytes] : gaps_) {
    const std::uintptr_t at = align_up(gap, alignment);
    if (at + taken > gap + gap_bytes) continue;
    const std::uintptr_t from = gap;
    const std::uintptr_t to = gap + gap_bytes;
    gaps_.erase(from);
    add_gap(from, at - from);
    add_gap(at + taken, to - at - taken);
    held_bytes_ += bytes;
    return pointer_to(at);
  }
  const std::uintptr_t at = align_up(top_, alignment);
  if (at > end_ || taken > end_ - at) throw std::bad_alloc();
  add_gap(top_, at - top_);
  top_ = at + taken;
  held_bytes_ += bytes;
  return pointer_to(at);
}

void region_memory::do_deallocate(void* region, std::size_t bytes, std::size_t /*alignment*/) {
  const std::size_t taken = align_up(bytes, page_bytes);
  madvise(region, taken, MADV_DONTNEED);
  held_bytes_ -= bytes;
  add_gap(reinterpret_cast<std::uintptr_t>(region), taken);
}

// Joined with the gaps on both sides; the topmost is no gap.
void region_memory::add_gap(std::uintptr_t start, std::size_t bytes) {
  if (bytes == 0) return;
  const auto after = gaps_.lower_bound(start);
  if (after != gaps_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == start) {
      start = before->first;
      bytes += before->second;
      gaps_.erase(before);
    }
  }
  if (after != gaps_.end() && start + bytes == after->first) {
    bytes += after->second;
    gaps_.erase(after);
  }
  if (start + bytes == top_)
    top_ = start;
  else
    gaps_[start] = bytes;
}

}  // namespace strata::cli::replay
