// object_pool in one thread: objects that can't be made, objects that are dropped when they come back,
// cycles; and byte buffers beside strings.
#include <strata/byte_buffer_pool.hpp>
#include <strata/object_pool.hpp>

#include <stdexcept>
#include <string>

#include "fuzz.hpp"

using namespace strata;

namespace {

constexpr int health = 0x600d;
int alive = 0;
struct thing {
  thing() { ++alive; }
  thing(thing&& other) noexcept : value(other.value) { ++alive; }
  ~thing() {
    fuzz::expect(std::exchange(state, 0) == health, "a thing is destroyed twice");
    --alive;
  }
  int state = health;
  unsigned value = 0;
};

struct hooks {
  thing make() {
    if (*fails) throw std::runtime_error("no thing");
    return {};
  }
  bool reset(thing& one) const noexcept { return one.value % 5 != 4; }
  bool* fails;
};

class things {
 public:
  explicit things(const fuzz::record& choices)
      : pool_({.most_idle = choices.amount % 200U, .period_ms = 0}, hooks{&fails_}, &memory_) {}
  ~things() {
    for (thing*& each : held_) put(each);
  }

  void apply(const fuzz::record& now) {
    std::size_t row = 1 + now.flavour() * 4;
    switch (now.operation() % 8) {
      case 0:
      case 1:
      case 2:
        for (std::size_t i = 0; i < row; ++i) get(slot(now.which + i), now.amount);
        break;
      case 3:
      case 4:
        for (std::size_t i = 0; i < row; ++i) put(slot(now.which + i * (now.amount | 1U)));
        break;
      case 5:
        pool_.cycle();
        break;
      case 6:
        fails_ = now.flavour() % 2 == 1;
        memory_.fail_later(now.amount % 16, now.flavour() / 2);
        break;
      default:
        look();
    }
  }
  void look() {
    pool_.verify();
    object_pool_statistics now = pool_.statistics();
    fuzz::expect(now.in_use() == live_, "in_use is not what lives");
    fuzz::expect(now.made - now.destroyed == static_cast<std::size_t>(alive),
                 "made and destroyed don't tell what is alive");
  }

 private:
  thing*& slot(std::size_t which) { return held_[which % held_.size()]; }
  void get(thing*& held, unsigned value) {
    if (held != nullptr) return;
    std::size_t refused = memory_.refused();
    try {
      held = pool_.try_get().release();
      fuzz::expect(held != nullptr || memory_.refused() != refused, "null without need");
    } catch (const std::runtime_error&) {
      fuzz::expect(fails_, "somebody else threw");
    }
    if (held == nullptr) return;
    fuzz::expect(held->state == health, "what the pool gave is no thing");
    held->value = value;
    ++live_;
  }
  void put(thing*& held) {
    if (held == nullptr) return;
    pool_.put(std::exchange(held, nullptr));
    --live_;
  }

  fuzz::upstream memory_;
  bool fails_ = false;
  object_pool<thing, hooks> pool_;
  std::array<thing*, 256> held_{};
  std::size_t live_ = 0;
};

// ---- Byte buffers

class texts {
 public:
  explicit texts(const fuzz::record& choices)
      : pool_({.most_idle = choices.amount % 40U, .period_ms = 0}, &memory_) {}

  void apply(const fuzz::record& now) {
    one& at = held_[now.which % held_.size()];
    std::size_t bytes = fuzz::size_from(now.amount);
    switch (now.operation() % 8) {
      case 0:
        return open(at);
      case 1:
        at = one();
        return;
      case 2:
      case 3:
        return append(at, bytes);
      case 4:
        return reserve(at, bytes, now.flavour() % 2 == 1);
      case 5:
        pool_.cycle();
        return;
      case 6:
        memory_.fail_later(now.amount % 16, now.flavour() / 2);
        return;
      default:
        pool_.verify();
        for (const one& each : held_) compare(each);
    }
  }

 private:
  struct one {
    pooled_byte_buffer buffer;
    std::string want;
  };
  static void compare(const one& each) {
    fuzz::expect(!each.buffer || each.buffer->text() == each.want, "a buffer has another text");
  }
  void open(one& at) {
    try {
      at.buffer = pool_.get();
      at.want.clear();
    } catch (const std::bad_alloc&) {
    }
    compare(at);
  }
  static void append(one& at, std::size_t bytes) {
    if (!at.buffer || bytes > 100'000 || at.want.size() > 1'000'000) return;
    std::string more(bytes, static_cast<char>('a' + at.want.size() % 26));
    try {
      at.buffer->append(more);
      at.want += more;
    } catch (const std::bad_alloc&) {
    }
    compare(at);
  }
  static void reserve(one& at, std::size_t bytes, bool resizes) {
    if (!at.buffer) return;
    bool shorter = bytes <= at.want.size();
    try {
      if (resizes && shorter) {
        at.buffer->resize(bytes);
        at.want.resize(bytes);
      } else {
        at.buffer->reserve(bytes);
        fuzz::expect(at.buffer->capacity() >= bytes, "less than was reserved");
      }
    } catch (const std::bad_alloc&) {
    }
    compare(at);
  }

  fuzz::upstream memory_;
  byte_buffer_pool pool_;
  std::array<one, 32> held_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  if (choices.operation() % 3 == 2) {
    texts program(choices);
    for (fuzz::record now; from.next(now);) program.apply(now);
    return 0;
  }
  {
    things program(choices);
    for (fuzz::record now; from.next(now);) program.apply(now);
    program.look();
  }
  fuzz::expect(alive == 0, "things outlive their pool");
  return 0;
}
