#include "os/memory.hpp"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/mman.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "base/bits.hpp"
#include "os/process.hpp"
#include "os/syscall.hpp"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace strata::os {
namespace {

std::size_t chosen_page_bytes = 0;

// What one thread unmaps another may get mapped. The kernel orders the two; ThreadSanitizer must be
// told.
#if STRATA_THREAD_SANITIZER
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
char kernel_order;
void before_unmapping() { __tsan_release(&kernel_order); }
void after_mapping() { __tsan_acquire(&kernel_order); }
#else
void before_unmapping() {}
void after_mapping() {}
#endif

void* map_pages(std::size_t bytes, int protection) {
  long result = faultable_syscall(SYS_mmap, 0, static_cast<long>(bytes), protection,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  after_mapping();
  return failed(result) ? nullptr : base::pointer_to(static_cast<std::uintptr_t>(result));
}

// Maps more than is needed and gives the ends back, when the kernel's choice is not aligned.
void* map_aligned(std::size_t bytes, std::size_t alignment, int protection) {
  void* first = map_pages(bytes, protection);
  if (first == nullptr || base::is_aligned(base::address_of(first), alignment)) return first;
  raw_syscall(SYS_munmap, as_long(first), static_cast<long>(bytes));
  std::size_t padded = bytes + alignment;
  if (padded < bytes) return nullptr;
  void* wide = map_pages(padded, protection);
  if (wide == nullptr) return nullptr;
  std::uintptr_t start = base::address_of(wide);
  std::uintptr_t aligned = base::align_up(start, alignment);
  if (aligned > start) raw_syscall(SYS_munmap, as_long(wide), static_cast<long>(aligned - start));
  std::uintptr_t end = aligned + bytes;
  std::uintptr_t wide_end = start + padded;
  if (wide_end > end) {
    raw_syscall(SYS_munmap, static_cast<long>(end), static_cast<long>(wide_end - end));
  }
  return base::pointer_to(aligned);
}

std::size_t number_after(const char* text, const char* label) {
  for (const char* at = text; *at != '\0'; ++at) {
    const char* word = label;
    const char* here = at;
    while (*word != '\0' && *here == *word) ++here, ++word;
    if (*word != '\0') continue;
    while (*here == ' ' || *here == '\t') ++here;
    std::size_t value = 0;
    for (; *here >= '0' && *here <= '9'; ++here) value = value * 10 + std::size_t(*here - '0');
    return value;
  }
  return 0;
}

}  // namespace

std::size_t page_bytes() {
  if (chosen_page_bytes == 0) chosen_page_bytes = getauxval(AT_PAGESZ);
  return chosen_page_bytes;
}

void set_page_bytes(std::size_t bytes) {
  if (bytes > page_bytes() && base::is_power_of_two(bytes)) chosen_page_bytes = bytes;
}

unsigned address_bits() {
  // The stack lies near the top of user space.
  std::uintptr_t here = base::address_of(__builtin_frame_address(0));
  unsigned bits = static_cast<unsigned>(std::bit_width(here));
  return bits <= 39 ? 39 : bits <= 42 ? 42 : bits <= 47 ? 47 : 48;
}

std::size_t physical_bytes() {
  struct sysinfo info = {};
  if (failed(raw_syscall(SYS_sysinfo, as_long(&info)))) return base::GiB;
  return std::size_t{info.totalram} * info.mem_unit;
}

void* reserve(std::size_t bytes, std::size_t alignment, reserved_as access) {
  return map_aligned(bytes, alignment, access == reserved_as::readable ? PROT_READ : PROT_NONE);
}

void* map(std::size_t bytes, std::size_t alignment) {
  return map_aligned(bytes, alignment, PROT_READ | PROT_WRITE);
}

bool commit(void* range, std::size_t bytes) {
  return !failed(faultable_syscall(SYS_mprotect, as_long(range), static_cast<long>(bytes),
                                   PROT_READ | PROT_WRITE));
}

bool guard(void* range, std::size_t bytes) {
  return !failed(
      faultable_syscall(SYS_mprotect, as_long(range), static_cast<long>(bytes), PROT_NONE));
}

bool purge(void* range, std::size_t bytes) {
  return !failed(
      faultable_syscall(SYS_madvise, as_long(range), static_cast<long>(bytes), MADV_DONTNEED));
}

bool release(void* range, std::size_t bytes) {
  before_unmapping();
  return !failed(faultable_syscall(SYS_munmap, as_long(range), static_cast<long>(bytes)));
}

void* remap(void* range, std::size_t old_bytes, std::size_t new_bytes) {
  before_unmapping();
  long result = faultable_syscall(SYS_mremap, as_long(range), static_cast<long>(old_bytes),
                                  static_cast<long>(new_bytes), MREMAP_MAYMOVE);
  after_mapping();
  return failed(result) ? nullptr : base::pointer_to(static_cast<std::uintptr_t>(result));
}

bool lift_pages(void* from, void* to, std::size_t bytes) {
  return !failed(faultable_syscall(SYS_mremap, as_long(from), static_cast<long>(bytes),
                                   static_cast<long>(bytes),
                                   MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, as_long(to)));
}

bool order_all_threads() {
  long result = raw_syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  if (!failed(result)) return true;
  // A process says first that it is going to use this; a forked child must say it again.
  return !failed(raw_syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) &&
         !failed(raw_syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED));
}

void never_huge(void* range, std::size_t bytes) {
  raw_syscall(SYS_madvise, as_long(range), static_cast<long>(bytes), MADV_NOHUGEPAGE);
}

void prefer_huge(void* range, std::size_t bytes) {
  raw_syscall(SYS_madvise, as_long(range), static_cast<long>(bytes), MADV_HUGEPAGE);
}

bool populate(void* range, std::size_t bytes) {
  return !failed(
      raw_syscall(SYS_madvise, as_long(range), static_cast<long>(bytes), MADV_POPULATE_WRITE));
}

void leave_out_of_core_dumps(void* range, std::size_t bytes) {
  raw_syscall(SYS_madvise, as_long(range), static_cast<long>(bytes), MADV_DONTDUMP);
}
void take_into_core_dumps(void* range, std::size_t bytes) {
  raw_syscall(SYS_madvise, as_long(range), static_cast<long>(bytes), MADV_DODUMP);
}

std::size_t resident_bytes() {
  char text[128];
  if (read_file("/proc/self/statm", text, sizeof text) == 0) return 0;
  const char* second = text;
  while (*second != '\0' && *second != ' ') ++second;
  return number_after(second, " ") * getauxval(AT_PAGESZ);
}

std::size_t peak_resident_bytes() {
  char text[2048];
  if (read_file("/proc/self/status", text, sizeof text) == 0) return 0;
  return number_after(text, "VmHWM:") * base::KiB;
}

}  // namespace strata::os
