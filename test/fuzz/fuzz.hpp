// What the fuzzers share: inputs as rows of records, a model of live blocks, and an upstream that fails
// when the input says so.
//
//   input    | record 0: choices | record | record | record | ...
//
//   record   | what | which | amount      |     4 bytes
//              |      |       '-- a size (size_from), or what the operation makes of it
//              |      '---------- a slot, 0 to 255
//              '----------------- low 4 bits: the operation; high 4 bits: its flavour
//
// Records have one length and slots have names, so that a small change to an input is a small change of
// what happens: to leave a record out leaves all others as they were. mutate.cpp works by whole
// records. An allocation into a slot that is taken frees what was there, after it.
//
//   operation   0, 1 allocate   2, 3 free   4 allocate a row   5 free a row   6 look at a block
//               7 look at all   8 upstream fails   9 to 15 the resource's own
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory_resource>
#include <new>
#include <unordered_map>
#include <vector>

#include <strata/resource.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace strata::fuzz {

[[noreturn]] inline void fail(const char* what, const void* where = nullptr) {
  std::fprintf(stderr, "fuzz: %s (%p)\n", what, where);
  std::abort();
}
inline void expect(bool holds, const char* what, const void* where = nullptr) {
  if (!holds) fail(what, where);
}

// ---- Inputs

struct record {
  std::uint8_t what = 0;
  std::uint8_t which = 0;
  std::uint16_t amount = 0;

  [[nodiscard]] unsigned operation() const { return what & 15U; }
  [[nodiscard]] unsigned flavour() const { return what >> 4U; }
};
inline constexpr std::size_t record_bytes = 4;

class input {
 public:
  input(const std::uint8_t* data, std::size_t size) : at_(data), left_(size / record_bytes) {}
  // False at the end, and `into` is all zeros.
  bool next(record& into) {
    into = record();
    if (left_ == 0) return false;
    into = {at_[0], at_[1], static_cast<std::uint16_t>(at_[2] | at_[3] << 8U)};
    at_ += record_bytes;
    --left_;
    return true;
  }
  record next() {
    record one;
    next(one);
    return one;
  }

 private:
  const std::uint8_t* at_;
  std::size_t left_;
};

// Mostly small ones; the neighbours of powers of two; some that nobody has memory for.
inline std::size_t size_from(std::uint16_t amount) {
  std::size_t low = amount & 0x1fffU;
  switch (amount >> 13U) {
    case 3:
      return low % 2048;
    case 4:
      return low;
    case 5:
      return (std::size_t{1} << low % 19) + (low >> 5U) % 8 - 4;
    case 6:
      return low * 32;
    case 7:
      return low % 2 == 0 ? SIZE_MAX - low : SIZE_MAX >> (low >> 1U) % 64;
    default:
      return low % 256;
  }
}
inline std::size_t alignment_from(unsigned flavour) {
  static constexpr std::array<std::size_t, 16> table = {
      8, 8, 16, 16, 1, 2, 4, 32, 64, 64, 128, 256, 1024, 4096, 65536, std::size_t{1} << 63U};
  return table[flavour % 16];
}

// ---- Upstream

// Memory from operator new, with a bound, which fails when it is told. Knows each block.
class upstream final : public std::pmr::memory_resource {
 public:
  ~upstream() override { expect(blocks_.empty(), "upstream: not given back"); }

  // After so many calls, so many fail.
  void fail_later(std::size_t calls, std::size_t failures) {
    calls_ = calls;
    failures_ = failures;
  }
  [[nodiscard]] std::size_t refused() const { return refused_; }
  [[nodiscard]] std::size_t live_bytes() const { return live_bytes_; }

 private:
  static constexpr std::size_t most_bytes = std::size_t{64} << 20U;
  static constexpr std::size_t most_alignment = std::size_t{8} << 20U;
  struct shape {
    std::size_t bytes, alignment;
  };

  [[nodiscard]] bool refuses(std::size_t bytes, std::size_t alignment) {
    if (calls_ > 0) {
      --calls_;
    } else if (failures_ > 0) {
      --failures_;
      return true;
    }
    return bytes > most_bytes - live_bytes_ || alignment > most_alignment;
  }
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    expect((alignment & (alignment - 1)) == 0 && alignment != 0, "upstream: odd alignment");
    if (refuses(bytes, alignment)) {
      ++refused_;
      throw std::bad_alloc();
    }
    void* block = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    blocks_[block] = {bytes, alignment};
    live_bytes_ += bytes;
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    auto found = blocks_.find(block);
    expect(found != blocks_.end(), "upstream: not its block", block);
    expect(found->second.bytes == bytes && found->second.alignment == alignment,
           "upstream: another size or alignment", block);
    blocks_.erase(found);
    live_bytes_ -= bytes;
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::unordered_map<void*, shape> blocks_;
  std::size_t live_bytes_ = 0;
  std::size_t calls_ = 0;
  std::size_t failures_ = 0;
  std::size_t refused_ = 0;
};

// ---- The model

struct block {
  std::byte* start = nullptr;
  std::size_t bytes = 0;
  std::size_t alignment = 0;
  std::uint64_t number = 0;  // in the order of allocation
  std::byte fill{};
};

// The program's blocks: aligned, none overlapping another, each byte as it was written. Of long blocks
// only the first and the last bytes are written.
class live_blocks {
 public:
  static constexpr std::size_t slots = 256;

  [[nodiscard]] const block& operator[](std::size_t slot) const { return blocks_[slot % slots]; }
  [[nodiscard]] bool has(std::size_t slot) const { return (*this)[slot].start != nullptr; }
  [[nodiscard]] std::size_t count() const { return places_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t next_number() const { return numbers_; }
  [[nodiscard]] std::size_t count_before(std::uint64_t number) const {
    std::size_t found = 0;
    each([&](const block& one) { found += one.number < number ? 1 : 0; });
    return found;
  }

  // The slot is empty.
  void put(std::size_t slot, void* start, std::size_t bytes, std::size_t alignment) {
    std::uintptr_t at = detail::address_of(start);
    expect(at % alignment == 0, "a block is not aligned", start);
    enter(at, room(bytes));
    block made{static_cast<std::byte*>(start), bytes, alignment, numbers_++,
               static_cast<std::byte>(numbers_ * 37 + 1)};
    write(made);
    blocks_[slot % slots] = made;
    bytes_ += bytes;
  }
  // The block is the program's no more; its contents were right.
  block take(std::size_t slot) {
    look(slot);
    block taken = std::exchange(blocks_[slot % slots], {});
    places_.erase(detail::address_of(taken.start));
    bytes_ -= taken.bytes;
    return taken;
  }
  void look(std::size_t slot) const {
    const block& one = (*this)[slot];
    std::size_t edge = std::min(one.bytes, edge_bytes);
    for (std::size_t i = 0; i < edge; ++i) {
      expect(one.start[i] == one.fill, "a block's contents changed", one.start);
      expect(one.start[one.bytes - 1 - i] == one.fill, "a block's contents changed", one.start);
    }
  }
  // It stands elsewhere, or has another length; the first `kept` bytes are what they were.
  void resize(std::size_t slot, void* start, std::size_t bytes) {
    block& one = blocks_[slot % slots];
    places_.erase(detail::address_of(one.start));
    std::size_t kept = std::min({one.bytes, bytes, edge_bytes});
    bytes_ += bytes - one.bytes;
    one.start = static_cast<std::byte*>(start);
    one.bytes = bytes;
    enter(detail::address_of(start), room(bytes));
    for (std::size_t i = 0; i < kept; ++i) {
      expect(one.start[i] == one.fill, "a resized block's contents changed", start);
    }
    write(one);
  }
  // Those with this number and younger ones are gone, as by reset or rewind.
  void forget_from(std::uint64_t number) {
    for (block& one : blocks_) {
      if (one.start == nullptr || one.number < number) continue;
      places_.erase(detail::address_of(one.start));
      bytes_ -= one.bytes;
      one = {};
    }
  }
  template <class Visit>
  void each(Visit visit) const {
    for (const block& one : blocks_) {
      if (one.start != nullptr) visit(one);
    }
  }

 private:
  static constexpr std::size_t edge_bytes = 1024;
  static std::size_t room(std::size_t bytes) { return bytes == 0 ? 1 : bytes; }

  void enter(std::uintptr_t at, std::size_t bytes) {
    auto next = places_.lower_bound(at);
    expect(next == places_.end() || bytes <= next->first - at, "a block overlaps the next",
           detail::pointer_to(at));
    expect(next == places_.begin() || std::prev(next)->first + std::prev(next)->second <= at,
           "a block overlaps the one before", detail::pointer_to(at));
    places_.emplace(at, bytes);
  }
  static void write(const block& one) {
    if (one.bytes == 0) return;
    std::size_t edge = std::min(one.bytes, edge_bytes);
    std::memset(one.start, static_cast<int>(one.fill), edge);
    std::memset(one.start + one.bytes - edge, static_cast<int>(one.fill), edge);
  }

  std::array<block, slots> blocks_{};
  std::map<std::uintptr_t, std::size_t> places_;
  std::size_t bytes_ = 0;
  std::uint64_t numbers_ = 0;
};

// ---- Any resource beside the model

struct expectations {
  bool may_refuse = false;  // null though upstream gave all that it was asked for
  bool counts_use = true;   // used_bytes is 0 when no block is live
  bool has_map = true;      // the regions are what is held, and blocks lie in live ones
};

template <resource Resource>
void expect_map(const Resource& one, const live_blocks& live) {
  std::vector<region> found;
  std::size_t total = 0;
  one.each_region([&](const region& each) {
    if (each.bytes == 0) return;
    found.push_back(each);
    total += each.bytes;
  });
  expect(total == one.statistics().held_bytes, "the regions are not what is held");
  std::sort(found.begin(), found.end(),
            [](const region& a, const region& b) { return a.start < b.start; });
  auto end = [](const region& each) { return detail::address_of(each.start) + each.bytes; };
  for (std::size_t i = 1; i < found.size(); ++i) {
    expect(end(found[i - 1]) <= detail::address_of(found[i].start), "regions overlap");
  }
  live.each([&](const block& each) {
    std::uintptr_t at = detail::address_of(each.start);
    auto next = std::upper_bound(found.begin(), found.end(), at,
                                 [](std::uintptr_t address, const region& r) {
                                   return address < detail::address_of(r.start);
                                 });
    if (each.bytes == 0) return;
    expect(next != found.begin() && std::prev(next)->kind == region_kind::live &&
               at + each.bytes <= end(*std::prev(next)),
           "a live block is in no live region", each.start);
  });
}

template <resource Resource>
void expect_all(const Resource& one, const live_blocks& live, const expectations& rules) {
  one.verify();
  resource_statistics now = one.statistics();
  if (now.live_blocks != resource_statistics::not_counted) {
    expect(now.live_blocks == live.count(), "live_blocks is not what lives");
  }
  expect(now.used_bytes >= live.bytes(), "used_bytes is less than what lives");
  expect(now.peak_used_bytes >= now.used_bytes, "the peak is below");
  expect(now.held_bytes >= now.used_bytes, "more is used than held");
  if (rules.counts_use && live.count() == 0) expect(now.used_bytes == 0, "something stays in use");
  if (rules.has_map) expect_map(one, live);
  if constexpr (requires { one.owns(&one); }) {
    live.each([&](const block& each) {
      expect(one.owns(each.start), "a live block is not owned", each.start);
    });
    expect(!one.owns(&live), "the model is owned");
  }
}

// A resource and what the program has of it.
template <resource Resource>
class seat {
 public:
  seat(Resource& one, upstream& from, expectations rules)
      : one_(one), upstream_(from), rules_(rules) {}

  Resource& operator*() { return one_; }
  live_blocks& live() { return live_; }

  bool allocate(std::size_t slot, std::size_t bytes, std::size_t alignment) {
    std::size_t refused = upstream_.refused();
    void* start = one_.try_allocate(bytes, alignment);
    if (start == nullptr) {
      expect(rules_.may_refuse || upstream_.refused() != refused || bytes > most_bytes ||
                 alignment > most_bytes,
             "null without need");
      return false;
    }
    block old = live_.has(slot) ? live_.take(slot) : block();
    live_.put(slot, start, bytes, alignment);
    if (old.start != nullptr) one_.deallocate(old.start, old.bytes, old.alignment);
    return true;
  }
  void free(std::size_t slot) {
    if (!live_.has(slot)) return;
    block old = live_.take(slot);
    one_.deallocate(old.start, old.bytes, old.alignment);
  }
  void free_all() {
    for (std::size_t slot = 0; slot < live_blocks::slots; ++slot) free(slot);
  }
  void look() { expect_all(one_, live_, rules_); }

  // Operations 0 to 8; false for the others.
  bool apply(const record& now) {
    std::size_t row = 1 + now.flavour() * 4;
    switch (now.operation()) {
      case 0:
      case 1:
        allocate(now.which, size_from(now.amount), alignment_from(now.flavour()));
        return true;
      case 2:
      case 3:
        free(now.which);
        return true;
      case 4:
        for (std::size_t i = 0; i < row; ++i) {
          if (!allocate(now.which + i, size_from(now.amount), 8)) break;
        }
        return true;
      case 5:
        for (std::size_t i = 0; i < row; ++i) free(now.which + i * (now.amount | 1U));
        return true;
      case 6:
        if (live_.has(now.which)) live_.look(now.which);
        return true;
      case 7:
        look();
        return true;
      case 8:
        upstream_.fail_later(now.amount % 16, now.flavour() + 1);
        return true;
      default:
        return false;
    }
  }

 private:
  // Longer blocks may be refused without asking upstream.
  static constexpr std::size_t most_bytes = std::size_t{1} << 35U;

  Resource& one_;
  upstream& upstream_;
  expectations rules_;
  live_blocks live_;
};

// The whole of an input but its first record, which said what the resource is like. own(seat, record)
// does operations 9 to 15.
template <resource Resource, class Own>
void run(input& from, upstream& memory, Resource& one, expectations rules, Own own) {
  seat<Resource> program(one, memory, rules);
  for (record now; from.next(now);) {
    if (!program.apply(now)) own(program, now);
  }
  program.look();
  program.free_all();
  program.look();
}
template <resource Resource>
void run(input& from, upstream& memory, Resource& one, expectations rules = {}) {
  run(from, memory, one, rules, [](auto& /*program*/, const record& /*now*/) {});
}

}  // namespace strata::fuzz
