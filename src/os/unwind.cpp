#include "os/unwind.hpp"

#include "base/bits.hpp"
#include "os/frame_description.hpp"
#include "os/syscall.hpp"

namespace strata::os {
namespace {

// ---- Memory of the stack

// Reads words of the stack, and asks the kernel about each page that it comes to.
class stack_reader {
 public:
  explicit stack_reader(std::uintptr_t& known) : page_(known) {}

  // What sanitizers think of other frames' variables is of no interest here.
  __attribute__((no_sanitize("address"), no_sanitize("thread"))) bool load(std::uintptr_t address,
                                                                           std::uintptr_t& into) {
    if (address < page || !base::is_aligned(address, sizeof(std::uintptr_t))) return false;
    std::uintptr_t wanted = base::align_down(address, page);
    if (wanted != page_ && !is_readable(address)) return false;
    page_ = wanted;
    into = *base::pointer_to<const volatile std::uintptr_t>(address);
    return true;
  }

 private:
  static constexpr std::size_t page = 4096;  // no system has smaller ones; the lowest is nobody's

  std::uintptr_t& page_;
};

// ---- Rules

enum class rule_kind : std::uint8_t { unchanged, lost, at_offset, is_offset, in_register, at, is };

// at_offset and is_offset: relative to the CFA. at and is: what an expression says, whose length and
// bytes value points to.
struct rule {
  rule_kind kind = rule_kind::unchanged;
  std::int64_t value = 0;
};

struct row {
  std::uint64_t cfa_register = register_count;
  std::int64_t cfa_offset = 0;
  const std::uint8_t* cfa_expression = nullptr;
  rule rules[register_count];

  void set(std::uint64_t number, rule_kind kind, std::int64_t value) {
    if (number < register_count) rules[number] = {kind, value};
  }
};

// Runs instructions until the row for pc is complete.
class interpreter {
 public:
  interpreter(const description& from, std::uintptr_t pc)
      : from_(from), wanted_(pc), at_(from.start) {}

  bool run() {
    if (!run(from_.common)) return false;
    initial_ = now;
    return run(from_.own);
  }

  row now;

 private:
  static constexpr std::size_t most_remembered = 2;

  bool run(reader code) {
    while (!code.done() && at_ <= wanted_) {
      std::uint8_t op = code.byte();
      bool fine = op < 0x40 ? run_long(op, code) : run_short(op, code);
      if (!fine || !code.good()) return false;
    }
    return true;
  }

  // The operand is in the operation.
  bool run_short(std::uint8_t op, reader& code) {
    std::uint8_t low = op & 0x3f;
    if (op < 0x80)
      advance(low);
    else if (op < 0xc0)
      at_offset(low, static_cast<std::int64_t>(code.unsigned_leb()));
    else
      restore(low);
    return true;
  }

  bool run_long(std::uint8_t op, reader& code) {
    switch (op) {
      case 0x00:  // nop
        return true;
      case 0x01:  // set_loc: not made by any compiler
        return false;
      case 0x02:
        return advance(code.byte());
      case 0x03:
        return advance(code.fixed<std::uint16_t>());
      case 0x04:
        return advance(code.fixed<std::uint32_t>());
      case 0x0a:
        return remember();
      case 0x0b:
        return recall();
      case 0x0c:  // def_cfa
        now.cfa_register = code.unsigned_leb();
        return define(static_cast<std::int64_t>(code.unsigned_leb()));
      case 0x0d:  // def_cfa_register
        now.cfa_register = code.unsigned_leb();
        return define(now.cfa_offset);
      case 0x0e:  // def_cfa_offset
        return define(static_cast<std::int64_t>(code.unsigned_leb()));
      case 0x0f:  // def_cfa_expression
        now.cfa_expression = code.at();
        code.skip(code.unsigned_leb());
        return true;
      case 0x12: {  // def_cfa_sf
        now.cfa_register = code.unsigned_leb();
        return define(code.signed_leb() * from_.data_unit);
      }
      case 0x13:  // def_cfa_offset_sf
        return define(code.signed_leb() * from_.data_unit);
      case 0x2d:  // a return address is signed, or no longer: plain_return sees to it
        return true;
      case 0x2e:  // GNU_args_size
        code.unsigned_leb();
        return true;
      default:
        return run_rule(op, code);
    }
  }

  // What becomes of one register.
  bool run_rule(std::uint8_t op, reader& code) {
    std::uint64_t number = code.unsigned_leb();
    switch (op) {
      case 0x05:  // offset_extended
        return at_offset(number, static_cast<std::int64_t>(code.unsigned_leb()));
      case 0x06:  // restore_extended
        return restore(number);
      case 0x07:  // undefined
        now.set(number, rule_kind::lost, 0);
        return true;
      case 0x08:  // same_value
        now.set(number, rule_kind::unchanged, 0);
        return true;
      case 0x09:  // register
        now.set(number, rule_kind::in_register, static_cast<std::int64_t>(code.unsigned_leb()));
        return true;
      case 0x11:  // offset_extended_sf
        return at_offset(number, code.signed_leb());
      case 0x14:  // val_offset
        now.set(number, rule_kind::is_offset,
                static_cast<std::int64_t>(code.unsigned_leb()) * from_.data_unit);
        return true;
      case 0x15:  // val_offset_sf
        now.set(number, rule_kind::is_offset, code.signed_leb() * from_.data_unit);
        return true;
      case 0x10:  // expression
      case 0x16:  // val_expression
        now.set(number, op == 0x10 ? rule_kind::at : rule_kind::is,
                static_cast<std::int64_t>(base::address_of(code.at())));
        code.skip(code.unsigned_leb());
        return true;
      default:
        return false;
    }
  }

  bool advance(std::uint64_t units) {
    at_ += units * from_.code_unit;
    return true;
  }
  bool define(std::int64_t offset) {
    now.cfa_offset = offset;
    now.cfa_expression = nullptr;
    return true;
  }
  bool at_offset(std::uint64_t number, std::int64_t units) {
    now.set(number, rule_kind::at_offset, units * from_.data_unit);
    return true;
  }
  bool restore(std::uint64_t number) {
    if (number < register_count) now.rules[number] = initial_.rules[number];
    return true;
  }
  bool remember() {
    if (remembered_ == most_remembered) return false;
    kept_[remembered_++] = now;
    return true;
  }
  bool recall() {
    if (remembered_ == 0) return false;
    now = kept_[--remembered_];
    return true;
  }

  const description& from_;
  std::uintptr_t wanted_;
  std::uintptr_t at_;
  row initial_;
  row kept_[most_remembered];
  std::size_t remembered_ = 0;
};

// ---- Expressions: a machine with a stack. Compilers use them for frames that are aligned anew, for
// entries of the procedure linkage table and for the frame of a signal handler.

class calculator {
 public:
  calculator(const register_file& registers, stack_reader& memory)
      : registers_(registers), memory_(memory) {}

  // expression: its length, then its bytes.
  bool run(const std::uint8_t* expression, std::uintptr_t& result) {
    reader head(expression, expression + 10);
    std::uint64_t length = head.unsigned_leb();
    reader code(head.at(), head.at() + length);
    while (!code.done()) {
      if (!run_one(code.byte(), code) || !code.good()) return false;
    }
    return pop(result);
  }
  void push(std::uintptr_t value) {
    if (depth_ < most) stack_[depth_++] = value;
  }

 private:
  static constexpr std::size_t most = 8;

  bool run_one(std::uint8_t op, reader& code) {
    if (op >= 0x30 && op < 0x50) return push_value(op - 0x30U);  // lit0 ...
    if (op >= 0x70 && op < 0x90) {                               // breg0 ...
      std::size_t number = op - 0x70U;
      auto offset = static_cast<std::uintptr_t>(code.signed_leb());
      return registers_.knows(number) && push_value(registers_.values[number] + offset);
    }
    std::uintptr_t top = 0;
    switch (op) {
      case 0x06:  // deref
        return pop(top) && memory_.load(top, top) && push_value(top);
      case 0x08:  // const1u
        return push_value(code.byte());
      case 0x09:  // const1s
        return push_value(static_cast<std::uintptr_t>(code.fixed<std::int8_t>()));
      case 0x23:  // plus_uconst
        return pop(top) && push_value(top + code.unsigned_leb());
      default:
        return run_pair(op);
    }
  }
  bool run_pair(std::uint8_t op) {
    std::uintptr_t second = 0;
    std::uintptr_t first = 0;
    if (!pop(second) || !pop(first)) return false;
    switch (op) {
      case 0x1a:
        return push_value(first & second);
      case 0x1c:
        return push_value(first - second);
      case 0x22:
        return push_value(first + second);
      case 0x24:
        return second < 64 && push_value(first << second);
      case 0x2a:
        return push_value(static_cast<std::intptr_t>(first) >= static_cast<std::intptr_t>(second));
      default:
        return false;
    }
  }

  bool push_value(std::uintptr_t value) {
    push(value);
    return true;
  }
  bool pop(std::uintptr_t& value) {
    if (depth_ == 0) return false;
    value = stack_[--depth_];
    return true;
  }

  const register_file& registers_;
  stack_reader& memory_;
  std::uintptr_t stack_[most];
  std::size_t depth_ = 0;
};

// ---- The step

bool find_cfa(const row& rules, const register_file& now, stack_reader& memory,
              std::uintptr_t& cfa) {
  if (rules.cfa_expression != nullptr) {
    return calculator(now, memory).run(rules.cfa_expression, cfa);
  }
  if (!now.knows(rules.cfa_register)) return false;
  cfa = now.values[rules.cfa_register] + static_cast<std::uintptr_t>(rules.cfa_offset);
  return true;
}

// The register's value in the caller; false: unknown.
bool follow(const rule& how, std::size_t number, std::uintptr_t cfa, const register_file& now,
            stack_reader& memory, std::uintptr_t& value) {
  auto operand = static_cast<std::uintptr_t>(how.value);
  switch (how.kind) {
    case rule_kind::unchanged:
      value = now.values[number];
      return now.knows(number);
    case rule_kind::lost:
      return false;
    case rule_kind::at_offset:
      return memory.load(cfa + operand, value);
    case rule_kind::is_offset:
      value = cfa + operand;
      return true;
    case rule_kind::in_register:
      if (!now.knows(operand)) return false;
      value = now.values[operand];
      return true;
    case rule_kind::at:
    case rule_kind::is: {
      calculator machine(now, memory);
      machine.push(cfa);
      if (!machine.run(base::pointer_to<const std::uint8_t>(operand), value)) return false;
      return how.kind == rule_kind::is || memory.load(value, value);
    }
  }
  return false;
}

bool at_short_offset(const rule& how, std::int32_t& offset) {
  constexpr std::int64_t most = 1 << 18;
  offset = static_cast<std::int32_t>(how.value);
  return how.kind == rule_kind::at_offset && how.value > -most && how.value < most &&
         how.value % 8 == 0;
}

short_rules shortened(const row& now) {
  constexpr std::int64_t most = 1 << 23;
  short_rules made;
  if (now.rules[return_register].kind == rule_kind::lost) {
    made.from = short_rules::form::end;
    return made;
  }
  bool by_stack = now.cfa_register == stack_register;
  bool known = now.cfa_expression == nullptr && (by_stack || now.cfa_register == frame_register) &&
               now.cfa_offset >= 0 && now.cfa_offset < most;
  const rule& frame_rule = now.rules[frame_register];
  bool kept = frame_rule.kind == rule_kind::unchanged;
  if (known && at_short_offset(now.rules[return_register], made.return_offset) &&
      (kept || at_short_offset(frame_rule, made.frame_offset)) &&
      now.rules[stack_register].kind == rule_kind::unchanged) {
    made.from = by_stack ? short_rules::form::by_stack : short_rules::form::by_frame;
    made.cfa_offset = static_cast<std::int32_t>(now.cfa_offset);
  }
  return made;
}

}  // namespace

// The kernel copies the mask, then finds that there is no such change. (Abseil's way.)
bool is_readable(std::uintptr_t address) {
  constexpr long no_such_change = ~0L;
  constexpr long bad_address = -14;  // EFAULT
  long result = raw_syscall(SYS_rt_sigprocmask, no_such_change, static_cast<long>(address), 0,
                            sizeof(std::uint64_t));
  return result != bad_address;
}

short_rules shorten(std::uintptr_t pc) {
  description found;
  if (!describe(pc, found)) return {.from = short_rules::form::end};
  interpreter rules(found, pc);
  if (found.signal_frame || !rules.run()) return {};
  return shortened(rules.now);
}

bool step(frame& at) {
  std::uintptr_t pc = at.interrupted ? at.pc : at.pc - 1;
  description found;
  if (!describe(pc, found)) return false;
  interpreter rules(found, pc);
  if (!rules.run()) return false;

  stack_reader memory(at.readable);
  std::uintptr_t cfa = 0;
  if (!find_cfa(rules.now, at.registers, memory, cfa)) return false;
  register_file above;
  for (std::size_t number = 0; number < register_count; ++number) {
    std::uintptr_t value = 0;
    if (follow(rules.now.rules[number], number, cfa, at.registers, memory, value)) {
      above.set(number, value);
    }
  }
  if (rules.now.rules[stack_register].kind == rule_kind::unchanged) {
    above.set(stack_register, cfa);
  }
  if (!above.knows(return_register)) return false;
  // A stack that does not go up goes round in a circle; only handlers have stacks of their own.
  if (!found.signal_frame && cfa <= at.registers.values[stack_register]) return false;
  at.registers = above;
  at.pc = plain_return(above.values[return_register]);
  at.interrupted = found.signal_frame;
  return at.pc != 0;
}

}  // namespace strata::os
