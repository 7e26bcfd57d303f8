// What the verbs share: their command line, their way to complain, their exit statuses.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/model/executable.hpp"

namespace CLI {
class App;
}

namespace strata::cli {

constexpr int usage_status = 2;  // bad usage, or the command itself cannot do its work

// The arguments behind the verb's name.
using arguments = std::vector<std::string>;

// One verb: a file in cli/verbs each.
struct verb {
  const char* name;
  const char* summary;  // one line
  int (*run)(const arguments&);
};

int advise_verb(const arguments& given);
int run_verb(const arguments& given);
int compare_verb(const arguments& given);
int layout_verb(const arguments& given);
int leaks_verb(const arguments& given);
int map_verb(const arguments& given);
int record_verb(const arguments& given);
int replay_verb(const arguments& given);
int report_verb(const arguments& given);
int serve_verb(const arguments& given);
int options_verb(const arguments& given);

// "strata: message" on stderr; returns status.
int complain(const std::string& message, int status = usage_status);

// The usage line, description and examples of a verb.
struct verb_help {
  const char* usage;
  const char* description;
  const char* examples;
};

// Reads the arguments of a verb that runs no program. An exit status: there is nothing more to do (help
// was asked for, or the usage is wrong; both are already printed).
std::optional<int> parse_arguments(CLI::App& options, const verb_help& help,
                                   const arguments& given);

// The command line of a verb that runs a program: own options, then the program and its arguments,
// after "--" or after the last option.
class command_line {
 public:
  explicit command_line(const verb_help& help);
  command_line(const command_line&) = delete;
  command_line& operator=(const command_line&) = delete;
  ~command_line();

  // For adding options.
  CLI::App& options() { return *options_; }
  // Reads the arguments. An exit status: there is nothing more to do (help was asked for, or the
  // usage is wrong; both are already printed).
  std::optional<int> parse(const arguments& given);
  // The program and its arguments; never empty after parse.
  const std::vector<std::string>& program() const { return program_; }

 private:
  CLI::App* options_;
  std::vector<std::string> program_;
};

// The file of a program that libraries can be preloaded into, or why not.
std::variant<std::string, refusal> find_preloadable(const std::string& name);

}  // namespace strata::cli
