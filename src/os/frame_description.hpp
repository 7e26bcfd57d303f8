// Frame descriptions: where an object says how to get from a function's frame to its caller's, and how
// its bytes are read.
//
//   .eh_frame_hdr   | version, encodings | count | function, FDE | function, FDE | ...      sorted
//   FDE             | length | way back to its CIE | function, bytes | ... | instructions |
//   CIE             | length | 0 | version | letters | units | ... | instructions |        of many FDEs
//
// What is not in the form that linkers have given it since 2004 (a table of 32-bit offsets) counts as
// not there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"

struct dl_find_object;

namespace strata::os {

// Encodings of addresses: the low half says how long, the high half relative to what.
enum encoding : std::uint8_t {
  enc_word = 0x00,
  enc_unsigned_2 = 0x02,
  enc_unsigned_4 = 0x03,
  enc_unsigned_8 = 0x04,
  enc_signed_2 = 0x0a,
  enc_signed_4 = 0x0b,
  enc_signed_8 = 0x0c,
  enc_from_here = 0x10,
  enc_table = 0x3b,  // signed_4, relative to the table
  enc_none = 0xff,
};

// Reads forward, and never past the end: what lies there is 0, and good() says so.
class reader {
 public:
  reader(const std::uint8_t* at, const std::uint8_t* end) : at_(at), end_(end) {}

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool done() const { return at_ >= end_; }
  [[nodiscard]] const std::uint8_t* at() const { return at_; }

  template <typename Integer>
  Integer fixed() {
    if (static_cast<std::size_t>(end_ - at_) < sizeof(Integer)) return fail<Integer>();
    Integer value;
    __builtin_memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::uint8_t byte() { return fixed<std::uint8_t>(); }

  std::uint64_t unsigned_leb() {
    std::uint64_t value = 0;
    unsigned shift = 0;
    std::uint8_t next = 0;
    do {
      next = byte();
      if (shift < 64) value |= std::uint64_t{next & 0x7fU} << shift;
      shift += 7;
    } while ((next & 0x80) != 0);
    sign_shift_ = (next & 0x40) != 0 && shift < 64 ? shift : 64;
    return value;
  }
  std::int64_t signed_leb() {
    std::uint64_t value = unsigned_leb();
    if (sign_shift_ < 64) value |= ~std::uint64_t{0} << sign_shift_;
    return static_cast<std::int64_t>(value);
  }

  std::uintptr_t encoded(std::uint8_t as) {
    std::uintptr_t here = (as & 0xf0) == enc_from_here ? base::address_of(at_) : 0;
    if ((as & 0xf0) != enc_from_here && (as & 0xf0) != 0) return fail<std::uintptr_t>();
    return here + number(as & 0x0f);
  }

  void skip(std::uint64_t bytes) {
    if (bytes > static_cast<std::uint64_t>(end_ - at_)) return static_cast<void>(fail<int>());
    at_ += bytes;
  }
  // The next so many bytes, by themselves.
  reader part(std::uint64_t bytes) {
    const std::uint8_t* from = at_;
    skip(bytes);
    return {from, at_};
  }

 private:
  template <typename Value>
  Value fail() {
    good_ = false;
    at_ = end_;
    return 0;
  }
  template <typename Integer>
  std::uintptr_t widened() {
    return static_cast<std::uintptr_t>(static_cast<std::int64_t>(fixed<Integer>()));
  }
  std::uintptr_t number(std::uint8_t format) {
    switch (format) {
      case enc_word:
      case enc_unsigned_8:
      case enc_signed_8:
        return fixed<std::uintptr_t>();
      case enc_unsigned_2:
        return fixed<std::uint16_t>();
      case enc_unsigned_4:
        return fixed<std::uint32_t>();
      case enc_signed_2:
        return widened<std::int16_t>();
      case enc_signed_4:
        return widened<std::int32_t>();
      default:
        return fail<std::uintptr_t>();
    }
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  unsigned sign_shift_ = 64;
  bool good_ = true;
};

// What an FDE and the CIE that it shares with others say.
struct description {
  std::uintptr_t start = 0;  // of the function
  std::uintptr_t bytes = 0;
  std::uint64_t code_unit = 0;
  std::int64_t data_unit = 0;
  bool signal_frame = false;
  reader common{nullptr, nullptr};  // instructions of the CIE
  reader own{nullptr, nullptr};     // instructions of the FDE
};

// The function at pc; false when nothing tells of it.
bool describe(std::uintptr_t pc, description& into);

// The loaded object that holds the address; false when none does.
bool find_object(std::uintptr_t address, ::dl_find_object& object);

}  // namespace strata::os
