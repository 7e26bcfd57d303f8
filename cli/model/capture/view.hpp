// A process's heap by places in the source, for reports: what the figures of its stacks amount to for each
// site and for each call on the way there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/model/capture/capture.hpp"

namespace strata::cli::capture {

// A line of a function; of code without symbols, a place in its file.
struct call_site {
  std::string function;  // with its parameters; for code without symbols "libfoo.so+0x1234"
  std::string file;      // empty: unknown
  std::uint32_t line = 0;
  std::string module;  // where the code is; only when its file of source is unknown

  // NOLINTNEXTLINE(modernize-use-nullptr): there is none
  auto operator<=>(const call_site&) const = default;
};

// Without return type and parameters.
std::string short_name(const std::string& function);
// Whether it only passes on what others ask for: of the standard library, or operator new.
bool is_go_between(const std::string& function);

struct site_figures {
  call_site where;
  stack_figures figures;
  std::uint64_t stacks = 0;  // that lead here
};

// Calls from the outermost on. Figures are those of all stacks that go through here.
template <typename Figures>
struct tree_of {
  call_site where;
  Figures figures{};
  std::vector<tree_of> calls;

  // Adds a stack, of which the innermost call is the first.
  void add(const std::vector<call_site>& stack, const Figures& its) {
    tree_of* at = this;
    at->figures += its;
    for (auto one = stack.rbegin(); one != stack.rend(); ++one) {
      at = &at->call(*one);
      at->figures += its;
    }
  }

 private:
  tree_of& call(const call_site& which) {
    for (tree_of& known : calls) {
      if (known.where == which) return known;
    }
    calls.emplace_back().where = which;
    return calls.back();
  }
};
using call_tree = tree_of<stack_figures>;

// What a view is of: the blocks of a heap, what the program mapped for itself, or what its own pools gave out.
enum class memory_kind { blocks, mappings, pools };

class view {
 public:
  view(const capture& of, const recorded_process& process, memory_kind kind = memory_kind::blocks)
      : of_(of), process_(process), kind_(kind) {}

  const capture& recording() const { return of_; }
  const recorded_process& process() const { return process_; }

  // The heap that blocks with this stack are in, as a node of its maker's stack; 0: none that is known.
  std::uint32_t heap_of(std::uint32_t node) const {
    const std::uint64_t address = of_.nodes[node].address;
    return wire::is_heap_mark(address) ? wire::maker_of_heap(address) : 0;
  }
  // The innermost call of a stack, past the node that says which heap or pool the block is in.
  std::uint32_t call_of(std::uint32_t node) const {
    return wire::is_mark(of_.nodes[node].address) ? of_.nodes[node].caller : node;
  }

  // Of one address, the innermost first: more than one where functions are inlined. Of a heap, one that stands
  // for it: "[heap made by parse]", and where that is; of a pool "[pool NAME]".
  const std::vector<call_site>& calls_at(std::uint32_t node) const;
  // Where the code of a node is; null: in no file that is known.
  const code_range* code_at(std::uint32_t node) const;
  // A stack's nodes, the innermost first. That of an unknown stack is 0.
  std::vector<std::uint32_t> path(std::uint32_t node) const;
  // The calls of a stack, the innermost first, with those inlined.
  std::vector<call_site> stack(std::uint32_t node) const;
  // The first that is no go-between; the innermost when all are.
  call_site site(std::uint32_t node) const;

  // Calls visit(node, figures) for each stack that has allocated.
  template <typename Visit>
  void each_stack(Visit visit) const {
    if (kind_ == memory_kind::mappings) {
      for (const auto& [node, one] : process_.mapped.by_node()) visit(node, one.sums);
      return;
    }
    const heap& all = kind_ == memory_kind::pools ? process_.pooled : process_.memory;
    const auto& figures = all.by_node();
    for (std::uint32_t node = 0; node < figures.size(); ++node) {
      if (figures[node].total.blocks > 0) visit(node, figures[node]);
    }
  }

  std::vector<site_figures> sites() const;
  // First-class heaps that blocks were in, by who made them.
  std::vector<site_figures> heaps() const;
  // Pools by their names, of a view of pools.
  std::vector<site_figures> pools() const;
  call_tree tree() const;

 private:
  const capture& of_;
  const recorded_process& process_;
  memory_kind kind_;
  template <typename Where>
  std::vector<site_figures> summed_up(Where where) const;

  mutable std::map<std::uint64_t, std::vector<call_site>> known_;  // by address
};

}  // namespace strata::cli::capture
