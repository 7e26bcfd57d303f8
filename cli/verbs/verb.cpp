#include "cli/verbs/verb.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cli/model/file.hpp"

namespace strata::cli {
namespace {

// CLI11 writes its own usage line; ours shows where the program stands.
class own_usage : public CLI::Formatter {
 public:
  explicit own_usage(const char* usage) : usage_(usage) {}
  std::string make_usage(const CLI::App*, std::string) const override {
    return std::string("Usage: ") + usage_ + "\n";
  }

 private:
  const char* usage_;
};

void describe(CLI::App& options, const verb_help& help) {
  options.description(help.description);
  options.formatter(std::make_shared<own_usage>(help.usage));
  options.footer(help.examples);
}

std::optional<int> parse_reversed(CLI::App& options, arguments& reversed) {
  try {
    options.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    write_all(STDOUT_FILENO, options.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    return complain(error.what());
  }
  return std::nullopt;
}

}  // namespace

int complain(const std::string& message, int status) {
  write_all(STDERR_FILENO, "strata: " + message + "\n");
  return status;
}

std::optional<int> parse_arguments(CLI::App& options, const verb_help& help,
                                   const arguments& given) {
  describe(options, help);
  arguments reversed(given.rbegin(), given.rend());
  return parse_reversed(options, reversed);
}

command_line::command_line(const verb_help& help) : options_(new CLI::App) {
  describe(*options_, help);
  options_->prefix_command();
}

command_line::~command_line() { delete options_; }

std::optional<int> command_line::parse(const arguments& given) {
  const auto mark = std::find(given.begin(), given.end(), "--");
  arguments reversed(std::make_reverse_iterator(mark), given.rend());  // as CLI11 wants them
  if (const auto status = parse_reversed(*options_, reversed)) return status;
  program_ = options_->remaining();
  if (!program_.empty() && program_[0].starts_with("-")) {
    return complain("unknown option " + program_[0] + "; see --help");
  }
  const bool mark_is_ours = program_.empty() && mark != given.end();
  program_.insert(program_.end(), mark_is_ours ? mark + 1 : mark, given.end());
  if (program_.empty()) return complain("no program given; see --help");
  return std::nullopt;
}

std::variant<std::string, refusal> find_preloadable(const std::string& name) {
  const char* search_path = std::getenv("PATH");
  auto found = find_program(name, search_path != nullptr ? search_path : "/usr/bin:/bin");
  if (const auto* path = std::get_if<std::string>(&found)) {
    if (auto refused = why_not_preloadable(*path)) return *refused;
  }
  return found;
}

}  // namespace strata::cli
