// Numbers and texts in a row of bytes: unsigned numbers in 7 bits a byte, the lowest first; signed ones with
// the sign in the lowest bit; texts behind their length.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::cli::capture {

// The sign in the lowest bit, and back.
constexpr std::uint64_t signless(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t signed_again(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
}

class byte_writer {
 public:
  void byte(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }
  void difference(std::int64_t value) { number(signless(value)); }
  // Most are whole and small: their low bits, which are 0, come to the top.
  void real(double value) { number(__builtin_bswap64(std::bit_cast<std::uint64_t>(value))); }
  void text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
  }

  void append(const byte_writer& rest) { bytes_ += rest.bytes_; }

  std::size_t size() const { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }

 private:
  std::string bytes_;
};

// Never reads past the end: what lies there is 0, and good() says so.
class byte_reader {
 public:
  byte_reader() = default;
  explicit byte_reader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool good() const { return good_; }
  bool done() const { return at_ == end_; }
  std::uint64_t left() const { return static_cast<std::uint64_t>(end_ - at_); }

  std::uint8_t byte() {
    if (at_ != end_) return static_cast<std::uint8_t>(*at_++);
    good_ = false;
    return 0;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      value |= std::uint64_t{next & 0x7fU} << shift;
      if (next < 0x80) return value;
    }
    good_ = false;
    return 0;
  }
  std::int64_t difference() { return signed_again(number()); }
  // Sums that are not finite are nobody's.
  double real() {
    const auto value = std::bit_cast<double>(__builtin_bswap64(number()));
    if (std::isfinite(value)) return value;
    good_ = false;
    return 0;
  }
  std::string_view text() {
    const std::uint64_t length = number();
    if (length > left()) {
      good_ = false;
      at_ = end_;
      return {};
    }
    const std::string_view found(at_, length);
    at_ += length;
    return found;
  }

 private:
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  bool good_ = true;
};

}  // namespace strata::cli::capture
