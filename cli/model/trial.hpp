// One measured run of a program: times, peak memory, and a digest of what it wrote.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "cli/model/process.hpp"

namespace strata::cli {

// Tells outputs apart without keeping them: their length and a 64-bit FNV-1a hash.
class output_digest {
 public:
  void add(std::string_view bytes);
  std::uint64_t length() const { return length_; }
  bool operator==(const output_digest&) const = default;

 private:
  std::uint64_t hash_ = 14695981039346656037u;
  std::uint64_t length_ = 0;
};

struct trial {
  int error = 0;  // errno when the program could not be started; the rest is then empty
  ending end{};
  output_digest output;
  output_digest errors;
  bool cut = false;  // a process that the program left behind still held its output open
};

// Runs the program once, its outputs going nowhere but into the digests.
trial run_trial(command what);

}  // namespace strata::cli
