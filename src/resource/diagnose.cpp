#include <strata/diagnose.hpp>

namespace strata::detail {

// Of a head that stands where it was made. A freed one has the complement.
std::uint32_t fenced_blocks::live_mark(const head* own) {
  return static_cast<std::uint32_t>((address_of(own) * 0x9e3779b97f4a7c15) >> 32);
}

void* fenced_blocks::enclose(void* whole, std::size_t bytes, std::size_t alignment) noexcept {
  std::byte* block = static_cast<std::byte*>(whole) + lead_bytes(alignment);
  std::memset(whole, fence_fill, lead_bytes(alignment));
  std::memset(block, fresh_fill, bytes);
  put_fence(block + bytes);
  auto log2 = static_cast<std::uint32_t>(std::countr_zero(alignment));
  auto* own = ::new (head_of(block)) head{newest_, nullptr, bytes, 0, log2};
  own->mark = live_mark(own);
  if (newest_ != nullptr) newest_->newer = own;
  newest_ = own;
  ++live_blocks_;
  return block;
}

void* fenced_blocks::open(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  head* own = head_of(block);
  if (own->mark != live_mark(own) || own->bytes != bytes ||
      own->alignment_log2 != static_cast<std::uint32_t>(std::countr_zero(alignment))) {
    stop_for(own, bytes);
  }
  check_fences(own);
  head* older = own->older;
  head* newer = own->newer;
  check((older == nullptr || older->newer == own) &&
            (newer != nullptr ? newer->older : newest_) == own,
        "fenced", block);
  if (older != nullptr) older->newer = newer;
  (newer != nullptr ? newer->older : newest_) = older;
  --live_blocks_;
  std::memset(static_cast<void*>(own), freed_fill,
              sizeof(head) + fence_bytes + bytes + fence_bytes);
  own->bytes = bytes;
  own->mark = ~live_mark(own);
  return static_cast<std::byte*>(block) - lead_bytes(alignment);
}

// In the list, as far as that can be followed.
bool fenced_blocks::is_listed(const head* one) const {
  const head* at = newest_;
  while (at != nullptr && at != one && at->mark == live_mark(at)) at = at->older;
  return at == one;
}

// The head is not that of a live block of this size and alignment: why?
void fenced_blocks::stop_for(head* own, std::size_t bytes) const {
  misuse kind = misuse::foreign_free;
  if (own->mark == live_mark(own)) {
    kind = is_fence(own->block() - fence_bytes) ? misuse::wrong_size : misuse::underflow;
    bytes = kind == misuse::wrong_size ? own->bytes : bytes;
  } else if (own->mark == ~live_mark(own)) {
    kind = misuse::double_free;
  } else if (is_listed(own)) {
    kind = misuse::underflow;
  }
  stop(kind, "fenced", own->block(), kind == misuse::foreign_free ? 0 : bytes);
}

void fenced_blocks::check_fences(head* own) const {
  std::byte* block = own->block();
  if (!is_fence(block - fence_bytes)) stop(misuse::underflow, "fenced", block, own->bytes);
  if (!is_fence(block + own->bytes)) stop(misuse::overflow, "fenced", block, own->bytes);
}

void fenced_blocks::check_all() const {
  std::size_t blocks = 0;
  for (head* one = newest_; one != nullptr; one = one->older) {
    if (one->mark != live_mark(one)) stop(misuse::underflow, "fenced", one->block());
    check_fences(one);
    check(one->older == nullptr || one->older->newer == one, "fenced", one);
    ++blocks;
  }
  check(blocks == live_blocks_, "fenced", this);
}

}  // namespace strata::detail
