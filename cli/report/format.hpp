// Figures as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::cli {

// printf into a string.
std::string formatted(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Rounded; below 0 it is 0, and the largest where it is too large: what is summed up of a damaged file may be anything.
std::uint64_t rounded(double value);
// "17 B", "1.5 KiB", "128 MiB": powers of 1024.
std::string format_size(std::uint64_t bytes);
// "999", "1.2 k", "34 M": powers of 1000.
std::string format_count(double count);
// "950 us", "12.3 ms", "1.23 s", "2 min 05 s".
std::string format_seconds(double seconds);
// "0.93"; "-" when there is nothing to divide by.
std::string format_ratio(double value, double base);
// "SIGSEGV" for 11; "signal 99" for what has no name.
std::string signal_name(int number);
// With a space between two.
std::string joined(const std::vector<std::string>& words);

}  // namespace strata::cli
