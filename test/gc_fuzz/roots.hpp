// Where a program's roots are: every kind of place that keeps objects alive.
//
//   own_roots     | 20 locals | 4 locals of values | 8 globals | 8 words of a frame | 24 of a row of values |
//   shared_roots  | 64 globals |          of a graph that threads use in turns
//
// The places of values may hold immediates.
#pragma once

#include <strata/gc.h>
#include <array>
#include <memory>
#include <optional>
#include <strata/gc.hpp>

#include "shadow.hpp"

namespace gc_fuzz {

[[noreturn]] void fail(const char* what);
inline void expect(bool holds, const char* what) {
  if (!holds) [[unlikely]]
    fail(what);
}

template <class E>
E* entity_in(gc::value of) {
  return of.is_immediate() ? nullptr : of.as<E>();
}

template <class E>
class own_roots {
 public:
  static constexpr std::size_t count = 64;
  static constexpr bool is_shared = false;

  explicit own_roots(gc::heap& of)
      : row_roots_(of, row_.data(), row_.size()), spare_roots_(of, spare_.data(), spare_.size()) {
    for (auto& each : globals_) each = std::make_unique<gc::global<E>>(of);
    frame_.head.map = &map;
  }

  void attach(gc::mutator& self) {
    self_ = &self;
    for (auto& each : locals_) each.emplace(self);
    for (auto& each : value_locals_) each.emplace(self);
    self.state().frames = &frame_.head;
    std::size_t from = 0;
    each_of_thread([&](std::size_t at) { set(at, spare_[from++]); });
    spare_.fill(nullptr);
  }
  // What the mutator's going would lose is kept aside.
  void detach() {
    std::size_t to = 0;
    each_of_thread([&](std::size_t at) { spare_[to++] = get(at); });
    self_->state().frames = nullptr;
    for (std::size_t at = value_locals_.size(); at-- > 0;) value_locals_[at].reset();
    for (std::size_t at = locals_.size(); at-- > 0;) locals_[at].reset();
  }

  static bool holds_immediates(std::size_t at) { return (at >= 20 && at < 24) || at >= 40; }
  [[nodiscard]] gc::value get(std::size_t at) const {
    if (at < 20) return gc::value(locals_[at]->get());
    if (at < 24) return value_locals_[at - 20]->get();
    if (at < 32) return gc::value(globals_[at - 24]->get());
    if (at < 40) return gc::value(static_cast<E*>(frame_.words[at - 32]));
    return row_[at - 40];
  }
  void set(std::size_t at, gc::value to) {
    if (at < 20)
      *locals_[at] = gc::unrooted<E>(*self_, entity_in<E>(to));
    else if (at < 24)
      *value_locals_[at - 20] = to;
    else if (at < 32)
      *globals_[at - 24] = gc::unrooted<E>(*self_, entity_in<E>(to));
    else if (at < 40)
      frame_.words[at - 32] = entity_in<E>(to);
    else
      row_[at - 40] = to;
  }

  // Roots from `end` on are none meanwhile. What lies behind stays as it was until a collection zeroes it.
  template <class Meanwhile>
  void with_shorter_row(std::size_t end, Meanwhile meanwhile) {
    std::array<gc::value, 24> before = row_;
    std::uint64_t collections = self_->collections();
    row_roots_.set_end(row_.data() + (end - 40));
    meanwhile();
    bool is_zeroed = self_->collections() != collections;
    for (std::size_t at = end - 40; at < row_.size(); ++at)
      expect(row_[at] == (is_zeroed ? gc::value() : before[at]), "a row's words behind its end");
    row_roots_.set_end(row_.data() + row_.size());
    for (std::size_t at = end - 40; at < row_.size(); ++at) row_[at] = nullptr;
  }

 private:
  template <class Visit>
  static void each_of_thread(Visit visit) {
    for (std::size_t at = 0; at < 40; ++at)
      if (at < 24 || at >= 32) visit(at);
  }

  static constexpr strata_gc_frame_map map{8, nullptr, "fuzz"};
  gc::mutator* self_ = nullptr;
  std::array<std::optional<gc::local<E>>, 20> locals_;
  std::array<std::optional<gc::local<gc::value>>, 4> value_locals_;
  std::array<std::unique_ptr<gc::global<E>>, 8> globals_;
  struct {
    strata_gc_frame head;
    void* words[8];
  } frame_{};
  std::array<gc::value, 24> row_{};
  std::array<gc::value, 32> spare_{};
  gc::roots row_roots_;
  gc::roots spare_roots_;
};

template <class E>
class shared_roots {
 public:
  static constexpr std::size_t count = 64;
  static constexpr bool is_shared = true;

  explicit shared_roots(gc::heap& of) {
    for (auto& each : globals_) each = std::make_unique<gc::global<E>>(of);
  }
  void attach(gc::mutator& self) { self_ = &self; }

  static bool holds_immediates(std::size_t) { return false; }
  [[nodiscard]] gc::value get(std::size_t at) const { return gc::value(globals_[at]->get()); }
  void set(std::size_t at, gc::value to) {
    *globals_[at] = gc::unrooted<E>(*self_, entity_in<E>(to));
  }

 private:
  gc::mutator* self_ = nullptr;
  std::array<std::unique_ptr<gc::global<E>>, count> globals_;
};

}  // namespace gc_fuzz
