// The names by which a program maps memory for itself, in the recorder's library: they do what libc's do, and
// tell the recorder. The system is asked directly, so that none of them depends on what else is loaded, or ready,
// and all may be called by signal handlers; but the break, of which libc keeps account.
//
// A range is told of before it goes and after it has come, since another thread may get its addresses between.
//
// Not seen: what libc and the loader map for themselves (stacks of threads, libraries, locales), which does not
// go by these names, and shmat. Strata's own memory comes from os/memory.hpp, which asks the system as well.
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.hpp"
#include "observe/recorder.hpp"
#include "os/memory.hpp"
#include "os/syscall.hpp"
#include "wire/area.hpp"

#define STRATA_EXPORT extern "C" __attribute__((visibility("default")))

extern "C" void* __sbrk(intptr_t by) noexcept;

namespace strata::entry {
namespace {

void* answer(long result) {
  if (!os::failed(result)) return base::pointer_to(static_cast<std::uintptr_t>(result));
  errno = static_cast<int>(-result);
  return MAP_FAILED;
}

// 0: too many.
std::size_t whole_pages(std::size_t bytes) { return base::align_up(bytes, os::page_bytes()); }

std::uint16_t about(int protection, int flags) {
  unsigned made = 0;
  if ((flags & MAP_ANONYMOUS) == 0) made |= wire::range_of_file;
  if ((flags & MAP_TYPE) != MAP_PRIVATE) made |= wire::range_shared;
  if (protection == PROT_NONE) made |= wire::range_inaccessible;
  return static_cast<std::uint16_t>(made);
}

// Tells of a range that goes, unless the system will see at once that there is none.
class unmapping {
 public:
  unmapping(const void* start, std::size_t bytes) {
    bytes = whole_pages(bytes);
    is_told_ = bytes != 0 && base::is_aligned(base::address_of(start), os::page_bytes());
    if (is_told_) observe::note_unmapping(base::address_of(start), bytes);
  }
  void refused() const {
    if (is_told_) observe::note_unmap_refused();
  }

 private:
  bool is_told_;
};

// By how much the break is to move, and where it was before: as sbrk.
void* move_break(intptr_t by, const os::calling_frame& from) {
  if (by == 0) return __sbrk(0);
  if (by > 0) {
    void* before = __sbrk(by);
    if (before == MAP_FAILED) return before;
    observe::note_mapped(base::address_of(before), static_cast<std::size_t>(by),
                         wire::range_of_break, from);
    return before;
  }
  const std::uintptr_t end = base::address_of(__sbrk(0));
  const std::size_t bytes = std::size_t{0} - static_cast<std::size_t>(by);
  const bool is_told = bytes <= end;
  if (is_told) observe::note_unmapping(end - bytes, bytes);
  void* before = __sbrk(by);
  if (before == MAP_FAILED && is_told) observe::note_unmap_refused();
  return before;
}

}  // namespace
}  // namespace strata::entry

using namespace strata;

STRATA_EXPORT void* mmap(void* address, size_t bytes, int protection, int flags, int file,
                         off_t offset) noexcept {
  const long result = os::raw_syscall(SYS_mmap, os::as_long(address), static_cast<long>(bytes),
                                      protection, flags, file, offset);
  if (!os::failed(result)) {
    observe::note_mapped(static_cast<std::uintptr_t>(result), entry::whole_pages(bytes),
                         entry::about(protection, flags), os::read_caller());
  }
  return entry::answer(result);
}
extern "C" __attribute__((alias("mmap"), visibility("default"))) void* mmap64(
    void* address, size_t bytes, int protection, int flags, int file, off64_t offset) noexcept;

STRATA_EXPORT int munmap(void* address, size_t bytes) noexcept {
  const entry::unmapping told(address, bytes);
  const long result = os::raw_syscall(SYS_munmap, os::as_long(address), static_cast<long>(bytes));
  if (!os::failed(result)) return 0;
  told.refused();
  errno = static_cast<int>(-result);
  return -1;
}

STRATA_EXPORT void* mremap(void* address, size_t old_bytes, size_t bytes, int flags, ...) noexcept {
  void* wanted = nullptr;
  if ((flags & MREMAP_FIXED) != 0) {
    va_list more;
    va_start(more, flags);
    wanted = va_arg(more, void*);
    va_end(more);
  }
  // Asked to leave the pages where they are, or of a shared mapping that has to stay, it makes another.
  const bool moves = old_bytes != 0 && (flags & MREMAP_DONTUNMAP) == 0;
  const entry::unmapping told(address, moves ? old_bytes : 0);
  const long result =
      os::raw_syscall(SYS_mremap, os::as_long(address), static_cast<long>(old_bytes),
                      static_cast<long>(bytes), flags, os::as_long(wanted));
  if (os::failed(result)) {
    told.refused();
  } else {
    observe::note_mapped(static_cast<std::uintptr_t>(result), entry::whole_pages(bytes),
                         moves ? wire::range_moved : wire::range_about{}, os::read_caller());
  }
  return entry::answer(result);
}

STRATA_EXPORT void* sbrk(intptr_t by) noexcept { return entry::move_break(by, os::read_caller()); }

STRATA_EXPORT int brk(void* end) noexcept {
  void* now = sbrk(0);
  if (now == MAP_FAILED) return -1;
  const auto by = static_cast<intptr_t>(base::address_of(end) - base::address_of(now));
  return entry::move_break(by, os::read_caller()) == MAP_FAILED ? -1 : 0;
}
