// The processes that are being recorded, as /proc shows them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/model/capture/events.hpp"
#include "cli/model/capture/format.hpp"
#include "wire/area.hpp"

namespace strata::cli::capture {

// A process that is being recorded.
struct watched_process {
  std::uint32_t number = 0;
  pid_t pid = 0;
  wire::process_slot* slot = nullptr;
  std::map<std::uint64_t, mapping> code;  // by start
  std::vector<bool> nodes;                // those that its events have named

  bool knows(std::uint64_t address) const;
};

// Told of what the processes of a recording do.
class watcher {
 public:
  watcher() = default;
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;
  virtual ~watcher() = default;

  // In the order in which it happened. The event has no block's name yet.
  virtual void happened(std::uint32_t process, std::uint64_t address, const event& what) = 0;
  // What came of `from` before has happened.
  virtual void forked(std::uint32_t process, std::uint32_t from) = 0;
  // The process waits until this returns: at its end, or with a question.
  virtual void ends(const watched_process& one) = 0;
  virtual void asks(const watched_process& one) = 0;
  virtual void is_gone(std::uint32_t process) = 0;
};

// The process as it is now.
process read_process(const watched_process& one, std::uint64_t time_ms);
// Reads what code is mapped; returns what is new.
std::vector<mapping> read_code(watched_process& one, std::map<std::string, std::string>& build_ids);
// Resident bytes; 0: unknown.
std::uint64_t read_resident(pid_t pid);
// Neither gone nor a zombie; those whose end this process will be told are never gone before.
bool is_running(pid_t pid);

}  // namespace strata::cli::capture
