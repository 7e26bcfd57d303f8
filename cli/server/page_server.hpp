// What the command and libstrata_serve.so know of each other. The library has the web server, whose own
// libraries take longer to load than all else that a command does to begin; so it is opened by `strata serve` alone.
//
//   strata serve --> find_server_library --> strata_serve --> page_source of the command, for each request
#pragma once

#include <cstdint>
#include <string>

namespace strata::cli {

// Makes what is served.
class page_source {
 public:
  page_source() = default;
  page_source(const page_source&) = delete;
  page_source& operator=(const page_source&) = delete;
  virtual ~page_source() = default;

  // The page of a process, 0: of the largest. Empty: done; otherwise what is wrong. Any thread may call.
  virtual std::string make(std::uint32_t process, std::string& page) = 0;
};

enum class serving { done, port_is_taken, address_is_not_written };

// Serves pages to this machine alone until SIGINT or SIGTERM comes. Writes the address to standard output first.
// port: 0: any that is free.
extern "C" __attribute__((visibility("default"))) serving strata_serve(page_source& pages,
                                                                       int port);
constexpr const char* serve_function_name = "strata_serve";

}  // namespace strata::cli
