#include "cli/model/leaks/cycles.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace strata::cli::leaks {
namespace {

struct object {
  std::uint32_t block = 0;  // of the graph; that has the object itself
  block_type what;
  bool is_counted = false;
  std::uint64_t order = 0;
  std::uint64_t bytes = 0;  // of its blocks
};

struct link {
  std::uint32_t from = 0;  // objects
  std::uint32_t to = 0;
  std::optional<field_place> field;
  std::uint64_t offset = 0;

  bool is_back(const std::vector<object>& all) const { return all[to].order < all[from].order; }
};

constexpr std::uint32_t no_object = UINT32_MAX;

// Both words of a std::shared_ptr lead to the same object.
bool is_second_word(const link& first, const link& other) {
  if (first.from != other.from || first.to != other.to) return false;
  if (first.field && other.field) return first.field->path == other.field->path;
  return !first.field && !other.field && other.offset == first.offset + sizeof(std::uint64_t);
}

// The objects of one knot, and the links between them that own.
class knot_reader {
 public:
  knot_reader(const lost_graph& of, const std::vector<std::uint32_t>& knot,
              const symbol_source& symbol, type_book& types)
      : of_(of), knot_(knot), types_(types), object_of_(knot.size(), no_object) {
    for (const std::uint32_t block : knot) whats_.push_back(symbol(of.first_words[block]));
    make_objects();
    make_links();
  }

  const std::vector<object>& objects() const { return objects_; }
  const std::vector<link>& links() const { return links_; }

 private:
  // The block's place in the knot; knot.size(): it is not there.
  std::size_t place_of(std::uint32_t block) const {
    const auto found = std::lower_bound(knot_.begin(), knot_.end(), block);
    return found != knot_.end() && *found == block ? static_cast<std::size_t>(found - knot_.begin())
                                                   : knot_.size();
  }
  template <typename Visit>
  void each_edge(std::uint32_t block, Visit visit) const {
    auto at = std::lower_bound(of_.edges.begin(), of_.edges.end(), block,
                               [](const edge& one, std::uint32_t from) { return one.from < from; });
    for (; at != of_.edges.end() && at->from == block; ++at) visit(*at);
  }

  void make_objects();
  void make_links();
  void add_link(std::size_t from, const edge& one);
  bool is_structure(const edge& one, std::size_t to) const;

  const lost_graph& of_;
  const std::vector<std::uint32_t>& knot_;  // by number
  type_book& types_;
  std::vector<block_type> whats_;
  std::vector<std::uint32_t> object_of_;  // by place in the knot
  std::vector<object> objects_;
  std::vector<link> links_;
};

void knot_reader::make_objects() {
  for (std::size_t i = 0; i < knot_.size(); ++i) {
    if (whats_[i].kind == block_kind::control) continue;
    object_of_[i] = static_cast<std::uint32_t>(objects_.size());
    const block& its = of_.blocks[knot_[i]];
    objects_.push_back(
        {knot_[i], whats_[i], whats_[i].kind == block_kind::counted, its.order, its.bytes});
  }
  // A control block belongs to its object.
  for (std::size_t i = 0; i < knot_.size(); ++i) {
    if (whats_[i].kind != block_kind::control) continue;
    each_edge(knot_[i], [&](const edge& one) {
      const std::size_t to = place_of(one.to);
      if (one.offset != whats_[i].object_offset || to == knot_.size() ||
          object_of_[to] == no_object)
        return;
      object_of_[i] = object_of_[to];
      object& its = objects_[object_of_[i]];
      its.is_counted = true;
      its.bytes += of_.blocks[knot_[i]].bytes;
      if (its.what.type.empty()) {
        its.what.type = whats_[i].type;
        its.what.file = whats_[i].file;
      }
    });
  }
}

// Whether it leads from a container's node back to the container.
bool knot_reader::is_structure(const edge& one, std::size_t to) const {
  const object& its = objects_[object_of_[to]];
  if (its.what.type.empty() || one.to != its.block || one.into < its.what.object_offset)
    return false;
  const auto field = types_.field(its.what.file, its.what.type, one.into - its.what.object_offset);
  return field && field->how == hold::container;
}

void knot_reader::add_link(std::size_t from, const edge& one) {
  const std::size_t to = place_of(one.to);
  if (to == knot_.size() || object_of_[to] == no_object) return;
  link made{object_of_[from], object_of_[to], std::nullopt, one.offset};
  const object& its = objects_[made.from];
  if (its.what.type.empty()) {
    if (is_structure(one, to)) return;
  } else if (one.offset >= its.what.object_offset) {
    made.offset -= its.what.object_offset;
    made.field = types_.field(its.what.file, its.what.type, made.offset);
  }
  if (made.field && (made.field->how == hold::weak || made.field->how == hold::pointer)) return;
  if (made.field) made.offset = made.field->offset;
  // Of an object that points to itself only an owner says something; a list's head does so, too.
  if (made.from == made.to && !(made.field && made.field->how == hold::owner)) return;
  if (!links_.empty() && is_second_word(links_.back(), made)) return;
  links_.push_back(std::move(made));
}

void knot_reader::make_links() {
  for (std::size_t i = 0; i < knot_.size(); ++i) {
    if (object_of_[i] == no_object || whats_[i].kind == block_kind::control) continue;
    each_edge(knot_[i], [&](const edge& one) { add_link(i, one); });
  }
}

// The components of the objects when some links are left out.
template <typename Counts>
components components_of(std::size_t objects, const std::vector<link>& links, Counts counts) {
  std::vector<std::uint32_t> first(objects + 1);
  for (const link& one : links) first[one.from + 1] += counts(one) ? 1U : 0U;
  for (std::size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
  std::vector<std::uint32_t> targets(first.back());
  std::vector<std::uint32_t> next = first;
  for (const link& one : links) {
    if (counts(one)) targets[next[one.from]++] = one.to;
  }
  return strongly_connected(first, targets);
}

// One component that has a circle.
class circle {
 public:
  circle(const std::vector<object>& objects, std::vector<link> links)
      : objects_(objects), links_(std::move(links)) {
    std::stable_sort(links_.begin(), links_.end(),
                     [](const link& a, const link& b) { return a.from < b.from; });
  }

  cycle describe() const {
    cycle made;
    const std::size_t weak = best_weak(made.is_enough);
    std::vector<const link*> path = way(links_[weak].to, links_[weak].from);
    path.push_back(&links_[weak]);
    for (const link* one : path) made.steps.push_back(step(*one));
    return made;
  }

 private:
  using field_key = std::tuple<std::string, std::string>;  // type, path
  field_key key_of(const link& one) const {
    return {objects_[one.from].what.type, one.field ? one.field->path : std::to_string(one.offset)};
  }
  static bool is_owner(const link& one) { return one.field && one.field->how == hold::owner; }

  std::size_t best_weak(bool& is_enough) const;
  bool breaks(const field_key& without) const;
  std::vector<const link*> way(std::uint32_t from, std::uint32_t to) const;
  cycle_step step(const link& one) const;

  const std::vector<object>& objects_;
  std::vector<link> links_;  // by from
};

bool circle::breaks(const field_key& without) const {
  const auto counts = [&](const link& one) { return key_of(one) != without; };
  const components parts = components_of(objects_.size(), links_, counts);
  return std::none_of(links_.begin(), links_.end(), [&](const link& one) {
    return counts(one) && parts.of[one.from] == parts.of[one.to];
  });
}

std::size_t circle::best_weak(bool& is_enough) const {
  struct standing {
    std::size_t links = 0;
    std::size_t back = 0;
    std::size_t best = 0;  // link: the one that leads back furthest
    std::int64_t distance = INT64_MIN;
    bool owns = false;
  };
  std::map<field_key, standing> fields;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const link& one = links_[i];
    standing& its = fields[key_of(one)];
    ++its.links;
    its.back += one.is_back(objects_) ? 1U : 0U;
    its.owns |= is_owner(one);
    const auto distance =
        static_cast<std::int64_t>(objects_[one.from].order - objects_[one.to].order);
    if (distance <= its.distance) continue;
    its.distance = distance;
    its.best = i;
  }
  std::size_t best = 0;
  std::tuple<bool, bool, double> best_worth{false, false, -1};
  for (const auto& [key, its] : fields) {
    const std::tuple<bool, bool, double> worth{
        its.owns, breaks(key), static_cast<double>(its.back) / static_cast<double>(its.links)};
    if (worth <= best_worth) continue;
    best_worth = worth;
    best = its.best;
  }
  is_enough = std::get<1>(best_worth);
  return best;
}

// The shortest.
std::vector<const link*> circle::way(std::uint32_t from, std::uint32_t to) const {
  std::vector<const link*> came_by(objects_.size());
  std::vector<std::uint32_t> open = {from};
  for (std::size_t i = 0; i < open.size() && came_by[to] == nullptr && from != to; ++i) {
    auto at = std::lower_bound(links_.begin(), links_.end(), open[i],
                               [](const link& one, std::uint32_t node) { return one.from < node; });
    for (; at != links_.end() && at->from == open[i]; ++at) {
      if (at->to == from || came_by[at->to] != nullptr) continue;
      came_by[at->to] = &*at;
      open.push_back(at->to);
    }
  }
  std::vector<const link*> made;
  for (std::uint32_t at = to; at != from && came_by[at] != nullptr; at = came_by[at]->from) {
    made.push_back(came_by[at]);
  }
  std::reverse(made.begin(), made.end());
  return made;
}

cycle_step circle::step(const link& one) const {
  const object& from = objects_[one.from];
  cycle_step made;
  made.type = from.what.type;
  made.bytes = from.bytes;
  made.offset = one.offset;
  if (one.field) {
    made.field = one.field->path;
    made.field_type = one.field->type;
  }
  made.node = from.block;  // replaced by its stack
  return made;
}

bool look_the_same(const cycle& a, const cycle& b) {
  return std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end(),
                    [](const cycle_step& x, const cycle_step& y) {
                      return std::tie(x.type, x.node, x.field, x.offset) ==
                             std::tie(y.type, y.node, y.field, y.offset);
                    });
}

void read_knot(const lost_graph& of, const std::vector<std::uint32_t>& knot,
               const symbol_source& symbol, type_book& types, std::vector<cycle>& into) {
  const knot_reader read(of, knot, symbol, types);
  const auto& objects = read.objects();
  const components parts =
      components_of(objects.size(), read.links(), [](const link&) { return true; });
  std::vector<std::vector<link>> inside(parts.count);
  for (const link& one : read.links()) {
    if (parts.of[one.from] == parts.of[one.to]) inside[parts.of[one.from]].push_back(one);
  }
  for (std::uint32_t part = 0; part < parts.count; ++part) {
    if (inside[part].empty()) continue;
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    bool is_counted = false;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (parts.of[i] != part) continue;
      ++count;
      bytes += objects[i].bytes;
      is_counted |= objects[i].is_counted;
    }
    if (!is_counted) continue;
    cycle made = circle(objects, inside[part]).describe();
    for (cycle_step& one : made.steps) one.node = of.blocks[one.node].node;
    auto known = std::find_if(into.begin(), into.end(),
                              [&](const cycle& one) { return look_the_same(one, made); });
    if (known == into.end()) known = into.insert(into.end(), std::move(made));
    ++known->count;
    known->objects += count;
    known->bytes += bytes;
  }
}

}  // namespace

std::vector<cycle> find_cycles(const lost_graph& of, const judgement& by,
                               const symbol_source& symbol, type_book& types) {
  std::vector<cycle> made;
  for (const auto& knot : by.knots) read_knot(of, knot, symbol, types, made);
  std::stable_sort(made.begin(), made.end(),
                   [](const cycle& a, const cycle& b) { return a.bytes > b.bytes; });
  return made;
}

}  // namespace strata::cli::leaks
