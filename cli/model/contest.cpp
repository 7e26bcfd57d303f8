#include "cli/model/contest.hpp"

#include <unistd.h>

#include <algorithm>

namespace strata::cli {
namespace {

command under(const contender& who, command what) {
  for (const char* name : {"LD_PRELOAD", "STRATA_COUNT", "STRATA_STATS_DIR"}) {
    what.variables.unset(name);
  }
  if (!who.choice.library.empty()) what.variables.prepend_preload(who.choice.library);
  for (const auto& [name, value] : who.variables) what.variables.set(name, value);
  return what;
}

enum class purpose { measure, only_check };

int run_once(contender& who, const command& what, purpose why, const runner& run) {
  if (what.input >= 0) lseek(what.input, 0, SEEK_SET);
  const trial done = run(under(who, what));
  if (done.error != 0) return done.error;
  who.outcomes.push_back({done.end.wait_status, done.output, done.errors});
  who.cut = who.cut || done.cut;
  if (why == purpose::measure) who.runs.push_back(done.end);
  return 0;
}

bool any_differs(const contest& all) {
  return std::any_of(all.contenders.begin(), all.contenders.end(),
                     [&](const contender& who) { return !all.differences(who).empty(); });
}

}  // namespace

const std::array<metric, 3> metrics = {
    metric{"wall time", "faster", "slower", [](const ending& end) { return end.wall_seconds(); }},
    metric{"processor time", "less", "more",
           [](const ending& end) { return end.user_seconds() + end.system_seconds(); }},
    metric{"peak resident", "smaller", "larger",
           [](const ending& end) { return static_cast<double>(end.peak_resident_bytes()); }}};

const char* name_of(channel which) {
  switch (which) {
    case channel::status:
      return "exit status";
    case channel::output:
      return "stdout";
    case channel::errors:
      break;
  }
  return "stderr";
}

bool outcome::agrees(const outcome& other, channel which) const {
  switch (which) {
    case channel::status:
      return wait_status == other.wait_status;
    case channel::output:
      return output == other.output;
    case channel::errors:
      break;
  }
  return errors == other.errors;
}

std::vector<double> sample_of(const contender& who, const metric& what) {
  std::vector<double> values;
  for (const ending& end : who.runs) values.push_back(what.value(end));
  return values;
}

bool contest::repeatable(channel which) const {
  const auto& outcomes = base().outcomes;
  return std::all_of(outcomes.begin(), outcomes.end(),
                     [&](const outcome& each) { return each.agrees(outcomes.front(), which); });
}

std::vector<channel> contest::differences(const contender& who) const {
  std::vector<channel> found;
  for (const channel which : channels) {
    const bool agree = std::all_of(
        who.outcomes.begin(), who.outcomes.end(),
        [&](const outcome& each) { return each.agrees(base().outcomes.front(), which); });
    if (!agree && repeatable(which)) found.push_back(which);
  }
  return found;
}

std::vector<const contender*> contest::best(const metric& what) const {
  const auto median = [&](const contender& who) { return spread_of(sample_of(who, what)).median; };
  const auto first = std::min_element(
      contenders.begin(), contenders.end(),
      [&](const contender& a, const contender& b) { return median(a) < median(b); });
  std::vector<const contender*> found = {&*first};
  for (const contender& who : contenders) {
    if (&who == &*first) continue;
    const verdict against = compare_samples(sample_of(who, what), sample_of(*first, what));
    if (against == verdict::same || median(who) == median(*first)) found.push_back(&who);
  }
  return found;
}

int hold(contest& all, const command& what, const progress& tell, const runner& run) {
  const int rounds = all.warmup + all.runs;
  const std::size_t count = all.contenders.size();
  all.floor_bytes = launch_floor_bytes();
  for (int round = 0; round < rounds; ++round) {
    const purpose why = round < all.warmup ? purpose::only_check : purpose::measure;
    for (std::size_t i = 0; i < count; ++i) {
      contender& who = all.contenders[(i + static_cast<std::size_t>(round)) % count];
      tell(round + 1, rounds, who.choice.name);
      if (const int error = run_once(who, what, why, run)) return error;
    }
  }
  // One run of the base cannot show whether it repeats itself; before others are blamed, it must.
  if (rounds == 1 && any_differs(all)) {
    return run_once(all.contenders[0], what, purpose::only_check, run);
  }
  return 0;
}

}  // namespace strata::cli
