// A recording as a page: what `strata report --html` and `strata serve` share.
#pragma once

#include <cstdint>
#include <string>

namespace strata::cli {

// process: its number; 0: the one with the largest heap. Empty: done; otherwise what is wrong.
std::string make_page(const std::string& file, std::uint32_t process, std::string& page);

}  // namespace strata::cli
