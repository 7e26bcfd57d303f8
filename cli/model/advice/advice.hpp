// What a program could do better with its memory, by site: found by a survey of its recording, and kept only
// where a replay shows that it saves something.
//
//   recording --> survey --> candidates --> treatment --> replay, beside that of the recording as it is
//                                                             '--> findings: those that save enough
//
// Enough is one percent of all operations, and at least 1000; or one percent of the peak, and at least 64 KiB.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/model/advice/padding.hpp"
#include "cli/model/advice/site_table.hpp"
#include "cli/model/advice/survey.hpp"
#include "cli/model/replay/replay.hpp"

namespace strata::cli::advice {

inline constexpr double least_share = 0.01;
inline constexpr std::uint64_t least_operations = 1000;
inline constexpr std::uint64_t least_bytes = std::uint64_t{64} << 10;

enum class finding_kind { temporary, grown, together, one_size, pinned, padded };

struct finding {
  finding_kind kind = finding_kind::temporary;
  std::uint32_t site = 0;
  capture::call_site where;         // of padded: the type, and where it is defined
  site_facts facts;                 // of padded: of all blocks with such an object
  std::optional<padded_type> type;  // of padded alone

  // By replay, before and after: time of all operations; most taken from the system, or of pinned pages
  // taken at the moment at which it makes most of a difference.
  std::uint64_t saved_operations = 0;
  double before_ns = 0;
  double after_ns = 0;
  std::uint64_t before_bytes = 0;
  std::uint64_t after_bytes = 0;

  std::uint64_t saved_bytes() const {
    return before_bytes > after_bytes ? before_bytes - after_bytes : 0;
  }
};

struct advice {
  replay::trace_facts trace;
  std::uint64_t peak_bytes = 0;   // taken from the system, as it is
  std::vector<finding> findings;  // what saves most is first
  std::string trouble;            // why nothing could be replayed
};

// The events of the view's process, whose sites are those of the table.
advice advise(const std::string& path, const capture::view& of, const site_table& sites,
              const replay::replay_options& options);

// What may be worth a replay at a site of a program that does so many operations and takes so much.
std::vector<finding_kind> candidates_of(const site_facts& of, std::uint64_t operations,
                                        std::uint64_t peak_bytes);

}  // namespace strata::cli::advice
