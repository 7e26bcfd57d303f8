#include "os/watcher.hpp"

#include "base/bits.hpp"
#include "base/config.hpp"

// What the runtimes of the sanitizers with a malloc have.
extern "C" {
void __asan_init() __attribute__((weak));
void __hwasan_init() __attribute__((weak));
void __lsan_init() __attribute__((weak));
void __msan_init() __attribute__((weak));
void __tsan_init() __attribute__((weak));
}

namespace strata::os {
namespace {

enum request : std::uintptr_t {
  running_on_valgrind = 0x1001,
  resize_in_place = 0x130b,
  register_stack = 0x1501,
  deregister_stack = 0x1502,
  of_memcheck = std::uintptr_t{'M'} << 24 | std::uintptr_t{'C'} << 16,
  make_memory_defined = of_memcheck + 2,
  get_validity_bits = of_memcheck + 8,
};

// 0 without Valgrind.
std::uintptr_t ask(request what, std::uintptr_t a = 0, std::uintptr_t b = 0, std::uintptr_t c = 0,
                   std::uintptr_t d = 0) {
  volatile std::uintptr_t call[6] = {what, a, b, c, d, 0};
#if defined(__x86_64__)
  std::uintptr_t answer = 0;
  __asm__ volatile(
      "rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi\n\t"
      "xchgq %%rbx, %%rbx"
      : "+d"(answer)
      : "a"(call)
      : "cc", "memory");
  return answer;
#else
  register std::uintptr_t answer __asm__("x3") = 0;
  register volatile std::uintptr_t* given __asm__("x4") = call;
  __asm__ volatile(
      "ror x12, x12, #3; ror x12, x12, #13; ror x12, x12, #51; ror x12, x12, #61\n\t"
      "orr x10, x10, x10"
      : "+r"(answer)
      : "r"(given)
      : "cc", "memory");
  return answer;
#endif
}

bool sanitizer_is_here() {
  return __asan_init != nullptr || __hwasan_init != nullptr || __lsan_init != nullptr ||
         __msan_init != nullptr || __tsan_init != nullptr;
}

}  // namespace

watcher who_watches() {
  if constexpr (config::instrumented) return watcher::none;
  if (sanitizer_is_here()) return watcher::sanitizer;
  if (ask(running_on_valgrind) == 0) return watcher::none;
  char known = 0;
  return memcheck::is_defined(&known, sizeof known) ? watcher::memcheck : watcher::valgrind;
}

bool valgrind_watches() { return ask(running_on_valgrind) != 0; }

unsigned stack_began(const void* lowest, const void* end) {
  return static_cast<unsigned>(
      ask(register_stack, base::address_of(lowest), base::address_of(end)));
}

void stack_ended(unsigned number) { ask(deregister_stack, number); }

void memcheck::shrink(void* block, std::size_t from_bytes, std::size_t to_bytes) {
  ask(resize_in_place, base::address_of(block), from_bytes, to_bytes);
}

void memcheck::make_defined(void* memory, std::size_t bytes) {
  ask(make_memory_defined, base::address_of(memory), bytes);
}

bool memcheck::is_defined(const void* memory, std::size_t bytes) {
  unsigned char unset[8] = {};
  constexpr std::uintptr_t got_them = 1;
  if (ask(get_validity_bits, base::address_of(memory), base::address_of(unset), bytes) != got_them)
    return false;
  for (std::size_t i = 0; i < bytes; ++i) {
    if (unset[i] != 0) return false;
  }
  return true;
}

}  // namespace strata::os
