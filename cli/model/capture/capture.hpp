// A recording as it is read back from its file.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/model/capture/format.hpp"
#include "cli/model/capture/heap.hpp"
#include "cli/model/capture/mapped_memory.hpp"
#include "cli/model/capture/symbols.hpp"

namespace strata::cli::capture {

struct thread_life {
  std::uint32_t id = 0;
  std::uint64_t events = 0;  // that are in the file
  std::uint64_t first_ms = 0;
  std::uint64_t last_ms = 0;
};

// One program that ran: a process that becomes another by exec is two.
struct recorded_process {
  process facts;
  heap memory;
  mapped_memory mapped;
  heap pooled;  // what its own pools gave out
  std::vector<resident> curve;
  std::vector<thread_life> threads;
  bool has_ended = false;
  ended end;
};

struct capture {
  session facts;
  std::vector<recorded_process> processes;  // in the order in which they began
  std::vector<node> nodes;                  // the first is nobody's
  std::vector<std::string> pool_names;      // the first has the number 1
  module_table modules;
  symbol_table names;
  bool is_complete = false;    // strata record has seen its end
  bool is_rolled_up = false;   // the events after some moment are in the file as sums only
  bool has_addresses = false;  // its allocations tell where the blocks lie
  bool is_broken = false;      // the file ends in a block that is not whole
  losses lost;
  std::uint64_t length_ms = 0;
  std::uint64_t last_event_ms = 0;  // of those that are in the file
  std::uint64_t file_bytes = 0;
  std::uint64_t events = 0;

  // The process whose heap was the largest; null: none was recorded.
  const recorded_process* largest() const;
  // The one with the number, or the largest for 0; null: there is none.
  const recorded_process* find(std::uint32_t number) const;
  // When the process ended, or what is known of it does.
  std::uint64_t end_of(const recorded_process& one) const {
    return one.has_ended ? one.end.time_ms : length_ms;
  }
};

// Reads the file; figures will have what was live at the moment, if one is given. Empty: done; otherwise what
// is wrong with it.
std::string read_capture(const std::string& path, capture& into,
                         std::optional<std::uint64_t> moment_ms = std::nullopt);

// Reads the file once more, for the events of a process, in their order. What read_capture takes this does,
// too. Empty: done; otherwise what is wrong with it.
std::string read_events(const std::string& path, std::uint32_t process,
                        const std::function<void(const event&)>& visit);

// read_capture for a recording that has each single event of its processes; a sample has not, nor has one
// that outgrew --max-size. process: as find() has it.
std::string read_every_event(const std::string& path, std::uint32_t number, capture& into,
                             const recorded_process*& process);

// Names for the calls of these stacks of the process, where there are none yet.
void name_calls(capture& of, std::uint32_t process, const std::vector<std::uint32_t>& stacks,
                symbolizer& source);
// Names for all calls that have none in the file, from the files that the code came from, where these are
// still there.
void complete_names(capture& of);

}  // namespace strata::cli::capture
