// stack_pool in one thread: stacks that are used to any depth, released in any order, trimmed.
#include <strata/stack_pool.hpp>

#include "fuzz.hpp"

using namespace strata;

namespace {

class program {
 public:
  explicit program(const fuzz::record& choices) : pool_(options_from(choices)) {
    std::size_t chosen = choices.which % 8U;
    most_ = chosen == 0 ? SIZE_MAX : chosen * 8;
  }
  ~program() {
    for (use& each : stacks_) release(each);
    look();
  }

  void apply(const fuzz::record& now) {
    std::size_t row = 1 + now.flavour() * 4;
    use& at = slot(now.which);
    switch (now.operation() % 8) {
      case 0:
      case 1:
        for (std::size_t i = 0; i < row; ++i) acquire(slot(now.which + i));
        break;
      case 2:
      case 3:
        for (std::size_t i = 0; i < row; ++i) release(slot(now.which + i * (now.amount | 1U)));
        break;
      case 4:
        go_down(at, now.amount);
        break;
      case 5:
        if (now.flavour() < 4) pool_.trim();
        break;
      case 6:
        measure(at);
        break;
      default:
        look();
    }
  }
  void look() {
    pool_.verify();
    stack_pool_figures now = pool_.figures();
    fuzz::expect(now.live == live_, "live is not what lives");
    std::uint64_t releases = 0;
    for (std::uint64_t each : now.by_depth) releases += each;
    fuzz::expect(releases == releases_, "releases are missing");
    fuzz::expect(now.measured <= releases_ && now.trimmed <= releases_,
                 "more was measured than released");
    std::size_t held = 0;
    pool_.each_region([&](const region& each) { held += each.bytes; });
    fuzz::expect(held == pool_.statistics().held_bytes, "the regions are not what is held");
    fuzz::expect(pool_.statistics().live_blocks == live_, "live_blocks is not what lives");
    for (const use& each : stacks_) check(each);
  }

 private:
  struct use {
    fiber_stack stack;
    std::size_t deepest = 0;  // bytes from the top that were written
    std::byte fill{};
  };

  stack_pool_options options_from(const fuzz::record& choices) {
    std::size_t chosen = choices.which % 8U;
    stack_pool_options made{.stack_bytes = std::size_t{16 << 10U} << choices.flavour() % 4,
                            .guard_bytes = choices.flavour() / 4 % 2 == 0 ? 0U : 4096U,
                            .keep_bytes = std::size_t{4096} << choices.flavour() / 8,
                            .most_idle = choices.amount % 128U,
                            .guard = static_cast<stack_guard>(choices.operation() % 4),
                            .reports_overflow = false};
    if (chosen != 0) made.most_stacks = chosen * 8;
    return made;
  }
  use& slot(std::size_t which) { return stacks_[which % stacks_.size()]; }

  void acquire(use& at) {
    if (at.stack) return;
    fiber_stack got = pool_.try_acquire("one");
    fuzz::expect(static_cast<bool>(got) == (live_ < most_), "refused though it may have one");
    if (!got) return;
    fuzz::expect(detail::address_of(got.top) % 64 == 0, "a top is not aligned");
    fuzz::expect(got.bytes >= pool_.usable_bytes(), "a stack is too short");
    for (const use& each : stacks_) {
      fuzz::expect(!each.stack || each.stack.bottom() >= got.top || got.bottom() >= each.stack.top,
                   "stacks overlap");
    }
    at = {got, 0, static_cast<std::byte>(++made_ * 37 + 1)};
    ++live_;
  }
  void release(use& at) {
    if (!at.stack) return;
    check(at);
    pool_.release(at.stack);
    at = {};
    --live_;
    ++releases_;
  }
  // A frame of so many bytes, of which the fiber writes the two ends.
  void go_down(use& at, std::size_t amount) {
    if (!at.stack) return;
    std::size_t depth = std::min<std::size_t>(amount * 16 + 64, at.stack.bytes);
    at.deepest = std::max(at.deepest, depth);
    auto* top = static_cast<std::byte*>(at.stack.top);
    std::memset(top - 64, static_cast<int>(at.fill), 64);
    std::memset(top - at.deepest, static_cast<int>(at.fill), 64);
  }
  static void check(const use& at) {
    if (!at.stack || at.deepest == 0) return;
    const auto* top = static_cast<const std::byte*>(at.stack.top);
    for (std::size_t i = 0; i < 64; ++i) {
      fuzz::expect(*(top - at.deepest + i) == at.fill && *(top - 64 + i) == at.fill,
                   "a stack's contents changed", at.stack.top);
    }
  }
  void measure(const use& at) {
    if (!at.stack) return;
    fuzz::expect(pool_.watermark(at.stack) >= std::min(at.deepest, at.stack.bytes),
                 "the watermark is above what was used");
    fuzz::expect(pool_.stack_of(at.stack.bottom()) == at.stack, "another stack");
    fuzz::expect(pool_.owns(at.stack.bottom()) && !pool_.owns(this), "owns what it has not");
  }

  stack_pool pool_;
  std::array<use, 128> stacks_{};
  std::size_t most_ = 0;
  std::size_t live_ = 0;
  std::uint64_t releases_ = 0;
  unsigned made_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  program one(from.next());
  for (fuzz::record now; from.next(now);) one.apply(now);
  return 0;
}
