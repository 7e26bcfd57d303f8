// Runs a program under several allocators in turn and judges whether it did the same under each.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/model/library.hpp"
#include "cli/model/statistics.hpp"
#include "cli/model/trial.hpp"

namespace strata::cli {

// What must agree between runs.
enum class channel { status, output, errors };
inline constexpr std::array channels = {channel::status, channel::output, channel::errors};
const char* name_of(channel which);

// What a run left for the world to see.
struct outcome {
  int wait_status = 0;
  output_digest output;
  output_digest errors;

  bool agrees(const outcome& other, channel which) const;
};

// One allocator and its runs.
struct contender {
  allocator_choice choice;
  std::vector<std::pair<std::string, std::string>> variables{};  // that its runs have besides
  std::vector<ending> runs{};                                    // the measured ones
  std::vector<outcome> outcomes{};                               // of all runs, warm-up included
  bool cut = false;                                              // some output was not waited for
};

// What is compared, each figure of a run as a number.
struct metric {
  const char* name;
  const char* better;  // "faster"
  const char* worse;
  double (*value)(const ending&);
};
extern const std::array<metric, 3> metrics;  // wall time, processor time, peak resident

std::vector<double> sample_of(const contender& who, const metric& what);

struct contest {
  std::vector<std::string> program;
  int runs = 5;
  int warmup = 1;
  std::vector<contender> contenders{};  // the first is the base that others are compared with
  std::uint64_t floor_bytes = 0;        // see launch_floor_bytes

  const contender& base() const { return contenders[0]; }
  // Did all runs of the base agree? Otherwise the channel says nothing about the others.
  bool repeatable(channel which) const;
  // The repeatable channels in which a contender's runs are unlike the base's.
  std::vector<channel> differences(const contender& who) const;
  // Contenders with the lowest median, and those that differ from it by no more than noise.
  std::vector<const contender*> best(const metric& what) const;
};

// Called before each run with the round (from 1), the number of rounds and the allocator.
using progress = std::function<void(int round, int rounds, const std::string& name)>;

// What runs the program once.
using runner = std::function<trial(const command&)>;

// Fills in the runs. Each round runs every contender once; who begins moves on by one each round,
// so that a machine that grows warm or busy favours nobody. what.input is rewound for each run.
// Returns errno when the program could not be started, otherwise 0.
int hold(contest& all, const command& what, const progress& tell, const runner& run = run_trial);

}  // namespace strata::cli
