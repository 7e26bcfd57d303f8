// The run-time options, read once at start from STRATA_… variables. The table is in
// base/option_table.hpp; an unknown or malformed option is named in one warning and ignored.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/option_table.hpp"

namespace strata::ground {

namespace detail {
using flag_value = bool;
using size_value = std::size_t;
using number_value = std::size_t;
using choice_value = std::size_t;
using path_value = const char*;
}  // namespace detail

struct options {
#define STRATA_OPTION_MEMBER(type, name, ...) detail::type##_value name;
  STRATA_OPTIONS(STRATA_OPTION_MEMBER)
#undef STRATA_OPTION_MEMBER
};

enum ground_choice : std::size_t { ground_auto, ground_contiguous, ground_sparse };
enum huge_choice : std::size_t { huge_never, huge_auto };
enum harden_choice : std::size_t { harden_default, harden_paranoid };

// The options of this process; defaults until read_options() has run.
const options& option();
// Reads the environment. Call once, before anything else is set up.
void read_options();
// Parses one "NAME=value"; returns false, changing nothing, when the name is no option or the
// value malformed. For tests.
bool parse_option(const char* entry, options& into);

}  // namespace strata::ground
