// strata options: lists the library's run-time options, from the table that also makes its parser.
#include <cstdio>
#include <string>

#include "base/option_table.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

struct row {
  const char* variable;
  const char* type;
  const char* preset;
  const char* choices;
  const char* help;
};

constexpr row rows[] = {
#define STRATA_OPTION_ROW(type, name, variable, preset, choices, help) \
  {variable, #type, preset, choices, help},
    STRATA_OPTIONS(STRATA_OPTION_ROW)
#undef STRATA_OPTION_ROW
};

// What a value looks like: the words of a choice, else the kind of value.
std::string values_of(const row& one) {
  if (*one.choices != '\0') return one.choices;
  return std::string(one.type) == "flag" ? "0|1" : one.type;
}

void print_wrapped(const std::string& text) {
  constexpr std::size_t width = 74;
  std::size_t from = 0;
  while (from < text.size()) {
    std::size_t end = text.size() - from <= width ? text.size() : text.rfind(' ', from + width);
    std::printf("    %s\n", text.substr(from, end - from).c_str());
    from = end + 1;
  }
}

}  // namespace

int options_verb(const arguments& given) {
  const bool help = given.size() == 1 && (given[0] == "--help" || given[0] == "-h");
  if (!given.empty() && !help) return complain("options takes no arguments");
  std::printf("Options of the library, read from the environment when a program starts:\n");
  for (const row& one : rows) {
    const char* preset = *one.preset == '\0' ? "none" : one.preset;
    std::printf("\n%s=%s  (default %s)\n", one.variable, values_of(one).c_str(), preset);
    print_wrapped(one.help);
  }
  return 0;
}

}  // namespace strata::cli
