#include "cli/model/advice/advice.hpp"

#include <algorithm>

#include "cli/model/advice/treatment.hpp"
#include "cli/model/replay/helper.hpp"

namespace strata::cli::advice {

using replay::pass_figures;
using replay::pass_kind;
using replay::trace;

namespace {

constexpr std::size_t most_candidates = 16;
constexpr std::uint64_t longest_pooled_bytes = 4096;

std::uint64_t threshold(std::uint64_t all, std::uint64_t least) {
  return std::max(least, static_cast<std::uint64_t>(static_cast<double>(all) * least_share));
}

treatment treatment_of(finding_kind kind) {
  switch (kind) {
    case finding_kind::temporary:
      return treatment::on_stack;
    case finding_kind::grown:
      return treatment::reserved;
    case finding_kind::together:
      return treatment::in_arena;
    case finding_kind::one_size:
    case finding_kind::pinned:
      return treatment::in_pool;
    case finding_kind::padded:
      break;  // of no site
  }
  return treatment::in_pool;
}

// Replays traces under Strata's malloc, or the system's where that is missing.
class bench {
 public:
  explicit bench(const replay::replay_options& options)
      : seat_{options.program, options.strata_library}, options_(options) {}

  // False: it did not go to its end; trouble() may say why.
  bool run(const trace& of, pass_kind kind, pass_figures& into) {
    const replay::pass_request request{kind, of.facts().operations, options_.limit_ns};
    const std::string wrong = run_in_helper(seat_, of, request, into);
    if (!wrong.empty()) trouble_ = wrong;
    return wrong.empty() && into.how == replay::outcome::done;
  }
  // Medians of all operations, in turns.
  void time_both(const trace& before, const trace& after, finding& into) {
    std::vector<double> times_before;
    std::vector<double> times_after;
    for (int round = 0; round < options_.rounds; ++round) {
      time(before, times_before);
      time(after, times_after);
    }
    into.before_ns = median(times_before);
    into.after_ns = median(times_after);
  }
  const std::string& trouble() const { return trouble_; }

 private:
  void time(const trace& of, std::vector<double>& into) {
    pass_figures made;
    if (run(of, pass_kind::times, made)) into.push_back(static_cast<double>(made.nanoseconds));
  }
  static double median(std::vector<double>& of) {
    if (of.empty()) return 0;
    std::sort(of.begin(), of.end());
    return of[of.size() / 2];
  }

  replay::helper_seat seat_;
  const replay::replay_options& options_;
  std::string trouble_;
};

// The moment at which most is given back that was not before.
void compare_trimmed(const pass_figures& before, const pass_figures& after, finding& into) {
  for (std::size_t i = 0; i < std::min(before.moments, after.moments); ++i) {
    const std::uint64_t was = before.curve[i].at.footprint;
    const std::uint64_t is = after.curve[i].at.footprint;
    if (was <= is || was - is <= into.saved_bytes()) continue;
    into.before_bytes = was;
    into.after_bytes = is;
  }
}

class adviser {
 public:
  adviser(const std::string& path, const capture::view& of, const site_table& sites,
          const replay::replay_options& options)
      : path_(path),
        of_(of),
        process_(of.process().facts.number),
        sites_(sites),
        as_it_is_(path, process_),
        bench_(options) {}

  advice made() {
    all_.trace = as_it_is_.facts();
    if (!bench_.run(as_it_is_, pass_kind::measures, figures_)) {
      all_.trouble = bench_.trouble().empty() ? "takes too long to be replayed" : bench_.trouble();
      return all_;
    }
    all_.peak_bytes = figures_.peak.at.footprint;
    for (finding& one : candidates()) {
      if (holds(one)) all_.findings.push_back(one);
    }
    for (finding& one : padded_candidates()) {
      if (!holds(one)) continue;
      one.facts = facts_of(*one.type);
      all_.findings.push_back(one);
    }
    std::stable_sort(all_.findings.begin(), all_.findings.end(),
                     [&](const finding& a, const finding& b) { return weight(a) > weight(b); });
    return all_;
  }

 private:
  std::vector<finding> candidates() {
    survey found(sites_.of_node, sites_.sites.size(), of_.process().memory.events());
    capture::read_events(path_, process_, [&](const capture::event& one) { found.add(one); });
    std::vector<finding> made;
    for (std::size_t i = 0; i < sites_.sites.size(); ++i) {
      if (sites_.are_heaps[i]) continue;  // its blocks are together already
      const site_facts& facts = found.sites()[i];
      for (const finding_kind kind : candidates_of(facts, all_.trace.operations, all_.peak_bytes)) {
        finding& one = made.emplace_back();
        one.kind = kind;
        one.site = static_cast<std::uint32_t>(i);
        one.where = sites_.sites[i];
        one.facts = facts;
      }
    }
    return keep_largest(std::move(made));
  }

  std::vector<finding> padded_candidates() {
    const auto enough = static_cast<double>(threshold(all_.peak_bytes, least_bytes));
    std::vector<finding> made;
    for (padded_type& one : padded_types(of_, enough)) {
      finding& into = made.emplace_back();
      into.kind = finding_kind::padded;
      into.where = {one.name, one.file, static_cast<std::uint32_t>(one.line), {}};
      into.type = std::move(one);
    }
    return made;
  }

  // Of all blocks that have such an object.
  site_facts facts_of(const padded_type& type) {
    std::vector<std::uint32_t> of_node;
    for (const smaller_unit& one : type.of_node) of_node.push_back(one.bytes == 0 ? 1 : 0);
    survey found(of_node, 2, of_.process().memory.events());
    capture::read_events(path_, process_, [&](const capture::event& one) { found.add(one); });
    return found.sites()[0];
  }

  static std::unique_ptr<replay::event_translator> translator_for(
      const finding& one, const std::vector<std::uint32_t>& of_node) {
    if (one.type) return made_smaller(one.type->of_node);
    return treated(treatment_of(one.kind), one.site, of_node);
  }

  // A replay of each takes its time: those with most blocks.
  static std::vector<finding> keep_largest(std::vector<finding> of) {
    std::stable_sort(of.begin(), of.end(), [](const finding& a, const finding& b) {
      return a.facts.blocks > b.facts.blocks;
    });
    if (of.size() > most_candidates) of.resize(most_candidates);
    return of;
  }

  // Replays with and without it.
  bool holds(finding& one) {
    const trace after(path_, process_, [&] { return translator_for(one, sites_.of_node); });
    const bool by_trims = one.kind == finding_kind::pinned;
    pass_figures figures;
    if (!bench_.run(after, by_trims ? pass_kind::trims : pass_kind::measures, figures)) {
      return false;
    }
    if (by_trims) {
      if (!has_trimmed_) has_trimmed_ = bench_.run(as_it_is_, pass_kind::trims, trimmed_);
      compare_trimmed(trimmed_, figures, one);
    } else {
      one.before_bytes = all_.peak_bytes;
      one.after_bytes = figures.peak.at.footprint;
    }
    const std::uint64_t left = after.facts().operations;
    one.saved_operations = all_.trace.operations - std::min(left, all_.trace.operations);
    if (one.kind == finding_kind::together)
      one.saved_operations = one.facts.frees - one.facts.waves;
    if (one.kind == finding_kind::grown) one.after_bytes = one.before_bytes;
    if (!is_enough(one)) return false;
    bench_.time_both(as_it_is_, after, one);
    return true;
  }

  bool is_enough(const finding& one) const {
    return one.saved_operations >= threshold(all_.trace.operations, least_operations) ||
           one.saved_bytes() >= threshold(all_.peak_bytes, least_bytes);
  }
  double weight(const finding& one) const {
    return std::max(static_cast<double>(one.saved_operations) /
                        static_cast<double>(std::max<std::uint64_t>(all_.trace.operations, 1)),
                    static_cast<double>(one.saved_bytes()) /
                        static_cast<double>(std::max<std::uint64_t>(all_.peak_bytes, 1)));
  }

  std::string path_;
  const capture::view& of_;
  std::uint32_t process_;
  const site_table& sites_;
  trace as_it_is_;
  bench bench_;
  pass_figures figures_;
  pass_figures trimmed_;
  bool has_trimmed_ = false;
  advice all_;
};

}  // namespace

std::vector<finding_kind> candidates_of(const site_facts& of, std::uint64_t operations,
                                        std::uint64_t peak_bytes) {
  const std::uint64_t enough = threshold(operations, least_operations);
  const std::uint64_t enough_bytes = threshold(peak_bytes, least_bytes);
  const auto mostly = [&](std::uint64_t part) { return part > 0 && part >= of.blocks / 10 * 9; };
  std::vector<finding_kind> made;
  if (2 * of.temporary >= enough && mostly(of.temporary)) {
    made.push_back(finding_kind::temporary);
  } else if (2 * of.growths >= enough) {
    made.push_back(finding_kind::grown);
  } else if (of.frees >= enough && mostly(of.wave_blocks)) {
    made.push_back(finding_kind::together);
  } else if (of.least_bytes == of.most_bytes && of.most_bytes <= longest_pooled_bytes &&
             of.bytes >= enough_bytes) {
    made.push_back(finding_kind::one_size);
  }
  if (of.pinned_bytes >= enough_bytes) made.push_back(finding_kind::pinned);
  return made;
}

advice advise(const std::string& path, const capture::view& of, const site_table& sites,
              const replay::replay_options& options) {
  return adviser(path, of, sites, options).made();
}

}  // namespace strata::cli::advice
