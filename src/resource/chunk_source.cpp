#include <strata/detail/chunk_source.hpp>

#include <algorithm>
#include <bit>
#include <new>

namespace strata::detail {

namespace {
constexpr std::uint32_t chunks_until_look_back = 256;
}  // namespace

chunk_source::shelf* chunk_source::shelf_of(std::size_t bytes, std::size_t alignment) {
  int bits = std::countr_zero(alignment);
  bool chunk = span_bytes_ != 0 && bits >= shortest_bits && bits <= longest_bits &&
               bytes == alignment - room_behind;
  return chunk ? &shelves_[static_cast<std::size_t>(bits - shortest_bits)] : nullptr;
}

void* chunk_source::do_allocate(std::size_t bytes, std::size_t alignment) {
  shelf* from = shelf_of(bytes, alignment);
  if (from == nullptr) return upstream_->allocate(bytes, alignment);
  void* chunk = from->idle != nullptr ? take_idle(*from, alignment) : cut(*from, alignment);
  lent_bytes_ += bytes;
  unpoison(chunk, bytes);
  return chunk;
}

void* chunk_source::take_idle(shelf& from, std::size_t chunk_bytes) {
  idle_chunk* one = from.idle;
  unlink(from, one);
  --home_of(one, chunk_bytes)->idle;
  unused_bytes_ = std::min(unused_bytes_, idle_bytes_);
  return one;
}

void chunk_source::unlink(shelf& from, idle_chunk* one) {
  (one->previous != nullptr ? one->previous->next : from.idle) = one->next;
  if (one->next != nullptr) one->next->previous = one->previous;
  idle_bytes_ -= from.spans->chunk_bytes;
}

void* chunk_source::cut(shelf& from, std::size_t chunk_bytes) {
  span* open = from.spans;
  if (open == nullptr || !open->can_cut()) {
    open = make_span(chunk_bytes);
    open->next = from.spans;
    if (from.spans != nullptr) from.spans->previous = open;
    from.spans = open;
  }
  void* chunk = pointer_to(open->chunk(open->cut++));
  home_of(chunk, chunk_bytes) = open;
  return chunk;
}

// Throws what upstream throws.
chunk_source::span* chunk_source::make_span(std::size_t chunk_bytes) {
  std::size_t wanted = std::min(span_bytes_, std::bit_floor(span_total_bytes_ / 2));
  std::size_t bytes = 0;
  std::uintptr_t first = 0;
  void* head = nullptr;
  if (wanted < least_chunks * chunk_bytes) {
    bytes = chunk_bytes - room_behind + sizeof(span);
    first = address_of(upstream_->allocate(bytes, chunk_bytes));
    head = pointer_to(first + chunk_bytes - room_behind);
  } else {
    // A little less than a power of two, as heaps put a head before each block. What begins at a page loses
    // one chunk to the head, and no second: the last has its t within.
    bytes = wanted - room_behind + sizeof(span*);
    head = upstream_->allocate(bytes, alignof(span));
    first = align_up(address_of(head) + sizeof(span), chunk_bytes);
  }
  span_total_bytes_ += bytes;
  if (least_idle_bytes_ != 0) most_idle_bytes_ += std::min(bytes, given_back_bytes_);
  given_back_bytes_ -= std::min(bytes, given_back_bytes_);
  auto* made = ::new (head) span{nullptr, nullptr, nullptr, first, bytes, chunk_bytes, 0, 0};
  return made->self = made;
}

void chunk_source::do_deallocate(void* block, std::size_t bytes, std::size_t alignment) {
  shelf* into = shelf_of(bytes, alignment);
  if (into == nullptr) return upstream_->deallocate(block, bytes, alignment);
  lent_bytes_ -= bytes;
  auto* one = ::new (block) idle_chunk{into->idle, nullptr};
  if (one->next != nullptr) one->next->previous = one;
  into->idle = one;
  poison(one + 1, bytes - sizeof *one);
  idle_bytes_ += alignment;
  span* home = home_of(one, alignment);
  ++home->idle;
  if (idle_bytes_ > most_idle_bytes_ && home->idle == home->cut) give_back(*into, home);
  if (--until_look_back_ == 0) look_back();
}

void chunk_source::give_back(shelf& from, span* one) {
  for (std::size_t i = 0; i < one->cut; ++i) unlink(from, pointer_to<idle_chunk>(one->chunk(i)));
  (one->previous != nullptr ? one->previous->next : from.spans) = one->next;
  if (one->next != nullptr) one->next->previous = one->previous;
  span_total_bytes_ -= one->bytes;
  given_back_bytes_ += one->bytes;
  unused_bytes_ = std::min(unused_bytes_, idle_bytes_);
  void* memory = pointer_to(one->start());
  unpoison(memory, one->bytes);
  bool single = one->start() == one->first;
  upstream_->deallocate(memory, one->bytes, single ? one->chunk_bytes : alignof(span));
}

// Down to most_idle_bytes_, as far as spans allow.
void chunk_source::give_back_idle() {
  for (shelf& each : shelves_) {
    for (span* one = each.spans; one != nullptr && idle_bytes_ > most_idle_bytes_;) {
      span* next = one->next;
      if (one->idle == one->cut) give_back(each, one);
      one = next;
    }
  }
}

void chunk_source::look_back() {
  until_look_back_ = chunks_until_look_back;
  most_idle_bytes_ -= std::min(unused_bytes_, most_idle_bytes_ - least_idle_bytes_);
  give_back_idle();
  unused_bytes_ = idle_bytes_;
}

void chunk_source::trim() noexcept {
  most_idle_bytes_ = 0;
  give_back_idle();
  most_idle_bytes_ = least_idle_bytes_;
  given_back_bytes_ = 0;
}

}  // namespace strata::detail
