// Where a search for live blocks starts: the memory that a program reaches without a block.
//
//   globals   the writable segments of the program and of its libraries, those of the recorder left out
//   stacks    of each thread from its stack pointer up, with what stands for it beyond: its descriptor, and
//             its thread-local variables
//
//      stack of a thread (x86-64)
//      | guard | not in use | in use ......... | static TLS | descriptor |
//                           ^ stack pointer                 ^ thread pointer
//
// Not: stacks of threads that have ended and that libc keeps, mappings that the program made for itself, and
// whatever Strata has mapped.
#pragma once

#include <string>
#include <vector>

#include "cli/model/leaks/block_index.hpp"
#include "cli/model/leaks/stopped_process.hpp"
#include "cli/model/map/mapping.hpp"
#include "cli/model/map/memory.hpp"

namespace strata::cli::leaks {

struct range {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

// An ELF file in the memory of the process.
struct loaded_module {
  std::string path;
  std::uint64_t bias = 0;  // what is added to the addresses in the file
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::vector<range> writable;
  std::uint64_t tls_bytes = 0;  // with its alignment
};

std::vector<loaded_module> read_modules(const map::address_space& space, const map::memory& from);

// The globals of all but the recorder, whose file is known by its name.
std::vector<range> globals_of(const std::vector<loaded_module>& modules,
                              const std::string& recorder);

// What of the thread's own is to be searched. from: its stack is the program's from there on; 0: from
// its stack pointer.
std::vector<range> stack_of(const stopped_thread& one, std::uint64_t from,
                            const map::address_space& space,
                            const std::vector<loaded_module>& modules, const block_index& blocks);

}  // namespace strata::cli::leaks
