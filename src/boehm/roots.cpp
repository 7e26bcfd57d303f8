#include "boehm/roots.hpp"

#include <new>

#include "boehm/interface.hpp"
#include "os/memory.hpp"

namespace strata::boehm {
namespace {

std::size_t snapshot_bytes() { return base::align_up(sizeof(snapshot), os::page_bytes()); }

}  // namespace

snapshot* snapshot::take(root_filter filter) {
  void* pages = os::map(snapshot_bytes(), os::page_bytes());
  if (pages == nullptr) return nullptr;
  auto* taken = ::new (pages) snapshot;
  taken->filter_ = filter;
  taken->loaded_ = os::loaded_count();
  os::each_data({[](void* into, os::data_range range, const char* name) {
                   static_cast<snapshot*>(into)->add(range, name);
                 },
                 [](void* into, const os::thread_module& module) {
                   static_cast<snapshot*>(into)->add(module);
                 },
                 taken});
  return taken;
}

void snapshot::release() { os::release(this, snapshot_bytes()); }

void snapshot::add(os::data_range range, const char* name) {
  if (range_count == most_ranges) return;
  bool is_program = name == nullptr || *name == '\0';
  if (!is_program && filter_ != nullptr &&
      filter_(name, base::pointer_to(range.from), range.to - range.from) == 0)
    return;
  ranges[range_count++] = range;
  if (is_program) program_range_count = range_count;
}

void snapshot::add(const os::thread_module& module) {
  if (module_count < most_modules) modules[module_count++] = module;
}

bool roots::add(os::data_range range) {
  for (std::size_t at = 0; at < added_count_; ++at) {
    os::data_range& known = added_[at];
    if (known.from <= range.from && range.to <= known.to) return true;
    if (known.from == range.from) {
      known.to = range.to;
      return true;
    }
  }
  if (added_count_ == most) return false;
  added_[added_count_++] = range;
  return true;
}

void roots::remove_within(os::data_range range) {
  for (std::size_t at = 0; at < added_count_;) {
    if (range.from <= added_[at].from && added_[at].to <= range.to)
      added_[at] = added_[--added_count_];
    else
      ++at;
  }
}

void roots::clear() {
  added_count_ = 0;
  without_program = true;
}

bool roots::exclude(os::data_range range) {
  if (excluded_count_ == most) return false;
  std::size_t at = excluded_count_++;
  for (; at > 0 && excluded_[at - 1].from > range.from; --at) excluded_[at] = excluded_[at - 1];
  excluded_[at] = range;
  return true;
}

std::size_t roots::scan(os::data_range range, conservative::marker& to) {
  std::size_t bytes = range.to - range.from;
  auto scan_part = [&](std::uintptr_t until) {
    if (range.from < until)
      to.scan_roots(base::pointer_to(range.from), base::pointer_to(until),
                    conservative::marker::interior::as_heap);
  };
  for (std::size_t at = 0; at < excluded_count_; ++at) {
    const os::data_range& hole = excluded_[at];
    if (hole.to <= range.from || hole.from >= range.to) continue;
    scan_part(hole.from);
    range.from = base::larger(range.from, hole.to);
  }
  scan_part(range.to);
  return bytes;
}

std::size_t roots::scan(const snapshot& loaded, conservative::marker& to) {
  std::size_t bytes = 0;
  std::size_t from = without_program ? loaded.program_range_count : 0;
  std::size_t until = GC_no_dls != 0 ? loaded.program_range_count : loaded.range_count;
  for (std::size_t at = from; at < until; ++at) bytes += scan(loaded.ranges[at], to);
  for (std::size_t at = 0; at < added_count_; ++at) bytes += scan(added_[at], to);
  return bytes;
}

bool roots::has(const snapshot& loaded, std::uintptr_t address) const {
  auto is_in = [address](const os::data_range& range) {
    return address - range.from < range.to - range.from;
  };
  for (std::size_t at = 0; at < loaded.range_count; ++at)
    if (is_in(loaded.ranges[at])) return true;
  for (std::size_t at = 0; at < added_count_; ++at)
    if (is_in(added_[at])) return true;
  return false;
}

}  // namespace strata::boehm
