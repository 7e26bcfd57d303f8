// Text on its way to a sink, in pieces of some KiB.
//
//   buffer_ [ text | free ........ ]
//                  ^ used_
//
// The last piece leaves with flush(), which whoever writes must not forget: a sink may throw, and a
// destructor may not.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "base/bits.hpp"
#include "base/text.hpp"
#include "strata/gc/sink.hpp"

namespace strata::gc {

class writer {
 public:
  explicit writer(const sink& to) : to_(to) {}
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  writer& operator<<(std::string_view text) {
    for (char each : text) put(each);
    return *this;
  }
  writer& operator<<(std::uint64_t value) {
    char digits[24];
    base::text made(digits, sizeof digits);
    made << value;
    return *this << std::string_view(digits, made.stored());
  }
  // A string of JSON.
  writer& quoted(std::string_view text) {
    put('"');
    for (char each : text) {
      char one[2] = {each, '\0'};
      char escaped[8];
      base::text made(escaped, sizeof escaped);
      made.json(one);
      *this << std::string_view(escaped, made.stored());
    }
    put('"');
    return *this;
  }
  // A short piece as printf makes it.
  [[gnu::format(printf, 2, 3)]] writer& print(const char* how, ...) {
    char made[128];
    std::va_list values;
    va_start(values, how);
    int length = std::vsnprintf(made, sizeof made, how, values);
    va_end(values);
    return *this << std::string_view(
               made, base::smaller(static_cast<std::size_t>(length), sizeof made - 1));
  }
  void flush() {
    to_(std::string_view(buffer_, used_));
    used_ = 0;
  }

 private:
  void put(char one) {
    if (used_ == sizeof buffer_) flush();
    buffer_[used_++] = one;
  }

  sink to_;
  std::size_t used_ = 0;
  char buffer_[4096];
};

// "12.3 MiB" and "45.6 us", in eight columns.
struct human {
  char text[24];

  static human bytes(std::uint64_t value) {
    return scaled(static_cast<double>(value), 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
  }
  static human duration(std::uint64_t ns) {
    return scaled(static_cast<double>(ns), 1000, {"ns", "us", "ms", "s", "ks"});
  }

 private:
  struct units {
    const char* names[5];
  };
  static human scaled(double value, double step, const units& in) {
    std::size_t at = 0;
    for (; value >= step && at < 4; ++at) value /= step;
    human made{};
    std::snprintf(made.text, sizeof made.text, at == 0 ? "%6.0f %s" : "%6.1f %s", value,
                  in.names[at]);
    return made;
  }
};

}  // namespace strata::gc
