// What guarded blocks have to say when the process is stopped.
#include <atomic>

#include "alloc/guard_pool.hpp"
#include "base/text.hpp"
#include "os/process.hpp"

namespace strata::alloc::guard {
namespace {

// For the thread that comes first; others, and handlers of SIGABRT, make do with one line.
char details[24 * base::KiB];
constinit std::atomic<bool> taken{false};

void put_story(base::text& into, const char* what, const os::stack_trace& stack) {
  into << "  " << what << " by thread " << stack.thread << (stack.depth == 0 ? "\n" : ":\n");
  os::put_stack(into, stack);
}

[[noreturn]] void tell(misuse kind, const slot& one, std::uintptr_t address, const char* done,
                       const os::stack_trace& now) {
  if (taken.exchange(true, std::memory_order_relaxed))
    fatal(kind, base::pointer_to(address), one.size);
  base::text text(details, sizeof details);
  auto offset = static_cast<std::int64_t>(address - one.start);
  text << "  byte " << (offset < 0 ? "-" : "")
       << static_cast<std::uint64_t>(offset < 0 ? -offset : offset) << " of the block at ";
  text.hex(one.start) << "\n";
  put_story(text, done, now);
  put_story(text, "allocated", one.allocated);
  if (one.is(slot_state::freed)) put_story(text, "freed", one.freed);
  fatal(kind, base::pointer_to(address), one.size, details);
}

}  // namespace

void stop(misuse kind, const slot& to, std::uintptr_t address) {
  os::stack_trace now;
  os::take_stack(now);
  tell(kind, to, address, "found", now);
}

void judge_fault(std::uintptr_t address, const void* context) {
  if (address - the_pool.start >= the_pool.bytes) return;
  slot* found = the_pool.slot_at(address);
  if (found == nullptr) return;
  misuse kind = address < found->start                 ? misuse::access_before
                : address - found->start < found->size ? misuse::access_after_free
                                                       : misuse::access_behind;
  if (found->is(slot_state::freed)) kind = misuse::access_after_free;
  os::stack_trace now;
  os::take_interrupted_stack(now, context);
  tell(kind, *found, address, "accessed", now);
}

}  // namespace strata::alloc::guard
