// Every operator new and delete. Exhaustion calls the new-handler until it gives up; then
// std::bad_alloc, or null in the nothrow forms. Sized deletes are checked.
//
// This file alone is compiled with exceptions; they end in new_nothrow_after_failure. What it needs of the C++ library is weak: a C program
// has none, and never gets here.
#include <cstddef>
#include <new>

#include "alloc/allocate.hpp"
#include "alloc/live.hpp"
#include "base/check.hpp"
#include "entry/recorded.hpp"
#include "entry/routed.hpp"
#include "os/process.hpp"

__asm__(".weak __gxx_personality_v0");
__asm__(".weak __cxa_begin_catch");
__asm__(".weak __cxa_end_catch");
__asm__(".weak _ZSt9terminatev");

// libstdc++'s own, by their mangled names.
extern "C" std::new_handler _ZSt15get_new_handlerv() __attribute__((weak));
extern "C" void _ZSt17__throw_bad_allocv() __attribute__((weak));

namespace strata::entry {

// In dlopen.cpp; a static program, which loads nothing, has none.
__attribute__((weak)) void* find_in_cpp_library(const char* name);

namespace {

// When a C program has loaded a C++ library after us, weak symbols stayed empty.
template <typename Function>
Function* late(Function* early, const char* name) {
  if (early != nullptr || find_in_cpp_library == nullptr) return early;
  return reinterpret_cast<Function*>(find_in_cpp_library(name));
}

[[noreturn]] void throw_bad_alloc() {
  if (auto* thrower = late(&_ZSt17__throw_bad_allocv, "_ZSt17__throw_bad_allocv")) thrower();
  constexpr char message[] = "strata: out of memory in operator new, and no C++ library to throw\n";
  os::write_error(message, sizeof message - 1);
  os::abort_process();
}

// One failed attempt: calls the handler; false when there is none.
bool handler_ran() {
  alloc::live::count_failure();
  auto* get_handler = late(&_ZSt15get_new_handlerv, "_ZSt15get_new_handlerv");
  std::new_handler handler = get_handler == nullptr ? nullptr : get_handler();
  if (handler == nullptr) return false;
  handler();
  return true;
}

STRATA_NOINLINE void* new_after_failure(std::size_t size, std::size_t alignment) {
  while (handler_ran()) {
    if (void* block = alloc::allocate_aligned(alignment, size)) return block;
  }
  throw_bad_alloc();
}

STRATA_NOINLINE void* new_nothrow_after_failure(std::size_t size, std::size_t alignment) {
  try {
    while (handler_ran()) {
      if (void* block = alloc::allocate_aligned(alignment, size)) return block;
    }
  } catch (...) {
  }
  return nullptr;
}

STRATA_NOINLINE void* new_slow(std::size_t size) {
  void* block = alloc::allocate_slow(size);
  return STRATA_LIKELY(block != nullptr) ? block : new_after_failure(size, 1);
}
STRATA_NOINLINE void* new_told(std::size_t size) {
  return recorded::told(alloc::allocate<new_slow>(size), size);
}
STRATA_INLINE void* new_block(std::size_t size) {
  if (void* block = routed::allocate(size)) return block;
  if (recorded::is_due(size)) return new_told(size);
  return alloc::allocate<new_slow>(size);
}
STRATA_INLINE void* new_aligned(std::size_t size, std::align_val_t alignment) {
  if (void* block = routed::allocate(size, static_cast<std::size_t>(alignment))) return block;
  void* block = alloc::allocate_aligned(static_cast<std::size_t>(alignment), size);
  if (STRATA_UNLIKELY(block == nullptr)) {
    block = new_after_failure(size, static_cast<std::size_t>(alignment));
  }
  return recorded::made(block, size);
}
STRATA_INLINE void* new_nothrow(std::size_t size) {
  if (void* block = routed::allocate(size)) return block;
  void* block = alloc::allocate(size);
  if (STRATA_UNLIKELY(block == nullptr)) block = new_nothrow_after_failure(size, 1);
  return recorded::made(block, size);
}
STRATA_INLINE void* new_aligned_nothrow(std::size_t size, std::align_val_t alignment) {
  auto bytes = static_cast<std::size_t>(alignment);
  if (void* block = routed::allocate(size, bytes)) return block;
  void* block = alloc::allocate_aligned(bytes, size);
  if (STRATA_UNLIKELY(block == nullptr)) block = new_nothrow_after_failure(size, bytes);
  return recorded::made(block, size);
}
STRATA_NOINLINE void delete_told(void* block) {
  recorded::gone(block);
  alloc::deallocate(block);
}
STRATA_INLINE void delete_block(void* block) {
  if (routed::deallocate(block)) return;
  if (recorded::is_noted(block)) return delete_told(block);
  alloc::deallocate(block);
}
STRATA_NOINLINE void delete_sized_told(void* block, std::size_t size, std::size_t alignment) {
  recorded::gone(block);
  alloc::deallocate_sized(block, size, alignment);
}
STRATA_INLINE void delete_sized(void* block, std::size_t size, std::size_t alignment) {
  if (routed::deallocate_sized(block, size, alignment)) return;
  if (recorded::is_noted(block)) return delete_sized_told(block, size, alignment);
  alloc::deallocate_sized(block, size, alignment);
}

}  // namespace
}  // namespace strata::entry

#define STRATA_EXPORT __attribute__((visibility("default")))

using namespace strata;

STRATA_EXPORT void* operator new(std::size_t size) { return entry::new_block(size); }
STRATA_EXPORT void* operator new[](std::size_t size) { return entry::new_block(size); }
STRATA_EXPORT void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return entry::new_nothrow(size);
}
STRATA_EXPORT void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return entry::new_nothrow(size);
}
STRATA_EXPORT void* operator new(std::size_t size, std::align_val_t alignment) {
  return entry::new_aligned(size, alignment);
}
STRATA_EXPORT void* operator new[](std::size_t size, std::align_val_t alignment) {
  return entry::new_aligned(size, alignment);
}
STRATA_EXPORT void* operator new(std::size_t size, std::align_val_t alignment,
                                 const std::nothrow_t&) noexcept {
  return entry::new_aligned_nothrow(size, alignment);
}
STRATA_EXPORT void* operator new[](std::size_t size, std::align_val_t alignment,
                                   const std::nothrow_t&) noexcept {
  return entry::new_aligned_nothrow(size, alignment);
}

STRATA_EXPORT void operator delete(void* block) noexcept { entry::delete_block(block); }
STRATA_EXPORT void operator delete[](void* block) noexcept { entry::delete_block(block); }
STRATA_EXPORT void operator delete(void* block, const std::nothrow_t&) noexcept {
  entry::delete_block(block);
}
STRATA_EXPORT void operator delete[](void* block, const std::nothrow_t&) noexcept {
  entry::delete_block(block);
}
STRATA_EXPORT void operator delete(void* block, std::size_t size) noexcept {
  entry::delete_sized(block, size, 1);
}
STRATA_EXPORT void operator delete[](void* block, std::size_t size) noexcept {
  entry::delete_sized(block, size, 1);
}
STRATA_EXPORT void operator delete(void* block, std::align_val_t) noexcept {
  entry::delete_block(block);
}
STRATA_EXPORT void operator delete[](void* block, std::align_val_t) noexcept {
  entry::delete_block(block);
}
STRATA_EXPORT void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  entry::delete_block(block);
}
STRATA_EXPORT void operator delete[](void* block, std::align_val_t,
                                     const std::nothrow_t&) noexcept {
  entry::delete_block(block);
}
STRATA_EXPORT void operator delete(void* block, std::size_t size,
                                   std::align_val_t alignment) noexcept {
  entry::delete_sized(block, size, static_cast<std::size_t>(alignment));
}
STRATA_EXPORT void operator delete[](void* block, std::size_t size,
                                     std::align_val_t alignment) noexcept {
  entry::delete_sized(block, size, static_cast<std::size_t>(alignment));
}
