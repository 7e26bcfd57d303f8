// Runs programs from a process that is as small as this one was when it was made.
//
// The kernel counts what a process has before it becomes a program towards the peak of that program
// (process.hpp): a command that has read a large file would put its own size into what it measures.
#pragma once

#include <sys/types.h>

#include "cli/model/trial.hpp"

namespace strata::cli {

class launcher {
 public:
  // To be made before anything large is; what it runs has its standard streams.
  launcher();
  launcher(const launcher&) = delete;
  launcher& operator=(const launcher&) = delete;
  ~launcher();

  // As run_trial. The command's input is open since before this was made.
  trial run(const command& what);

 private:
  descriptor ours_;
  pid_t pid_ = -1;
};

}  // namespace strata::cli
