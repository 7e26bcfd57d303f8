// A recording in progress: takes the entries that processes leave in the shared area, brings them into one
// order, and writes them to the file.
//
//   ring of each thread --> pending, by sequence --> columns --> block of the file
//
// Sequences have no gaps, but for a thread that was just stopped between taking one and leaving its entry.
// What comes after a gap waits in pending; not for ever, since the thread may have been killed there.
//
// Past the limit of the file's size its events are no longer written, but what they amount to: now and then,
// each time after twice as long, and at the end. So the file grows no further to speak of.
//
// Written at least every flush_ms, so that the file of a killed recording lacks no more than that.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "cli/model/capture/addresses.hpp"
#include "cli/model/capture/event_queue.hpp"
#include "cli/model/capture/file_writer.hpp"
#include "cli/model/capture/heap.hpp"
#include "cli/model/capture/mapped_memory.hpp"
#include "cli/model/capture/pool_events.hpp"
#include "cli/model/capture/shared_area.hpp"
#include "cli/model/capture/symbol_finder.hpp"
#include "cli/model/capture/watched_processes.hpp"

namespace strata::cli::capture {

class recording {
 public:
  // most_bytes: once the file is as large, events go into it as sums only; 0: never.
  // told: may be null.
  recording(file_writer& to, const session& of, std::uint64_t most_bytes, watcher* told = nullptr);

  const std::string& error() const { return area_.error().empty() ? to_.error() : area_.error(); }
  // What STRATA_RECORD is to be in the recorded program.
  std::string path() const { return area_.path(); }

  // The file shall tell where blocks lie. To be called before the first take().
  void keep_addresses() { keeps_addresses_ = true; }

  // Takes what there is. To be called every few milliseconds; true: the sooner the better, since some ring
  // fills quickly.
  bool take();
  // The program has ended: takes the rest, and completes the file.
  void finish(pid_t program, int wait_status);

  std::size_t processes() const { return process_count_; }
  std::uint64_t events() const { return event_count_; }

  // ---- For the watcher
  // Tells of all that a stopped process has left, also of what stands behind a gap.
  void take_all_of(std::uint32_t process);
  // That events name.
  const std::vector<node>& nodes() const { return nodes_; }
  const std::map<std::uint32_t, watched_process>& running() const { return watched_; }

 private:
  struct pending_event {
    std::uint64_t sequence;
    std::uint64_t address;
    std::uint32_t process;
    std::uint16_t kind;   // wire::range_kind, or pool_kind; 0: of a block
    std::uint16_t about;  // of ranges
    event what;  // of ranges and pools its thread, node, size and time; of these block is the pool
  };
  // The block that is live at an address.
  struct placed_block {
    std::uint64_t address = 0;
    std::uint64_t block = 0;
  };
  using placed_blocks = block_table<placed_block, &placed_block::address>;
  struct process_address {
    std::uint32_t process;
    std::uint64_t address;
  };
  struct called {
    std::uint64_t address = 0;
  };
  using called_addresses = block_table<called, &called::address>;
  struct fork {
    std::uint32_t process;
    std::uint32_t from;
    std::uint64_t sequence;
  };
  struct ring_place {
    std::uint32_t thread = 0;  // 0: nobody's that is known
    std::uint64_t blocked_at = 0;
    std::uint64_t blocked_since_ms = 0;
  };

  std::uint64_t now_ms() const;
  void meet_processes();
  void meet(wire::process_slot& slot);
  void look_at_code(watched_process& one);
  void answer_questions();
  void tell_of_forks(std::uint64_t sequence);
  void take_ring(std::size_t number);
  bool is_stuck(std::size_t number, std::uint64_t index);
  void take_entry(std::size_t number, const wire::entry& from);
  void emit_pending();
  void prefetch(const pending_event& one);
  void emit(pending_event& one);
  void name_block(pending_event& one);
  void emit_range(const pending_event& one);
  void emit_pooled(const pending_event& one);
  void write_event(std::uint32_t process, const event& one);
  void note_nodes(watched_process& of, std::uint32_t slot);
  bool ask_name(std::uint32_t process, std::uint64_t address);
  std::uint32_t number_in_file(std::uint32_t slot) const;
  std::uint32_t file_node(std::uint32_t slot);
  std::uint64_t file_mark(std::uint64_t address);
  std::uint32_t file_pool_name(std::uint32_t number);
  void look_for_ended();
  void end_process(std::uint32_t number, bool has_status, int wait_status);
  void sample_resident();
  void flush();
  void write_totals(std::uint32_t process);
  void roll_up();
  void write_symbols(const symbol_table& found);
  void write_last_symbols();

  file_writer& to_;
  watcher* told_;
  std::uint64_t sample_bytes_;
  std::uint64_t most_bytes_;
  shared_area area_;
  std::uint64_t started_ns_;
  std::uint64_t time_ms_ = 0;
  std::uint64_t flushed_ms_ = 0;
  std::uint64_t looked_ms_ = 0;

  std::map<std::uint32_t, watched_process> watched_;  // those that run, by number
  std::map<std::string, std::string> build_ids_;
  module_table modules_;
  symbol_finder names_;
  std::map<std::uint32_t, called_addresses>
      called_;                             // by process: those whose code has been looked for
  std::vector<process_address> unplaced_;  // calls in code that was not known then
  std::size_t process_count_ = 0;
  std::uint32_t thread_count_ = 0;
  std::vector<ring_place> rings_;
  std::uint64_t fullest_ = 0;  // entries of one ring, at the last time
  std::uint64_t patience_ms_;

  std::vector<pending_event> pending_;
  std::vector<fork> forks_;  // that the watcher has not been told of
  std::uint64_t next_sequence_ = 0;
  std::uint64_t event_count_ = 0;
  losses lost_;

  std::vector<node> nodes_;  // as in the file; the first stands for 0
  std::size_t nodes_written_ = 1;
  std::vector<std::uint32_t> file_pool_names_;  // by number in the area; 0: not yet written
  std::vector<std::string> pool_names_;         // as in the file, from 1
  std::size_t pool_names_written_ = 0;
  std::vector<resident> resident_;
  std::map<std::uint32_t, placed_blocks> placed_;  // by process
  event_history history_;
  event_columns columns_;
  bool keeps_addresses_ = false;
  address_column addresses_;
  range_rows ranges_;
  std::map<std::uint32_t, pooled_blocks> live_in_pools_;  // by process
  pool_rows pool_rows_;

  // Kept when there is a limit to the file.
  std::map<std::uint32_t, heap> heaps_;  // by process
  event_queue heap_events_;
  std::map<std::uint32_t, mapped_memory> mapped_;
  std::map<std::uint32_t, heap> pooled_;
  bool rolled_up_ = false;
  std::uint64_t next_totals_ms_ = 0;
};

}  // namespace strata::cli::capture
