// strata serve: a recording's page over HTTP, for this machine alone.
#include <httplib.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "cli/model/file.hpp"
#include "cli/verbs/recording_page.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

using namespace std::chrono_literals;

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

constexpr const char* this_machine = "127.0.0.1";

// Pages that were made, as long as the files are what they were.
class pages {
 public:
  pages(std::string file, std::string other) : file_(std::move(file)), other_(std::move(other)) {}

  // Empty: done.
  std::string make(std::uint32_t process, std::string& page) {
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

void answer(pages& of, const httplib::Request& request, httplib::Response& response) {
  std::uint32_t process = 0;
  if (request.has_param("process")) {
    const std::string text = request.get_param_value("process");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), process);
    if (error != std::errc() || end != text.data() + text.size()) {
      response.status = 400;
      return;
    }
  }
  std::string page;
  const std::string error = of.make(process, page);
  if (error.empty()) {
    response.set_content(page, "text/html; charset=utf-8");
  } else {
    response.status = 500;
    response.set_content(error + "\n", "text/plain; charset=utf-8");
  }
}

// A page of somewhere else that has its own name point to this machine may not read here.
httplib::Server::HandlerResponse check_host(const httplib::Request& request,
                                            httplib::Response& response, int port) {
  const std::string host = request.get_header_value("Host");
  const std::string ending = ":" + std::to_string(port);
  if (host == this_machine + ending || host == "localhost" + ending) {
    return httplib::Server::HandlerResponse::Unhandled;
  }
  response.status = 403;
  return httplib::Server::HandlerResponse::Handled;
}

// Two servers at one port would share its requests by chance, which is what the library's own options allow.
void set_socket_options(int socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

// From here on they wait for sigwait, in all threads.
sigset_t block_ending_signals() {
  sigset_t made;
  sigemptyset(&made);
  sigaddset(&made, SIGINT);
  sigaddset(&made, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &made, nullptr);
  return made;
}

// Answers until one of the signals comes.
void listen(httplib::Server& server, const sigset_t& awaited) {
  std::atomic<bool> has_ended = false;
  std::thread stopper([&] {
    int number = 0;
    sigwait(&awaited, &number);
    // What does not run yet cannot be stopped.
    while (!server.is_running() && !has_ended) std::this_thread::sleep_for(1ms);
    if (!has_ended) server.stop();
  });
  server.listen_after_bind();
  has_ended = true;
  kill(getpid(), SIGTERM);  // where nobody has sent one
  stopper.join();
}

int serve(pages& of, int port) {
  httplib::Server server;
  server.set_socket_options(set_socket_options);
  const int bound = port == 0 ? server.bind_to_any_port(this_machine)
                    : server.bind_to_port(this_machine, port) ? port
                                                              : -1;
  if (bound < 0) return complain("cannot listen at port " + std::to_string(port));
  server.set_keep_alive_timeout(1);  // a browser's idle connection holds up the end for so long
  server.set_default_headers({{"Cache-Control", "no-store"},
                              {"X-Content-Type-Options", "nosniff"},
                              {"Referrer-Policy", "no-referrer"}});
  server.set_pre_routing_handler(
      [bound](const httplib::Request& request, httplib::Response& response) {
        return check_host(request, response, bound);
      });
  server.Get("/", [&](const httplib::Request& request, httplib::Response& response) {
    answer(of, request, response);
  });
  const std::string line =
      "http://" + std::string(this_machine) + ":" + std::to_string(bound) + "/\n";
  const sigset_t awaited = block_ending_signals();
  if (!write_all(STDOUT_FILENO, line)) return usage_status;
  listen(server, awaited);
  return 0;
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
