// The ledger of owners, and cycles in it.
#define STRATA_OWNERSHIP_DEBUG 1
#include <strata/ownership.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>

#include <strata/detail/fork.hpp>

#include "base/text.hpp"
#include "os/process.hpp"

namespace strata {
namespace detail {
namespace {

const char* text_of(ownership_misuse kind) {
  switch (kind) {
    case ownership_misuse::count_overflow:
      return "too many owners";
    case ownership_misuse::not_the_whole_object:
      return "object used as a whole by a pointer to a part of it";
    case ownership_misuse::double_drop:
      return "double drop";
    case ownership_misuse::use_after_move:
      return "use after move";
    case ownership_misuse::use_of_null:
      return "use of null";
    case ownership_misuse::borrowed_while_freed:
      return "borrowed while freed";
  }
  return "misuse";
}

}  // namespace

void stop_ownership(ownership_misuse kind, std::string_view type, const void* address) noexcept {
  char buffer[512];
  base::text message(buffer, sizeof buffer);
  message << "strata: ownership: " << text_of(kind) << ": address ";
  message.hex(address_of(address));
  if (!type.empty()) message << ", type ";
  for (char each : type.substr(0, 400)) message.put(each);
  message << ", process " << os::process_id() << "\n";
  os::write_error(message.data(), message.stored());
  os::abort_process();
}

namespace ownership_ledger {
namespace {

struct object {
  std::size_t bytes;
  std::string_view type;
  each_slot slots;
  std::uint64_t serial;
};
struct slot {
  const void* target;
  slot_kind kind;
  bool moved;
};

using object_table = std::map<std::uintptr_t, object>;

// By address. Slots of global variables are dropped after everything else, so it is never destroyed.
struct tables {
  fork_safe<std::mutex> lock;  // guards all members
  object_table objects;
  std::map<std::uintptr_t, slot> slots;
  std::uint64_t next_serial = 1;

  object_table::const_iterator around(const void* inside) const {
    auto found = objects.upper_bound(address_of(inside));
    if (found == objects.begin()) return objects.end();
    --found;
    return address_of(inside) - found->first < found->second.bytes ? found : objects.end();
  }
};

tables& all() {
  static auto* const made = new tables;
  return *made;
}

}  // namespace

void object_made(const void* start, std::size_t bytes, std::string_view type,
                 each_slot slots) noexcept {
  tables& known = all();
  std::lock_guard hold(known.lock);
  // An array of no elements is an object too.
  known.objects[address_of(start)] = {std::max<std::size_t>(bytes, 1), type, slots,
                                      known.next_serial++};
}

void object_ended(const void* inside) noexcept {
  tables& known = all();
  std::lock_guard hold(known.lock);
  auto found = known.around(inside);
  if (found != known.objects.end()) known.objects.erase(found);
}

std::uint64_t serial_of(const void* inside) noexcept {
  tables& known = all();
  std::lock_guard hold(known.lock);
  auto found = known.around(inside);
  return found == known.objects.end() ? 0 : found->second.serial;
}

void slot_made(const void* one, const void* target, slot_kind kind) noexcept {
  tables& known = all();
  std::lock_guard hold(known.lock);
  known.slots[address_of(one)] = {target, kind, false};
}

void slot_set(const void* one, const void* target, bool moved) noexcept {
  tables& known = all();
  std::lock_guard hold(known.lock);
  auto found = known.slots.find(address_of(one));
  if (found == known.slots.end()) return;
  found->second.target = target;
  found->second.moved = moved;
}

void slot_ended(const void* one) noexcept {
  tables& known = all();
  std::lock_guard hold(known.lock);
  known.slots.erase(address_of(one));
}

void check_slot(const void* one, std::string_view type) noexcept {
  tables& known = all();
  std::lock_guard hold(known.lock);
  if (!known.slots.contains(address_of(one))) {
    stop_ownership(ownership_misuse::double_drop, type, one);
  }
}

void stop_at_null(const void* one, std::string_view type) noexcept {
  tables& known = all();
  std::lock_guard hold(known.lock);
  auto found = known.slots.find(address_of(one));
  bool moved = found != known.slots.end() && found->second.moved;
  stop_ownership(moved ? ownership_misuse::use_after_move : ownership_misuse::use_of_null, type,
                 one);
}

}  // namespace ownership_ledger

// ---- The graph

namespace {

using ownership_ledger::slot_kind;

// Visits (object or end, slot, target object) for each owner that points to a known object.
template <class Visit>
void each_owner(const ownership_ledger::tables& known, Visit visit) {
  for (const auto& [at, one] : known.slots) {
    if (one.kind != slot_kind::owner) continue;
    auto to = known.around(one.target);
    if (to != known.objects.end()) visit(known.around(pointer_to(at)), at, to);
  }
}

// The slots that edges<T> names and that lie in no object's own bytes.
class outside_slots final : public ownership_ledger::slot_sink {
 public:
  explicit outside_slots(const ownership_ledger::tables& known) : known_(known) {}
  void take(const void* slot) override {
    auto found = known_.slots.find(address_of(slot));
    if (found == known_.slots.end() || found->second.kind != slot_kind::owner) return;
    if (known_.around(slot) != known_.objects.end()) return;  // found by its address
    auto to = known_.around(found->second.target);
    if (to != known_.objects.end()) targets.push_back(to->first);
  }
  std::vector<std::uintptr_t> targets;

 private:
  const ownership_ledger::tables& known_;
};

std::vector<owned_edge> edges_of(const ownership_ledger::tables& known) {
  std::vector<owned_edge> found;
  each_owner(known, [&](auto from, std::uintptr_t at, auto to) {
    if (from == known.objects.end()) return;
    found.push_back({pointer_to(from->first), at - from->first, pointer_to(to->first)});
  });
  for (const auto& [start, one] : known.objects) {
    if (one.slots == nullptr) continue;
    outside_slots sink(known);
    one.slots(pointer_to(start), one.bytes, sink);
    for (std::uintptr_t to : sink.targets) {
      found.push_back({pointer_to(start), owned_edge::outside, pointer_to(to)});
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const owned_edge& one, const owned_edge& other) {
    return std::less<>()(one.from, other.from);
  });
  return found;
}

// Objects by number, for the search of cycles.
struct graph {
  struct edge {
    std::size_t to;
    std::size_t member_offset;
  };
  std::vector<cycle_step> objects;  // member_offset not set
  std::vector<std::vector<edge>> edges;
};

graph graph_of(const ownership_ledger::tables& known) {
  graph made;
  std::map<const void*, std::size_t> number;
  for (const auto& [start, one] : known.objects) {
    number.emplace(pointer_to(start), made.objects.size());
    made.objects.push_back({std::string(one.type), pointer_to(start), 0});
  }
  made.edges.resize(made.objects.size());
  for (const owned_edge& each : edges_of(known)) {
    made.edges[number.at(each.from)].push_back({number.at(each.to), each.member_offset});
  }
  return made;
}

// Strongly connected components by Tarjan's algorithm (1972), with a stack of its own: chains are long.
class components {
 public:
  explicit components(const graph& of)
      : of_(of), index_(of.objects.size()), low_(of.objects.size()), group(of.objects.size()) {
    for (std::size_t each = 0; each < of.objects.size(); ++each) {
      if (index_[each] == 0) visit(each);
    }
  }

 private:
  struct frame {
    std::size_t object;
    std::size_t next_edge;
  };

  void enter(std::size_t object) {
    index_[object] = low_[object] = ++entered_;
    open_.push_back(object);
    frames_.push_back({object, 0});
  }
  void visit(std::size_t root) {
    enter(root);
    while (!frames_.empty()) {
      std::size_t object = frames_.back().object;
      if (frames_.back().next_edge < of_.edges[object].size()) {
        std::size_t to = of_.edges[object][frames_.back().next_edge++].to;
        if (index_[to] == 0)
          enter(to);
        else if (group[to] == 0)
          low_[object] = std::min(low_[object], index_[to]);
        continue;
      }
      frames_.pop_back();
      if (!frames_.empty()) {
        std::size_t parent = frames_.back().object;
        low_[parent] = std::min(low_[parent], low_[object]);
      }
      if (low_[object] == index_[object]) close(object);
    }
  }
  // All that was entered since the object is one group with it.
  void close(std::size_t object) {
    ++groups;
    std::size_t member = 0;
    do {
      member = open_.back();
      open_.pop_back();
      group[member] = groups;
    } while (member != object);
  }

  const graph& of_;
  std::vector<std::size_t> index_;  // 0: not entered
  std::vector<std::size_t> low_;
  std::vector<std::size_t> open_;
  std::vector<frame> frames_;
  std::size_t entered_ = 0;

 public:
  std::vector<std::size_t> group;  // 0: not closed
  std::size_t groups = 0;
};

// A shortest way from the object back to it within its group; empty where there is none. Breadth first.
ownership_cycle cycle_from(std::size_t start, const graph& of, const components& parts) {
  struct step {
    std::size_t from;
    std::size_t member_offset;
  };
  std::map<std::size_t, step> reached;
  std::deque<std::size_t> open{start};
  while (!open.empty() && !reached.contains(start)) {
    std::size_t from = open.front();
    open.pop_front();
    for (const graph::edge& each : of.edges[from]) {
      if (parts.group[each.to] != parts.group[start]) continue;
      if (reached.emplace(each.to, step{from, each.member_offset}).second) open.push_back(each.to);
    }
  }
  ownership_cycle found;
  if (!reached.contains(start)) return found;
  std::size_t at = start;
  do {
    step back = reached.at(at);
    at = back.from;
    found.push_back(of.objects[at]);
    found.back().member_offset = back.member_offset;
  } while (at != start);
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace
}  // namespace detail

std::vector<owned_object> live_objects() {
  detail::ownership_ledger::tables& known = detail::ownership_ledger::all();
  std::lock_guard hold(known.lock);
  std::map<std::uintptr_t, std::size_t> owners;
  detail::each_owner(known, [&](auto, std::uintptr_t, auto to) { ++owners[to->first]; });
  std::vector<owned_object> found;
  for (const auto& [start, one] : known.objects) {
    found.push_back({std::string(one.type), detail::pointer_to(start), one.bytes, owners[start]});
  }
  return found;
}

std::vector<owned_edge> live_edges() {
  detail::ownership_ledger::tables& known = detail::ownership_ledger::all();
  std::lock_guard hold(known.lock);
  return detail::edges_of(known);
}

std::vector<ownership_cycle> find_cycles() {
  detail::ownership_ledger::tables& known = detail::ownership_ledger::all();
  std::lock_guard hold(known.lock);
  detail::graph of = detail::graph_of(known);
  detail::components parts(of);
  std::vector<bool> seen(parts.groups + 1);
  std::vector<ownership_cycle> found;
  for (std::size_t each = 0; each < of.objects.size(); ++each) {
    if (seen[parts.group[each]]) continue;
    seen[parts.group[each]] = true;
    ownership_cycle cycle = detail::cycle_from(each, of, parts);
    if (!cycle.empty()) found.push_back(std::move(cycle));
  }
  return found;
}

std::string describe(const ownership_cycle& cycle) {
  std::string made;
  for (const cycle_step& each : cycle) {
    char number[32];
    base::text address(number, sizeof number);
    address.hex(detail::address_of(each.address));
    made += each.type + " at " + number;
    made += each.member_offset == owned_edge::outside
                ? ", owner outside of it"
                : ", member at byte " + std::to_string(each.member_offset);
    made += " -> ";
  }
  return made + "the first";
}

}  // namespace strata
