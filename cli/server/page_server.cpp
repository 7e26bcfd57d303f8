// libstrata_serve.so: pages over HTTP.
#include <httplib.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <thread>

#include "cli/model/file.hpp"
#include "cli/server/page_server.hpp"

namespace strata::cli {
namespace {

using namespace std::chrono_literals;

constexpr const char* this_machine = "127.0.0.1";

void answer(page_source& of, const httplib::Request& request, httplib::Response& response) {
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

}  // namespace

serving strata_serve(page_source& of, int port) {
  httplib::Server server;
  server.set_socket_options(set_socket_options);
  const int bound = port == 0 ? server.bind_to_any_port(this_machine)
                    : server.bind_to_port(this_machine, port) ? port
                                                              : -1;
  if (bound < 0) return serving::port_is_taken;
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
  if (!write_all(STDOUT_FILENO, line)) return serving::address_is_not_written;
  listen(server, awaited);
  return serving::done;
}

}  // namespace strata::cli
