#include "os/loaded.hpp"

#include <link.h>

#include "base/bits.hpp"
#include "os/memory.hpp"

extern "C" void* __libc_stack_end;

namespace strata::os {
namespace {

// A module's block lies this near to the thread pointer, or somewhere else.
constexpr std::intptr_t most_distance = 64 * 1024;
constexpr std::size_t known_control_bytes = 2048;

struct search {
  const data_visitor& visitor;
  std::uintptr_t own;  // an address in this library's data
};

thread_module module_of(const dl_phdr_info& info, std::size_t bytes) {
  thread_module found{info.dlpi_tls_modid, bytes, 0};
  if (info.dlpi_tls_data != nullptr) {
    auto distance =
        static_cast<std::intptr_t>(base::address_of(info.dlpi_tls_data) - thread_pointer());
    if (-most_distance < distance && distance < most_distance) found.distance = distance;
  }
  return found;
}

// A library's writable segments without their part that is read-only after start.
void visit_segments(const dl_phdr_info& info, search& in) {
  data_range fixed;
  bool is_own = false;
  for (int at = 0; at < info.dlpi_phnum; ++at) {
    const auto& header = info.dlpi_phdr[at];
    std::uintptr_t from = info.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_GNU_RELRO)
      fixed = {from, base::align_down(from + header.p_memsz, page_bytes())};
    if (header.p_type == PT_LOAD && in.own - from < header.p_memsz) is_own = true;
  }
  for (int at = 0; at < info.dlpi_phnum; ++at) {
    const auto& header = info.dlpi_phdr[at];
    if (header.p_type == PT_TLS && header.p_memsz != 0)
      in.visitor.thread_data(in.visitor.context, module_of(info, header.p_memsz));
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W) == 0 || is_own) continue;
    data_range range{info.dlpi_addr + header.p_vaddr,
                     info.dlpi_addr + header.p_vaddr + header.p_memsz};
    if (fixed.from <= range.from && range.from < fixed.to) range.from = fixed.to;
    if (range.from < range.to) in.visitor.data(in.visitor.context, range, info.dlpi_name);
  }
}

int visit_loaded(dl_phdr_info* info, std::size_t, void* in) {
  visit_segments(*info, *static_cast<search*>(in));
  return 0;
}

#if defined(__x86_64__)
constexpr std::size_t table_word = 1;
#else
constexpr std::size_t table_word = 0;
#endif

}  // namespace

void each_data(const data_visitor& visitor) {
  static char here;
  search in{visitor, base::address_of(&here)};
  dl_iterate_phdr(visit_loaded, &in);
}

std::size_t loaded_count() {
  std::size_t count = 0;
  for (const link_map* each = _r_debug.r_map; each != nullptr; each = each->l_next) ++count;
  return count;
}

std::uintptr_t thread_pointer() {
#if defined(__x86_64__)
  std::uintptr_t pointer;
  __asm__("mov %%fs:0, %0" : "=r"(pointer));
  return pointer;
#else
  return base::address_of(__builtin_thread_pointer());
#endif
}

data_range thread_block(std::uintptr_t pointer, const thread_module& module) {
  std::uintptr_t block = 0;
  if (module.distance != 0) {
    block = pointer + static_cast<std::uintptr_t>(module.distance);
  } else {
    constexpr std::uintptr_t unallocated = ~std::uintptr_t{0};
    const auto* table = base::pointer_to<const std::uintptr_t*>(pointer)[table_word];
    if (table == nullptr || module.number > table[-2]) return {};
    block = table[2 * module.number];
    if (block == unallocated || block == 0) return {};
  }
  return {block, block + module.bytes};
}

data_range control_block(std::uintptr_t pointer) {
#if defined(__x86_64__)
  return {pointer, pointer + known_control_bytes};
#else
  return {pointer - known_control_bytes, pointer};
#endif
}

std::uintptr_t first_stack_base() { return base::address_of(__libc_stack_end); }

}  // namespace strata::os
