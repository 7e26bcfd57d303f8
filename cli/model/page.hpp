// The built page of web/, into which recordings are put.
#pragma once

#include <string>

namespace strata::cli {

// The content of $STRATA_PAGE, or of ../share/strata/page.html seen from this executable. Empty: not found; why
// says what to do.
std::string read_page(std::string& why);

}  // namespace strata::cli
