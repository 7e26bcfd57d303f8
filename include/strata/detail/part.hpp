// What composers of resources are made of: their parts, as members, and what each composer passes on to
// them.
//
//   over<Part>          one part                       limited, fenced, tracked, failing
//   over_two<One, Two>  two                            fallback, segregator
#pragma once

#include <concepts>
#include <cstddef>
#include <tuple>
#include <utility>

#include <strata/resource.hpp>

namespace strata {

template <class Candidate>
concept owning_resource = resource<Candidate> &&
    requires(const Candidate& same, const void* address) {
  { same.owns(address) }
  noexcept->std::same_as<bool>;
};

namespace detail {

// False for what can't tell where its memory lies: each_region visits nothing there.
template <class Part>
inline constexpr bool has_map = !requires {
  requires !Part::has_map;
};

inline resource_statistics sum(const resource_statistics& one, const resource_statistics& other) {
  constexpr std::size_t not_counted = resource_statistics::not_counted;
  bool counted = one.live_blocks != not_counted && other.live_blocks != not_counted;
  return {one.held_bytes + other.held_bytes, one.used_bytes + other.used_bytes,
          one.peak_used_bytes + other.peak_used_bytes,
          counted ? one.live_blocks + other.live_blocks : not_counted};
}

// What composers of one part share. Each hides what it does otherwise.
template <resource Part>
class over {
 public:
  static constexpr bool has_map = detail::has_map<Part>;

  over(const over&) = delete;
  over& operator=(const over&) = delete;

  [[nodiscard]] Part& part() noexcept { return part_; }
  [[nodiscard]] const Part& part() const noexcept { return part_; }

  [[nodiscard]] bool owns(const void* address) const noexcept requires owning_resource<Part> {
    return part_.owns(address);
  }
  [[nodiscard]] resource_statistics statistics() const noexcept { return part_.statistics(); }
  void verify() const { part_.verify(); }
  template <class Visit>
  void each_region(Visit visit) const {
    part_.each_region(visit);
  }

 protected:
  template <class... Arguments>
  explicit over(std::in_place_t, Arguments&&... arguments)
      : part_(std::forward<Arguments>(arguments)...) {}
  ~over() = default;

  Part part_;
};

// And those of two.
template <resource First, resource Second>
class over_two {
 public:
  static constexpr bool has_map = detail::has_map<First> && detail::has_map<Second>;

  over_two(const over_two&) = delete;
  over_two& operator=(const over_two&) = delete;

  [[nodiscard]] bool owns(const void* address) const noexcept requires owning_resource<First> &&
      owning_resource<Second> {
    return first_.owns(address) || second_.owns(address);
  }
  [[nodiscard]] resource_statistics statistics() const noexcept {
    return sum(first_.statistics(), second_.statistics());
  }
  void verify() const {
    first_.verify();
    second_.verify();
  }
  template <class Visit>
  void each_region(Visit visit) const {
    first_.each_region(visit);
    second_.each_region(visit);
  }

 protected:
  template <class ForFirst, class ForSecond>
  over_two(std::piecewise_construct_t, ForFirst&& first, ForSecond&& second)
      : first_(std::make_from_tuple<First>(std::forward<ForFirst>(first))),
        second_(std::make_from_tuple<Second>(std::forward<ForSecond>(second))) {}
  ~over_two() = default;

  First first_;
  Second second_;
};

}  // namespace detail

}  // namespace strata
