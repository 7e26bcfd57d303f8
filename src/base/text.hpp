// Text into a fixed buffer, for code that must not allocate: messages, JSON, XML.
// What does not fit is cut, and length() still counts it, as snprintf does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::base {

class text {
 public:
  text(char* buffer, std::size_t capacity) : buffer_(buffer), capacity_(capacity) { finish(); }

  text& put(char character) {
    if (length_ + 1 < capacity_) buffer_[length_] = character;
    ++length_;
    finish();
    return *this;
  }
  text& operator<<(const char* string) {
    for (; *string != '\0'; ++string) put(*string);
    return *this;
  }
  text& operator<<(std::uint64_t value) {
    char digits[20];
    std::size_t count = 0;
    do digits[count++] = static_cast<char>('0' + value % 10);
    while ((value /= 10) != 0);
    while (count > 0) put(digits[--count]);
    return *this;
  }
  text& operator<<(std::int32_t value) {
    if (value < 0) put('-');
    std::int64_t wide = value;
    return *this << static_cast<std::uint64_t>(wide < 0 ? -wide : wide);
  }
  text& hex(std::uint64_t value) {
    *this << "0x";
    int shift = 60;
    while (shift > 0 && ((value >> shift) & 15) == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) put("0123456789abcdef"[(value >> shift) & 15]);
    return *this;
  }
  // Inside a JSON string: escapes what JSON wants escaped.
  text& json(const char* string) {
    for (; *string != '\0'; ++string) {
      auto byte = static_cast<unsigned char>(*string);
      if (byte == '"' || byte == '\\')
        put('\\').put(*string);
      else if (byte >= 0x20)
        put(*string);
      else
        (*this << "\\u00").put("0123456789abcdef"[byte >> 4]).put("0123456789abcdef"[byte & 15]);
    }
    return *this;
  }

  // Of the whole text, also of what was cut.
  [[nodiscard]] std::size_t length() const { return length_; }
  [[nodiscard]] const char* data() const { return buffer_; }
  [[nodiscard]] std::size_t stored() const {
    return capacity_ == 0 ? 0 : (length_ < capacity_ ? length_ : capacity_ - 1);
  }

 private:
  void finish() {
    if (capacity_ > 0) buffer_[stored()] = '\0';
  }

  char* buffer_;
  std::size_t capacity_;
  std::size_t length_ = 0;
};

}  // namespace strata::base
