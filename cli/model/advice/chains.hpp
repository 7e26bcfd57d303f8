// The chains of calls by which a site is known again when the program runs once more (wire/routes.hpp): from
// the allocation to the site itself, with what only passes on between them.
#pragma once

#include <memory>
#include <string>

#include "cli/model/advice/site_table.hpp"
#include "wire/routes.hpp"

namespace strata::cli::advice {

enum class program_check {
  is_as_recorded,  // the files that the code was in must be as they were
  is_another       // of these nothing is known
};

// routes: with modules, calls, chains and links, and nothing else. Empty: done; otherwise why the site can't
// be known again.
std::string chains_of(const capture::view& of, const site_table& sites, std::uint32_t site,
                      program_check check, wire::routes& into);

}  // namespace strata::cli::advice
