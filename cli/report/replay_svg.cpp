// The picture of `strata replay`: for each policy its footprint over the operations, in three layers.
//
//   external   ........____......    free, but the system's no more
//   internal   ~~~~~~~~    ~~~~~~    bound to blocks beyond what was asked for
//   asked      ##################
//
// All have one scale, so that they can be compared; what is higher than three times the need is cut off.
#include <algorithm>
#include <array>
#include <vector>

#include "cli/model/file.hpp"
#include "cli/report/format.hpp"
#include "cli/report/picture.hpp"
#include "cli/report/replay_report.hpp"

namespace strata::cli {
namespace {

using replay::policy_result;
using replay::usage;

constexpr double height = 90;
constexpr double most_needs = 3;

struct layer {
  const char* name;
  const char* colour;
  std::uint64_t (*top)(const usage& of);
};
// Each is drawn over the one before.
constexpr std::array layers = {
    layer{"external", "#56b4e9",
          [](const usage& of) { return std::max(of.footprint, of.granted); }},
    layer{"internal", "#e69f00", [](const usage& of) { return std::max(of.granted, of.asked); }},
    layer{"asked for", "#7f7f7f", [](const usage& of) { return of.asked; }}};

std::vector<replay::moment> moments_of(const policy_result& of) {
  const auto first = of.figures.curve.begin();
  std::vector<replay::moment> made(first, first + of.figures.moments);
  made.insert(made.begin(), replay::moment());
  // Peaks are narrow: that of the footprint is put where it belongs.
  for (const replay::moment& one : {of.figures.peak, of.figures.end}) {
    const auto at = std::find_if(made.begin(), made.end(), [&](const replay::moment& known) {
      return known.operation >= one.operation;
    });
    made.insert(at, one);
  }
  return made;
}

double scale_of(const replay_result& result) {
  std::uint64_t most = 1;
  for (const policy_result& one : result.policies) {
    most = std::max(most, one.figures.peak.at.footprint);
  }
  const double need = most_needs * static_cast<double>(result.trace.peak_bytes);
  return std::max(std::min(static_cast<double>(most), need), 1.0);
}

std::string title_of(const policy_result& one, std::uint64_t need_bytes) {
  const usage& peak = one.figures.peak.at;
  return std::string(one.kind->name) + ": " + format_size(peak.footprint) + " at its peak, " +
         format_ratio(static_cast<double>(peak.footprint), static_cast<double>(need_bytes)) +
         " of the need; " + format_size(internal_bytes(peak)) + " internal, " +
         format_size(external_bytes(peak)) + " external" +
         (one.figures.how == replay::outcome::done ? "" : " (it ended early)");
}

void draw(const policy_result& one, double most_bytes, std::uint64_t operations, picture& on) {
  const std::vector<replay::moment> moments = moments_of(one);
  const auto x_of = [&](std::uint64_t operation) {
    return picture::margin + picture::inner * static_cast<double>(operation) /
                                 static_cast<double>(std::max<std::uint64_t>(operations, 1));
  };
  const double bottom = on.y() + height;
  on.box(picture::margin, on.y(), picture::inner, height, "#f7f7f7", "");
  for (const layer& each : layers) {
    std::vector<picture::point> points;
    points.push_back({picture::margin, bottom});
    for (const replay::moment& at : moments) {
      const double share = std::min(static_cast<double>(each.top(at.at)) / most_bytes, 1.0);
      points.push_back({x_of(at.operation), bottom - height * share});
    }
    points.push_back({x_of(moments.back().operation), bottom});
    on.area(points, each.colour, std::string(one.kind->name) + ": " + each.name);
  }
  on.down(height);
}

void draw_legend(picture& on) {
  on.down(22);
  double left = picture::margin;
  for (const layer& each : layers) {
    on.box(left, on.y() - 11, 12, 12, each.colour, "");
    on.label(left + 18, each.name);
    left += 140;
  }
}

}  // namespace

std::string replay_svg(const replay_result& result) {
  picture on;
  on.down(picture::margin);
  on.label(picture::margin,
           "strata replay: " + base_name(result.file) + ", " +
               format_count(static_cast<double>(result.trace.operations)) + " operations",
           "font-size='18'");
  const double most_bytes = scale_of(result);
  draw_legend(on);
  on.label(picture::margin + 440, "height: " + format_size(rounded(most_bytes)) +
                                      "; from the first " + "operation to the last");
  for (const policy_result& one : result.policies) {
    if (one.figures.how == replay::outcome::died) continue;
    on.heading(title_of(one, result.trace.peak_bytes));
    draw(one, most_bytes, result.trace.operations, on);
  }
  return on.whole();
}

}  // namespace strata::cli
