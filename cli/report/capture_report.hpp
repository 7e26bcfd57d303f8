// What strata report shows of a recording.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/model/capture/address_map.hpp"
#include "cli/model/capture/view.hpp"
#include "cli/report/json.hpp"
#include "cli/report/style.hpp"

namespace strata::cli {

// By which figure sites are ordered, and which one a tree or folded stacks show.
enum class capture_figure { peak, end, total, count, temporary, moment };
double value_of(const capture::stack_figures& of, capture_figure which);
// Rounded, as it is shown.
std::uint64_t whole_value_of(const capture::stack_figures& of, capture_figure which);
bool is_size(capture_figure which);

struct capture_result {
  std::string file;
  const capture::capture& recording;
  const capture::recorded_process& process;
  capture_figure figure = capture_figure::peak;
  std::uint64_t moment_ms = 0;  // of capture_figure::moment
  capture::memory_kind kind = capture::memory_kind::blocks;
  std::size_t shown = 20;                            // sites, or calls of a tree at each step
  const capture::address_maps* addresses = nullptr;  // null: not asked for, or not recorded
};
// What both tables begin with.
std::string capture_summary(const capture_result& result, const style& look);
// "live at the peak"
std::string figure_name(const capture_result& result, capture_figure which);

std::string capture_text(const capture_result& result, const style& look);
// The table of what the program mapped for itself, by site.
std::string mappings_text(const capture_result& result, const style& look);
// The tables of what the program's own pools gave out: by pool, and by site.
std::string pools_text(const capture_result& result, const style& look);
std::string capture_tree_text(const capture_result& result, const style& look);
// Calls of stacks each with function, file and line; or as numbers of calls that are listed once.
enum class call_form { written_out, numbered };
json_value capture_document(const capture_result& result, call_form calls);
// Of that document what has neither sites nor stacks in it.
json_value capture_facts(const capture_result& result);
std::string capture_json(const capture_result& result);
// The built page with the recording in it. Nothing: that is not the page of web/.
std::optional<std::string> capture_page(const capture_result& result, std::string_view page);
// The same with any document that the page can show.
std::optional<std::string> page_with(const json_value& document, std::string_view page);
// A line a stack, the outermost call first: "main;load;parse 4096".
std::string capture_folded(const capture_result& result);
std::string folded_calls(const std::vector<capture::call_site>& stack);

}  // namespace strata::cli
