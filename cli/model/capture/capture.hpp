// A recording as it is read back from its file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/model/capture/heap.hpp"
#include "cli/model/capture/symbols.hpp"

namespace strata::cli::capture {

// One program that ran: a process that becomes another by exec is two.
struct recorded_process {
  process facts;
  heap memory;
  std::vector<resident> curve;
  bool has_ended = false;
  ended end;
};

struct capture {
  session facts;
  std::vector<recorded_process> processes;  // in the order in which they began
  std::vector<node> nodes;                  // the first is nobody's
  module_table modules;
  symbol_table names;
  bool is_complete = false;   // strata record has seen its end
  bool is_rolled_up = false;  // the events after some moment are in the file as sums only
  bool is_broken = false;     // the file ends in a block that is not whole
  losses lost;
  std::uint64_t length_ms = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t events = 0;

  // The process whose heap was the largest; null: none was recorded.
  const recorded_process* largest() const;
};

// Reads the file. Empty: done; otherwise what is wrong with it.
std::string read_capture(const std::string& path, capture& into);

// Names for all calls that have none in the file, from the files that the code came from, where these are
// still there.
void complete_names(capture& of);

}  // namespace strata::cli::capture
