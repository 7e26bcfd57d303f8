// buffer_arena as a resource, with caches and without; and its buffers, slices and composites beside
// strings.
#include <strata/buffer.hpp>
#include <strata/buffer_arena.hpp>

#include <string>

#include "fuzz.hpp"

using namespace strata;

namespace {

buffer_arena_options options_from(const fuzz::record& choices) {
  buffer_arena_options chosen{.chunk_bytes = std::size_t{64 << 10U} << choices.which % 4,
                              .arenas = 1U + choices.which / 4 % 2,
                              .thread_caches = choices.which / 8 % 2 == 0,
                              .trim_every = 1U + choices.amount % 64U};
  chosen.leaks = static_cast<leak_level>(choices.which / 16 % 4);
  if (choices.flavour() == 1) chosen.most_bytes = std::size_t{choices.amount} * 32;
  return chosen;
}

// ---- Blocks

void run_blocks(fuzz::input& from, const fuzz::record& choices) {
  fuzz::upstream memory;
  buffer_arena one(&memory, options_from(choices));
  fuzz::run(from, memory, one, {.may_refuse = choices.flavour() == 1},
            [&](fuzz::seat<buffer_arena>& program, const fuzz::record& now) {
              fuzz::live_blocks& live = program.live();
              if (now.operation() == 9) {
                one.trim();
              } else if (now.operation() >= 11 && live.has(now.which)) {
                fuzz::block old = live[now.which];
                std::size_t bytes = fuzz::size_from(now.amount);
                live.look(now.which);
                if (one.resize(old.start, old.bytes, bytes, old.alignment)) {
                  live.resize(now.which, old.start, bytes);
                }
              }
            });
  one.trim();
  fuzz::expect(one.metrics().live_bytes == 0, "live_bytes though nothing lives");
}

// ---- Buffers

class program {
 public:
  explicit program(const fuzz::record& choices) : arena_(&memory_, options_from(choices)) {
    lists_.resize(slots, {composite(arena_), {}});
  }

  void apply(const fuzz::record& now) {
    text& at = texts_[now.which % slots];
    text& other = texts_[now.amount % slots];
    list& chain = lists_[now.which % slots];
    list& other_chain = lists_[now.amount % slots];
    std::size_t bytes = fuzz::size_from(now.amount);
    try {
      switch (now.operation()) {
        case 0:
        case 1:
          return make(at, bytes);
        case 2:
          at = other;
          break;
        case 3:
          if (&at != &other) at = std::exchange(other, text());
          break;
        case 4:
          at = text();
          break;
        case 5:
          return slice(at, texts_[(now.which + 1U) % slots], bytes, now.flavour());
        case 6:
          return resize(at, bytes);
        case 7:
          return leak(at);
        case 8:
          memory_.fail_later(now.amount % 16, now.flavour() + 1);
          break;
        case 9:
          return append(chain, other);
        case 10:
          return append(chain, other_chain);
        case 11:
          return part(chain, lists_[(now.which + 1U) % slots], bytes, now.flavour());
        case 12:
          return assign(chain, other_chain, now.flavour());
        case 13:
          return flatten(chain, at);
        case 14:
          chain.bytes.flatten().touch("flattened");
          arena_.trim();
          break;
        default:
          return look();
      }
    } catch (const std::bad_alloc&) {
    }
    compare(at);
    compare(chain);
  }
  void look() {
    arena_.verify();
    for (const text& each : texts_) compare(each);
    for (const list& each : lists_) compare(each);
  }

 private:
  static constexpr std::size_t slots = 16;
  static constexpr std::size_t most_bytes = 200'000;
  struct text {
    buffer bytes;
    std::string want;
  };
  struct list {
    composite bytes;
    std::string want;
  };

  static std::string_view seen(const buffer& one) {
    return {reinterpret_cast<const char*>(one.data()), one.size()};
  }
  static void compare(const text& one) {
    fuzz::expect(seen(one.bytes) == one.want, "a buffer has another text");
    fuzz::expect(one.bytes.capacity() >= one.bytes.size(), "longer than there is room");
  }
  static void compare(const list& one) {
    fuzz::expect(one.bytes.size() == one.want.size(), "a composite has another length");
    std::string found(one.want.size(), '\0');
    std::size_t copied = one.bytes.copy_to(std::as_writable_bytes(std::span<char>(found)));
    fuzz::expect(copied == found.size() && found == one.want, "a composite has another text");
  }
  void write(text& one, std::size_t from) {
    one.want.resize(from);
    for (std::size_t i = from; i < one.bytes.size(); ++i) {
      next_ = next_ * 5 + 3;
      one.bytes.data()[i] = static_cast<std::byte>(next_ >> 3U);
      one.want += static_cast<char>(one.bytes.data()[i]);
    }
  }

  void make(text& at, std::size_t bytes) {
    if (bytes > most_bytes) {
      // Lengths that nobody has memory for.
      if (bytes > PTRDIFF_MAX / 4) fuzz::expect(!arena_.try_buffer(bytes), "a giant buffer");
      return;
    }
    buffer made = arena_.make_buffer(bytes);
    fuzz::expect(made && made.owners() == 1, "a new buffer is not alone");
    fuzz::expect(made.size() == bytes, "a new buffer has another length");
    at = text{std::move(made), {}};
    write(at, 0);
  }
  static void slice(text& at, text& into, std::size_t position, unsigned flavour) {
    if (!at.bytes || at.want.empty()) return;
    std::size_t offset = position % (at.want.size() + 1);
    std::size_t length = (at.want.size() - offset) / (1 + flavour / 2);
    if (flavour % 2 == 0) {
      into = text{at.bytes.slice(offset, length), at.want.substr(offset, length)};
    } else {
      into = text{at.bytes.split(offset), at.want.substr(0, offset)};
      at.want.erase(0, offset);
    }
    compare(at);
    compare(into);
  }
  void resize(text& at, std::size_t bytes) {
    if (!at.bytes || bytes > most_bytes) return;
    std::size_t before = at.want.size();
    bool alone = at.bytes.owners() == 1;
    bool done = at.bytes.resize(bytes);
    fuzz::expect(done || bytes > before, "a buffer can't be shortened");
    fuzz::expect(!done || alone || bytes <= before, "a shared buffer grew");
    fuzz::expect(at.bytes.size() == (done ? bytes : before), "resize made another length");
    if (!done) return;
    at.want.resize(std::min(before, bytes));
    if (alone) write(at, at.want.size());
    compare(at);
  }
  // Adopted, it is a handle of the whole buffer again.
  static void leak(text& at) {
    if (!at.bytes) return;
    const std::byte* start = at.bytes.data();
    buffer back = buffer::adopt(at.bytes.leak());
    fuzz::expect(!at.bytes, "a handle that leaked has bytes");
    std::string_view whole = seen(back);
    auto offset = static_cast<std::size_t>(start - back.data());
    fuzz::expect(offset + at.want.size() <= whole.size(), "less than the whole is adopted");
    // What lies outside of the slice may never have been written.
    back = back.slice(offset, at.want.size());
    at.bytes = std::move(back);
    compare(at);
  }

  static void append(list& to, const text& from) {
    if (to.want.size() + from.want.size() > most_bytes) return;
    to.bytes.append(from.bytes);
    to.want += from.want;
    compare(to);
  }
  static void append(list& to, const list& from) {
    if (to.want.size() + from.want.size() > most_bytes || from.bytes.parts().size() > 200) return;
    std::string more = from.want;
    to.bytes.append(from.bytes);
    to.want += more;
    compare(to);
  }
  static void part(list& of, list& into, std::size_t position, unsigned flavour) {
    std::size_t offset = position % (of.want.size() + 1);
    std::size_t length = (of.want.size() - offset) / (1 + flavour / 2);
    if (flavour % 2 == 0) {
      into.bytes = of.bytes.slice(offset, length);
      into.want = of.want.substr(offset, length);
    } else {
      into.bytes = of.bytes.split(offset);
      into.want = of.want.substr(0, offset);
      of.want.erase(0, offset);
    }
    compare(of);
    compare(into);
    if (!of.want.empty()) {
      std::size_t at = position % of.want.size();
      fuzz::expect(static_cast<char>(of.bytes[at]) == of.want[at], "another byte");
    }
  }
  static void assign(list& to, list& from, unsigned flavour) {
    if (&to == &from) return;
    if (flavour % 2 == 0) {
      to.bytes = from.bytes;
      to.want = from.want;
    } else {
      to.bytes = std::move(from.bytes);
      to.want = std::exchange(from.want, {});
      compare(from);
    }
    compare(to);
  }
  static void flatten(const list& from, text& into) {
    into = text{from.bytes.flatten(), from.want};
    compare(into);
  }

  fuzz::upstream memory_;
  buffer_arena arena_;
  std::array<text, slots> texts_;
  std::vector<list> lists_;
  unsigned next_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  try {
    fuzz::upstream memory;
    buffer_arena one(&memory, options_from(choices));
  } catch (const std::bad_alloc&) {
    fuzz::expect(choices.flavour() == 1, "no memory for tables");
    return 0;
  }
  if (choices.operation() % 2 == 0) {
    run_blocks(from, choices);
    return 0;
  }
  program one(choices);
  for (fuzz::record now; from.next(now);) one.apply(now);
  one.look();
  return 0;
}
