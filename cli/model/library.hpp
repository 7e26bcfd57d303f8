// Where libraries are: Strata's own and those of other allocators.
#pragma once

#include <string>
#include <vector>

namespace strata::cli {

// An allocator that a program can be run under.
struct allocator_choice {
  std::string name;
  std::string library;  // preloaded; empty: none, the program keeps glibc's malloc
};

// Where this executable is installed: the folder above its own. Empty: unknown.
std::string own_prefix();

constexpr const char* strata_name = "Strata";

// The path of libstrata.so: $STRATA_LIBRARY, or beside this executable's directory (../lib and the
// names that distributions use for it). Empty: not found; why says what to do.
std::string find_strata_library(std::string& why);
// The path of libstrata_record.so: $STRATA_RECORDER, or where libstrata.so is. Empty: as above.
std::string find_recorder_library(std::string& why);
// The path of libstrata_route.so: $STRATA_ROUTER, or where libstrata.so is. Empty: as above.
std::string find_router_library(std::string& why);
// The path of libstrata_serve.so, beside this executable's directory. Empty: as above.
std::string find_server_library(std::string& why);

// Every other allocator of the table that this machine has.
std::vector<allocator_choice> find_other_allocators();

// Can the loader be asked to preload this file? Empty: yes; otherwise why not.
std::string why_no_preload_library(const std::string& path);

}  // namespace strata::cli
