// An advice, tried: the program runs again with libstrata_route.so, which sends the blocks of the site to a
// place of their own (src/route/router.hpp).
//
//   counted    once as it is and once routed: operations and bytes, each exact; not timed
//   timed      as it is, with the site found and nothing done about it, and routed; in turns
#pragma once

#include <string>
#include <vector>

#include "cli/model/advice/advice.hpp"
#include "cli/model/contest.hpp"
#include "wire/routes.hpp"

namespace strata::cli::advice {

// Of the process that made most blocks of the site.
struct counted_run {
  std::uint64_t operations = 0;
  std::uint64_t spared = 0;  // of these
  std::uint64_t blocks = 0;  // of the site
  std::uint64_t resets = 0;
  std::uint64_t peak_bytes = 0;
  std::vector<std::uint64_t> curve;  // after every so many operations, bytes taken from the system
};

struct attempt {
  wire::route_place place = wire::route_place::heap;
  counted_run plain;
  counted_run routed;
  // As the finding has them, but measured.
  std::uint64_t saved_operations = 0;
  std::uint64_t before_bytes = 0;
  std::uint64_t after_bytes = 0;
  contest runs;  // the contenders are as_it_is, site_found, routed
  std::string trouble;

  std::uint64_t saved_bytes() const {
    return before_bytes > after_bytes ? before_bytes - after_bytes : 0;
  }
  static constexpr std::size_t as_it_is = 0;
  static constexpr std::size_t site_found = 1;
  static constexpr std::size_t is_routed = 2;
};

// Why it can't be tried; empty: it can.
std::string why_not_tried(const finding& one);

struct attempt_setup {
  command what;  // to run, with an input that can be rewound
  std::string strata_library;
  std::string router_library;
  int runs = 5;
  runner run = run_trial;
};

// routes: with the chains of the site (chains.hpp). operations: of the recording.
attempt try_out(const finding& one, wire::routes& routes, std::uint64_t operations,
                const attempt_setup& setup, const progress& tell);

}  // namespace strata::cli::advice
