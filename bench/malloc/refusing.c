/* An allocator that fails, for smoke_test: aligned memory is never to be had from it. */
#include <errno.h>
#include <stddef.h>

int posix_memalign(void** memory, size_t alignment, size_t size) {
  (void)memory;
  (void)alignment;
  (void)size;
  return ENOMEM;
}
