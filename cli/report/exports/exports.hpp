// Files of a recording for the tools that others have made. docs/exports.md tells what each has.
#pragma once

#include <array>
#include <string>

#include "cli/report/capture_report.hpp"

namespace strata::cli {

// The file's content, or why the recording can't be told in this form.
struct exported {
  std::string content;
  std::string error;
};

struct export_form {
  const char* option;
  const char* help;
  const char* ending;  // the file's name must have it, since the tool goes by that; empty: any name
  exported (*make)(const capture_result&);
};

exported pprof_export(const capture_result& result);
exported speedscope_export(const capture_result& result);
exported dhat_export(const capture_result& result);
exported heaptrack_export(const capture_result& result);
exported chrome_trace_export(const capture_result& result);

inline constexpr std::array<export_form, 5> export_forms = {{
    {"--pprof", "A profile for pprof: allocated, and in use at what --at says", "", pprof_export},
    {"--heaptrack", "All events, for heaptrack_gui and heaptrack_print (NAME.gz)", ".gz",
     heaptrack_export},
    {"--dhat", "For dh_view.html, the viewer of Valgrind's DHAT", "", dhat_export},
    {"--speedscope", "Flame graphs of all figures, for speedscope", "", speedscope_export},
    {"--chrome-trace", "Live and resident bytes over time, for Perfetto or chrome://tracing", "",
     chrome_trace_export},
}};

}  // namespace strata::cli
