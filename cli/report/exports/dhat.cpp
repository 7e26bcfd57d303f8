// DHAT's file, version 2, of its mode heap, as dh_view.html reads it. A program point (pp) is a stack with its
// figures, and names its frames, the innermost first, by their place in the table of frames. Times are in
// microseconds, since the viewer tells rates by the million of units.
#include <algorithm>
#include <cmath>

#include "cli/report/exports/exports.hpp"
#include "cli/report/exports/numbering.hpp"
#include "cli/report/format.hpp"
#include "cli/report/json.hpp"

namespace strata::cli {
namespace {

using capture::amount;
using capture::call_site;
using capture::stack_figures;

constexpr double us_a_ms = 1000;
constexpr std::uint64_t short_life_us = 500;  // what the viewer is to mark as short-lived

std::int64_t whole(double value) { return std::llround(value); }

std::string frame_text(const call_site& where, std::uint64_t address) {
  std::string text =
      formatted("0x%llX: ", static_cast<unsigned long long>(address)) + where.function;
  if (!where.file.empty()) {
    text += " (" + where.file + ":" + std::to_string(where.line) + ")";
  } else if (!where.module.empty()) {
    text += " (in " + where.module + ")";
  }
  return text;
}

class point_writer {
 public:
  explicit point_writer(const capture_result& result)
      : result_(result), view_(result.recording, result.process) {
    const std::uint64_t end_ms = result.recording.end_of(result.process);
    view_.each_stack([&](std::uint32_t node, const stack_figures& of) {
      const amount own_peak = result.process.memory.own_peaks()[node];
      points_.push_back({{"tb", whole(of.total.bytes)},
                         {"tbk", whole(of.total.blocks)},
                         {"tl", whole(us_a_ms * of.life_ms(end_ms))},
                         {"mb", whole(own_peak.bytes)},
                         {"mbk", whole(own_peak.blocks)},
                         {"gb", whole(of.at_peak.bytes)},
                         {"gbk", whole(of.at_peak.blocks)},
                         {"eb", whole(of.live.bytes)},
                         {"ebk", whole(of.live.blocks)},
                         {"fs", frames_of(node)}});
    });
  }

  json_value points() { return std::move(points_); }
  json_value frames() { return std::move(frames_); }

 private:
  json_value frames_of(std::uint32_t node) {
    json_value made = json_value::array();
    const auto add = [&](const std::string& text) {
      made.push_back(known_frames_.of(
          text, [&](const std::string& fresh, std::uint64_t) { frames_.push_back(fresh); }));
    };
    for (std::uint32_t at : view_.path(node)) {
      for (const call_site& one : view_.calls_at(at)) {
        add(frame_text(one, result_.recording.nodes[at].address));
      }
    }
    return made;
  }

  const capture_result& result_;
  capture::view view_;
  numbering<std::string> known_frames_{1};
  json_value frames_ = json_value::array({"[root]"});
  json_value points_ = json_value::array();
};

}  // namespace

exported dhat_export(const capture_result& result) {
  const capture::recorded_process& one = result.process;
  const auto since_start = [&](std::uint64_t time_ms) {
    const std::uint64_t start_ms = std::min(one.facts.time_ms, time_ms);
    return whole(us_a_ms * static_cast<double>(time_ms - start_ms));
  };
  point_writer points(result);
  return {json_text({{"dhatFileVersion", 2},
                     {"mode", "heap"},
                     {"verb", "Allocated"},
                     {"bklt", true},
                     {"bkacc", false},
                     {"tu", "us"},
                     {"Mtu", "s"},
                     {"tuth", short_life_us},
                     {"cmd", joined(one.facts.command)},
                     {"pid", one.facts.pid},
                     {"te", since_start(result.recording.end_of(one))},
                     {"tg", since_start(one.memory.peak_time_ms())},
                     {"pps", points.points()},
                     {"ftbl", points.frames()}}),
          {}};
}

}  // namespace strata::cli
