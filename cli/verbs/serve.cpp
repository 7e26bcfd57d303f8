// strata serve: a recording's page over HTTP, for this machine alone.
#include <dlfcn.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <array>
#include <map>
#include <mutex>

#include "cli/model/library.hpp"
#include "cli/server/page_server.hpp"
#include "cli/verbs/recording_page.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata serve [OPTIONS] FILE",
    "Shows a recording of strata record in a browser: the page of strata report --html at an "
    "address\n"
    "of this machine, which is printed. A page that is loaded again shows what was recorded since.",
    "Examples:\n"
    "  strata serve server.strata\n"
    "  strata serve --port 8020 server.strata\n"
    "  strata serve after.strata --diff before.strata\n"
    "Ends by Ctrl-C. Exit status: 2 when FILE is no recording, or the port is taken."};

// Pages that were made, as long as the files are what they were.
class pages final : public page_source {
 public:
  pages(std::string file, std::string other) : file_(std::move(file)), other_(std::move(other)) {}

  std::string make(std::uint32_t process, std::string& page) override {
    const std::lock_guard<std::mutex> one_at_a_time(mutex_);
    const std::array<state, 2> now = {state_of(file_), state_of(other_)};
    if (now != states_) made_.clear();
    states_ = now;
    if (const auto known = made_.find(process); known != made_.end()) {
      page = known->second;
      return {};
    }
    auto error = make_page({file_, other_, process}, page);
    if (error.empty()) made_[process] = page;
    return error;
  }

 private:
  struct state {
    off_t bytes = -1;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    bool operator==(const state&) const = default;
  };

  static state state_of(const std::string& file) {
    struct stat facts {};
    if (stat(file.c_str(), &facts) != 0) return {};
    return {facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec};
  }

  std::string file_;
  std::string other_;  // empty: none
  std::mutex mutex_;
  std::array<state, 2> states_;  // of both files
  std::map<std::uint32_t, std::string> made_;
};

// The library stays: its threads and what they hold end with the command.
int serve(pages& of, int port) {
  std::string why;
  const std::string path = find_server_library(why);
  if (path.empty()) return complain(why);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return complain(dlerror());
  auto* run = reinterpret_cast<decltype(&strata_serve)>(dlsym(library, serve_function_name));
  if (run == nullptr) return complain(dlerror());
  switch (run(of, port)) {
    case serving::done:
      return 0;
    case serving::port_is_taken:
      return complain("cannot listen at port " + std::to_string(port));
    case serving::address_is_not_written:
      break;
  }
  return usage_status;
}

}  // namespace

int serve_verb(const arguments& given) {
  std::string file;
  std::string other;
  int port = 0;
  CLI::App line;
  line.add_option("FILE", file, "The recording")->required();
  line.add_option("--diff", other, "Shows what FILE has more than this recording, or less")
      ->option_text("OTHER");
  line.add_option("--port", port, "Where to listen (default: any port that is free)")
      ->option_text("NUMBER")
      ->check(CLI::Range(0, 65535));
  if (const auto status = parse_arguments(line, help, given)) return *status;
  pages all(file, other);
  std::string first;
  if (const auto error = all.make(0, first); !error.empty()) return complain(error);
  return serve(all, port);
}

}  // namespace strata::cli
