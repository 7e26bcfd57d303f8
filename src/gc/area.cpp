#include "gc/area.hpp"

#include <mutex>

#include "base/bits.hpp"
#include "os/memory.hpp"
#include "strata/gc/ref.hpp"

namespace strata::gc {

std::uintptr_t detail::log_bias = 0;

namespace area {
namespace {

constexpr std::size_t most_bytes = 256 * base::GiB;
constexpr std::size_t most_units = most_bytes / unit_bytes;
constexpr std::size_t log_bytes_for(std::size_t bytes) { return bytes / 64; }

std::mutex lock;  // guards all of these
std::uintptr_t start = 0;
std::size_t units = 0;
std::uint64_t free_words[base::bit_row::words_for(most_units)];
base::bit_row free_units{free_words};

// As much as the system grants, and enough for the first heap.
bool reserve(std::size_t least_bytes) {
  for (std::size_t bytes = most_bytes; bytes >= least_bytes; bytes /= 2) {
    void* log = os::reserve(log_bytes_for(bytes), unit_bytes, os::reserved_as::readable);
    if (log == nullptr) continue;
    void* area = os::reserve(bytes, unit_bytes, os::reserved_as::inaccessible);
    if (area == nullptr) {
      os::release(log, log_bytes_for(bytes));
      continue;
    }
    os::leave_out_of_core_dumps(log, log_bytes_for(bytes));
    start = base::address_of(area);
    units = bytes / unit_bytes;
    free_units.set_range(0, units);
    detail::log_bias = base::address_of(log) - start / 64;
    return true;
  }
  return false;
}

void* log_of(const slice& of) { return base::pointer_to(detail::log_bias + of.base / 64); }

// Where so many free units begin; `units` when nowhere.
std::size_t find_run(std::size_t wanted) {
  for (std::size_t from = free_units.find(true, 0, units); from < units;) {
    std::size_t end = free_units.find(false, from, units);
    if (end - from >= wanted) return from;
    from = free_units.find(true, end, units);
  }
  return units;
}

}  // namespace

bool take(std::size_t bytes, slice& into) {
  if (bytes > most_bytes) return false;
  bytes = base::align_up(bytes, unit_bytes);
  std::lock_guard guard{lock};
  if (units == 0 && !reserve(bytes)) return false;
  std::size_t wanted = bytes / unit_bytes;
  std::size_t at = find_run(wanted);
  if (at == units) return false;
  slice found{start + at * unit_bytes, bytes};
  if (!os::commit(log_of(found), log_bytes_for(bytes))) return false;
  free_units.clear_range(at, wanted);
  into = found;
  return true;
}

void give(const slice& from) {
  std::lock_guard guard{lock};
  os::purge(log_of(from), log_bytes_for(from.bytes));
  os::purge(base::pointer_to(from.base), from.bytes);
  os::guard(base::pointer_to(from.base), from.bytes);
  free_units.set_range((from.base - start) / unit_bytes, from.bytes / unit_bytes);
}

}  // namespace area
}  // namespace strata::gc
