/* Asking for leaks from inside a program that `strata leaks` runs: see docs/leaks.md.
 *
 * A block is lost when no pointer to it, or into it, can be found from the program's globals, its threads'
 * stacks and registers and thread-local variables on, directly or through other blocks.
 */
#ifndef STRATA_LEAKS_H
#define STRATA_LEAKS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many blocks are lost now, without those that are suppressed. `strata leaks` stops the process
 * for as long as it looks, which grows with the memory that the process uses, and reports what it finds as it
 * does at the end. -1: the process does not run under `strata leaks`, or that could not look. Allocates nothing.
 * Any thread may call it; of several that ask at once, one waits for the other. The search is LeakSanitizer's.
 *
 * The function is libstrata's. A program that is not linked with it declares the function weak, and
 * finds it where `strata leaks` preloads it:
 *
 *   extern int64_t strata_leak_check(void) __attribute__((weak));
 *   if (strata_leak_check != NULL && strata_leak_check() > 0) ...
 */
__attribute__((visibility("default"))) int64_t strata_leak_check(void);

#ifdef __cplusplus
}
#endif
#endif
