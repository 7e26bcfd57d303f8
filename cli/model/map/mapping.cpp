#include "cli/model/map/mapping.hpp"
#include "cli/model/file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <unordered_set>

namespace strata::cli::map {
namespace {

constexpr std::string_view blanks = " \t";

// Takes the text up to the next of `ends`, and what stands there; nothing where none comes.
bool take(std::string_view& from, char end, std::string_view& part) {
  const auto at = from.find(end);
  if (at == std::string_view::npos) return false;
  part = from.substr(0, at);
  from.remove_prefix(at + 1);
  return true;
}

bool number(std::string_view text, int base, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// "start-end perms offset device inode   path"
bool parse_head(std::string_view line, mapping& made) {
  std::string_view start;
  std::string_view end;
  std::string_view permissions;
  std::string_view offset;
  std::string_view device;
  if (!take(line, '-', start) || !take(line, ' ', end) || !take(line, ' ', permissions) ||
      !take(line, ' ', offset) || !take(line, ' ', device)) {
    return false;
  }
  std::uint64_t inode = 0;
  const auto inode_end = std::min(line.find(' '), line.size());
  if (!number(start, 16, made.start) || !number(end, 16, made.end) ||
      !number(offset, 16, made.offset) || !number(line.substr(0, inode_end), 10, inode) ||
      permissions.size() != 4 || made.end <= made.start) {
    return false;
  }
  made.permissions = permissions;
  line.remove_prefix(inode_end);
  const auto path = line.find_first_not_of(blanks);
  if (path != std::string_view::npos) made.path = line.substr(path);
  return true;
}

// "Rss:    12 kB"; lines of other kinds are of no interest. False: no line of smaps.
bool parse_field(std::string_view line, usage& into) {
  constexpr std::uint64_t kib = 1024;
  struct known {
    std::string_view name;
    std::uint64_t usage::*where;
  };
  static constexpr std::array all = {
      known{"Rss", &usage::resident_bytes},         known{"Pss", &usage::proportional_bytes},
      known{"Shared_Dirty", &usage::dirty_bytes},   known{"Private_Dirty", &usage::dirty_bytes},
      known{"Swap", &usage::swapped_bytes},         known{"Locked", &usage::locked_bytes},
      known{"AnonHugePages", &usage::huge_bytes},   known{"ShmemPmdMapped", &usage::huge_bytes},
      known{"FilePmdMapped", &usage::huge_bytes},   known{"Shared_Hugetlb", &usage::huge_bytes},
      known{"Private_Hugetlb", &usage::huge_bytes},
  };
  std::string_view name;
  if (!take(line, ':', name) || name.empty() || name.find(' ') != std::string_view::npos)
    return false;
  const auto* field =
      std::find_if(all.begin(), all.end(), [&](const known& one) { return one.name == name; });
  if (field == all.end()) return true;
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  std::string_view figure;
  std::uint64_t value = 0;
  if (!take(line, ' ', figure) || !number(figure, 10, value) || line != "kB") return false;
  into.*(field->where) += value * kib;
  return true;
}

bool is_shared_memory(const mapping& one) {
  return one.path.starts_with("/dev/shm/") || one.path.starts_with("/memfd:") ||
         one.path.starts_with("/SYSV") || one.path.starts_with("/dev/zero") ||
         one.path.starts_with("[anon_shmem:");
}

bool is_kernels(const std::string& path) {
  return path.starts_with("[v") ||
         path == "[uprobes]";  // [vdso], [vvar], [vvar_vclock], [vsyscall]
}

// By its name: core dumps tell nothing of code that they leave out.
bool is_library_name(std::string_view path) {
  const std::string name = base_name(path);
  return name.ends_with(".so") || name.find(".so.") != std::string::npos;
}

purpose purpose_of(const mapping& one, const std::string& program,
                   const std::unordered_set<std::string>& libraries) {
  if (is_kernels(one.path)) return purpose::kernel;
  if (one.path == "[heap]") return purpose::heap;
  if (one.path.starts_with("[stack")) return purpose::stack;
  if (is_shared_memory(one)) return purpose::shared;
  if (one.path.empty() || one.path.starts_with("[")) {
    if (!one.is_accessible()) return purpose::reserved;
    return one.is_shared() ? purpose::shared : purpose::anonymous;
  }
  if (one.path == program) return purpose::program;
  const bool is_library = libraries.contains(one.path) || is_library_name(one.path);
  return is_library ? purpose::library : purpose::file;
}

}  // namespace

const char* name_of(purpose what) {
  static constexpr std::array names = {"program", "libraries", "allocator", "brk heap",
                                       "stacks",  "anonymous", "shared",    "files",
                                       "kernel",  "reserved"};
  static_assert(names.size() == purpose_count);
  return names[static_cast<std::size_t>(what)];
}

const mapping* find(const address_space& in, std::uint64_t address) {
  const auto next =
      std::upper_bound(in.mappings.begin(), in.mappings.end(), address,
                       [](std::uint64_t sought, const mapping& one) { return sought < one.start; });
  if (next == in.mappings.begin() || !std::prev(next)->holds(address)) return nullptr;
  return &*std::prev(next);
}

std::string parse_mappings(const std::string& text, address_space& into) {
  std::size_t line_number = 0;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    const std::string_view line(text.data() + from, end - from);
    from = end + 1;
    ++line_number;
    mapping made;
    const std::uint64_t least = into.mappings.empty() ? 0 : into.mappings.back().end;
    if (parse_head(line, made) && made.end > least) {
      // A mapping that grew while the kernel wrote: its beginning is there already.
      made.start = std::max(made.start, least);
      into.mappings.push_back(std::move(made));
    } else if (!into.mappings.empty() && parse_field(line, into.mappings.back().memory)) {
      into.has_usage = true;
    } else {
      return "line " + std::to_string(line_number) + " is not one of /proc/PID/smaps or maps";
    }
  }
  return into.mappings.empty() ? "no mappings in it" : "";
}

void classify(address_space& all) {
  std::unordered_set<std::string> libraries;
  for (const mapping& one : all.mappings) {
    if (!one.path.starts_with("/") || !one.is_executable()) continue;
    libraries.insert(one.path);
    // Without being told: the first file with code is the program.
    if (all.program.empty()) all.program = one.path;
  }
  const mapping* former = nullptr;
  for (mapping& one : all.mappings) {
    one.what = purpose_of(one, all.program, libraries);
    // Data that starts as zeros has no file: it stands right behind that which has one. Longer
    // neighbours will be something else that the kernel has put there.
    constexpr std::uint64_t zeroed_most = 512 << 10;
    const bool behind_data = former != nullptr && former->end == one.start &&
                             former->is_writable() &&
                             (former->what == purpose::library || former->what == purpose::program);
    if (one.what == purpose::anonymous && one.path.empty() && one.is_writable() && behind_data &&
        one.bytes() <= zeroed_most) {
      one.what = former->what;
      one.label = former->path.empty() ? former->label : former->path + " (zeroed data)";
    }
    former = &one;
  }
}

}  // namespace strata::cli::map
