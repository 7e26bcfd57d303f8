// Shows on a terminal how far several runs of a program are.
#pragma once

#include <unistd.h>

#include <string>

#include "cli/model/file.hpp"
#include "cli/report/format.hpp"

namespace strata::cli {

inline void tell_progress(int round, int rounds, const std::string& name) {
  if (isatty(STDERR_FILENO) == 0) return;
  write_all(STDERR_FILENO, formatted("\rround %d of %d: %s\033[K", round, rounds, name.c_str()));
}

inline void end_progress() {
  if (isatty(STDERR_FILENO) != 0) write_all(STDERR_FILENO, "\r\033[K");
}

}  // namespace strata::cli
