// Compile-time choices, each 0 or 1, read with `if constexpr` everywhere else.
#pragma once

#ifndef STRATA_DEBUG
#define STRATA_DEBUG 0
#endif
#ifndef STRATA_STRESS
#define STRATA_STRESS 0
#endif
#ifndef STRATA_FAULT_INJECTION
#define STRATA_FAULT_INJECTION 0
#endif
#ifndef STRATA_RECORDING
#define STRATA_RECORDING 0
#endif
#ifndef STRATA_ROUTING
#define STRATA_ROUTING 0
#endif
#ifndef STRATA_INSTRUMENTED
#define STRATA_INSTRUMENTED 0
#endif
#ifdef __SANITIZE_THREAD__
#define STRATA_THREAD_SANITIZER 1
#else
#define STRATA_THREAD_SANITIZER 0
#endif

namespace strata::config {

// Debug builds check what a caller inside Strata promised (STRATA_ASSERT).
inline constexpr bool debug = STRATA_DEBUG != 0;
// Stress builds also check whole structures at every change (STRATA_ASSERT_SLOW).
inline constexpr bool stress = STRATA_STRESS != 0;
// Test builds can make any system call of the ground fail (os/fault.hpp).
inline constexpr bool fault_injection = STRATA_FAULT_INJECTION != 0;
// The library that `strata record` preloads: it tells the recorder of each block.
inline constexpr bool recording = STRATA_RECORDING != 0;
// The library that `strata advise --try` preloads: it sends blocks of one site to a place of their own.
inline constexpr bool routing = STRATA_ROUTING != 0;
// Builds with a sanitizer, for tests of Strata itself.
inline constexpr bool instrumented = STRATA_INSTRUMENTED != 0;
// ThreadSanitizer watches: it takes most of the address space, and sees no system calls of ours.
inline constexpr bool thread_sanitizer = STRATA_THREAD_SANITIZER != 0;

}  // namespace strata::config
