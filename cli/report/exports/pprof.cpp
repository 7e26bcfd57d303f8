// A profile as pprof reads it: profile.proto (https://github.com/google/pprof), packed by gzip.
//
//   sample    a stack: its locations, the innermost first, and a value a type
//   location  an address, with a line for each call there: first the functions that are inlined
//   mapping   code of a file in memory; the executable's comes first, as pprof wants it
//
// What is named (functions, files, types) is told by its place in the table of texts, whose first is empty.
// Numbers of locations and so on begin with 1.
#include <algorithm>
#include <cmath>
#include <protozero/pbf_builder.hpp>

#include "cli/model/gzip.hpp"
#include "cli/report/exports/exports.hpp"
#include "cli/report/exports/numbering.hpp"

namespace strata::cli {
namespace {

using capture::call_site;
using capture::code_range;
using capture::stack_figures;
using protozero::pbf_builder;

enum class profile_field : protozero::pbf_tag_type {
  sample_type = 1,
  sample = 2,
  mapping = 3,
  location = 4,
  function = 5,
  text = 6,
  time_ns = 9,
  duration_ns = 10,
  period_type = 11,
  period = 12,
  comment = 13,
  default_sample_type = 14,
};
enum class type_field : protozero::pbf_tag_type { type = 1, unit = 2 };
enum class sample_field : protozero::pbf_tag_type { locations = 1, values = 2 };
enum class mapping_field : protozero::pbf_tag_type {
  id = 1,
  start = 2,
  limit = 3,
  offset = 4,
  file = 5,
  build_id = 6,
  has_functions = 7,
  has_files = 8,
  has_lines = 9,
  has_inlined = 10,
};
enum class location_field : protozero::pbf_tag_type { id = 1, mapping = 2, address = 3, line = 4 };
enum class line_field : protozero::pbf_tag_type { function = 1, line = 2 };
enum class function_field : protozero::pbf_tag_type { id = 1, name = 2, full_name = 3, file = 4 };

// What is in use is what was live at the peak, unless another moment is asked for.
capture_figure in_use(capture_figure asked) {
  const bool is_other = asked == capture_figure::end || asked == capture_figure::moment;
  return is_other ? asked : capture_figure::peak;
}
const capture::amount& in_use_of(const stack_figures& of, capture_figure asked) {
  return asked == capture_figure::end      ? of.live
         : asked == capture_figure::moment ? of.at_moment
                                           : of.at_peak;
}

class profile_writer {
 public:
  explicit profile_writer(const capture_result& result)
      : result_(result), view_(result.recording, result.process) {
    text("");
  }

  std::string content() {
    const std::string& executable = result_.process.facts.executable;
    result_.recording.modules.each_range(result_.process.facts.number,
                                         [&](const code_range& range) {
                                           if (module_of(range).path == executable) mapping(&range);
                                         });
    add_types();
    view_.each_stack(
        [&](std::uint32_t node, const stack_figures& figures) { add_sample(node, figures); });
    return std::move(bytes_);
  }

 private:
  using fields = pbf_builder<profile_field>;

  const capture::module& module_of(const code_range& range) const {
    return result_.recording.modules.all()[range.module];
  }

  std::int64_t text(const std::string& of) {
    return static_cast<std::int64_t>(texts_.of(of, [&](const std::string& fresh, std::uint64_t) {
      profile_.add_string(profile_field::text, fresh);
    }));
  }

  void add_type(profile_field where, const char* type, const char* unit) {
    const std::int64_t type_text = text(type);
    const std::int64_t unit_text = text(unit);
    pbf_builder<type_field> made(profile_, where);
    made.add_int64(type_field::type, type_text);
    made.add_int64(type_field::unit, unit_text);
  }

  void add_types() {
    add_type(profile_field::sample_type, "alloc_objects", "count");
    add_type(profile_field::sample_type, "alloc_space", "bytes");
    add_type(profile_field::sample_type, "inuse_objects", "count");
    add_type(profile_field::sample_type, "inuse_space", "bytes");
    const char* shown = result_.figure == capture_figure::total   ? "alloc_space"
                        : result_.figure == capture_figure::count ? "alloc_objects"
                                                                  : "inuse_space";
    profile_.add_int64(profile_field::default_sample_type, text(shown));
    add_type(profile_field::period_type, "space", "bytes");
    const capture::session& facts = result_.recording.facts;
    // pprof takes 1 for: each counts.
    profile_.add_int64(profile_field::period,
                       static_cast<std::int64_t>(std::max<std::uint64_t>(facts.sample_bytes, 1)));
    profile_.add_int64(profile_field::time_ns,
                       static_cast<std::int64_t>(facts.started_unix_s * 1'000'000'000));
    profile_.add_int64(profile_field::duration_ns,
                       static_cast<std::int64_t>(result_.recording.length_ms * 1'000'000));
    profile_.add_int64(profile_field::comment,
                       text("in use: " + figure_name(result_, in_use(result_.figure))));
  }

  void add_sample(std::uint32_t node, const stack_figures& figures) {
    std::vector<std::uint64_t> locations;
    for (std::uint32_t at : view_.path(node)) locations.push_back(location(at));
    const capture::amount& held = in_use_of(figures, result_.figure);
    std::vector<std::int64_t> values;
    for (double one : {figures.total.blocks, figures.total.bytes, held.blocks, held.bytes}) {
      values.push_back(std::llround(one));
    }
    pbf_builder<sample_field> made(profile_, profile_field::sample);
    made.add_packed_uint64(sample_field::locations, locations.begin(), locations.end());
    made.add_packed_int64(sample_field::values, values.begin(), values.end());
  }

  std::uint64_t location(std::uint32_t node) {
    const std::uint64_t address = result_.recording.nodes[node].address;
    return locations_.of(address, [&](std::uint64_t, std::uint64_t id) {
      const code_range* range = view_.code_at(node);
      std::string bytes;
      pbf_builder<location_field> made(bytes);
      made.add_uint64(location_field::id, id);
      if (range != nullptr) made.add_uint64(location_field::mapping, mapping(range));
      // One back, from where the call returns to into the call.
      made.add_uint64(location_field::address, range != nullptr ? address - 1 : address);
      for (const call_site& one : view_.calls_at(node)) {
        const std::uint64_t called = function(one);
        pbf_builder<line_field> line(made, location_field::line);
        line.add_uint64(line_field::function, called);
        line.add_int64(line_field::line, one.line);
      }
      profile_.add_message(profile_field::location, bytes);
    });
  }

  std::uint64_t mapping(const code_range* range) {
    return mappings_.of(range->start, [&](std::uint64_t, std::uint64_t id) {
      const capture::module& of = module_of(*range);
      const std::int64_t file = text(of.path);
      const std::int64_t build_id = text(of.build_id);
      pbf_builder<mapping_field> made(profile_, profile_field::mapping);
      made.add_uint64(mapping_field::id, id);
      made.add_uint64(mapping_field::start, range->start);
      made.add_uint64(mapping_field::limit, range->end);
      made.add_uint64(mapping_field::offset, range->offset);
      made.add_int64(mapping_field::file, file);
      made.add_int64(mapping_field::build_id, build_id);
      // All that is known is here: nothing is to be looked up again.
      for (auto known : {mapping_field::has_functions, mapping_field::has_files,
                         mapping_field::has_lines, mapping_field::has_inlined}) {
        made.add_bool(known, true);
      }
    });
  }

  std::uint64_t function(const call_site& of) {
    return functions_.of({of.function, of.file}, [&](const auto&, std::uint64_t id) {
      const std::int64_t name = text(capture::short_name(of.function));
      const std::int64_t full_name = text(of.function);
      const std::int64_t file = text(of.file);
      pbf_builder<function_field> made(profile_, profile_field::function);
      made.add_uint64(function_field::id, id);
      made.add_int64(function_field::name, name);
      made.add_int64(function_field::full_name, full_name);
      made.add_int64(function_field::file, file);
    });
  }

  const capture_result& result_;
  capture::view view_;
  std::string bytes_;
  fields profile_{bytes_};
  numbering<std::string> texts_{0};
  numbering<std::uint64_t> locations_{1};  // by address
  numbering<std::uint64_t> mappings_{1};   // by start
  numbering<std::pair<std::string, std::string>> functions_{1};
};

}  // namespace

exported pprof_export(const capture_result& result) {
  if (result.figure == capture_figure::temporary) {
    return {{}, "--pprof: a profile has no temporary blocks (--at)"};
  }
  return {gzipped(profile_writer(result).content()), {}};
}

}  // namespace strata::cli
