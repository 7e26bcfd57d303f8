#include "cli/verbs/verb.hpp"
namespace strata::cli {
int map_verb(const arguments&) { return complain("map: being built"); }
}  // namespace strata::cli
