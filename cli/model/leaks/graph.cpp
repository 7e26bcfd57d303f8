#include "cli/model/leaks/graph.hpp"

#include <algorithm>

namespace strata::cli::leaks {
namespace {

// Where the edges of each node lead to, one after the other.
struct adjacency {
  std::vector<std::uint32_t> first;
  std::vector<std::uint32_t> targets;

  explicit adjacency(const lost_graph& of) : first(of.blocks.size() + 1) {
    for (const edge& one : of.edges) ++first[one.from + 1];
    for (std::size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
    for (const edge& one : of.edges) targets.push_back(one.to);  // they are by from
  }
};

constexpr std::uint32_t not_yet = UINT32_MAX;

// Tarjan's, with a stack of its own: chains of blocks are long.
class component_search {
 public:
  component_search(const std::vector<std::uint32_t>& first,
                   const std::vector<std::uint32_t>& targets)
      : first_(first), targets_(targets), met_(first.size() - 1, not_yet), low_(first.size() - 1) {
    made_.of.assign(first.size() - 1, not_yet);
  }

  components run() {
    for (std::uint32_t node = 0; node < met_.size(); ++node) {
      if (met_[node] == not_yet) run_from(node);
    }
    return std::move(made_);
  }

 private:
  struct visit {
    std::uint32_t node;
    std::uint32_t next;  // edge
  };

  void enter(std::uint32_t node) {
    met_[node] = low_[node] = count_++;
    open_.push_back(node);
    path_.push_back({node, first_[node]});
  }

  void run_from(std::uint32_t start) {
    enter(start);
    while (!path_.empty()) {
      const std::uint32_t node = path_.back().node;
      if (path_.back().next < first_[node + 1]) {
        const std::uint32_t to = targets_[path_.back().next++];
        if (met_[to] == not_yet) {
          enter(to);
        } else if (made_.of[to] == not_yet) {
          low_[node] = std::min(low_[node], met_[to]);
        }
        continue;
      }
      path_.pop_back();
      if (!path_.empty()) low_[path_.back().node] = std::min(low_[path_.back().node], low_[node]);
      if (low_[node] == met_[node]) close(node);
    }
  }

  void close(std::uint32_t root) {
    std::uint32_t node;
    do {
      node = open_.back();
      open_.pop_back();
      made_.of[node] = made_.count;
    } while (node != root);
    ++made_.count;
  }

  const std::vector<std::uint32_t>& first_;
  const std::vector<std::uint32_t>& targets_;
  std::vector<std::uint32_t> met_;  // when
  std::vector<std::uint32_t> low_;  // the earliest that it leads to
  std::vector<std::uint32_t> open_;
  std::vector<visit> path_;
  std::uint32_t count_ = 0;
  components made_;
};

void spread_suppressed(const adjacency& edges, std::vector<bool>& suppressed) {
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 0; i < suppressed.size(); ++i) {
    if (suppressed[i]) open.push_back(i);
  }
  while (!open.empty()) {
    const std::uint32_t node = open.back();
    open.pop_back();
    for (std::uint32_t at = edges.first[node]; at < edges.first[node + 1]; ++at) {
      const std::uint32_t to = edges.targets[at];
      if (suppressed[to]) continue;
      suppressed[to] = true;
      open.push_back(to);
    }
  }
}

}  // namespace

components strongly_connected(const std::vector<std::uint32_t>& first,
                              const std::vector<std::uint32_t>& targets) {
  return component_search(first, targets).run();
}

judgement judge(const lost_graph& of, const std::vector<bool>& is_suppressed) {
  const adjacency edges(of);
  std::vector<bool> suppressed = is_suppressed;
  spread_suppressed(edges, suppressed);
  const components parts = strongly_connected(edges.first, edges.targets);

  std::vector<bool> is_held(parts.count);  // by another component
  std::vector<bool> is_circle(parts.count);
  for (const edge& one : of.edges) {
    if (parts.of[one.from] != parts.of[one.to]) {
      is_held[parts.of[one.to]] = true;
    } else if (!suppressed[one.from]) {
      is_circle[parts.of[one.from]] = true;
    }
  }
  std::vector<std::uint32_t> oldest(parts.count, not_yet);
  for (std::uint32_t i = 0; i < of.blocks.size(); ++i) {
    std::uint32_t& known = oldest[parts.of[i]];
    if (known == not_yet || of.blocks[i].order < of.blocks[known].order) known = i;
  }

  judgement made;
  std::vector<std::size_t> knot_of(parts.count);  // + 1
  for (std::uint32_t i = 0; i < of.blocks.size(); ++i) {
    const std::uint32_t part = parts.of[i];
    made.kinds.push_back(suppressed[i]                         ? loss::suppressed
                         : !is_held[part] && oldest[part] == i ? loss::definite
                                                               : loss::indirect);
    if (!is_circle[part]) continue;
    if (knot_of[part] == 0) {
      made.knots.emplace_back();
      knot_of[part] = made.knots.size();
    }
    made.knots[knot_of[part] - 1].push_back(i);
  }
  return made;
}

}  // namespace strata::cli::leaks
