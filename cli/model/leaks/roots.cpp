#include "cli/model/leaks/roots.hpp"
#include "cli/model/file.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace strata::cli::leaks {
namespace {

constexpr std::uint64_t red_zone_bytes = 128;     // that functions may use below the stack pointer
constexpr std::uint64_t descriptor_bytes = 2560;  // of glibc's struct pthread, or a little more
constexpr std::uint64_t most_unknown_stack_bytes = 8 << 20;

std::uint64_t page_floor(std::uint64_t address) {
  return address / map::system_page_bytes() * map::system_page_bytes();
}
std::uint64_t page_ceiling(std::uint64_t address) {
  return page_floor(address + map::system_page_bytes() - 1);
}

std::vector<Elf64_Phdr> program_headers(const map::mapping& first, const map::memory& from) {
  constexpr std::size_t most = 256;
  Elf64_Ehdr header;
  if (!from.read(first.start, &header, sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > most) {
    return {};
  }
  std::vector<Elf64_Phdr> made(header.e_phnum);
  if (!from.read(first.start + header.e_phoff, made.data(), made.size() * sizeof made[0]))
    return {};
  return made;
}

// A file may also be mapped by who only reads it.
bool is_loaded(const map::address_space& space, const loaded_module& module) {
  return std::all_of(module.writable.begin(), module.writable.end(), [&](const range& one) {
    const map::mapping* there = map::find(space, one.start);
    return there != nullptr && (there->path == module.path || there->path.empty());
  });
}

loaded_module module_at(const map::mapping& first, const std::vector<Elf64_Phdr>& headers) {
  loaded_module made{.path = first.path, .start = first.start, .end = first.start, .writable = {}};
  const auto lowest = std::find_if(headers.begin(), headers.end(),
                                   [](const Elf64_Phdr& one) { return one.p_type == PT_LOAD; });
  if (lowest == headers.end()) return made;
  made.bias = first.start - page_floor(lowest->p_vaddr);
  for (const Elf64_Phdr& one : headers) {
    const std::uint64_t start = made.bias + one.p_vaddr;
    if (one.p_type == PT_TLS)
      made.tls_bytes = one.p_memsz + std::max<std::uint64_t>(one.p_align, 16);
    if (one.p_type != PT_LOAD) continue;
    made.end = std::max(made.end, start + one.p_memsz);
    if ((one.p_flags & PF_W) != 0) made.writable.push_back({start, start + one.p_memsz});
  }
  return made;
}

// All thread-local variables of the libraries that a program starts with stand side by side. Those of others
// are in blocks.
range thread_block(const stopped_thread& one, const std::vector<loaded_module>& modules) {
  std::uint64_t tls = 0;
  for (const loaded_module& each : modules) tls += each.tls_bytes;
  const std::uint64_t at = one.thread_pointer;
  if (one.is_tls_below) return {at - std::min(tls, at), at + descriptor_bytes};
  return {at - std::min(descriptor_bytes, at), at + tls + 2 * sizeof(std::uint64_t)};
}

range within(const range& part, const map::mapping& whole) {
  return {std::max(part.start, whole.start), std::min(part.end, whole.end)};
}

}  // namespace

std::vector<loaded_module> read_modules(const map::address_space& space, const map::memory& from) {
  std::vector<loaded_module> made;
  for (const map::mapping& one : space.mappings) {
    if (!one.path.starts_with("/") || one.offset != 0 || !one.is_accessible() || one.is_shared())
      continue;
    const auto headers = program_headers(one, from);
    if (headers.empty()) continue;
    loaded_module module = module_at(one, headers);
    if (module.end > module.start && is_loaded(space, module)) made.push_back(std::move(module));
  }
  return made;
}

std::vector<range> globals_of(const std::vector<loaded_module>& modules,
                              const std::string& recorder) {
  std::vector<range> made;
  for (const loaded_module& one : modules) {
    if (base_name(one.path) == recorder) continue;
    made.insert(made.end(), one.writable.begin(), one.writable.end());
  }
  return made;
}

std::vector<range> stack_of(const stopped_thread& one, std::uint64_t from,
                            const map::address_space& space,
                            const std::vector<loaded_module>& modules, const block_index& blocks) {
  std::vector<range> made;
  const std::uint64_t start = from != 0 ? from : one.stack_pointer - red_zone_bytes;
  const map::mapping* stack = map::find(space, start);
  const map::mapping* home = map::find(space, one.thread_pointer);
  const range descriptor = thread_block(one, modules);
  if (home != nullptr) made.push_back(within(descriptor, *home));
  if (stack == nullptr) return made;
  if (stack->path == "[stack]") {
    made.push_back({start, stack->end});
  } else if (stack == home && start < one.thread_pointer) {
    made.push_back({start, std::min(page_ceiling(descriptor.end), stack->end)});
  } else {
    // On a stack that the program has made. The thread's own waits; who knows from where on.
    const std::size_t in = blocks.find(start);
    const std::uint64_t end =
        in == no_block ? start + most_unknown_stack_bytes : blocks[in].start + blocks[in].bytes;
    made.push_back({start, std::min(stack->end, end)});
    for (const map::mapping& each : space.mappings) {
      if (one.is_first && each.path == "[stack]") made.push_back({each.start, each.end});
    }
    if (!one.is_first && home != nullptr) {
      made.push_back(within({home->start, page_ceiling(descriptor.end)}, *home));
    }
  }
  return made;
}

}  // namespace strata::cli::leaks
