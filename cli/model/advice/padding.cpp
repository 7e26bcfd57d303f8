#include "cli/model/advice/padding.hpp"

#include <map>
#include <set>
#include <tuple>

#include "cli/model/layout/composition.hpp"
#include "cli/model/layout/debug_info.hpp"
#include "cli/model/layout/order.hpp"
#include "cli/model/layout/reader.hpp"
#include "cli/model/objects/objects.hpp"

namespace strata::cli::advice {
namespace {

using layout::record;

bool is_of_system(const record& one) {
  return one.file.starts_with("/usr/include/") || one.file.starts_with("/usr/lib/");
}

std::vector<std::string> names_of(const record& of, const std::vector<std::size_t>& order) {
  std::vector<std::string> made;
  for (const std::size_t index : order) {
    const layout::field& one = of.fields[index];
    if (one.kind == layout::field_kind::data)
      made.push_back(one.name.empty() ? one.type : one.name);
  }
  return made;
}

class collector {
 public:
  explicit collector(const capture::view& of) : of_(of) {}

  void add(const layout::named_records& names, const std::vector<objects::object_blocks>& blocks) {
    const layout::composition inside(names);
    for (const objects::object_blocks& one : blocks) {
      for (const auto& [part, count] : inside.parts_of(one.record)) {
        const record& of = names.all().records[part];
        if (is_of_system(of)) continue;
        const auto order = layout::order_of(of);
        const std::uint64_t better = order ? inside.size_with(one.record, part) : one.unit_bytes;
        if (better >= one.unit_bytes) continue;
        note(type_of(of, *order), one, count, better);
      }
    }
  }
  std::vector<padded_type> take(double least_bytes) {
    std::vector<padded_type> made;
    for (auto& [key, one] : known_) {
      if (one.saved_bytes >= least_bytes) made.push_back(std::move(one));
    }
    return made;
  }

 private:
  // Several modules may have the same type.
  padded_type& type_of(const record& of, const layout::better_order& order) {
    padded_type& one = known_[{of.name, of.file, of.line, of.size_bytes}];
    if (!one.name.empty()) return one;
    one.name = of.name.empty() ? "(anonymous)" : of.name;
    one.file = of.file;
    one.line = of.line;
    one.bytes = of.size_bytes;
    one.better_bytes = order.size_bytes;
    one.order = names_of(of, order.fields);
    one.of_node.resize(of_.recording().nodes.size());
    return one;
  }
  void note(padded_type& into, const objects::object_blocks& blocks, std::uint64_t count,
            std::uint64_t better) {
    const double live = of_.process().memory.by_node()[blocks.node].at_peak.bytes;
    const double units = live / static_cast<double>(blocks.unit_bytes);
    const double objects = units * static_cast<double>(count);
    into.objects += objects;
    if (blocks.by == objects::type_evidence::source) into.objects_by_source += objects;
    into.saved_bytes += units * static_cast<double>(blocks.unit_bytes - better);
    into.of_node[blocks.node] = {blocks.unit_bytes, better};
  }

  const capture::view& of_;
  std::map<std::tuple<std::string, std::string, std::uint64_t, std::uint64_t>, padded_type> known_;
};

}  // namespace

std::vector<padded_type> padded_types(const capture::view& of, double least_bytes) {
  // A stack with less doesn't matter, unless there are many.
  constexpr double least_part = 0.05;
  const auto types = objects::named_types(of, least_part * least_bytes);
  std::set<std::size_t> modules;
  for (const objects::named_type& one : types) modules.insert(one.module);
  collector all(of);
  for (const std::size_t module : modules) {
    const layout::debug_info info(of.recording().modules.all()[module].path);
    if (!info.error().empty()) continue;
    const layout::catalogue records = layout::read_records(info);
    const layout::named_records names(records);
    all.add(names, objects::blocks_of(types, module, of, names));
  }
  return all.take(least_bytes);
}

}  // namespace strata::cli::advice
