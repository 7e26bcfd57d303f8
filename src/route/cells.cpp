#include "route/cells.hpp"

namespace strata::route {
namespace {

std::uintptr_t& link_in(std::uintptr_t cell) { return *base::pointer_to<std::uintptr_t>(cell); }

}  // namespace

void* cells::allocate(std::size_t bytes, seat* owner) {
  return bytes <= most_bytes ? allocate_from(class_of(bytes), bytes, owner) : nullptr;
}

void* cells::allocate_from(std::size_t number, std::size_t bytes, seat* owner) {
  while (chunk* from = open_[number]) {
    if (void* cell = take_cell(*from)) return cell;
    if (!take_in(*from)) close(number, *from);
  }
  return find_room(number, bytes, owner) ? take_cell(*open_[number]) : nullptr;
}

void* cells::take_cell(chunk& from) {
  std::uintptr_t cell = from.free;
  if (cell != 0) {
    std::uintptr_t next = link_in(cell);
    if (next != 0 && next - from.start >= from.end - from.start) {
      fatal(misuse::write_after_free, base::pointer_to(cell), from.cell_bytes);
    }
    from.free = next;
    region::mark(cell, block_state::live);
  } else {
    cell = from.top;
    if (from.end - cell < from.cell_bytes) return nullptr;
    from.top = cell + from.cell_bytes;
    region::reach(from, from.top);
    region::mark_live(cell, from.cell_bytes);
  }
  ++from.live;
  return base::pointer_to(cell);
}

bool cells::take_in(chunk& of) {
  // acquire: what the other threads did with the cells is over.
  std::uintptr_t cell = of.sent_back.exchange(0, std::memory_order_acquire);
  if (cell == 0) return false;
  while (cell != 0) {
    std::uintptr_t next = link_in(cell);
    link_in(cell) = of.free;
    of.free = cell;
    --of.live;
    cell = next;
  }
  return true;
}

// A chunk of the class that has room: one with cells that were sent back, an empty one, a new one.
bool cells::find_room(std::size_t number, std::size_t bytes, seat* owner) {
  if (sent_back_.load(std::memory_order_relaxed) != 0) {
    sent_back_.store(0, std::memory_order_relaxed);
    for (chunk* one = all_; one != nullptr; one = one->next_of_seat) {
      if (one->cell_bytes == 0 || !take_in(*one) || one->is_open) continue;
      open(class_of(one->cell_bytes), *one);
    }
    if (open_[number] != nullptr) return true;
  }
  chunk* fresh = empty_;
  if (fresh != nullptr && number != last_class) {
    empty_ = fresh->next;
  } else {
    fresh = region::take(bytes, owner);
    if (fresh == nullptr) return false;
    fresh->next_of_seat = all_;
    all_ = fresh;
  }
  fresh->cell_bytes = static_cast<std::uint32_t>(bytes);
  open(number, *fresh);
  return true;
}

void cells::open(std::size_t number, chunk& one) {
  one.is_open = true;
  one.previous = nullptr;
  one.next = open_[number];
  if (one.next != nullptr) one.next->previous = &one;
  open_[number] = &one;
}

void cells::close(std::size_t number, chunk& one) {
  one.is_open = false;
  if (one.next != nullptr) one.next->previous = one.previous;
  (one.previous != nullptr ? one.previous->next : open_[number]) = one.next;
}

void cells::go(chunk& in, std::uintptr_t at) {
  std::size_t number = class_of(in.cell_bytes);
  region::mark(at, block_state::gone);
  link_in(at) = in.free;
  in.free = at;
  --in.live;
  if (!in.is_open) open(number, in);
  bool is_only_one = in.next == nullptr && in.previous == nullptr;
  if (STRATA_LIKELY(in.live != 0) || is_only_one) return;
  close(number, in);
  region::empty(in);
  if (number == last_class) return open(number, in);  // of a length of its own
  in.cell_bytes = 0;
  in.next = empty_;
  empty_ = &in;
}

void cells::go_elsewhere(chunk& in, std::uintptr_t at) {
  sent_back_.fetch_add(1, std::memory_order_relaxed);
  std::uintptr_t first = in.sent_back.load(std::memory_order_relaxed);
  do {
    link_in(at) = first;
    // release: pairs with take_in.
  } while (!in.sent_back.compare_exchange_weak(first, at, std::memory_order_release,
                                               std::memory_order_relaxed));
}

}  // namespace strata::route
