#include "cli/model/map/memory.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

namespace strata::cli::map {
namespace {

bool read_at(int file, void* to, std::size_t bytes, std::uint64_t offset) {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = pread(file, at, bytes, static_cast<off_t>(offset));
    if (got <= 0) return false;
    at += got;
    bytes -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

}  // namespace

std::uint64_t system_page_bytes() {
  static const auto bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

process_memory::process_memory(pid_t pid)
    : pid_(pid),
      pagemap_(open(("/proc/" + std::to_string(pid) + "/pagemap").c_str(), O_RDONLY | O_CLOEXEC)) {}

bool process_memory::read(std::uint64_t address, void* to, std::size_t bytes) const {
  const iovec here{to, bytes};
  const iovec there{reinterpret_cast<void*>(address), bytes};
  return process_vm_readv(pid_, &here, 1, &there, 1, 0) == static_cast<ssize_t>(bytes);
}

bool process_memory::resident(std::uint64_t start, std::uint64_t end,
                              std::vector<bool>& pages) const {
  constexpr std::uint64_t present = std::uint64_t{1} << 63;
  const std::uint64_t page = system_page_bytes();
  std::vector<std::uint64_t> entries((end - start) / page);
  if (!pagemap_ || !read_at(pagemap_.get(), entries.data(), entries.size() * sizeof(std::uint64_t),
                            start / page * sizeof(std::uint64_t))) {
    return false;
  }
  pages.clear();
  for (const std::uint64_t entry : entries) pages.push_back((entry & present) != 0);
  return true;
}

bool core_memory::read(std::uint64_t address, void* to, std::size_t bytes) const {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const auto next = std::upper_bound(
        segments_.begin(), segments_.end(), address,
        [](std::uint64_t sought, const segment& one) { return sought < one.start; });
    if (next == segments_.begin()) return false;
    const segment& one = *std::prev(next);
    const std::uint64_t into = address - one.start;
    if (into >= one.bytes) return false;
    const std::uint64_t here = std::min<std::uint64_t>(bytes, one.bytes - into);
    if (!read_at(file_.get(), at, here, one.offset + into)) return false;
    at += here;
    address += here;
    bytes -= here;
  }
  return true;
}

}  // namespace strata::cli::map
