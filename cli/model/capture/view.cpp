#include "cli/model/capture/view.hpp"
#include "cli/model/file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace strata::cli::capture {
namespace {

constexpr std::size_t most_calls =
    1024;  // of a stack; no recorder sees more than 256, without inlined ones

// The end of the name that begins at `from`: its parameters, or the end of the text. Brackets of templates
// and of "(anonymous namespace)" belong to names, as do operators.
std::size_t name_end(const std::string& text) {
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = std::string_view(text).substr(at);
    if (rest.starts_with("operator()")) {
      at += 9;
    } else if (rest.starts_with("operator<") || rest.starts_with("operator>") ||
               rest.starts_with("operator-")) {
      at += 8;
      while (at + 1 < text.size() && std::string_view("<>=-").find(text[at + 1]) != rest.npos) ++at;
    } else if (rest.starts_with("(anonymous namespace)")) {
      at += 20;
    } else if (text[at] == '<') {
      ++depth;
    } else if (text[at] == '>') {
      --depth;
    } else if (text[at] == '(' && depth == 0) {
      return at;
    }
  }
  return text.size();
}

std::string hexadecimal(std::uint64_t value) {
  std::array<char, 16> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return "0x" + std::string(digits.data(), end);
}

std::string in_file(const module& one, std::uint64_t offset) {
  return base_name(one.path) + "+" + hexadecimal(offset);
}

}  // namespace

std::string short_name(const std::string& function) {
  if (function.starts_with('[')) return function;  // a heap's, or a pool's
  std::string name = function.substr(0, name_end(function));
  if (name.empty()) return function;  // "(unknown calls)"
  if (name.find("operator") != std::string::npos) return name;
  int depth = 0;
  std::size_t start = 0;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] == '<' || name[at] == '(') ++depth;
    if (name[at] == '>' || name[at] == ')') --depth;
    if (name[at] == ' ' && depth == 0) start = at + 1;
  }
  return name.substr(start);
}

bool is_go_between(const std::string& function) {
  if (function.starts_with("operator new")) return true;
  const std::string name = short_name(function);
  return name.starts_with("std::") || name.starts_with("__gnu_cxx::");
}

const code_range* view::code_at(std::uint32_t number) const {
  const std::uint64_t address = of_.nodes[number].address;
  // One back, from where the call returns to into the call.
  return address <= wire::cut_mark || wire::is_mark(address)
             ? nullptr
             : of_.modules.range_of(process_.facts.number, address - 1);
}

const std::vector<call_site>& view::calls_at(std::uint32_t number) const {
  const std::uint64_t address = of_.nodes[number].address;
  const auto [at, is_new] = known_.try_emplace(address);
  std::vector<call_site>& made = at->second;
  if (!is_new) return made;
  if (wire::is_heap_mark(address)) {
    call_site where = site(wire::maker_of_heap(address));
    where.function = "[heap made by " + short_name(where.function) + "]";
    made.push_back(std::move(where));
    return made;
  }
  if (wire::is_pool_mark(address)) {
    const std::uint32_t name = wire::name_of_pool(address);
    made.push_back(
        {name == 0 ? "[other pools]" : "[pool " + of_.pool_names[name - 1] + "]", {}, 0, {}});
    return made;
  }
  const code_range* range = code_at(number);
  if (range == nullptr) {
    made.push_back({address == 0                ? "(unknown calls)"
                    : address == wire::cut_mark ? "(calls further out were not recorded)"
                                                : hexadecimal(address),
                    {},
                    0,
                    {}});
    return made;
  }
  const code_place place{range->module, address - 1 - range->start + range->offset};
  const module& in = of_.modules.all()[place.module];
  if (const auto names = of_.names.find(place); names != of_.names.end()) {
    for (const symbol& one : names->second) made.push_back({one.function, one.file, one.line, {}});
  }
  if (made.empty()) made.emplace_back();
  for (call_site& one : made) {
    if (one.function.empty()) one.function = in_file(in, place.offset);
    if (one.file.empty()) one.module = in.path;
  }
  return made;
}

std::vector<std::uint32_t> view::path(std::uint32_t number) const {
  if (number == 0) return {0};
  std::vector<std::uint32_t> made;
  for (; number != 0 && made.size() < most_calls; number = of_.nodes[number].caller) {
    made.push_back(number);
  }
  return made;
}

std::vector<call_site> view::stack(std::uint32_t number) const {
  std::vector<call_site> made;
  for (std::uint32_t at : path(number)) {
    if (made.size() >= most_calls) break;
    const std::vector<call_site>& calls = calls_at(at);
    made.insert(made.end(), calls.begin(), calls.end());
  }
  return made;
}

call_site view::site(std::uint32_t number) const {
  number = call_of(number);
  const call_site& innermost = calls_at(number).front();
  for (; number != 0; number = of_.nodes[number].caller) {
    for (const call_site& one : calls_at(number)) {
      if (!is_go_between(one.function)) return one;
    }
  }
  return innermost;
}

template <typename Where>
std::vector<site_figures> view::summed_up(Where where) const {
  std::map<call_site, site_figures> found;
  each_stack([&](std::uint32_t number, const stack_figures& figures) {
    const std::optional<call_site> its = where(number);
    if (!its) return;
    site_figures& one = found[*its];
    one.where = *its;
    one.figures += figures;
    ++one.stacks;
  });
  std::vector<site_figures> made;
  made.reserve(found.size());
  for (auto& [its, one] : found) made.push_back(std::move(one));
  return made;
}

std::vector<site_figures> view::sites() const {
  return summed_up([&](std::uint32_t number) { return std::optional(site(number)); });
}

std::vector<site_figures> view::heaps() const {
  return summed_up([&](std::uint32_t number) -> std::optional<call_site> {
    if (heap_of(number) == 0) return std::nullopt;
    return calls_at(number).front();
  });
}

std::vector<site_figures> view::pools() const {
  return summed_up([&](std::uint32_t number) -> std::optional<call_site> {
    if (!wire::is_pool_mark(of_.nodes[number].address)) return std::nullopt;
    return calls_at(number).front();
  });
}

call_tree view::tree() const {
  call_tree root;
  root.where.function = "(all)";
  each_stack([&](std::uint32_t number, const stack_figures& figures) {
    root.add(stack(number), figures);
  });
  return root;
}

}  // namespace strata::cli::capture
