#include "cli/model/advice/chains.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>

namespace strata::cli::advice {
namespace {

using capture::code_place;
using chain = std::vector<code_place>;  // of return addresses, the innermost first

// Up to the call that has the site. Empty: some of it is in no file.
chain chain_of(const capture::view& of, std::uint32_t stack) {
  chain made;
  for (const std::uint32_t node : of.path(of.call_of(stack))) {
    const capture::code_range* range = of.code_at(node);
    if (range == nullptr) return {};
    const std::uint64_t address = of.recording().nodes[node].address;
    made.push_back({range->module, address - range->start + range->offset});
    const auto& calls = of.calls_at(node);
    if (std::any_of(calls.begin(), calls.end(), [](const capture::call_site& one) {
          return !capture::is_go_between(one.function);
        }))
      break;
  }
  return made;
}

bool put_build_id(const std::string& digits, wire::routed_module& into) {
  into.id_bytes = static_cast<std::uint32_t>(digits.size() / 2);
  if (digits.empty() || into.id_bytes > wire::most_build_id_bytes) return false;
  for (std::size_t i = 0; i < into.id_bytes; ++i) {
    const char* at = digits.data() + 2 * i;
    if (std::from_chars(at, at + 2, into.id[i], 16).ptr != at + 2) return false;
  }
  return true;
}

std::string why_not_as_recorded(const capture::module& one) {
  std::error_code ignored;
  if (!std::filesystem::exists(one.path, ignored)) return one.path + " is gone";
  if (capture::build_id_of(one.path) != one.build_id)
    return one.path + " has changed since it was recorded";
  return {};
}

// Fills in what chains need, each call and module once.
class writer {
 public:
  writer(const std::vector<capture::module>& modules, wire::routes& into)
      : modules_(modules), into_(into) {}

  // chains: sorted, so that those with the same innermost call stand together.
  std::string put(const std::set<chain>& chains) {
    for (const chain& one : chains) {
      if (one.size() > wire::most_chain_links) return "the stacks that lead to it are too deep";
      if (chains_ == wire::most_routed_chains || links_ + one.size() > wire::most_routed_links)
        return too_many;
      wire::routed_chain& made = into_.chains[chains_];
      made = {links_, static_cast<std::uint32_t>(one.size())};
      into_.longest_chain = std::max(into_.longest_chain, made.link_count);
      for (const code_place& call : one) {
        std::string wrong;
        into_.links[links_++] = number_of(call, wrong);
        if (!wrong.empty()) return wrong;
      }
      wire::routed_call& innermost = into_.calls[into_.links[made.first_link]];
      if (innermost.chain_count++ == 0) innermost.first_chain = chains_;
      ++chains_;
    }
    return {};
  }

 private:
  static constexpr const char* too_many = "too many stacks lead to it";

  std::uint32_t number_of(const code_place& call, std::string& wrong) {
    const auto [at, is_new] = calls_.try_emplace(call, into_.call_count);
    if (!is_new) return at->second;
    if (into_.call_count == wire::most_routed_calls) {
      wrong = too_many;
      return 0;
    }
    wire::routed_call& made = into_.calls[into_.call_count++];
    made.offset = call.offset;
    made.module = number_of_module(call.module, wrong);
    return at->second;
  }
  std::uint32_t number_of_module(std::size_t index, std::string& wrong) {
    const auto [at, is_new] =
        numbers_.try_emplace(index, static_cast<std::uint32_t>(numbers_.size()));
    if (!is_new) return at->second;
    if (at->second == wire::most_routed_modules) {
      wrong = too_many;
    } else if (!put_build_id(modules_[index].build_id, into_.modules[at->second])) {
      wrong = modules_[index].path + " has no build-id to know it by";
    }
    return wrong.empty() ? at->second : 0;
  }

  const std::vector<capture::module>& modules_;
  wire::routes& into_;
  std::map<code_place, std::uint32_t> calls_;
  std::map<std::size_t, std::uint32_t> numbers_;
  std::uint32_t chains_ = 0;
  std::uint32_t links_ = 0;
};

}  // namespace

std::string chains_of(const capture::view& of, const site_table& sites, std::uint32_t site,
                      program_check check, wire::routes& into) {
  std::set<chain> chains;
  of.each_stack([&](std::uint32_t node, const capture::stack_figures& /*figures*/) {
    if (sites.of_node[node] != site) return;
    if (chain one = chain_of(of, node); !one.empty()) chains.insert(std::move(one));
  });
  if (chains.empty()) return "nobody knows where its code is";
  const std::vector<capture::module>& modules = of.recording().modules.all();
  if (check == program_check::is_as_recorded) {
    for (const chain& one : chains) {
      for (const code_place& call : one) {
        if (std::string why = why_not_as_recorded(modules[call.module]); !why.empty()) return why;
      }
    }
  }
  return writer(modules, into).put(chains);
}

}  // namespace strata::cli::advice
