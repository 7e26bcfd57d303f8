#include "os/stack_trace.hpp"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <ucontext.h>

#include "os/frame_description.hpp"
#include "os/process.hpp"
#include "os/unwind.hpp"

namespace strata::os {
namespace {

// The main program has no name. In it this library's code can't be told from the program's.
bool is_program(const ::dl_find_object& object) {
  return object.dlfo_link_map == nullptr || object.dlfo_link_map->l_name[0] == '\0';
}

// The addresses of this library; empty when it is a part of the program.
struct own_code {
  explicit own_code(std::uintptr_t inside) {
    ::dl_find_object object;
    if (!find_object(inside, object) || is_program(object)) return;
    start = base::address_of(object.dlfo_map_start);
    bytes = base::address_of(object.dlfo_map_end) - start;
  }
  [[nodiscard]] bool contains(std::uintptr_t address) const { return address - start < bytes; }

  std::uintptr_t start = 0;
  std::uintptr_t bytes = 0;
};

void follow(stack_trace& into, frame& at) {
  into.thread = thread_id();
  into.depth = 0;
  own_code own(base::address_of(reinterpret_cast<const void*>(&follow)));
  do {
    if (into.depth == 0 && own.contains(at.pc)) continue;
    into.calls[into.depth++] = at.pc;
  } while (into.depth < stack_trace::most && step(at));
}

void registers_of(const ucontext_t& context, frame& at) {
#if defined(__x86_64__)
  constexpr int places[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
                            REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  for (std::size_t number = 0; number < return_register; ++number) {
    at.registers.set(number,
                     static_cast<std::uintptr_t>(context.uc_mcontext.gregs[places[number]]));
  }
  at.pc = static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  for (std::size_t number = 0; number < stack_register; ++number) {
    at.registers.set(number, context.uc_mcontext.regs[number]);
  }
  at.registers.set(stack_register, context.uc_mcontext.sp);
  at.pc = context.uc_mcontext.pc;
#endif
}

}  // namespace

STRATA_NOINLINE void take_stack(stack_trace& into) {
  frame at;
  at.pc = read_registers(at.registers);
  at.interrupted = true;
  follow(into, at);
}

void take_interrupted_stack(stack_trace& into, const void* context) {
  frame at;
  registers_of(*static_cast<const ucontext_t*>(context), at);
  at.interrupted = true;
  follow(into, at);
}

void put_stack(base::text& into, const stack_trace& stack) {
  static char
      program[PATH_MAX];  // a handler's stack may be short, and only one message is the last
  executable_path(program, sizeof program);
  for (std::uint32_t i = 0; i < stack.depth; ++i) {
    std::uintptr_t call = stack.calls[i];
    ::dl_find_object object;
    into << "    ";
    if (!find_object(call, object) || object.dlfo_link_map == nullptr) {
      into.hex(call) << "\n";
      continue;
    }
    into << (is_program(object) ? program : object.dlfo_link_map->l_name) << "+";
    into.hex(call - object.dlfo_link_map->l_addr) << "\n";
  }
}

}  // namespace strata::os
