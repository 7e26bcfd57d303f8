// speedscope's own format (https://www.speedscope.app/file-format-schema.json): frames that all profiles
// share, and a profile a figure, whose samples are stacks with the outermost call first.
#include "cli/model/file.hpp"
#include "cli/report/exports/exports.hpp"
#include "cli/report/exports/numbering.hpp"
#include "cli/report/format.hpp"
#include "cli/report/json.hpp"

namespace strata::cli {
namespace {

using capture::call_site;
using capture::stack_figures;

json_value frame_json(const call_site& where) {
  json_value frame = {{"name", capture::short_name(where.function)}};
  if (!where.file.empty()) frame["file"] = where.file;
  if (where.line != 0) frame["line"] = where.line;
  return frame;
}

class profile_set {
 public:
  explicit profile_set(const capture_result& result)
      : result_(result), view_(result.recording, result.process) {
    view_.each_stack([&](std::uint32_t node, const stack_figures& figures) {
      json_value calls = json_value::array();
      const std::vector<call_site> stack = view_.stack(node);
      for (auto one = stack.rbegin(); one != stack.rend(); ++one) {
        calls.push_back(known_frames_.of(*one, [&](const call_site& where, std::uint64_t) {
          frames_.push_back(frame_json(where));
        }));
      }
      stacks_.emplace_back(std::move(calls), figures);
    });
  }

  void add(capture_figure which) {
    json_value samples = json_value::array();
    json_value weights = json_value::array();
    std::uint64_t sum = 0;
    for (const auto& [calls, figures] : stacks_) {
      const std::uint64_t value = whole_value_of(figures, which);
      if (value == 0) continue;
      samples.push_back(calls);
      weights.push_back(value);
      sum += value;
    }
    profiles_.push_back({{"type", "sampled"},
                         {"name", figure_name(result_, which)},
                         {"unit", is_size(which) ? "bytes" : "none"},
                         {"startValue", 0},
                         {"endValue", sum},
                         {"samples", std::move(samples)},
                         {"weights", std::move(weights)}});
  }

  std::string text(std::size_t active) {
    return json_text({{"$schema", "https://www.speedscope.app/file-format-schema.json"},
                      {"exporter", "strata " STRATA_VERSION},
                      {"name", base_name(result_.process.facts.executable)},
                      {"activeProfileIndex", active},
                      {"shared", {{"frames", std::move(frames_)}}},
                      {"profiles", std::move(profiles_)}});
  }

 private:
  const capture_result& result_;
  capture::view view_;
  numbering<call_site> known_frames_{0};
  json_value frames_ = json_value::array();
  std::vector<std::pair<json_value, stack_figures>> stacks_;
  json_value profiles_ = json_value::array();
};

}  // namespace

exported speedscope_export(const capture_result& result) {
  profile_set profiles(result);
  std::vector<capture_figure> figures = {capture_figure::peak, capture_figure::end,
                                         capture_figure::total, capture_figure::count,
                                         capture_figure::temporary};
  if (result.figure == capture_figure::moment) figures.push_back(capture_figure::moment);
  std::size_t active = 0;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    profiles.add(figures[i]);
    if (figures[i] == result.figure) active = i;
  }
  return {profiles.text(active), {}};
}

}  // namespace strata::cli
