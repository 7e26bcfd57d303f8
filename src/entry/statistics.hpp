// The process's statistics, gathered from every level, and their text forms. Nothing here allocates.
#pragma once

#include "base/text.hpp"
#include "strata/strata.h"

namespace strata::entry {

void take_statistics(strata_stats& out);

void describe(base::text& text);          // for people: malloc_stats
void describe_as_json(base::text& text);  // strata_stats_json
void describe_as_xml(base::text& text);   // malloc_info

}  // namespace strata::entry
