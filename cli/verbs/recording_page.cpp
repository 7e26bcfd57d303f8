#include "cli/verbs/recording_page.hpp"

#include <utility>

#include "cli/model/page.hpp"
#include "cli/report/capture_report.hpp"

namespace strata::cli {

std::string make_page(const std::string& file, std::uint32_t process, std::string& page) {
  std::string why;
  const std::string empty_page = read_page(why);
  if (empty_page.empty()) return why;
  capture::capture all;
  if (auto error = capture::read_capture(file, all); !error.empty()) return error;
  const capture::recorded_process* chosen = all.find(process);
  if (chosen == nullptr) {
    return "--process: the recording has no process " + std::to_string(process);
  }
  if (!all.is_complete) capture::complete_names(all);
  capture_result result{.file = file, .recording = all, .process = *chosen};
  capture::address_maps addresses;
  if (all.has_addresses) {
    if (auto error = capture::read_addresses(file, all, *chosen, std::nullopt, addresses);
        !error.empty()) {
      return error;
    }
    result.addresses = &addresses;
  }
  auto made = capture_page(result, empty_page);
  if (!made) return "page.html is not the page of this Strata";
  page = std::move(*made);
  return {};
}

}  // namespace strata::cli
