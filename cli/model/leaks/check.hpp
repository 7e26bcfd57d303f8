// Looks for leaks in the processes of a recording: keeps what blocks each of them has, and when one ends
// or asks, or the user wants it, stops it, searches its memory from outside (search.hpp), lets it go on,
// and judges what was found (graph.hpp).
//
// All happens in this process: nothing is allocated in the other, and no thread of it needs to help.
//
// Blocks that a process has from before it was forked are searched, and never called lost: threads that are
// not in the child may have had the pointers to them. Nor are those that the loader allocated for itself.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/model/capture/block_table.hpp"
#include "cli/model/capture/capture.hpp"
#include "cli/model/capture/recording.hpp"
#include "cli/model/leaks/cycles.hpp"
#include "cli/model/leaks/suppressions.hpp"

namespace strata::cli::leaks {

enum class occasion { end, question, signal };
const char* name_of(occasion when);

struct totals {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;

  void add(std::uint64_t size) {
    ++blocks;
    bytes += size;
  }
};

// Blocks of one stack.
struct leak_group {
  loss kind = loss::definite;
  std::uint32_t node = 0;
  totals sum;
};

// One look at one process.
struct check_result {
  occasion when = occasion::end;
  std::string problem;  // why nothing is known; empty: the rest is
  capture::recorded_process process;
  capture::capture code;  // nodes, modules and names, for a view of the stacks
  totals live;
  totals reachable;
  totals definite;
  totals indirect;
  totals suppressed;
  std::vector<leak_group> groups;  // definite ones first, the largest first
  std::vector<leak_group>
      held;  // reachable blocks by stack, the largest first; if they were asked for
  std::vector<cycle> cycles;

  bool has_leaks() const { return definite.blocks + indirect.blocks > 0; }
};

class leak_checker : public capture::watcher {
 public:
  // recorder: the file that is preloaded. with_held: reachable blocks are told by stack.
  leak_checker(const suppressions& unwanted, const std::string& recorder, bool with_held);

  // Before anything happens.
  void watch(capture::recording& what) { recording_ = &what; }
  // Looks at all processes that run.
  void check_all();
  const std::vector<check_result>& results() const { return results_; }

  void happened(std::uint32_t process, std::uint64_t address, const capture::event& what) override;
  void forked(std::uint32_t process, std::uint32_t from) override;
  void ends(const capture::watched_process& one) override { check(one, occasion::end); }
  void asks(const capture::watched_process& one) override;
  void is_gone(std::uint32_t process) override { heaps_.erase(process); }

 private:
  struct live_heap {
    capture::block_table<block, &block::start> blocks;
    std::unordered_map<std::uint32_t, block> resized;  // by thread: that realloc has in hand
    std::uint64_t made = 0;
  };
  // What a look at a stopped process brings.
  struct findings {
    lost_graph graph;
    map::address_space space;
    std::unordered_map<std::uint32_t, totals> held;  // by node
  };

  void check(const capture::watched_process& one, occasion when);
  void look(const capture::watched_process& one, occasion when, check_result& into,
            findings& found);
  bool is_in_heap(std::uint32_t node) const;
  std::vector<block> blocks_of(const capture::watched_process& one) const;
  void name(const capture::watched_process& one, const findings& found, check_result& into);
  void conclude(const findings& found, check_result& into);
  std::vector<bool> suppressed(const lost_graph& of, const check_result& in) const;
  block_type type_of(std::uint64_t word, const findings& found, const check_result& in);

  const suppressions& unwanted_;
  std::string recorder_;
  bool with_held_;
  capture::recording* recording_ = nullptr;
  std::map<std::uint32_t, live_heap> heaps_;  // by process
  capture::symbolizer symbols_;
  type_book types_;
  std::vector<check_result> results_;
};

}  // namespace strata::cli::leaks
