// Looks up the names of code while the recording goes on, in a thread of its own: a program's symbols and debug
// information may take longer to read than it runs, and then would have to be waited for.
//
//   recording --> asked_ --> the thread --> found_ --> recording      both guarded by lock_
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "cli/model/capture/symbols.hpp"

namespace strata::cli::capture {

class symbol_finder {
 public:
  symbol_finder() = default;
  symbol_finder(const symbol_finder&) = delete;
  symbol_finder& operator=(const symbol_finder&) = delete;
  ~symbol_finder();

  // The names of this place will be wanted. The first call starts the thread.
  void ask(const code_place& place, const module& in);
  // What was looked up since the last time.
  symbol_table take();
  // Waits until all are looked up, and returns what take() has not; nothing can be asked any more.
  symbol_table finish();

 private:
  struct question {
    code_place place;
    module in;
  };
  void answer();
  std::vector<question> next_questions();

  std::set<code_place> known_;
  std::mutex lock_;  // of the next three
  std::vector<question> asked_;
  symbol_table found_;
  bool is_over_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace strata::cli::capture
