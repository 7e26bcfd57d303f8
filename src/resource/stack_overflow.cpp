// What happens when a fiber comes to the end of its stack: its hook, or the report.
#include "base/text.hpp"
#include "os/process.hpp"
#include "os/stack_fault.hpp"
#include "resource/stack_slab.hpp"

namespace strata::detail {
namespace {

// Frames longer than this reach past any guard, and are somebody else's fault.
constexpr std::size_t longest_frame_bytes = std::size_t{1} << 20;
// Below the stack pointer a function may write so far: the red zone, and a push.
constexpr std::size_t red_zone_bytes = 256;

// Whether the access is that of a fiber to its own next frame, and not a stray one to its guard.
bool is_of_the_stack(const os::stack_fault& fault, const stack_header& header) {
  return fault.stack_pointer <= address_of(&header) &&
         fault.address + red_zone_bytes >= fault.stack_pointer &&
         fault.address - fault.stack_pointer + red_zone_bytes < longest_frame_bytes;
}

}  // namespace

struct stack_overflow_judge {
  static bool judge(const os::stack_fault& fault) {
    guarded_stack found = find_guard(fault.address);
    if (found.header == nullptr || found.header->state != stack_state::live) return false;
    stack_header& header = *found.header;
    if (!is_of_the_stack(fault, header)) return false;
    fiber_stack stack = header.pool->stack_at(header);
    header.uses = header.asks_every;  // its release is to look how deep it was: all the way
    const void* address = pointer_to(fault.address);
    stack_overflow overflow{header.name, found.number, stack, address};
    if (call_hook(header, overflow, fault) && overflow.restart_ != nullptr) {
      os::go_on_in(fault, stack.top, overflow.restart_, overflow.restart_argument_);
      return true;
    }
    report_overflow(header.name, found.number, stack.bytes, address);
  }

  static bool call_hook(const stack_header& header, stack_overflow& overflow,
                        const os::stack_fault& fault) {
    const stack_pool_options& of_pool = header.pool->chosen_;
    bool own = header.on_overflow != nullptr;
    overflow_hook hook = own ? header.on_overflow : of_pool.on_overflow;
    if (hook == nullptr) return false;
    // What was on the stack need not come back; AddressSanitizer would take its marks for the next
    // one's.
    unpoison(overflow.stack.bottom(), overflow.stack.bytes);
    os::may_leave(fault);
    hook(overflow, own ? header.overflow_argument : of_pool.overflow_argument);
    return true;
  }
};

void watch_overflows() { os::watch_stacks(stack_overflow_judge::judge); }

void report_overflow(const char* name, std::uint64_t number, std::size_t limit_bytes,
                     const void* address) {
  char shown[128];
  char buffer[256];
  base::text message(buffer, sizeof buffer);
  message << "strata: stack overflow: fiber ";
  if (name != nullptr)
    base::text(shown, sizeof shown) << name, message << "'" << shown << "'";
  else
    message << number;
  message << ", limit " << std::uint64_t{limit_bytes} << " bytes, address ";
  message.hex(address_of(address));
  message << ", process " << os::process_id() << "\n";
  os::write_error(message.data(), message.stored());
  os::abort_process();
}

}  // namespace strata::detail
