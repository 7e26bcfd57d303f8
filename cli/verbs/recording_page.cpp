#include "cli/verbs/recording_page.hpp"

#include <optional>
#include <utility>

#include "cli/model/page.hpp"
#include "cli/report/capture_report.hpp"
#include "cli/report/diff_report.hpp"

namespace strata::cli {
namespace {

// The empty page, with what is asked for in it; nothing: it is no page of ours.
using filled_page = std::optional<std::string>;

// Each: empty, or what is wrong.
std::string read_recording(const std::string& file, capture::capture& into) {
  if (auto error = capture::read_capture(file, into); !error.empty()) return error;
  if (!into.is_complete) capture::complete_names(into);
  return {};
}

std::string fill_with_one(capture_result result, const std::string& empty_page, filled_page& made) {
  capture::address_maps addresses;
  if (result.recording.has_addresses) {
    if (auto error = capture::read_addresses(result.file, result.recording, result.process,
                                             std::nullopt, addresses);
        !error.empty()) {
      return error;
    }
    result.addresses = &addresses;
  }
  made = capture_page(result, empty_page);
  return {};
}

std::string fill_with_both(const capture_result& here, const std::string& other_file,
                           const std::string& empty_page, filled_page& made) {
  capture::capture recording;
  if (auto error = read_recording(other_file, recording); !error.empty()) return error;
  const capture_result other{
      .file = other_file, .recording = recording, .process = *recording.largest()};
  made = page_with(diff_document({here, other}), empty_page);
  return {};
}

}  // namespace

std::string make_page(const page_request& of, std::string& page) {
  std::string why;
  const std::string empty_page = read_page(why);
  if (empty_page.empty()) return why;
  capture::capture all;
  if (auto error = read_recording(of.file, all); !error.empty()) return error;
  const capture::recorded_process* chosen = all.find(of.process);
  if (chosen == nullptr) {
    return "--process: the recording has no process " + std::to_string(of.process);
  }
  const capture_result result{.file = of.file, .recording = all, .process = *chosen};
  filled_page made;
  auto error = of.other.empty() ? fill_with_one(result, empty_page, made)
                                : fill_with_both(result, of.other, empty_page, made);
  if (!error.empty()) return error;
  if (!made) return "page.html is not the page of this Strata";
  page = std::move(*made);
  return {};
}

}  // namespace strata::cli
