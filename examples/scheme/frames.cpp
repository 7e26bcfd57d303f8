// Frames: how they go to the heap and come back, and what lies on them when something is raised.
#include "frames.hpp"

#include <algorithm>
#include <utility>

#include "machine.hpp"

namespace scheme {

namespace {
// How much of a continuation comes back at once.
constexpr std::size_t chunk_slots = 256;
}  // namespace

value machine::run(value procedure) {
  registers_[in_under] = value{};
  registers_[in_winders] = nil;
  registers_[in_handlers] = nil;
  stack_[0] = procedure;
  stack_[1] = underflow_link;
  base_ = stack_ + 2;
  stack_roots_.set_end(base_);
  is_too_deep_ = false;
  return loop();
}

// ---- Frames to the heap and back

// The frames below base_, and with them this one's return, become a continuation; this frame, of which
// `count` slots are in use, is the lowest then.
value machine::capture(std::size_t count) {
  auto length = static_cast<std::size_t>(base_ - 2 - stack_);
  value under = registers_[in_under];
  std::size_t depth = length + (under.is_null() ? 0 : under.as<continuation>()->depth);
  // A handler of the overflow runs above all that is too deep: it has room of its own.
  bool was_too_deep = std::exchange(is_too_deep_, depth > options_.most_depth);
  if (depth > options_.most_depth + (was_too_deep ? 2 * stack_slots : 0))
    raise(registers_[in_overflow]);
  local<vector> words = self_.make<vector>(length);
  for (std::size_t at = 0; at < length; ++at) (*words)[at] = stack_[at];
  local<continuation> made =
      self_.make<continuation>(registers_[in_under], words, base_[-1], winders(), handlers(),
                               std::uint64_t{length}, std::uint64_t{depth});
  if (length > 0) {
    registers_[in_under] = made;
    std::copy(base_ - 2, base_ + count, stack_);
    base_ = stack_ + 2;
    base_[-1] = underflow_link;
  }
  return made;
}

// Brings the topmost frames of `under` back, and sets base_ to the frame that goes on. Returns where in its
// text; `result` has been put where it wants it.
std::size_t machine::reinstate() {
  while (registers_[in_under].as<continuation>()->length == 0)
    registers_[in_under] = registers_[in_under].as<continuation>()->under;
  local<continuation> from{self_, registers_[in_under].as<continuation>()};
  vector* words = from->words.get();
  std::size_t end = from->length;
  value link = from->link;
  std::size_t base = end + 2 - delta_in(link);
  std::size_t start = base - 2;
  for (std::size_t at = base; delta_in((*words)[at - 1]) != 0;) {
    at -= delta_in((*words)[at - 1]);
    if (end - (at - 2) > chunk_slots) break;
    start = at - 2;
  }
  if (start == 0) {
    registers_[in_under] = from->under;
  } else {
    registers_[in_under] =
        self_.make<continuation>(from->under, from->words, (*words)[start + 1], from->winders,
                                 from->handlers, std::uint64_t{start}, from->depth - (end - start));
    words = from->words.get();
  }
  for (std::size_t at = start; at < end; ++at) stack_[at - start] = (*words)[at];
  stack_[1] = underflow_link;
  stack_[end - start] = registers_[in_payload];
  base_ = stack_ + (base - start);
  return offset_in(link);
}

// Puts arguments beyond the required ones into a list.
void machine::collect_rest(std::size_t required, std::size_t count) {
  stack_roots_.set_end(base_ + count);
  local<value> rest{self_, nil};
  for (std::size_t at = count; at > required; --at) rest = cons(base_[at - 1], rest);
  base_[required] = rest;
}

// Puts the elements of a list where arguments go; returns how many.
std::size_t machine::spread(value list, value* to) {
  std::size_t count = 0;
  value at = list;
  for (; at.is<pair>(); at = cdr(at)) ++count;
  if (at != nil) fail("apply: expects a list", list);
  if (count > static_cast<std::size_t>(limit_ - to)) fail("apply: too many arguments");
  // No word behind the stack's end may be written to: it would be no root, and not zeroed either.
  stack_roots_.set_end(std::max(stack_roots_.end(), to + count));
  for (at = list; at.is<pair>(); at = cdr(at)) *to++ = car(at);
  return count;
}

// ---- Errors

// A frame for the handler of what was raised, above all that is in use. One handler raises what the next
// one gets; when the stack is full of them, nobody handles it.
void machine::push_handler() {
  value* base = stack_roots_.end() + 2;
  if (base >= stack_ + stack_slots) throw raised{};
  base[-2] = registers_[in_handle];
  base[-1] = link_to(0, static_cast<std::size_t>(base - base_));
  base[0] = registers_[in_payload];
  base_ = base;
  stack_roots_.set_end(base + 1);
}

// Where: of the running procedure, or, in a builtin, of its caller.
void machine::note_place(std::size_t offset) {
  value* base = base_;
  if (!base[-2].is<closure>()) {
    value link = base[-1];
    if (delta_in(link) == 0) return;
    base -= delta_in(link);
    offset = offset_in(link);
    if (!base[-2].is<closure>()) return;
  }
  value of = (*base[-2].as<closure>())[0];
  if (!of.is<code>()) return;
  note_place_of(*of.as<code>(), offset == 0 ? 0 : offset - 1);
}

}  // namespace scheme
