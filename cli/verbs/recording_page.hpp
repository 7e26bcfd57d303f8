// A recording as a page, or what two differ in: what `strata report --html` and `strata serve` share.
#pragma once

#include <cstdint>
#include <string>

namespace strata::cli {

struct page_request {
  std::string file;
  std::string other;          // what it is compared with; empty: with nothing
  std::uint32_t process = 0;  // of the file; 0: the one with the largest heap
};

// Empty: done; otherwise what is wrong.
std::string make_page(const page_request& of, std::string& page);

}  // namespace strata::cli
