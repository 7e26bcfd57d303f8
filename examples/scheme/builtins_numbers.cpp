#include <cmath>

#include "builtins.hpp"
#include "numbers.hpp"

namespace scheme {
namespace {

value sum(machine& m, arguments args) {
  if (args.count == 0) return fixnum(0);
  local<value> total{m.self(), args[0]};
  if (args.count == 1) return add(m, total, fixnum(0));
  for (std::size_t at = 1; at < args.count; ++at) total = add(m, total, args[at]);
  return total;
}
value difference(machine& m, arguments args) {
  if (args.count == 1) return subtract(m, fixnum(0), args[0]);
  local<value> total{m.self(), args[0]};
  for (std::size_t at = 1; at < args.count; ++at) total = subtract(m, total, args[at]);
  return total;
}
value product(machine& m, arguments args) {
  local<value> total{m.self(), fixnum(1)};
  for (std::size_t at = 0; at < args.count; ++at) total = multiply(m, total, args[at]);
  return total;
}

double expect_double(machine& m, value v, const char* message) {
  if (!is_number(v)) m.fail(message, v);
  return to_double(v);
}

value divide_two(machine& m, value a, value b) {
  if (are_fixnums(a, b) && number_in(b) != 0 && number_in(a) % number_in(b) == 0)
    return m.make_number(number_in(a) / number_in(b));
  if (is_fixnum(b) && number_in(b) == 0 && is_fixnum(a)) m.fail("/: division by zero", a);
  double x = expect_double(m, a, "/: expects a number");
  return m.make_number(x / expect_double(m, b, "/: expects a number"));
}
value quotient_of_all(machine& m, arguments args) {
  if (args.count == 1) return divide_two(m, fixnum(1), args[0]);
  local<value> total{m.self(), args[0]};
  for (std::size_t at = 1; at < args.count; ++at) total = divide_two(m, total, args[at]);
  return total;
}

// exact: of two integers; inexact: of two flonums that are whole.
template <class Exact, class Inexact>
value whole(machine& m, arguments args, const char* message, Exact exact, Inexact inexact) {
  if (are_fixnums(args[0], args[1])) {
    if (number_in(args[1]) == 0) m.fail("division by zero", args[0]);
    return m.make_number(exact(number_in(args[0]), number_in(args[1])));
  }
  double x = expect_double(m, args[0], message);
  double y = expect_double(m, args[1], message);
  if (y == 0) m.fail("division by zero", args[0]);
  return m.make_number(inexact(x, y));
}
value quotient(machine& m, arguments args) {
  return whole(
      m, args, "quotient: expects integers", [](std::int64_t x, std::int64_t y) { return x / y; },
      [](double x, double y) { return std::trunc(x / y); });
}
value remainder(machine& m, arguments args) {
  return whole(
      m, args, "remainder: expects integers", [](std::int64_t x, std::int64_t y) { return x % y; },
      [](double x, double y) { return std::fmod(x, y); });
}
value modulo(machine& m, arguments args) {
  return whole(
      m, args, "modulo: expects integers",
      [](std::int64_t x, std::int64_t y) {
        std::int64_t rest = x % y;
        return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
      },
      [](double x, double y) { return x - y * std::floor(x / y); });
}
value gcd(machine& m, arguments args) {
  std::int64_t total = 0;
  for (std::size_t at = 0; at < args.count; ++at) {
    std::int64_t other = expect_fixnum(m, args[at], "gcd: expects integers");
    while (other != 0) total = std::exchange(other, total % other);
  }
  return fixnum(total < 0 ? -total : total);
}

template <bool (*Holds)(machine&, value, value)>
value chain(machine& m, arguments args) {
  for (std::size_t at = 0; at + 1 < args.count; ++at)
    if (!Holds(m, args[at], args[at + 1])) return no;
  return yes;
}
bool equal(machine& m, value a, value b) { return is_equal_number(m, a, b, "="); }
bool less(machine& m, value a, value b) { return is_less(m, a, b, "<"); }
bool more(machine& m, value a, value b) { return is_less(m, b, a, ">"); }
bool most(machine& m, value a, value b) { return is_most(m, a, b, "<="); }
bool least(machine& m, value a, value b) { return is_most(m, b, a, ">="); }

template <bool (*IsBetter)(machine&, value, value)>
value best(machine& m, arguments args) {
  local<value> found{m.self(), args[0]};
  bool is_inexact = found.get().is<flonum>();
  for (std::size_t at = 1; at < args.count; ++at) {
    is_inexact = is_inexact || args[at].is<flonum>();
    if (IsBetter(m, args[at], found)) found = args[at];
  }
  return is_inexact ? m.make_number(to_double(found)) : found.get();
}

template <double (*Function)(double)>
value real(machine& m, arguments args) {
  return m.make_number(Function(expect_double(m, args[0], "expects a number")));
}
template <double (*Function)(double)>
value rounded(machine& m, arguments args) {
  if (is_fixnum(args[0])) return args[0];
  return m.make_number(Function(expect_double(m, args[0], "expects a number")));
}
value square_root(machine& m, arguments args) {
  double root = std::sqrt(expect_double(m, args[0], "sqrt: expects a number"));
  if (is_fixnum(args[0]) && root == std::floor(root))
    return m.make_number(static_cast<std::int64_t>(root));
  return m.make_number(root);
}
value arc_tangent(machine& m, arguments args) {
  double y = expect_double(m, args[0], "atan: expects a number");
  if (args.count == 1) return m.make_number(std::atan(y));
  return m.make_number(std::atan2(y, expect_double(m, args[1], "atan: expects a number")));
}
value power(machine& m, arguments args) {
  if (are_fixnums(args[0], args[1]) && number_in(args[1]) >= 0) {
    local<value> result{m.self(), fixnum(1)}, base{m.self(), args[0]};
    for (std::int64_t left = number_in(args[1]); left > 0; left >>= 1) {
      if ((left & 1) != 0) result = multiply(m, result, base);
      if (left > 1) base = multiply(m, base, base);
    }
    return result;
  }
  return m.make_number(std::pow(expect_double(m, args[0], "expt: expects a number"),
                                expect_double(m, args[1], "expt: expects a number")));
}

bool is_whole(value v) {
  return is_fixnum(v) ||
         (v.is<flonum>() && v.as<flonum>()->number == std::floor(v.as<flonum>()->number) &&
          std::isfinite(v.as<flonum>()->number));
}
value to_exact(machine& m, arguments args) {
  if (is_fixnum(args[0])) return args[0];
  double number = expect_double(m, args[0], "exact: expects a number");
  if (!is_whole(args[0]) || std::abs(number) > static_cast<double>(most_fixnum))
    m.fail("exact: there is no such integer", args[0]);
  return fixnum(static_cast<std::int64_t>(number));
}
value to_inexact(machine& m, arguments args) {
  return m.make_number(expect_double(m, args[0], "inexact: expects a number"));
}

value number_to_string(machine& m, arguments args) {
  if (!is_number(args[0])) m.fail("number->string: expects a number", args[0]);
  int base = args.count > 1
                 ? static_cast<int>(expect_index(m, args[1], 37, "number->string: no such base"))
                 : 10;
  return m.make_string(number_text(args[0], base < 2 ? 10 : base));
}
value string_to_number(machine& m, arguments args) {
  std::string text{text_of(expect<string>(m, args[0], "string->number: expects a string"))};
  int base = args.count > 1
                 ? static_cast<int>(expect_index(m, args[1], 37, "string->number: no such base"))
                 : 10;
  return text.empty() ? no : parse_number(m, text, base < 2 ? 10 : base);
}

// The same numbers each time: a linear congruence (Knuth's MMIX), of which the upper bits are taken.
value random(machine& m, arguments args) {
  static std::uint64_t state = 1;
  state = state * 6364136223846793005U + 1442695040888963407U;
  if (args[0].is<flonum>())
    return m.make_number(static_cast<double>(state >> 11) * 0x1p-53 * to_double(args[0]));
  std::int64_t most = expect_fixnum(m, args[0], "random: expects a number");
  if (most <= 0) m.fail("random: expects a positive number", args[0]);
  return fixnum(static_cast<std::int64_t>((state >> 33) % static_cast<std::uint64_t>(most)));
}

}  // namespace

void define_number_builtins(machine& m) {
  constexpr std::uint32_t any = machine::any_number;
  m.define("+", sum, 0, any);
  m.define("-", difference, 1, any);
  m.define("*", product, 0, any);
  m.define("/", quotient_of_all, 1, any);
  m.define("quotient", quotient, 2, 2);
  m.define("remainder", remainder, 2, 2);
  m.define("modulo", modulo, 2, 2);
  m.define("gcd", gcd, 0, any);
  m.define("=", chain<equal>, 1, any);
  m.define("<", chain<less>, 1, any);
  m.define(">", chain<more>, 1, any);
  m.define("<=", chain<most>, 1, any);
  m.define(">=", chain<least>, 1, any);
  m.define("max", best<more>, 1, any);
  m.define("min", best<less>, 1, any);
  m.define("exp", real<std::exp>, 1, 1);
  m.define("log", real<std::log>, 1, 1);
  m.define("sin", real<std::sin>, 1, 1);
  m.define("cos", real<std::cos>, 1, 1);
  m.define("tan", real<std::tan>, 1, 1);
  m.define("asin", real<std::asin>, 1, 1);
  m.define("acos", real<std::acos>, 1, 1);
  m.define("atan", arc_tangent, 1, 2);
  m.define("sqrt", square_root, 1, 1);
  m.define("expt", power, 2, 2);
  m.define("floor", rounded<std::floor>, 1, 1);
  m.define("ceiling", rounded<std::ceil>, 1, 1);
  m.define("truncate", rounded<std::trunc>, 1, 1);
  m.define("round", rounded<std::nearbyint>, 1, 1);
  m.define("exact", to_exact, 1, 1);
  m.define("inexact->exact", to_exact, 1, 1);
  m.define("inexact", to_inexact, 1, 1);
  m.define("exact->inexact", to_inexact, 1, 1);
  m.define("number->string", number_to_string, 1, 2);
  m.define("string->number", string_to_number, 1, 2);
  m.define("random", random, 1, 1);
  for (const char* name : {"number?", "complex?", "real?"})
    m.define(
        name, [](machine&, arguments args) { return boolean(is_number(args[0])); }, 1, 1);
  for (const char* name : {"integer?", "rational?"})
    m.define(
        name, [](machine&, arguments args) { return boolean(is_whole(args[0])); }, 1, 1);
  m.define(
      "exact?", [](machine&, arguments args) { return boolean(is_fixnum(args[0])); }, 1, 1);
  m.define(
      "inexact?", [](machine&, arguments args) { return boolean(args[0].is<flonum>()); }, 1, 1);
  m.define(
      "zero?", [](machine& of, arguments args) { return boolean(equal(of, args[0], fixnum(0))); },
      1, 1);
}

}  // namespace scheme
