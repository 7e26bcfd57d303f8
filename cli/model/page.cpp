#include "cli/model/page.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "cli/model/library.hpp"

namespace strata::cli {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

}  // namespace

std::string read_page(std::string& why) {
  const char* named = std::getenv("STRATA_PAGE");
  const bool is_named = named != nullptr && *named != '\0';
  const std::string path = is_named ? named : own_prefix() + "/share/strata/page.html";
  errno = 0;
  std::string page = content_of(path);
  if (!page.empty()) return page;
  const std::string reason = errno != 0 ? std::strerror(errno) : "is empty";
  why = is_named ? "STRATA_PAGE=" + path + ": " + reason
                 : "the page is not built: " + path + ": " + reason +
                       "; build Strata where npm is, or set STRATA_PAGE to its path";
  return {};
}

}  // namespace strata::cli
