// Resources made out of resources: where a block comes from, and under which conditions.
//
//   fallback<First, Second>             segregator<512, Small, Large>        synchronized<Part>
//
//     try_allocate                        try_allocate                         any thread
//          |                                   |                                   |
//       +-----+  null   +------+         <= 512 | > 512                          mutex
//       |First| ------> |Second|           +----+----+                             |
//       +-----+         +------+        +-----+   +-----+                       +----+
//          ^ owns(block)?  ^            |Small|   |Large|                       |Part|
//          +-- deallocate -+            +-----+   +-----+                       +----+
//
//   limited<Part>            refuses what would make more than so many bytes live
//   upstream_ref             a std::pmr::memory_resource, as a part
//   by_reference<Resource>   a resource that lives elsewhere, as a part
//
// Further ones: strata/thread_front.hpp (caches of threads) and strata/diagnose.hpp (fenced,
// tracked, failing).
//
// Parts are members, by value. So a composite is one object, its parts live exactly as long as it
// does, and the compiler sees through all of it: no virtual call and no pointer between one part
// and the next. What is to live elsewhere says so in its type: by_reference, upstream_ref. Parts
// are built in place, since resources don't move: what a composer does not take itself goes to its
// part; fallback and segregator take one argument for each, or, as std::pair does, a tuple for
// each.
//
// used_bytes, held_bytes and the map of a composite are those of its parts together. The peak of
// two parts is the sum of their peaks: the true one may be lower. A std::pmr::memory_resource tells
// nothing of itself: upstream_ref counts what it handed out and has no map of it;
// tracked<upstream_ref> has one.
//
//   time      that of the part, and: fallback an owns() a free; segregator a compare; limited a
//             compare and an addition; synchronized an uncontended lock
//   overhead  none a block
//   threads   one at a time; synchronized: any
//   exhausted null, when the parts are, or the limit is reached
//
// Composing allocators out of such parts is Alexandrescu's (std::allocator Is to Allocation what
// std::vector Is to Vexation, 2015).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <tuple>
#include <utility>

#include <strata/detail/fork.hpp>
#include <strata/detail/part.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

// A std::pmr::memory_resource as a part. Counts what it handed out; knows neither owner nor map.
class upstream_ref {
 public:
  static constexpr bool has_map = false;

  upstream_ref() noexcept : upstream_ref(std::pmr::get_default_resource()) {}
  // NOLINTNEXTLINE(google-explicit-constructor): as std::pmr::polymorphic_allocator
  upstream_ref(std::pmr::memory_resource* upstream) noexcept : upstream_(upstream) {}
  upstream_ref(const upstream_ref&) = delete;
  upstream_ref& operator=(const upstream_ref&) = delete;

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    bytes += bytes == 0 ? 1 : 0;
    // libstdc++ 12's aligned operator new rounds sizes near SIZE_MAX up to next to nothing.
    if (bytes > PTRDIFF_MAX) return nullptr;
    void* block = nullptr;
    try {
      block = upstream_->allocate(bytes, alignment);
    } catch (...) {
      return nullptr;
    }
    ++live_blocks_;
    live_bytes_ += bytes;
    if (live_bytes_ > peak_bytes_) peak_bytes_ = live_bytes_;
    return block;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    bytes += bytes == 0 ? 1 : 0;
    --live_blocks_;
    live_bytes_ -= bytes;
    upstream_->deallocate(block, bytes, alignment);
  }

  [[nodiscard]] std::pmr::memory_resource* upstream() const noexcept { return upstream_; }
  [[nodiscard]] resource_statistics statistics() const noexcept {
    return {live_bytes_, live_bytes_, peak_bytes_, live_blocks_};
  }
  void verify() const {}
  template <class Visit>
  void each_region(Visit /*visit*/) const {}

 private:
  std::pmr::memory_resource* upstream_;
  std::size_t live_bytes_ = 0;
  std::size_t peak_bytes_ = 0;
  std::size_t live_blocks_ = 0;
};

// A resource that lives elsewhere, and outlives this, as a part.
template <resource Resource>
class by_reference {
 public:
  static constexpr bool has_map = detail::has_map<Resource>;

  // NOLINTNEXTLINE(google-explicit-constructor): as std::reference_wrapper
  by_reference(Resource& one) noexcept : one_(&one) {}
  by_reference(const by_reference&) = delete;
  by_reference& operator=(const by_reference&) = delete;

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    return one_->try_allocate(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    one_->deallocate(block, bytes, alignment);
  }
  [[nodiscard]] Resource& get() const noexcept { return *one_; }
  [[nodiscard]] bool owns(const void* address) const noexcept requires owning_resource<Resource> {
    return one_->owns(address);
  }
  [[nodiscard]] resource_statistics statistics() const noexcept {
    return std::as_const(*one_).statistics();
  }
  void verify() const { std::as_const(*one_).verify(); }
  template <class Visit>
  void each_region(Visit visit) const {
    std::as_const(*one_).each_region(visit);
  }

 private:
  Resource* one_;
};

// The second where the first has no memory. A block goes back to the first if that owns it.
template <owning_resource First, resource Second = upstream_ref>
class fallback : public detail::over_two<First, Second> {
  using parts = detail::over_two<First, Second>;

 public:
  fallback() requires std::default_initializable<First> && std::default_initializable<Second>
      : fallback(std::piecewise_construct, std::tuple<>(), std::tuple<>()) {}
  template <class ForFirst, class ForSecond>
  requires std::constructible_from<First, ForFirst> && std::constructible_from<Second, ForSecond>
  fallback(ForFirst&& first, ForSecond&& second)
      : fallback(std::piecewise_construct, std::forward_as_tuple(std::forward<ForFirst>(first)),
                 std::forward_as_tuple(std::forward<ForSecond>(second))) {}
  template <class... ForFirst, class... ForSecond>
  fallback(std::piecewise_construct_t, std::tuple<ForFirst...> first,
           std::tuple<ForSecond...> second)
      : parts(std::piecewise_construct, std::move(first), std::move(second)) {}

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    void* block = this->first_.try_allocate(bytes, alignment);
    if (block == nullptr) block = this->second_.try_allocate(bytes, alignment);
    return block;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (this->first_.owns(block))
      this->first_.deallocate(block, bytes, alignment);
    else
      this->second_.deallocate(block, bytes, alignment);
  }

  [[nodiscard]] First& first() noexcept { return this->first_; }
  [[nodiscard]] const First& first() const noexcept { return this->first_; }
  [[nodiscard]] Second& second() noexcept { return this->second_; }
  [[nodiscard]] const Second& second() const noexcept { return this->second_; }
};

// As a segregator's threshold: the constructor is told.
inline constexpr std::size_t told_at_runtime = 0;

// Blocks of up to Threshold bytes from one, longer ones from the other. Neither helps the other
// out.
template <std::size_t Threshold, resource Small, resource Large>
class segregator : public detail::over_two<Small, Large> {
  using parts = detail::over_two<Small, Large>;
  static constexpr bool told = Threshold == told_at_runtime;

 public:
  segregator() requires(!told) &&
      std::default_initializable<Small>&& std::default_initializable<Large>
      : segregator(std::piecewise_construct, std::tuple<>(), std::tuple<>()) {}
  template <class ForSmall, class ForLarge>
  requires(!told) && std::constructible_from<Small, ForSmall>&& std::constructible_from<
                         Large, ForLarge> segregator(ForSmall&& small, ForLarge&& large)
      : segregator(std::piecewise_construct, std::forward_as_tuple(std::forward<ForSmall>(small)),
                   std::forward_as_tuple(std::forward<ForLarge>(large))) {}
  template <class... ForSmall, class... ForLarge>
  requires(!told) segregator(std::piecewise_construct_t, std::tuple<ForSmall...> small,
                             std::tuple<ForLarge...> large)
      : parts(std::piecewise_construct, std::move(small), std::move(large)) {}

  template <class ForSmall, class ForLarge>
  requires told && std::constructible_from<Small, ForSmall> &&
      std::constructible_from<Large, ForLarge>
      segregator(std::size_t threshold, ForSmall&& small, ForLarge&& large)
      : segregator(threshold, std::piecewise_construct,
                   std::forward_as_tuple(std::forward<ForSmall>(small)),
                   std::forward_as_tuple(std::forward<ForLarge>(large))) {}
  template <class... ForSmall, class... ForLarge>
  requires told segregator(std::size_t threshold, std::piecewise_construct_t,
                           std::tuple<ForSmall...> small, std::tuple<ForLarge...> large)
      : parts(std::piecewise_construct, std::move(small), std::move(large)),
        threshold_{threshold} {}

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    return bytes <= threshold() ? this->first_.try_allocate(bytes, alignment)
                                : this->second_.try_allocate(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes <= threshold())
      this->first_.deallocate(block, bytes, alignment);
    else
      this->second_.deallocate(block, bytes, alignment);
  }

  [[nodiscard]] std::size_t threshold() const noexcept {
    if constexpr (told)
      return threshold_.bytes;
    else
      return Threshold;
  }
  [[nodiscard]] Small& small() noexcept { return this->first_; }
  [[nodiscard]] const Small& small() const noexcept { return this->first_; }
  [[nodiscard]] Large& large() noexcept { return this->second_; }
  [[nodiscard]] const Large& large() const noexcept { return this->second_; }

 private:
  struct known {};
  struct chosen {
    std::size_t bytes;
  };
  [[no_unique_address]] std::conditional_t<told, const chosen, known> threshold_;
};

// For all threads: each call holds a mutex. The visitor of each_region must not call it.
template <resource Part = upstream_ref>
class synchronized {
  using lent = detail::fork_safe<std::mutex>::lent;

 public:
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;
  static constexpr bool has_map = detail::has_map<Part>;

  template <class... Arguments>
  requires std::constructible_from<Part, Arguments...>
  explicit synchronized(Arguments&&... arguments) : part_(std::forward<Arguments>(arguments)...) {}
  synchronized(const synchronized&) = delete;
  synchronized& operator=(const synchronized&) = delete;

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    std::lock_guard hold(mutex_);
    return part_.try_allocate(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::lock_guard hold(mutex_);
    part_.deallocate(block, bytes, alignment);
  }
  // action(Part&), while no other thread is in it: for what the part has besides.
  template <class Action>
  decltype(auto) with(Action action) {
    lent hold(mutex_);
    return action(part_);
  }

  [[nodiscard]] bool owns(const void* address) const noexcept requires owning_resource<Part> {
    std::lock_guard hold(mutex_);
    return part_.owns(address);
  }
  [[nodiscard]] resource_statistics statistics() const noexcept {
    std::lock_guard hold(mutex_);
    return std::as_const(part_).statistics();
  }
  void verify() const {
    std::lock_guard hold(mutex_);
    std::as_const(part_).verify();
  }
  template <class Visit>
  void each_region(Visit visit) const {
    lent hold(mutex_);
    std::as_const(part_).each_region(visit);
  }

 private:
  Part part_;
  mutable detail::fork_safe<std::mutex> mutex_;  // guards part_
};

// At most so many bytes live at a time, as they were asked for; a block of 0 counts as 1.
template <resource Part = upstream_ref>
class limited : public detail::over<Part> {
 public:
  template <class... Arguments>
  requires std::constructible_from<Part, Arguments...>
  explicit limited(std::size_t most_bytes, Arguments&&... arguments)
      : detail::over<Part>(std::in_place, std::forward<Arguments>(arguments)...),
        most_bytes_(most_bytes),
        left_bytes_(most_bytes) {}

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t counted = bytes == 0 ? 1 : bytes;
    if (counted > left_bytes_) return nullptr;
    void* block = this->part_.try_allocate(bytes, alignment);
    if (block != nullptr) left_bytes_ -= counted;
    return block;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    std::size_t counted = bytes == 0 ? 1 : bytes;
    if (counted > most_bytes_ - left_bytes_) [[unlikely]]
      detail::stop(detail::misuse::wrong_size, "limited", block, bytes);
    left_bytes_ += counted;
    this->part_.deallocate(block, bytes, alignment);
  }

  [[nodiscard]] std::size_t most_bytes() const noexcept { return most_bytes_; }
  [[nodiscard]] std::size_t left_bytes() const noexcept { return left_bytes_; }

 private:
  std::size_t most_bytes_;
  std::size_t left_bytes_;  // most_bytes_ - left_bytes_: live
};

}  // namespace strata
