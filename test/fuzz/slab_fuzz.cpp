// slab and object_slab: settling, trim, release, constructors that throw.
#include <strata/slab.hpp>

#include <stdexcept>

#include "fuzz.hpp"

using namespace strata;

namespace {

slab_options options_from(const fuzz::record& choices, std::size_t bytes, std::size_t alignment) {
  // Room for a head and a block, at least.
  std::size_t least = std::bit_ceil(128 + bytes + 2 * alignment);
  return {.chunk_bytes = choices.which % 4 == 0 ? 0 : least << choices.which / 4 % 8,
          .first_chunk_bytes = std::size_t{64} << choices.flavour() % 8,
          .spare_bytes = choices.flavour() >= 8 ? 0 : std::size_t{64} << 10U};
}

void run_slab(fuzz::input& from, const fuzz::record& choices) {
  fuzz::upstream memory;
  std::size_t bytes = 1 + choices.amount % 512;
  std::size_t alignment = std::size_t{1} << (choices.amount >> 9U) % 8;
  slab one(bytes, alignment, &memory, options_from(choices, bytes, alignment));
  fuzz::expect(one.stride() >= bytes && one.stride() % alignment == 0, "blocks too close");
  fuzz::run(from, memory, one, {.may_refuse = true},
            [&](fuzz::seat<slab>& program, const fuzz::record& now) {
              if (now.operation() == 9) {
                one.trim();
              } else if (now.operation() == 10 && now.flavour() == 0) {
                one.release();
                program.live().forget_from(0);
              } else if (now.operation() >= 11) {
                // Of just the length: null only where upstream has none.
                std::size_t refused = memory.refused();
                bool got = program.allocate(now.which, bytes, alignment);
                fuzz::expect(got || memory.refused() != refused, "null without need");
              }
            });
}

// ---- Objects

int alive = 0;
bool fails = false;
struct object {
  object() {
    if (fails) throw std::runtime_error("no object");
    ++alive;
  }
  object(const object&) = delete;
  object& operator=(const object&) = delete;
  ~object() {
    fuzz::expect(health == 0x600d, "an object is destroyed twice, or was written to");
    health = 0;
    --alive;
  }
  int health = 0x600d;
  std::array<char, 20> text{};
};

class objects {
 public:
  explicit objects(const fuzz::record& choices)
      : slab_(&memory_, options_from(choices, sizeof(object) + sizeof(void*), alignof(void*))) {}
  ~objects() {
    for (object* each : held_) {
      if (each != nullptr) slab_.release(each);
    }
    slab_.verify();
  }

  void apply(const fuzz::record& now) {
    std::size_t row = 1 + now.flavour() * 4;
    switch (now.operation() % 8) {
      case 0:
      case 1:
        for (std::size_t i = 0; i < row; ++i) acquire(now.which + i, false);
        break;
      case 2:
      case 3:
        for (std::size_t i = 0; i < row; ++i) release(now.which + i * (now.amount | 1U));
        break;
      case 4:
        acquire(now.which, true);
        break;
      case 5:
        slab_.trim();
        break;
      case 6:
        memory_.fail_later(now.amount % 16, now.flavour() + 1);
        break;
      default:
        slab_.verify();
        fuzz::expect(slab_.statistics().live_blocks == live_, "live_blocks is not what lives");
    }
  }

 private:
  void acquire(std::size_t slot, bool failing) {
    object*& held = held_[slot % held_.size()];
    if (held != nullptr) return;
    fails = failing;
    try {
      held = slab_.try_acquire();
    } catch (const std::runtime_error&) {
      fuzz::expect(failing, "somebody else threw");
    }
    fails = false;
    if (held == nullptr) return;
    fuzz::expect(held->health == 0x600d, "what is acquired is no object", held);
    ++live_;
  }
  void release(std::size_t slot) {
    object*& held = held_[slot % held_.size()];
    if (held == nullptr) return;
    slab_.release(std::exchange(held, nullptr));
    --live_;
  }

  fuzz::upstream memory_;
  object_slab<object> slab_;
  std::array<object*, 256> held_{};
  std::size_t live_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  if (choices.operation() % 4 != 3) {
    run_slab(from, choices);
    return 0;
  }
  {
    objects program(choices);
    for (fuzz::record now; from.next(now);) program.apply(now);
  }
  fuzz::expect(alive == 0, "objects outlive their slab");
  return 0;
}
