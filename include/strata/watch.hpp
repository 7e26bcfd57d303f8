// Watched resources: a resource shows itself to the observer, under a name.
//
//   strata::bump arena;
//   strata::watched shown{arena, "request arena"};
//
//     resource --- publish() ---> watched --- sums ---> row of (name, kind)     strata/watch.h
//                                    |                        |
//                       each_watched(visit)          strata run, gdb, strata_watch_json
//
// What a resource's figures are is its own thread's to ask: they stand in plain words that calls to it
// change. So nobody asks it from outside. Its thread publishes:
//
//   when it is registered, and when that ends      by itself
//   publish()                                      whenever it likes: after a request, each second
//
// and readers see what was published last. A resource that may be asked by any thread at any time says
// so by a member `static constexpr bool statistics_from_any_thread = true`; it is asked, too, by
// whoever enumerates, and at the end of the process. The calls to a resource cost what they cost
// without.
//
//   time      publish: the resource's statistics(), a lock, some ten stores; registering
//             O(rows); each_watched O(resources^2), of some ten instructions a step
//   overhead  some 300 bytes a registration; 9 KiB a process. Nothing is allocated
//   threads   any. A resource without the member is published by the thread that uses it
//   exhausted beyond 64 pairs of name and kind, resources are enumerated and have no row
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <strata/watch.h>
#include <strata/detail/fork.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

// One resource, as it last published: instances and made are 1.
struct watched_figures : strata_watch_row {
  const void* resource;
};

namespace detail {

// The type as the compiler writes it.
template <class Watched>
constexpr std::string_view name_of_type() {
  std::string_view all = __PRETTY_FUNCTION__;
  std::size_t start = all.find("Watched = ") + sizeof("Watched = ") - 1;
  return all.substr(start, all.find_first_of(";]", start) - start);
}

template <class Candidate>
concept tells_statistics = requires(Candidate& one) {
  { one.statistics() } -> std::same_as<resource_statistics>;
};
// Pools of objects.
template <class Candidate>
concept tells_objects = requires(Candidate& one) {
  one.statistics().in_use();
  one.statistics().idle;
};
template <class Candidate>
concept tells_charges = requires(Candidate& one) {
  one.charged_bytes();
  one.peak_bytes();
};

template <class Resource>
resource_statistics figures_to_watch(Resource& one) {
  if constexpr (tells_statistics<Resource>) {
    return one.statistics();
  } else if constexpr (tells_objects<Resource>) {
    auto now = one.statistics();
    constexpr std::size_t none = resource_statistics::not_counted;
    if constexpr (requires { Resource::object_bytes; }) {
      constexpr std::size_t each = Resource::object_bytes;
      std::size_t used = now.in_use() * each;
      return {used + now.idle * each, used, used, now.in_use()};
    }
    return {none, none, none, now.in_use()};
  } else {
    std::size_t now = one.charged_bytes();
    return {now, now, one.peak_bytes(), resource_statistics::not_counted};
  }
}

template <class Resource>
constexpr bool is_for_any_thread() {
  if constexpr (requires { Resource::statistics_from_any_thread; })
    return Resource::statistics_from_any_thread;
  return false;
}

class STRATA_RESOURCES_API watch_node {
 public:
  watch_node(const watch_node&) = delete;
  watch_node& operator=(const watch_node&) = delete;

  // Makes the figures of now known.
  void publish() noexcept;

 protected:
  using read_figures = resource_statistics (*)(void* resource);
  watch_node(void* resource, read_figures read, bool from_any_thread, std::string_view name,
             std::string_view kind) noexcept;
  ~watch_node();

 private:
  friend struct watch_list;
  void enter_figures(const resource_statistics& now) noexcept;

  watched_figures figures_ = {};  // under the list's lock, as all that follows
  strata_watch_row* row_ = nullptr;
  watch_node* older_ = nullptr;
  watch_node* younger_ = nullptr;
  std::uint64_t number_ = 0;  // in the order of registering; 0: not in the list
  std::uint32_t pins_ = 0;    // who asks it just now
  void* resource_;
  bool from_any_thread_;
  read_figures read_;
  static const fork_ways at_fork;
  fork_member seat_;
};

STRATA_RESOURCES_API bool next_watched(std::uint64_t& number, watched_figures& found) noexcept;

}  // namespace detail

template <class Candidate>
concept watchable = detail::tells_statistics<Candidate> || detail::tells_objects<Candidate> ||
    detail::tells_charges<Candidate>;

// From here to the end of this, the resource is watched. Declared behind it, so that it ends before; by
// the thread that uses the resource.
template <watchable Resource>
class [[nodiscard]] watched : public detail::watch_node {
 public:
  // The name is copied, and cut to 47 bytes.
  watched(Resource& one, std::string_view name) noexcept
      : watch_node(
            &one,
            [](void* resource) {
              return detail::figures_to_watch(*static_cast<Resource*>(resource));
            },
            detail::is_for_any_thread<Resource>(), name, detail::name_of_type<Resource>()) {}
  // An account has a name already.
  explicit watched(Resource& one) noexcept requires detail::tells_charges<Resource>
      : watched(one, one.name()) {}
};

// visit(const watched_figures&) for each, the oldest first. It may use, register and end any of them,
// and throw; those that come or go meanwhile may be seen or not.
template <class Visit>
void each_watched(Visit visit) {
  std::uint64_t number = 0;
  watched_figures found;
  while (detail::next_watched(number, found)) visit(static_cast<const watched_figures&>(found));
}

}  // namespace strata
