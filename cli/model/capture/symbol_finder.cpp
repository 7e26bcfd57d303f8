#include "cli/model/capture/symbol_finder.hpp"

#include <utility>

namespace strata::cli::capture {

symbol_finder::~symbol_finder() { finish(); }

void symbol_finder::ask(const code_place& place, const module& in) {
  if (!known_.insert(place).second) return;
  {
    const std::lock_guard held(lock_);
    asked_.push_back({place, in});
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { answer(); });
  changed_.notify_one();
}

symbol_table symbol_finder::take() {
  const std::lock_guard held(lock_);
  return std::exchange(found_, {});
}

symbol_table symbol_finder::finish() {
  if (thread_.joinable()) {
    {
      const std::lock_guard held(lock_);
      is_over_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  return take();
}

std::vector<symbol_finder::question> symbol_finder::next_questions() {
  std::unique_lock held(lock_);
  changed_.wait(held, [this] { return is_over_ || !asked_.empty(); });
  return std::exchange(asked_, {});
}

void symbol_finder::answer() {
  symbolizer source;
  for (;;) {
    const std::vector<question> batch = next_questions();
    if (batch.empty()) return;
    for (const question& one : batch) {
      symbols names = source.look_up(one.in, one.place.offset);
      const std::lock_guard held(lock_);
      found_[one.place] = std::move(names);
    }
  }
}

}  // namespace strata::cli::capture
