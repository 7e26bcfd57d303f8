#include "cli/model/advice/attempt.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "cli/model/advice/routes_area.hpp"

namespace strata::cli::advice {

using wire::route_place;
using wire::route_watch;

namespace {

route_place place_of(finding_kind kind) {
  switch (kind) {
    case finding_kind::temporary:
      return route_place::stack;
    case finding_kind::grown:
      return route_place::reserve;
    case finding_kind::together:
      return route_place::arena;
    case finding_kind::one_size:
    case finding_kind::pinned:
      return route_place::pool;
    case finding_kind::padded:  // why_not_tried
      break;
  }
  return route_place::heap;
}

counted_run figures_of(const wire::routed_process& of) {
  counted_run made{of.operations, of.spared, of.blocks, of.resets, of.peak_bytes, {}};
  const std::size_t moments = std::min<std::size_t>(of.moments.load(), wire::most_routed_moments);
  for (std::size_t i = 0; i < moments; ++i) made.curve.push_back(of.curve[i].bytes);
  return made;
}

counted_run largest(const routes_area& area) {
  const auto& all = area->processes;
  return figures_of(*std::max_element(
      std::begin(all), std::end(all),
      [](const auto& a, const auto& b) { return a.blocks.load() < b.blocks.load(); }));
}

class trier {
 public:
  trier(const finding& one, wire::routes& routes, const attempt_setup& setup)
      : one_(one), routes_(routes), setup_(setup) {
    made_.place = place_of(one.kind);
  }

  attempt done(const progress& tell) {
    if (count(route_place::heap, made_.plain) && count(made_.place, made_.routed)) {
      compare();
      time(tell);
    }
    return std::move(made_);
  }

 private:
  wire::routes& routes_for(route_place place, route_watch watch) {
    routes_.place = place;
    routes_.watch = watch;
    return routes_;
  }
  // False: there is trouble.
  bool stop(std::string why) {
    made_.trouble = std::move(why);
    return false;
  }

  bool count(route_place place, counted_run& into) {
    const bool by_trims = one_.kind == finding_kind::pinned;
    const routes_area area(routes_for(place, by_trims ? route_watch::trims : route_watch::counts));
    if (!area.error().empty()) return stop(area.error());
    command what = setup_.what;
    what.variables.prepend_preload(setup_.router_library);
    what.variables.set(wire::routes_variable, area.path());
    // As in the replay that has promised the bytes.
    what.variables.set("STRATA_CLOCK", "0");
    if (what.input >= 0) lseek(what.input, 0, SEEK_SET);
    const trial ran = setup_.run(what);
    if (ran.error != 0) return stop(what.arguments[0] + ": " + std::strerror(ran.error));
    into = largest(area);
    if (into.blocks == 0) return stop(what.arguments[0] + " never came to the site");
    return true;
  }

  void compare() {
    made_.saved_operations = made_.routed.spared;
    if (made_.place == route_place::arena)  // to give all back at once is an operation, too
      made_.saved_operations -= std::min(made_.routed.resets, made_.routed.spared);
    made_.before_bytes = made_.plain.peak_bytes;
    made_.after_bytes = made_.routed.peak_bytes;
    if (one_.kind == finding_kind::pinned) compare_moments();
  }
  // The one at which most is given back that was not before.
  void compare_moments() {
    made_.before_bytes = made_.after_bytes = 0;
    const std::size_t moments = std::min(made_.plain.curve.size(), made_.routed.curve.size());
    for (std::size_t i = 0; i < moments; ++i) {
      const std::uint64_t was = made_.plain.curve[i];
      const std::uint64_t is = made_.routed.curve[i];
      if (was <= is || was - is <= made_.saved_bytes()) continue;
      made_.before_bytes = was;
      made_.after_bytes = is;
    }
  }

  void time(const progress& tell) {
    const routes_area found(routes_for(route_place::heap, route_watch::nothing));
    const routes_area routed(routes_for(made_.place, route_watch::nothing));
    if (!found.error().empty() || !routed.error().empty()) {
      stop(found.error() + routed.error());
      return;
    }
    contest& all = made_.runs;
    all.program = setup_.what.arguments;
    all.runs = setup_.runs;
    const char* variable = wire::routes_variable;
    all.contenders = {
        {.choice = {"as it is", setup_.strata_library}},
        {.choice = {"site found", setup_.router_library}, .variables = {{variable, found.path()}}},
        {.choice = {"routed", setup_.router_library}, .variables = {{variable, routed.path()}}}};
    if (const int error = hold(all, setup_.what, tell, setup_.run); error != 0)
      stop(all.program[0] + ": " + std::strerror(error));
  }

  const finding& one_;
  wire::routes& routes_;
  const attempt_setup& setup_;
  attempt made_;
};

}  // namespace

std::string why_not_tried(const finding& one) {
  if (one.kind == finding_kind::padded)
    return "the program has to be compiled again, with the fields in that order";
  if (one.kind == finding_kind::grown && one.facts.resizes < one.facts.growths / 10 * 9)
    return "its blocks are given up for longer ones by the program itself, which alone can ask for "
           "the final length at once";
  return {};
}

attempt try_out(const finding& one, wire::routes& routes, std::uint64_t operations,
                const attempt_setup& setup, const progress& tell) {
  routes.magic = wire::routes_magic;
  routes.reserve_bytes = one.facts.most_bytes;
  routes.moment_step = operations / wire::most_routed_moments + 1;
  return trier(one, routes, setup).done(tell);
}

}  // namespace strata::cli::advice
