#include "observe/stack_walk.hpp"

#include <dlfcn.h>

#include "base/bits.hpp"
#include "os/frame_description.hpp"
#include "os/memory.hpp"
#include "os/unwind.hpp"

namespace strata::observe {
namespace {

using form = os::short_rules::form;

constexpr std::size_t page = 4096;  // no system has smaller ones

//   63      48 47     32 31         8 7   0
//   | return  |  frame  | cfa offset | form |      return and frame in words
constexpr std::uint64_t pack(const os::short_rules& rules) {
  auto words = [](std::int32_t bytes) {
    return std::uint64_t{static_cast<std::uint16_t>(static_cast<std::int16_t>(bytes / 8))};
  };
  return words(rules.return_offset) << 48 | words(rules.frame_offset) << 32 |
         static_cast<std::uint64_t>(rules.cfa_offset) << 8 | static_cast<std::uint64_t>(rules.from);
}
constexpr form form_of(std::uint64_t packed) { return static_cast<form>(packed & 0xff); }
constexpr std::uintptr_t cfa_offset_of(std::uint64_t packed) { return packed >> 8 & 0xffffff; }
constexpr std::uintptr_t signed_bytes(std::uint64_t words) {
  return static_cast<std::uintptr_t>(std::int64_t{static_cast<std::int16_t>(words & 0xffff)} * 8);
}
constexpr std::uintptr_t frame_offset_of(std::uint64_t packed) {
  return signed_bytes(packed >> 32);
}
constexpr std::uintptr_t return_offset_of(std::uint64_t packed) {
  return signed_bytes(packed >> 48);
}

// A stack has no holes: each page up to the one that is wanted must be there.
bool reach(stack_walker::known_stack& known, std::uintptr_t address) {
  constexpr std::uintptr_t most_at_once = base::MiB;
  if (address < known.from || address - known.to > most_at_once) return false;
  while (known.to <= address) {
    if (!os::is_readable(known.to)) return false;
    known.to += page;
  }
  return true;
}

// What sanitizers think of other frames' variables is of no interest here.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) bool load(
    stack_walker::known_stack& known, std::uintptr_t address, std::uintptr_t& into) {
  if (!base::is_aligned(address, sizeof(std::uintptr_t))) return false;
  bool is_known = address - known.from < known.to - known.from;
  if (STRATA_UNLIKELY(!is_known) && !reach(known, address)) return false;
  into = *base::pointer_to<const volatile std::uintptr_t>(address);
  return true;
}

// What reads the stack as it is now.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) bool is_at(
    const stack_walker::known_stack& known, std::uintptr_t place, std::uintptr_t call) {
  return place - known.from < known.to - known.from &&
         *base::pointer_to<const volatile std::uintptr_t>(place) == call;
}

// Finds where a walk meets the last one.
class meeting {
 public:
  meeting(const stack_walker::trace* last, const stack_walker::known_stack& known)
      : last_(last), known_(known), left_(last == nullptr ? 0 : last->depth) {}

  // Whether the call is there, and with it all that is further out.
  bool is_here(std::uintptr_t call, std::uintptr_t place) {
    if (place == 0) return false;
    while (left_ > 0 && last_->places[left_ - 1] < place) --left_;  // calls that have returned
    if (left_ == 0 || last_->places[left_ - 1] != place || last_->calls[left_ - 1] != call)
      return false;
    for (std::size_t outer = left_ - 1; outer > 0; --outer) {
      if (is_at(known_, last_->places[outer - 1], last_->calls[outer - 1])) continue;
      left_ = outer - 1;  // nor is it further in, therefore
      return false;
    }
    return true;
  }
  // How many of the last walk's calls are still there, once it is.
  [[nodiscard]] std::size_t shared() const { return left_; }

 private:
  const stack_walker::trace* last_;
  const stack_walker::known_stack& known_;
  std::size_t left_;
};

}  // namespace

struct stack_walker::place {
  os::frame at;
  std::uintptr_t from = 0;  // where at.pc was read
  bool in_full = true;      // registers other than those of short rules are known, too
};

bool stack_walker::set_up(const void* inside) {
  table_ = static_cast<kept*>(os::map(entries * sizeof(kept), os::page_bytes()));
  ::dl_find_object object;
  if (inside != nullptr && os::find_object(base::address_of(inside), object)) {
    own_start_ = base::address_of(object.dlfo_map_start);
    own_bytes_ = base::address_of(object.dlfo_map_end) - own_start_;
  }
  return table_ != nullptr;
}

std::uint64_t stack_walker::rules_at(std::uintptr_t pc) {
  kept& entry = table_[pc * 0x9e3779b97f4a7c15 >> (64 - entry_bits)];  // Fibonacci hashing
  // relaxed: only a check and rules that belong together are of this address.
  std::uint64_t packed = entry.packed.load(std::memory_order_relaxed);
  if (STRATA_LIKELY((entry.check.load(std::memory_order_relaxed) ^ packed) == pc)) return packed;
  packed = pack(os::shorten(pc));
  entry.packed.store(packed, std::memory_order_relaxed);
  entry.check.store(packed ^ pc, std::memory_order_relaxed);
  return packed;
}

bool stack_walker::go_on(place& now, known_stack& known) {
  os::frame& at = now.at;
  std::uint64_t rules = rules_at(at.interrupted ? at.pc : at.pc - 1);
  if (form_of(rules) == form::end) return false;
  if (STRATA_UNLIKELY(form_of(rules) == form::other)) {
    now.in_full = true;
    now.from = 0;
    return os::step(at);
  }
  os::register_file& own = at.registers;
  bool by_stack = form_of(rules) == form::by_stack;
  std::size_t base_register = by_stack ? os::stack_register : os::frame_register;
  if (!own.knows(base_register)) return false;
  std::uintptr_t cfa = own.values[base_register] + cfa_offset_of(rules);
  if (cfa <= own.values[os::stack_register]) return false;  // it must go up
  std::uintptr_t back = 0;
  if (!load(known, cfa + return_offset_of(rules), back)) return false;
  if (frame_offset_of(rules) != 0) {
    std::uintptr_t saved = 0;
    if (!load(known, cfa + frame_offset_of(rules), saved)) return false;
    own.set(os::frame_register, saved);
  }
  own.values[os::stack_register] = cfa;
  now.from = cfa + return_offset_of(rules);
  if (now.in_full) {  // the others were perhaps saved, and nobody has looked where
    own.known &= std::uint32_t{1} << os::stack_register | std::uint32_t{1} << os::frame_register;
    now.in_full = false;
  }
  at.pc = os::plain_return(back);
  at.interrupted = false;
  return at.pc != 0;
}

void stack_walker::begin_at(const os::calling_frame& from, place& now) {
  now.at.pc = from.pc;
  now.at.registers.set(os::stack_register, from.stack);
  now.at.registers.set(os::frame_register, from.frame);
  now.at.interrupted = false;
  now.from = from.place;
  now.in_full = false;
}

STRATA_NOINLINE std::size_t stack_walker::walk(known_stack& known, const trace* last, found& into,
                                               const os::calling_frame* from) {
  place now;
  if (from != nullptr && from->pc != 0) {
    begin_at(*from, now);
  } else {
    now.at.pc = os::read_registers(now.at.registers);
    now.at.interrupted = true;
  }
  std::uintptr_t stack = now.at.registers.values[os::stack_register];
  if (stack - known.from >= known.to - known.from) {
    known.from = base::align_down(stack, page);
    known.to = known.from + page;
  }
  meeting with_last(last, known);
  into.depth = 0;
  do {
    if (into.depth == 0 && now.at.pc - own_start_ < own_bytes_) continue;
    if (with_last.is_here(now.at.pc, now.from)) return with_last.shared();
    if (into.depth == into.most) {
      into.calls[into.most - 1] = 0;
      into.places[into.most - 1] = 0;
      return 0;
    }
    into.calls[into.depth] = now.at.pc;
    into.places[into.depth++] = now.from;
  } while (go_on(now, known));
  return 0;
}

}  // namespace strata::observe
