#include "cli/report/calls_text.hpp"

#include <limits>

#include "cli/model/file.hpp"
#include "cli/report/format.hpp"

namespace strata::cli {

std::string where_text(const capture::call_site& where, int columns) {
  std::string name = capture::short_name(where.function);
  std::string place;
  if (!where.file.empty()) place = "  " + base_name(where.file) + ":" + std::to_string(where.line);
  const auto room = static_cast<std::size_t>(std::max(columns - columns_of(place), 12));
  if (name.size() > room) name = name.substr(0, room - 2) + "..";
  return name + place;
}

int columns_left(const style& look, const std::string& text) {
  return look.unicode ? look.width - columns_of(text) : std::numeric_limits<int>::max();
}

}  // namespace strata::cli
