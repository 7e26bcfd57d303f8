// Policies that are a process's malloc: Strata's, preloaded, or the system's. A pass against one runs in a
// helper, this command started once more, which does nothing but the operations that it is sent; so its
// heap holds nothing else.
//
//   command   request   count, operations   count, operations ..   0            (a stream socket)
//   helper                                                            figures
//
// Its tables are mappings. Footprint and granted bytes are what the allocator tells of itself, less what
// was in use before the first operation.
#pragma once

#include <string>

#include "cli/model/replay/pass.hpp"

namespace strata::cli::replay {

// The command's first argument that makes it a helper; on standard input is the socket.
inline constexpr const char* helper_word = "--replay-helper";
int serve_as_helper();

struct helper_seat {
  std::string program;  // this command
  std::string library;  // preloaded; empty: none
};

// One pass in a helper. What is wrong, or empty.
std::string run_in_helper(const helper_seat& seat, const trace& of, const pass_request& request,
                          pass_figures& into);

}  // namespace strata::cli::replay
