// Where the model is, for the message when reality differs from it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "block.hpp"

namespace model {

struct place {
  uint64_t seed;       // as given on the command line
  size_t seat;         // which of the --threads
  uint64_t operation;  // index within the seat
  const char* call;    // the interface function called last
};
extern thread_local place here;

// Prints one line (the operation, the seed, the block) and aborts. offset is within the block.
[[noreturn]] void fail(const char* difference, const block& where, size_t offset = 0);

}  // namespace model
