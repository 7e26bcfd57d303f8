#include "numbers.hpp"

#include <charconv>
#include <cmath>

namespace scheme {
namespace {

double expect_number(machine& m, value v, const char* who) {
  if (!is_number(v)) {
    local<value> wrong{m.self(), v};
    m.fail((std::string{who} + ": expects a number").c_str(), wrong);
  }
  return to_double(v);
}

template <class Exact, class Inexact>
value combine(machine& m, value a, value b, const char* who, Exact exact, Inexact inexact) {
  if (are_fixnums(a, b)) {
    std::int64_t result = 0;
    if (!exact(number_in(a), number_in(b), &result)) return m.make_number(result);
    return m.make_number(inexact(to_double(a), to_double(b)));
  }
  double x = expect_number(m, a, who);
  double y = expect_number(m, b, who);
  return m.make_number(inexact(x, y));
}

}  // namespace

value add(machine& m, value a, value b) {
  return combine(
      m, a, b, "+", [](auto x, auto y, auto* to) { return __builtin_add_overflow(x, y, to); },
      [](double x, double y) { return x + y; });
}
value subtract(machine& m, value a, value b) {
  return combine(
      m, a, b, "-", [](auto x, auto y, auto* to) { return __builtin_sub_overflow(x, y, to); },
      [](double x, double y) { return x - y; });
}
value multiply(machine& m, value a, value b) {
  return combine(
      m, a, b, "*", [](auto x, auto y, auto* to) { return __builtin_mul_overflow(x, y, to); },
      [](double x, double y) { return x * y; });
}

bool is_equal_number(machine& m, value a, value b, const char* who) {
  if (are_fixnums(a, b)) return a == b;
  return expect_number(m, a, who) == expect_number(m, b, who);
}
bool is_less(machine& m, value a, value b, const char* who) {
  if (are_fixnums(a, b)) return number_in(a) < number_in(b);
  return expect_number(m, a, who) < expect_number(m, b, who);
}
bool is_most(machine& m, value a, value b, const char* who) {
  if (are_fixnums(a, b)) return number_in(a) <= number_in(b);
  return expect_number(m, a, who) <= expect_number(m, b, who);
}

value parse_number(machine& m, std::string_view text, int base) {
  bool to_inexact = false;
  while (text.size() > 2 && text[0] == '#') {
    switch (text[1]) {
      case 'x':
        base = 16;
        break;
      case 'b':
        base = 2;
        break;
      case 'o':
        base = 8;
        break;
      case 'd':
        base = 10;
        break;
      case 'i':
        to_inexact = true;
        break;
      case 'e':
        break;
      default:
        return no;
    }
    text.remove_prefix(2);
  }
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  std::int64_t exact = 0;
  auto [stop, error] = std::from_chars(text.data(), end, exact, base);
  if (error == std::errc{} && stop == end && !to_inexact) return m.make_number(exact);
  if (base != 10) return no;
  // Names such as inf and nan are no numbers.
  bool has_digit = false;
  for (char c : text) {
    if (c >= '0' && c <= '9')
      has_digit = true;
    else if (c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E')
      return no;
  }
  if (!has_digit) return no;
  double inexact = 0;
  auto [last, failure] = std::from_chars(text.data(), end, inexact);
  if (failure != std::errc{} || last != end) return no;
  return m.make_number(inexact);
}

std::string number_text(value number, int base) {
  char buffer[80];
  if (is_fixnum(number)) {
    auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number_in(number), base);
    return {buffer, end};
  }
  double inexact = number.as<flonum>()->number;
  if (std::isnan(inexact)) return "+nan.0";
  if (std::isinf(inexact)) return inexact > 0 ? "+inf.0" : "-inf.0";
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, inexact);
  std::string text{buffer, end};
  if (text.find_first_of(".e") == std::string::npos) text += '.';
  return text;
}

}  // namespace scheme
