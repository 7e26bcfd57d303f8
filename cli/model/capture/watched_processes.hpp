// The processes that are being recorded, as /proc shows them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

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

// The process as it is now.
process read_process(const watched_process& one, std::uint64_t time_ms);
// Reads what code is mapped; returns what is new.
std::vector<mapping> read_code(watched_process& one, std::map<std::string, std::string>& build_ids);
// Resident bytes; 0: unknown.
std::uint64_t read_resident(pid_t pid);
// Neither gone nor a zombie; those whose end this process will be told are never gone before.
bool is_running(pid_t pid);

}  // namespace strata::cli::capture
