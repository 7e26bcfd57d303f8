#include "cli/model/objects/objects.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>

#include "cli/model/layout/composition.hpp"

namespace strata::cli::objects {
namespace {

namespace files = std::filesystem;
using capture::call_site;

bool is_word(char one) { return std::isalnum(static_cast<unsigned char>(one)) != 0 || one == '_'; }

// The first argument of a template, from behind its bracket.
std::string first_argument(std::string_view arguments) {
  int depth = 0;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const char one = arguments[at];
    if (depth == 0 && (one == ',' || one == '>')) return std::string(arguments.substr(0, at));
    if (one == '<' || one == '(') ++depth;
    if (one == '>' || one == ')') --depth;
  }
  return {};
}

// The type behind `new`: up to what a type's name can't have. Empty: an array, or no name.
std::string type_behind_new(std::string_view rest) {
  const auto skip_blanks = [&] {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  };
  skip_blanks();
  if (rest.starts_with('(')) {  // new (std::nothrow) item: placement is no allocation
    if (!rest.starts_with("(std::nothrow)")) return {};
    rest.remove_prefix(rest.find(')') + 1);
    skip_blanks();
  }
  int depth = 0;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    const char one = rest[end];
    if (one == '<') ++depth;
    if (one == '>' && depth-- == 0) break;
    if (depth == 0 && !is_word(one) && one != ':' && one != ' ' && one != '>') break;
  }
  if (end < rest.size() && (rest[end] == '[' || rest[end] == '*')) return {};
  return std::string(rest.substr(0, end));
}

std::string type_behind_sizeof(std::string_view rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  if (!rest.starts_with('(')) return {};
  const std::size_t end = rest.find(')');
  return end == std::string_view::npos ? std::string() : std::string(rest.substr(1, end - 1));
}

// The lines of a file, or none when it is younger than the program.
class sources {
 public:
  const std::string* line(const std::string& file, std::uint32_t number,
                          files::file_time_type built) {
    const auto [at, is_new] = known_.try_emplace(file);
    std::vector<std::string>& lines = at->second;
    if (is_new) {
      std::error_code wrong;
      const auto written = files::last_write_time(file, wrong);
      if (wrong || written > built) return nullptr;
      std::ifstream from(file);
      for (std::string one; std::getline(from, one);) lines.push_back(one);
    }
    return number == 0 || number > lines.size() ? nullptr : &lines[number - 1];
  }

 private:
  std::map<std::string, std::vector<std::string>> known_;
};

// Modules that are still what was recorded, and since when.
class programs {
 public:
  explicit programs(const capture::view& of) : of_(of) {}

  std::optional<files::file_time_type> built(std::size_t module) {
    const auto [at, is_new] = known_.try_emplace(module);
    if (is_new) {
      const capture::module& one = of_.recording().modules.all()[module];
      std::error_code wrong;
      const auto written = files::last_write_time(one.path, wrong);
      if (!wrong && capture::build_id_of(one.path) == one.build_id) at->second = written;
    }
    return at->second;
  }

 private:
  const capture::view& of_;
  std::map<std::size_t, std::optional<files::file_time_type>> known_;
};

// The innermost call of a stack that isn't operator new, and its node; 0: there is none.
std::uint32_t allocating_node(const capture::view& of, std::uint32_t stack,
                              const call_site*& call) {
  for (const std::uint32_t node : of.path(of.call_of(stack))) {
    for (const call_site& one : of.calls_at(node)) {
      if (one.function.starts_with("operator new")) continue;
      call = &one;
      return node;
    }
  }
  return 0;
}

// Whether all blocks of a stack may be so many units, as far as sums can say; those of a sample are estimates,
// and say it of single units alone.
bool fits(const capture::amount& total, double unit, bool is_one, bool is_sample) {
  if (is_sample && !is_one) return true;
  const double each = is_one ? total.blocks : std::round(total.bytes / unit);
  return std::abs(total.bytes - each * unit) <= 1e-9 * total.bytes;
}

}  // namespace

std::string type_argument(const std::string& function, bool& is_one) {
  static constexpr std::array<std::string_view, 5> allocators = {
      "std::__new_allocator<", "__gnu_cxx::new_allocator<", "std::allocator<",
      "std::__1::allocator<", "std::allocator_traits<std::allocator<"};
  static constexpr std::array<std::string_view, 2> makers = {"std::make_unique<",
                                                             "std::__1::make_unique<"};
  const std::string name = capture::short_name(function);
  for (const std::string_view start : makers) {
    is_one = true;
    if (name.starts_with(start)) return first_argument(std::string_view(name).substr(start.size()));
  }
  is_one = false;
  if (!name.ends_with("::allocate")) return {};
  for (const std::string_view start : allocators) {
    if (name.starts_with(start)) return first_argument(std::string_view(name).substr(start.size()));
  }
  return {};
}

std::string type_in_line(const std::string& line) {
  const std::string_view code = std::string_view(line).substr(0, line.find("//"));
  std::string found;
  int count = 0;
  for (std::size_t at = 0; at < code.size();) {
    std::size_t end = at;
    while (end < code.size() && is_word(code[end])) ++end;
    const std::string_view word = code.substr(at, end - at);
    const bool is_new = word == "new";
    if (is_new || word == "sizeof") {
      found = is_new ? type_behind_new(code.substr(end)) : type_behind_sizeof(code.substr(end));
      ++count;
    }
    at = std::max(end, at + 1);
  }
  return count == 1 ? found : std::string();
}

std::vector<named_type> named_types(const capture::view& of, double least_bytes) {
  std::vector<named_type> made;
  sources lines;
  programs recorded(of);
  of.each_stack([&](std::uint32_t stack, const capture::stack_figures& figures) {
    if (figures.at_peak.bytes <= 0 || figures.at_peak.bytes < least_bytes) return;
    const call_site* call = nullptr;
    const std::uint32_t node = allocating_node(of, stack, call);
    const capture::code_range* code = node == 0 ? nullptr : of.code_at(node);
    if (code == nullptr) return;
    named_type one{stack, code->module, {}, type_evidence::argument, false};
    one.name = type_argument(call->function, one.is_one);
    const auto built = recorded.built(code->module);
    if (!built) return;
    if (one.name.empty()) {
      one.by = type_evidence::source;
      one.is_one = true;
      const std::string* line = lines.line(call->file, call->line, *built);
      if (line != nullptr) one.name = type_in_line(*line);
    }
    if (!one.name.empty()) made.push_back(std::move(one));
  });
  return made;
}

std::vector<object_blocks> blocks_of(const std::vector<named_type>& types, std::size_t module,
                                     const capture::view& of, const layout::named_records& names) {
  std::vector<object_blocks> made;
  const auto& figures = of.process().memory.by_node();
  const bool is_sample = of.recording().facts.sample_bytes > 0;
  for (const named_type& one : types) {
    if (one.module != module) continue;
    const std::size_t record =
        one.by == type_evidence::argument ? names.find(one.name) : names.find_in_scopes(one.name);
    if (record == layout::no_record) continue;
    const std::uint64_t unit = names.all().records[record].size_bytes;
    if (unit == 0 ||
        !fits(figures[one.node].total, static_cast<double>(unit), one.is_one, is_sample))
      continue;
    made.push_back({one.node, record, unit, one.by});
  }
  return made;
}

std::vector<object_count> counts_at_peak(const std::vector<object_blocks>& blocks,
                                         const capture::view& of,
                                         const layout::named_records& names) {
  std::vector<object_count> made(names.all().records.size());
  const layout::composition inside(names);
  const auto& figures = of.process().memory.by_node();
  for (const object_blocks& one : blocks) {
    const double units = figures[one.node].at_peak.bytes / static_cast<double>(one.unit_bytes);
    for (const auto& [part, count] : inside.parts_of(one.record)) {
      const double objects = units * static_cast<double>(count);
      made[part].objects += objects;
      if (one.by == type_evidence::source) made[part].by_source += objects;
    }
  }
  return made;
}

}  // namespace strata::cli::objects
