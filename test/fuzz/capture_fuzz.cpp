// The reader of recordings, on files whose content is anything: figures or an error, never a crash. And what
// replays have of them: operations that a heap can follow, whatever the events. capture_input.hpp tells what
// an input is.
//
// The file is one in memory, whose path leads to it: nothing is written to a disk.
#include <sys/mman.h>
#include <unistd.h>

#include <iterator>
#include <string>
#include <vector>

#include "capture_input.hpp"
#include "cli/model/capture/capture.hpp"
#include "cli/model/file.hpp"
#include "cli/model/replay/translator.hpp"
#include "cli/report/diff_report.hpp"
#include "cli/report/exports/exports.hpp"
#include "test/fuzz/fuzz.hpp"

namespace {

using namespace strata;

class file_in_memory {
 public:
  file_in_memory() : file_(memfd_create("recording", MFD_CLOEXEC)) {
    fuzz::expect(static_cast<bool>(file_), "no file in memory");
    path_ = "/proc/self/fd/" + std::to_string(file_.get());
  }
  const std::string& path() const { return path_; }
  void fill(const std::string& content) const {
    const bool is_written =
        ftruncate(file_.get(), 0) == 0 && pwrite(file_.get(), content.data(), content.size(), 0) ==
                                              static_cast<ssize_t>(content.size());
    fuzz::expect(is_written, "no room in memory");
  }

 private:
  cli::descriptor file_;
  std::string path_;
};

void expect_to_be_followed(const std::string& path, std::uint32_t process) {
  cli::replay::translator made;
  std::vector<cli::replay::operation> some;
  std::vector<bool> live;
  cli::capture::read_events(path, process, [&](const cli::capture::event& one) {
    some.clear();
    made.add(one, some);
    for (const cli::replay::operation& each : some) {
      fuzz::expect(each.slot <= live.size(), "a slot too far");
      if (each.slot == live.size()) live.push_back(false);
      const bool makes = each.what == cli::replay::action::allocate;
      fuzz::expect(live[each.slot] != makes, "a slot that is taken twice, or freed twice");
      live[each.slot] = each.what != cli::replay::action::free;
    }
  });
}

void expect_texts(const cli::capture_result& result) {
  const cli::style look;
  fuzz::expect(!cli::capture_text(result, look).empty(), "no report");
  fuzz::expect(!cli::capture_tree_text(result, look).empty(), "no tree");
  cli::capture_folded(result);
  const cli::diff_result same{result, result};
  fuzz::expect(!cli::diff_text(same, look).empty(), "no difference");
  cli::diff_tree_text(same, look);
  cli::diff_folded(same);
}

void expect_mappings(cli::capture_result result) {
  if (result.figure == cli::capture_figure::temporary) return;  // they have no such figure
  result.kind = cli::capture::memory_kind::mappings;
  const cli::style look;
  fuzz::expect(!cli::mappings_text(result, look).empty(), "no table of mappings");
  fuzz::expect(!cli::capture_tree_text(result, look).empty(), "no tree of mappings");
  cli::capture_folded(result);
}

void expect_pools(cli::capture_result result) {
  result.kind = cli::capture::memory_kind::pools;
  const cli::style look;
  fuzz::expect(!cli::pools_text(result, look).empty(), "no tables of pools");
  fuzz::expect(!cli::capture_tree_text(result, look).empty(), "no tree of pools");
  cli::capture_folded(result);
}

void expect_documents(const cli::capture_result& result) {
  fuzz::expect(cli::capture_json(result).ends_with("}\n"), "no JSON");
  fuzz::expect(cli::diff_json({result, result}).ends_with("}\n"), "no JSON of a difference");
  constexpr std::string_view page = R"(<script type="application/json" id="report"></script>)";
  fuzz::expect(cli::capture_page(result, page).has_value(), "no page");
}

void expect_exports(const cli::capture_result& result) {
  for (const cli::export_form& form : cli::export_forms) {
    const cli::exported made = form.make(result);
    fuzz::expect(made.content.empty() != made.error.empty(), "neither a file nor an error");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const file_in_memory file;
  const std::string& path = file.path();
  const auto in = fuzz::capture_input::read({reinterpret_cast<const char*>(data), size});
  file.fill(in.file());
  cli::capture::capture recording;
  const std::uint64_t moment_ms = size;
  const std::string error = cli::capture::read_capture(path, recording, moment_ms);
  if (!error.empty()) {
    fuzz::expect(error.starts_with(path) && error.find('\n') == std::string::npos,
                 "no clear error");
    return 0;
  }
  const cli::capture::recorded_process& process = *recording.largest();
  cli::capture::address_maps addresses;
  fuzz::expect(cli::capture::read_addresses(path, recording, process, moment_ms, addresses).empty(),
               "events without addresses");
  constexpr cli::capture_figure figures[] = {
      cli::capture_figure::moment, cli::capture_figure::peak,  cli::capture_figure::end,
      cli::capture_figure::total,  cli::capture_figure::count, cli::capture_figure::temporary};
  const cli::capture_result result{.file = path,
                                   .recording = recording,
                                   .process = process,
                                   .figure = figures[in.figure() % std::size(figures)],
                                   .moment_ms = moment_ms,
                                   .addresses = &addresses};
  if (in.wants(1)) {
    expect_texts(result);
    expect_mappings(result);
    expect_pools(result);
  }
  if (in.wants(2)) expect_documents(result);
  if (in.wants(3)) {
    expect_exports(result);
    expect_to_be_followed(path, process.facts.number);
  }
  return 0;
}
