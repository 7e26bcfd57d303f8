// What `strata layout` shows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/model/layout/gaps.hpp"
#include "cli/model/layout/order.hpp"
#include "cli/model/objects/objects.hpp"
#include "cli/report/style.hpp"

namespace strata::cli {

// A record and what is to be said of it.
struct weighed_record {
  const layout::record* what;
  layout::waste waste;
  std::uint64_t nested_waste_bytes;
  std::optional<layout::better_order> better;

  objects::object_count live{};  // in the recording; 0 without one

  std::uint64_t saved_bytes() const { return better ? what->size_bytes - better->size_bytes : 0; }
  // Of all these objects, before the allocator rounds.
  double saved_at_peak() const { return live.objects * static_cast<double>(saved_bytes()); }
};

// What is known of the blocks of a recording at its peak.
struct recorded_objects {
  std::string file;
  double peak_bytes = 0;
  double known_bytes = 0;                     // of these, in blocks whose type is known
  std::vector<objects::object_count> counts;  // by record
};

struct layout_result {
  std::string file;  // the program
  std::string type;  // what was asked for; empty: a list
  const layout::catalogue* all;
  std::vector<weighed_record> records;
  const recorded_objects* recorded = nullptr;  // null: no recording
};

// Weighs the records with these numbers: those that waste most first, or with a recording those whose better
// order saves most at its peak.
std::vector<weighed_record> weighed(const layout::catalogue& all,
                                    const std::vector<std::size_t>& which,
                                    const recorded_objects* recorded);

enum class nested_fields { anonymous, all };

// The first `most` of them that waste anything, a line each; 0: all.
std::string layout_list_text(const layout_result& result, std::size_t most, const style& look);
// Each with its fields.
std::string layout_types_text(const layout_result& result, nested_fields expand, const style& look);
std::string layout_json(const layout_result& result);

}  // namespace strata::cli
