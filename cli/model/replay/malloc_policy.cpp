#include "cli/model/replay/malloc_policy.hpp"

#include <dlfcn.h>
#include <malloc.h>

#include <cstdlib>

namespace strata::cli::replay {
namespace {

constexpr std::uint64_t head_bytes = 8;  // before each block, or a canary behind it
constexpr std::uint64_t look_bytes = std::uint64_t{64} << 10;
constexpr std::uint64_t look_operations = 256;

strata_stats figures_of(void (*ask)(strata_stats*)) {
  strata_stats made;
  ask(&made);
  return made;
}

}  // namespace

malloc_policy::malloc_policy(pass_kind kind)
    : kind_(kind),
      strata_figures_(
          reinterpret_cast<void (*)(strata_stats*)>(dlsym(RTLD_DEFAULT, "strata_stats_get"))),
      in_use_before_(in_use()) {
  blocks_.reach(0);
}

std::uint64_t malloc_policy::taken() const {
  if (strata_figures_ == nullptr) {
    const struct mallinfo2 info = mallinfo2();
    return info.arena + info.hblkhd;
  }
  const strata_stats all = figures_of(strata_figures_);
  return all.live_bytes + all.rounding_bytes + all.free_slot_bytes + all.cached_bytes +
         all.retained_bytes + all.metadata_bytes;
}

std::uint64_t malloc_policy::in_use() const {
  if (strata_figures_ == nullptr) {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  }
  const strata_stats all = figures_of(strata_figures_);
  return all.live_bytes + all.rounding_bytes + all.metadata_bytes;
}

std::size_t malloc_policy::run(std::span<const operation> operations) {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (!run(operations[i])) return i;
  }
  return operations.size();
}

bool malloc_policy::run(const operation& one) {
  blocks_.reach(one.slot);
  block& of = blocks_[one.slot];
  const bool measures = kind_ != pass_kind::times;
  if (measures && one.what != action::allocate) note(of, false);
  if (one.what == action::free) {
    std::free(of.address);
    of = {};
    return true;
  }
  void* made = one.what == action::allocate
                   ? std::malloc(one.bytes)
                   : std::realloc(of.address, one.bytes == 0 ? 1 : one.bytes);
  if (made == nullptr) return false;
  of = {made, one.bytes};
  if (measures) note(of, true);
  return true;
}

void malloc_policy::note(const block& of, bool is_made) {
  const std::uint64_t granted = malloc_usable_size(of.address) + head_bytes;
  if (is_made) {
    now_.asked += of.bytes;
    now_.granted += granted;
  } else {
    now_.asked -= of.bytes;
    now_.granted -= granted;
  }
}

void malloc_policy::trim() {
  malloc_trim(0);
  now_.footprint = 0;  // to be looked up
}

usage malloc_policy::now() {
  const std::uint64_t more =
      now_.asked > asked_then_ ? now_.asked - asked_then_ : asked_then_ - now_.asked;
  if (now_.footprint != 0 && more < look_bytes && ++since_then_ < look_operations) return now_;
  asked_then_ = now_.asked;
  since_then_ = 0;
  const std::uint64_t all = taken();
  now_.footprint = all > in_use_before_ ? all - in_use_before_ : 0;
  return now_;
}

}  // namespace strata::cli::replay
