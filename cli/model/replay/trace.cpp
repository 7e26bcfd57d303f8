#include "cli/model/replay/trace.hpp"

#include <algorithm>
#include <utility>

#include "cli/model/capture/capture.hpp"

namespace strata::cli::replay {
namespace {

// Sums up operations; keeps the sizes of live blocks.
class surveyor {
 public:
  explicit surveyor(trace_facts& into) : into_(into) {}

  void add(std::span<const operation> operations) {
    for (const operation& one : operations) add(one);
    into_.end_bytes = live_bytes_;
  }

 private:
  void add(const operation& one) {
    if (one.slot >= sizes_.size()) sizes_.resize(one.slot + std::size_t{1});
    std::uint64_t& size = sizes_[one.slot];
    ++into_.operations;
    switch (one.what) {
      case action::allocate:
        ++into_.allocations;
        into_.most_blocks = std::max(into_.most_blocks, ++live_blocks_);
        break;
      case action::free:
        ++into_.frees;
        --live_blocks_;
        break;
      case action::resize:
        ++into_.resizes;
        break;
    }
    live_bytes_ += one.bytes - size;
    size = one.bytes;
    into_.longest_bytes = std::max(into_.longest_bytes, one.bytes);
    into_.peak_bytes = std::max(into_.peak_bytes, live_bytes_);
  }

  trace_facts& into_;
  std::vector<std::uint64_t> sizes_;  // by slot; 0: free
  std::uint64_t live_bytes_ = 0;
  std::uint64_t live_blocks_ = 0;
};

}  // namespace

trace::trace(std::string path, std::uint32_t process, translator_maker make)
    : path_(std::move(path)), process_(process), make_(std::move(make)) {
  surveyor facts(facts_);
  read(
      [&](std::span<const operation> batch) {
        facts.add(batch);
        is_kept_ = is_kept_ && kept_.size() + batch.size() <= most_kept;
        if (is_kept_) kept_.insert(kept_.end(), batch.begin(), batch.end());
        return true;
      },
      facts_.unknown_frees);
  if (!is_kept_) kept_ = {};
}

trace::trace(std::vector<operation> operations) : kept_(std::move(operations)) {
  surveyor(facts_).add(kept_);
}

void trace::each_batch(const std::function<bool(std::span<const operation>)>& visit) const {
  if (!is_kept_) {
    std::uint64_t ignored = 0;
    return read(visit, ignored);
  }
  for (std::size_t from = 0; from < kept_.size(); from += batch_operations) {
    const std::size_t count = std::min(batch_operations, kept_.size() - from);
    if (!visit(std::span(kept_).subspan(from, count))) return;
  }
}

void trace::read(const std::function<bool(std::span<const operation>)>& visit,
                 std::uint64_t& unknown_frees) const {
  const std::unique_ptr<event_translator> made = make_();
  std::vector<operation> batch;
  bool goes_on = true;
  capture::read_events(path_, process_, [&](const capture::event& one) {
    if (!goes_on) return;
    made->add(one, batch);
    if (batch.size() < batch_operations) return;
    goes_on = visit(batch);
    batch.clear();
  });
  if (goes_on) made->finish(batch);
  if (goes_on && !batch.empty()) visit(batch);
  unknown_frees = made->unknown_frees();
}

}  // namespace strata::cli::replay
