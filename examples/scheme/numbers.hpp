// Arithmetic on fixnums and flonums. An exact result that does not fit a fixnum becomes a flonum.
#pragma once

#include "machine.hpp"

namespace scheme {

inline bool is_number(value v) { return is_fixnum(v) || v.is<flonum>(); }
inline double to_double(value v) {
  return is_fixnum(v) ? static_cast<double>(number_in(v)) : v.as<flonum>()->number;
}

value add(machine& m, value a, value b);
value subtract(machine& m, value a, value b);
value multiply(machine& m, value a, value b);
bool is_equal_number(machine& m, value a, value b, const char* who);
bool is_less(machine& m, value a, value b, const char* who);
bool is_most(machine& m, value a, value b, const char* who);

// Digits of base 2 to 36; #f when it is no number.
value parse_number(machine& m, std::string_view text, int base);
std::string number_text(value number, int base);

}  // namespace scheme
