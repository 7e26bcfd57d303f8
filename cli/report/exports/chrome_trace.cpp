// The Trace Event Format, as Perfetto and chrome://tracing read it, of all processes: counters of live and of
// resident bytes, a span for each program and each thread, and a mark at the peak. Times are in microseconds.
#include <cmath>

#include "cli/model/file.hpp"
#include "cli/report/exports/exports.hpp"
#include "cli/report/format.hpp"
#include "cli/report/json.hpp"

namespace strata::cli {
namespace {

using capture::recorded_process;

constexpr std::uint64_t us_a_ms = 1000;

class trace_writer {
 public:
  explicit trace_writer(const capture_result& result) : result_(result) {}

  void add(const recorded_process& one) {
    const std::uint32_t pid = one.facts.pid;
    const std::uint64_t end_ms = result_.recording.end_of(one);
    const std::string name = base_name(one.facts.executable);
    add_named("process_name", one, pid, name);
    add_span(name, one, pid, one.facts.time_ms, end_ms,
             {{"command", joined(one.facts.command)}, {"number", one.facts.number}});
    for (const capture::thread_life& thread : one.threads) {
      if (thread.events == 0) continue;
      add_named("thread_name", one, thread.id, "thread " + std::to_string(thread.id));
      add_span("allocates", one, thread.id, thread.first_ms, thread.last_ms,
               {{"events", thread.events}});
    }
    for (const capture::curve_point& at : one.memory.curve()) {
      add_count("live bytes", one, at.time_ms, "live", std::llround(at.live_bytes));
    }
    for (const capture::resident& at : one.curve) {
      add_count("resident bytes", one, at.time_ms, "resident", static_cast<std::int64_t>(at.bytes));
    }
    events_.push_back({{"name", "peak"},
                       {"ph", "i"},
                       {"s", "p"},
                       {"pid", pid},
                       {"tid", pid},
                       {"ts", us_a_ms * one.memory.peak_time_ms()},
                       {"args", {{"live", std::llround(one.memory.peak_bytes())}}}});
  }

  std::string text() {
    return json_text({{"displayTimeUnit", "ms"},
                      {"otherData", {{"recorded by", "strata " STRATA_VERSION}}},
                      {"traceEvents", std::move(events_)}});
  }

 private:
  void add_named(const char* what, const recorded_process& of, std::uint32_t thread,
                 const std::string& name) {
    events_.push_back({{"name", what},
                       {"ph", "M"},
                       {"pid", of.facts.pid},
                       {"tid", thread},
                       {"args", {{"name", name}}}});
  }
  void add_span(const std::string& name, const recorded_process& of, std::uint32_t thread,
                std::uint64_t from_ms, std::uint64_t to_ms, const json_value& told) {
    events_.push_back({{"name", name},
                       {"ph", "X"},
                       {"pid", of.facts.pid},
                       {"tid", thread},
                       {"ts", us_a_ms * from_ms},
                       {"dur", to_ms > from_ms ? us_a_ms * (to_ms - from_ms) : 0},
                       {"args", told}});
  }
  void add_count(const char* name, const recorded_process& of, std::uint64_t time_ms,
                 const char* series, std::int64_t value) {
    events_.push_back({{"name", name},
                       {"ph", "C"},
                       {"pid", of.facts.pid},
                       {"ts", us_a_ms * time_ms},
                       {"args", {{series, value}}}});
  }

  const capture_result& result_;
  json_value events_ = json_value::array();
};

}  // namespace

exported chrome_trace_export(const capture_result& result) {
  trace_writer trace(result);
  for (const recorded_process& one : result.recording.processes) trace.add(one);
  return {trace.text(), {}};
}

}  // namespace strata::cli
