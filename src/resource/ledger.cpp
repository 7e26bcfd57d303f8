#include <strata/detail/ledger.hpp>

#include <algorithm>
#include <bit>
#include <memory>
#include <new>

#include "base/text.hpp"
#include "os/process.hpp"

namespace strata::detail {
namespace {

constexpr std::size_t least_capacity = 64;
constexpr std::size_t most_listed = 8;

}  // namespace

ledger::~ledger() {
  if (table_ != nullptr) tables_->deallocate(table_, capacity_ * sizeof(entry), alignof(entry));
}

// The address's entry, or the empty one where it would be.
ledger::entry& ledger::place_of(std::uintptr_t address) const noexcept {
  // Fibonacci hashing; the low 4 bits are mostly 0.
  std::size_t at = static_cast<std::size_t>((address >> 4) * 0x9e3779b97f4a7c15 >> 32);
  while (true) {
    entry& one = table_[at & (capacity_ - 1)];
    if (one.address == address || one.address == 0) return one;
    ++at;
  }
}

ledger::entry* ledger::find(const void* block) const noexcept {
  if (table_ == nullptr || block == nullptr) return nullptr;
  entry& place = place_of(address_of(block));
  return place.address != 0 ? &place : nullptr;
}

void ledger::add(const void* block, std::size_t bytes, std::size_t alignment,
                 const char* tag) noexcept {
  entry& place = place_of(address_of(block));
  in_use_ += place.address == 0 ? 1 : 0;
  place.address = address_of(block);
  place.bytes = bytes;
  place.tag = tag;
  place.number = ++last_number_ & 0xff'ffff'ffff'ffff;
  place.alignment_log2 = static_cast<unsigned>(std::countr_zero(alignment)) & 0x7f;
  place.is_live = 1;
  ++live_blocks_;
  live_bytes_ += bytes;
  peak_live_bytes_ = std::max(peak_live_bytes_, live_bytes_);
}

bool ledger::renew() noexcept {
  bool mostly_live = live_blocks_ > in_use_ / 2;
  std::size_t capacity =
      capacity_ == 0 ? least_capacity : (mostly_live ? capacity_ * 2 : capacity_);
  void* memory = nullptr;
  try {
    memory = tables_->allocate(capacity * sizeof(entry), alignof(entry));
  } catch (...) {
    return false;
  }
  auto* old_table = table_;
  std::size_t old_capacity = capacity_;
  table_ = static_cast<entry*>(memory);
  std::uninitialized_value_construct_n(table_, capacity);
  capacity_ = capacity;
  in_use_ = live_blocks_;
  for (std::size_t i = 0; i < old_capacity; ++i) {
    const entry& one = old_table[i];
    if (one.address != 0 && one.is_live != 0) place_of(one.address) = one;
  }
  if (old_table != nullptr) {
    tables_->deallocate(old_table, old_capacity * sizeof(entry), alignof(entry));
  }
  return true;
}

const ledger::entry* ledger::containing(const void* address) const noexcept {
  const entry* found = nullptr;
  each([&](const entry& one) {
    if (address_of(address) - one.address < std::max<std::size_t>(one.bytes, 1)) found = &one;
  });
  return found;
}

ledger::verdict ledger::judge(const void* block) const noexcept {
  if (const entry* found = find(block)) {
    return {found->is_live != 0 ? misuse::wrong_size : misuse::double_free, found};
  }
  const entry* around = containing(block);
  return {around != nullptr ? misuse::interior_free : misuse::foreign_free, around};
}

const ledger::entry* ledger::oldest_from(std::uint64_t number) const noexcept {
  const entry* oldest = nullptr;
  each([&](const entry& one) {
    if (one.number >= number && (oldest == nullptr || one.number < oldest->number)) oldest = &one;
  });
  return oldest;
}

void ledger::verify(const char* resource) const {
  std::size_t blocks = 0;
  std::size_t bytes = 0;
  each([&](const entry& one) {
    ++blocks;
    bytes += one.bytes;
    check(&place_of(one.address) == &one, resource, &one);
  });
  check(blocks == live_blocks_ && bytes == live_bytes_, resource, this);
}

void ledger::report(const char* resource) const noexcept {
  char buffer[1024];
  base::text message(buffer, sizeof buffer);
  message << "strata: " << resource << ": " << std::uint64_t{live_blocks_}
          << (live_blocks_ == 1 ? " block of " : " blocks of ") << std::uint64_t{live_bytes_}
          << (live_blocks_ == 1 ? " bytes is live" : " bytes in all are live") << ", process "
          << os::process_id() << "\n";
  std::size_t listed = 0;
  for (const entry* one = oldest_from(0); one != nullptr && listed < most_listed;
       one = oldest_from(one->number + 1), ++listed) {
    message << "  address ";
    message.hex(one->address) << ", " << std::uint64_t{one->bytes} << " bytes, allocation "
                              << std::uint64_t{one->number};
    if (one->tag != nullptr) message << ", " << one->tag;
    message << "\n";
  }
  if (live_blocks_ > listed)
    message << "  and " << std::uint64_t{live_blocks_ - listed} << " more\n";
  os::write_error(message.data(), message.stored());
}

}  // namespace strata::detail
