// heaptrack's file, version 3 of its format, packed by gzip. Each line begins with what it is; numbers are
// hexadecimal, and those of strings, places and traces begin with 1 (0: none).
//
//   v VERSION FORMAT      X COMMAND      I PAGE_BYTES PAGES
//   s LENGTH TEXT         the next string: a function, a file
//   i ADDRESS MODULE (FUNCTION FILE LINE)...   the next place in the code, with what is inlined there
//   t PLACE TRACE         the next trace: a place, and the trace of its caller
//   a BYTES TRACE         the next kind of block, from 0
//   + KIND  - KIND        a block comes, a block goes
//   c MS                  now it is so late       R PAGES   resident now
//
// A line comes before those that name it. Blocks have no names of their own: that one of a kind goes is all
// that is told. Kind 0 is never used, since heaptrack takes it for "none" when it counts temporary blocks.
#include <algorithm>

#include "cli/model/capture/block_table.hpp"
#include "cli/model/gzip.hpp"
#include "cli/report/exports/exports.hpp"
#include "cli/report/exports/numbering.hpp"
#include "cli/report/format.hpp"

namespace strata::cli {
namespace {

using capture::call_site;
using capture::code_range;

constexpr std::uint64_t page_bytes = 4096;

struct known_block {
  std::uint64_t block = 0;
  std::uint64_t kind = 0;
};

class event_writer {
 public:
  explicit event_writer(const capture_result& result)
      : result_(result), view_(result.recording, result.process) {
    line("v 10400 3");
    line("X " + one_line(joined(result.process.facts.command)));
    line("I " + hexadecimal(page_bytes) + " 0");
    line("a 0 0");
  }

  void add(const capture::event& one) {
    if (one.makes()) {
      pass_to(one.time_ms);
      make(one);
    } else if (one.kind != wire::entry_kind::resize_back) {
      pass_to(one.time_ms);
      end(one);
    } else {
      take_back(one);
    }
  }

  std::string finish() {
    pass_to(result_.recording.end_of(result_.process));
    return file_.finish();
  }

 private:
  static std::string hexadecimal(std::uint64_t value) {
    return formatted("%llx", static_cast<unsigned long long>(value));
  }
  static std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }
  void line(const std::string& text) { file_ << text << "\n"; }

  void pass_to(std::uint64_t time_ms) {
    const std::vector<capture::resident>& curve = result_.process.curve;
    for (; next_resident_ < curve.size() && curve[next_resident_].time_ms <= time_ms;
         ++next_resident_) {
      stamp(curve[next_resident_].time_ms);
      line("R " + hexadecimal(curve[next_resident_].bytes / page_bytes));
    }
    stamp(time_ms);
  }
  void stamp(std::uint64_t time_ms) {
    const std::uint64_t start_ms = result_.process.facts.time_ms;
    const std::uint64_t now_ms = time_ms > start_ms ? time_ms - start_ms : 0;
    if (now_ms <= now_ms_) return;
    now_ms_ = now_ms;
    line("c " + hexadecimal(now_ms));
  }

  void make(const capture::event& one) {
    const std::uint64_t kind = kind_of(one.size, one.node);
    live_.insert({one.block, kind});
    line("+ " + hexadecimal(kind));
  }
  void end(const capture::event& one) {
    known_block was;
    if (!live_.remove(one.block, was)) return;
    line("- " + hexadecimal(was.kind));
    if (one.kind == wire::entry_kind::resize_out) last_resized_[one.thread] = was;
  }
  // realloc had no memory. heaptrack has no word for that: the block counts once more.
  void take_back(const capture::event& one) {
    const auto found = last_resized_.find(one.thread);
    if (found == last_resized_.end() || found->second.block != one.block) return;
    if (live_.insert(found->second)) line("+ " + hexadecimal(found->second.kind));
    last_resized_.erase(found);
  }

  std::uint64_t kind_of(std::uint64_t size, std::uint32_t node) {
    return kinds_.of({size, node}, [&](const auto&, std::uint64_t) {
      const std::uint64_t trace = trace_of(node);
      line("a " + hexadecimal(size) + " " + hexadecimal(trace));
    });
  }

  std::uint64_t trace_of(std::uint32_t node) {
    std::uint64_t trace = 0;
    const std::vector<std::uint32_t> path = view_.path(node);
    for (auto at = path.rbegin(); at != path.rend(); ++at) {
      const std::uint64_t caller = trace;
      trace = traces_.of(*at, [&](std::uint32_t which, std::uint64_t) {
        const std::uint64_t place = place_of(which);
        line("t " + hexadecimal(place) + " " + hexadecimal(caller));
      });
    }
    return trace;
  }

  std::uint64_t place_of(std::uint32_t node) {
    const std::uint64_t address = result_.recording.nodes[node].address;
    return places_.of(address, [&](std::uint64_t, std::uint64_t) {
      const code_range* range = view_.code_at(node);
      const std::string module =
          range == nullptr ? std::string() : result_.recording.modules.all()[range->module].path;
      std::string text = "i " + hexadecimal(address) + " " + hexadecimal(string_of(module));
      for (const call_site& one : view_.calls_at(node)) {
        text += " " + hexadecimal(string_of(one.function)) + " " +
                hexadecimal(string_of(one.file)) + " " + hexadecimal(one.line);
      }
      line(text);
    });
  }

  std::uint64_t string_of(const std::string& text) {
    if (text.empty()) return 0;
    return strings_.of(text, [&](const std::string& fresh, std::uint64_t) {
      line("s " + hexadecimal(fresh.size()) + " " + one_line(fresh));
    });
  }

  const capture_result& result_;
  capture::view view_;
  gzip_writer file_;
  std::uint64_t now_ms_ = 0;
  std::size_t next_resident_ = 0;
  capture::block_table<known_block, &known_block::block> live_;
  std::map<std::uint32_t, known_block> last_resized_;  // by thread
  numbering<std::pair<std::uint64_t, std::uint32_t>> kinds_{1};
  numbering<std::uint32_t> traces_{1};  // by node
  numbering<std::uint64_t> places_{1};  // by address
  numbering<std::string> strings_{1};
};

}  // namespace

exported heaptrack_export(const capture_result& result) {
  const capture::capture& all = result.recording;
  if (all.facts.sample_bytes != 0) {
    return {{}, "--heaptrack: the recording is a sample; that needs every block (record --every)"};
  }
  if (all.is_rolled_up) {
    return {{}, "--heaptrack: the recording has sums in place of its last events (--max-size)"};
  }
  event_writer writer(result);
  const std::string error =
      capture::read_events(result.file, result.process.facts.number,
                           [&](const capture::event& one) { writer.add(one); });
  if (!error.empty()) return {{}, error};
  return {writer.finish(), {}};
}

}  // namespace strata::cli
