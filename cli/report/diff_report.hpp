// What strata report --diff shows of two recordings: a figure of each site and stack, in the one and in the
// other. The same place is told by function, file and line; where no line is known by the function and the
// file that its code is in.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/report/capture_report.hpp"

namespace strata::cli {

struct diff_result {
  const capture_result& here;
  const capture_result& other;  // of the same figure
};

struct pair_of_values {
  double here = 0;
  double other = 0;

  double difference() const { return here - other; }
  pair_of_values& operator+=(const pair_of_values& more) {
    here += more.here;
    other += more.other;
    return *this;
  }
};

using site_pairs = std::map<capture::call_site, pair_of_values>;
using stack_pairs = std::map<std::vector<capture::call_site>, pair_of_values>;
site_pairs paired_sites(const diff_result& of);
stack_pairs paired_stacks(const diff_result& of);
pair_of_values paired_sums(const diff_result& of);

std::string diff_text(const diff_result& result, const style& look);
std::string diff_tree_text(const diff_result& result, const style& look);
std::string diff_json(const diff_result& result);
// A line a stack, with its value in the other recording and in this one, as difffolded.pl makes them:
// "main;load;parse 4096 5000".
std::string diff_folded(const diff_result& result);
// What the page shows of two recordings, of which no figure is chosen yet: docs/report.md explains its keys.
json_value diff_document(const diff_result& result);

}  // namespace strata::cli
