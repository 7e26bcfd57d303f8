#include <strata/test_resource.hpp>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/text.hpp"
#include "os/process.hpp"

namespace strata {

test_resource::test_resource(std::pmr::memory_resource* upstream, options chosen)
    : chosen_(chosen), upstream_(upstream), ledger_(std::pmr::new_delete_resource()) {}

test_resource::~test_resource() {
  verify();
  const entry* oldest = ledger_.oldest_from(0);
  if (oldest == nullptr) return;
  ledger_.report(chosen_.name);
  if (chosen_.style == report_style::stop) {
    detail::stop(test_fault::still_in_use, chosen_.name, detail::pointer_to(oldest->address),
                 oldest->bytes);
  }
  ledger_.each([&](const entry& one) {
    std::size_t lead = lead_bytes(one.alignment());
    upstream_->deallocate(detail::pointer_to(one.address - lead),
                          whole_bytes(room_of(one), one.alignment()), one.alignment());
  });
}

void* test_resource::try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
  std::lock_guard hold(mutex_);
  if (left_ == 0) {
    ++refused_;
    return nullptr;
  }
  std::size_t room = bytes == 0 ? 1 : bytes;
  std::size_t lead = lead_bytes(alignment);
  // No block is longer; and libstdc++ 12's aligned operator new wraps around near SIZE_MAX.
  constexpr std::size_t most = PTRDIFF_MAX - detail::fence_bytes;
  if (room > most || lead > most - room || !ledger_.has_room()) return nullptr;
  std::byte* whole = nullptr;
  try {
    whole = static_cast<std::byte*>(upstream_->allocate(whole_bytes(room, alignment), alignment));
  } catch (...) {
    return nullptr;
  }
  left_ -= left_ == no_limit ? 0 : 1;
  std::memset(whole, detail::fence_fill, lead);
  std::memset(whole + lead, detail::fresh_fill, room);
  detail::put_fence(whole + lead + room);
  ledger_.add(whole + lead, bytes, alignment, nullptr);
  held_bytes_ += whole_bytes(room, alignment);
  used_bytes_ += room;
  peak_used_bytes_ = std::max(peak_used_bytes_, used_bytes_);
  return whole + lead;
}

void test_resource::deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  std::lock_guard hold(mutex_);
  entry* own = ledger_.find(block, bytes, alignment);
  if (own == nullptr) {
    auto [kind, about] = ledger_.judge(block);
    fault(kind, block, about != nullptr ? about->bytes : 0);
    if (kind != test_fault::wrong_size) return;
    own = ledger_.find(block);
  }
  check_pads(*own);
  give_back(*own);
}

void test_resource::give_back(entry& one) noexcept {
  std::size_t lead = lead_bytes(one.alignment());
  std::size_t whole_size = whole_bytes(room_of(one), one.alignment());
  void* whole = detail::pointer_to(one.address - lead);
  std::memset(whole, detail::freed_fill, whole_size);
  held_bytes_ -= whole_size;
  used_bytes_ -= room_of(one);
  ledger_.remove(one);
  upstream_->deallocate(whole, whole_size, one.alignment());
}

// ---- Limits

void test_resource::limit_allocations(std::uint64_t more) noexcept {
  std::lock_guard hold(mutex_);
  left_ = more;
  refused_ = 0;
}
std::uint64_t test_resource::allocations_left() const noexcept {
  std::lock_guard hold(mutex_);
  return left_;
}
std::uint64_t test_resource::refused() const noexcept {
  std::lock_guard hold(mutex_);
  return refused_;
}

// ---- Faults

void test_resource::fault(test_fault kind, const void* address, std::size_t bytes) const noexcept {
  if (chosen_.style == report_style::stop) detail::stop(kind, chosen_.name, address, bytes);
  ++faults_[static_cast<std::size_t>(kind)];
}

void test_resource::check_pads(const entry& one) const noexcept {
  auto* block = detail::pointer_to<const unsigned char>(one.address);
  std::size_t lead = lead_bytes(one.alignment());
  bool before =
      std::all_of(block - lead, block, [](int byte) { return byte == detail::fence_fill; });
  if (!before) fault(test_fault::underflow, block, one.bytes);
  // The byte of an empty block is nobody's, either.
  bool behind =
      detail::is_fence(block + room_of(one)) && (one.bytes != 0 || *block == detail::fresh_fill);
  if (!behind) fault(test_fault::overflow, block, one.bytes);
}

std::size_t test_resource::faults() const noexcept {
  std::lock_guard hold(mutex_);
  return std::accumulate(faults_.begin(), faults_.end(), std::size_t{0});
}
std::size_t test_resource::faults(test_fault kind) const noexcept {
  std::lock_guard hold(mutex_);
  return faults_[static_cast<std::size_t>(kind)];
}
void test_resource::forget_faults() noexcept {
  std::lock_guard hold(mutex_);
  faults_ = {};
}

test_resource::leak test_resource::leaked_since(std::uint64_t last_number, std::size_t live_blocks,
                                                std::size_t live_bytes) const noexcept {
  std::lock_guard hold(mutex_);
  if (ledger_.live_blocks() <= live_blocks) return {};
  const entry* first = ledger_.oldest_from(last_number + 1);
  leak found;
  found.blocks = ledger_.live_blocks() - live_blocks;
  found.bytes = ledger_.live_bytes() - std::min(ledger_.live_bytes(), live_bytes);
  if (first != nullptr) {
    found.first = detail::pointer_to(first->address);
    found.first_bytes = first->bytes;
    found.first_allocation = first->number - last_number;
  }
  return found;
}

void test_resource::fault_leak(const leak& found, std::uint64_t failed) noexcept {
  std::lock_guard hold(mutex_);
  if (chosen_.style == report_style::stop) {
    char buffer[256];
    base::text message(buffer, sizeof buffer);
    message << "strata: " << chosen_.name << ": leak when allocation " << failed
            << " fails: " << std::uint64_t{found.blocks}
            << (found.blocks == 1 ? " block" : " blocks") << " of " << std::uint64_t{found.bytes}
            << " bytes, the first from allocation " << found.first_allocation << ": address ";
    message.hex(detail::address_of(found.first))
        << ", block of " << std::uint64_t{found.first_bytes} << " bytes, process "
        << os::process_id() << "\n";
    os::write_error(message.data(), message.stored());
    os::abort_process();
  }
  ++faults_[static_cast<std::size_t>(test_fault::still_in_use)];
}

// ---- Looking at it

std::uint64_t test_resource::allocations() const noexcept {
  std::lock_guard hold(mutex_);
  return ledger_.last_number();
}
std::size_t test_resource::live_blocks() const noexcept {
  std::lock_guard hold(mutex_);
  return ledger_.live_blocks();
}
std::size_t test_resource::live_bytes() const noexcept {
  std::lock_guard hold(mutex_);
  return ledger_.live_bytes();
}
void test_resource::report() const noexcept {
  std::lock_guard hold(mutex_);
  ledger_.report(chosen_.name);
}

bool test_resource::owns(const void* address) const noexcept {
  std::lock_guard hold(mutex_);
  return ledger_.containing(address) != nullptr;
}

resource_statistics test_resource::statistics() const noexcept {
  std::lock_guard hold(mutex_);
  return {held_bytes_, used_bytes_, peak_used_bytes_, ledger_.live_blocks()};
}

void test_resource::verify() const {
  std::lock_guard hold(mutex_);
  ledger_.verify(chosen_.name);
  ledger_.each([&](const entry& one) { check_pads(one); });
}

}  // namespace strata
