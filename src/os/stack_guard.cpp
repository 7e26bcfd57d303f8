#include "os/stack_guard.hpp"

#include <sys/auxv.h>
#include <sys/uio.h>

#include <atomic>

#include "os/process.hpp"
#include "os/syscall.hpp"
#include "os/watcher.hpp"

namespace strata::os {
namespace {

// Which most headers don't know yet.
constexpr int guard_install = 102;   // MADV_GUARD_INSTALL
constexpr int own_process = -10000;  // PIDFD_SELF

constinit std::atomic<bool> takes_lists{true};  // the kernel, until it refuses one; a hint

// How many were marked, from the first on.
std::size_t mark_list(void* first, std::size_t bytes, std::size_t distance_bytes,
                      std::size_t count) {
  iovec ranges[most_guards_at_once];
  count = base::smaller(count, most_guards_at_once);
  for (std::size_t i = 0; i < count; ++i) {
    ranges[i] = {base::pointer_to(base::address_of(first) + i * distance_bytes), bytes};
  }
  long done = faultable_syscall(SYS_process_madvise, own_process, as_long(ranges),
                                static_cast<long>(count), guard_install);
  return failed(done) ? 0 : static_cast<std::size_t>(done) / bytes;
}

}  // namespace

bool mark_as_guard(void* range, std::size_t bytes) {
  return !failed(
      faultable_syscall(SYS_madvise, as_long(range), static_cast<long>(bytes), guard_install));
}

std::size_t mark_as_guards(void* first, std::size_t bytes, std::size_t distance_bytes,
                           std::size_t count) {
  // Valgrind complains of the call.
  bool by_list = count > 1 && takes_lists.load(std::memory_order_relaxed) && !valgrind_watches();
  std::size_t marked = by_list ? mark_list(first, bytes, distance_bytes, count) : 0;
  if (marked > 0) return marked;
  if (!mark_as_guard(first, bytes)) return 0;
  if (by_list) takes_lists.store(false, std::memory_order_relaxed);
  return 1;
}

std::size_t first_resident(const void* range, std::size_t bytes) {
  constexpr std::size_t pages_at_once = 256;  // the caller's stack may be short
  const std::size_t page_bytes = getauxval(AT_PAGESZ);
  unsigned char present[pages_at_once];
  for (std::size_t done = 0; done < bytes; done += pages_at_once * page_bytes) {
    std::size_t here = base::smaller(bytes - done, pages_at_once * page_bytes);
    const void* start = base::pointer_to(base::address_of(range) + done);
    if (failed(raw_syscall(SYS_mincore, as_long(start), static_cast<long>(here), as_long(present))))
      return bytes;
    for (std::size_t page = 0; page < here / page_bytes; ++page) {
      if ((present[page] & 1) != 0) return done + page * page_bytes;
    }
  }
  return bytes;
}

std::size_t most_mappings() {
  char text[32] = {};
  std::size_t value = 0;
  read_file("/proc/sys/vm/max_map_count", text, sizeof text);
  for (const char* at = text; *at >= '0' && *at <= '9'; ++at) {
    value = value * 10 + static_cast<std::size_t>(*at - '0');
  }
  return value != 0 ? value : 65530;  // the kernel's default
}

}  // namespace strata::os
