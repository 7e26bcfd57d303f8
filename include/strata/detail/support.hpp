// What the public headers share and users need not know.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(STRATA_BUILDING_RESOURCES)
#define STRATA_RESOURCES_API __attribute__((visibility("default")))
#else
#define STRATA_RESOURCES_API
#endif

#if defined(__SANITIZE_ADDRESS__)
#define STRATA_UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STRATA_UNDER_ASAN 1
#endif
#endif
#if !defined(STRATA_UNDER_ASAN)
#define STRATA_UNDER_ASAN 0
#endif
#if STRATA_UNDER_ASAN
extern "C" void __asan_poison_memory_region(const volatile void* start, std::size_t bytes);
extern "C" void __asan_unpoison_memory_region(const volatile void* start, std::size_t bytes);
#endif

namespace strata::detail {

// What a program did to a resource. The texts are the library's own: docs/hardening.md.
enum class misuse : std::uint8_t {
  double_free,
  foreign_free,   // not a block of this resource
  interior_free,  // inside a block
  wrong_size,     // freed with a size or alignment that it was not allocated with
  overflow,       // something was written behind a block
  underflow,      // or before it
  corrupt,        // the resource's own tables disagree
  still_in_use,   // destroyed while blocks are live
  precondition,   // a call that its documentation forbids
};
// One line on stderr, then abort. Allocates nothing.
[[noreturn]] STRATA_RESOURCES_API void stop(misuse kind, const char* resource, const void* address,
                                            std::size_t bytes = 0);
inline void check(bool holds, const char* resource, const void* address) {
  if (!holds) [[unlikely]]
    stop(misuse::corrupt, resource, address);
}

inline std::uintptr_t address_of(const volatile void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}
template <class T = void>
T* pointer_to(std::uintptr_t address) {
  return reinterpret_cast<T*>(address);  // NOLINT(performance-no-int-to-ptr)
}
// alignment: a power of two. May wrap around at the end of the address space.
constexpr std::uintptr_t align_up(std::uintptr_t value, std::size_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}
constexpr std::uintptr_t align_down(std::uintptr_t value, std::size_t alignment) {
  return value & ~(alignment - 1);
}

// Memory that nobody may touch, as AddressSanitizer is told where it watches.
inline void poison([[maybe_unused]] const void* start, [[maybe_unused]] std::size_t bytes) {
#if STRATA_UNDER_ASAN
  __asan_poison_memory_region(start, bytes);
#endif
}
inline void unpoison([[maybe_unused]] const void* start, [[maybe_unused]] std::size_t bytes) {
#if STRATA_UNDER_ASAN
  __asan_unpoison_memory_region(start, bytes);
#endif
}

// A member that is constructed before the bases that follow it.
template <class T>
struct member {
  template <class... Arguments>
  explicit member(Arguments&&... arguments) : value(std::forward<Arguments>(arguments)...) {}
  T value;
};

// Does something at the end of the scope, unless told to forget it.
template <class Action>
class undo {
 public:
  explicit undo(Action action) : action_(std::move(action)) {}
  undo(const undo&) = delete;
  undo& operator=(const undo&) = delete;
  ~undo() {
    if (armed_) action_();
  }
  void forget() { armed_ = false; }

 private:
  Action action_;
  bool armed_ = true;
};

}  // namespace strata::detail
