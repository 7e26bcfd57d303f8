// The address space of a living process, from /proc.
#pragma once

#include <sys/types.h>

#include <string>

#include "cli/model/map/mapping.hpp"

namespace strata::cli::map {

// Reads and classifies the mappings of the process, with the stacks of its threads. Empty: done; otherwise
// why not.
std::string read_process(pid_t pid, address_space& into);

// The whole text of a file; false with errno.
bool read_text(const std::string& path, std::string& text);

}  // namespace strata::cli::map
