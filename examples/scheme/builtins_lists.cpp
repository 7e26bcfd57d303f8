#include "builtins.hpp"
#include "table.hpp"

namespace scheme {
namespace {

value car_of(machine& m, arguments args) {
  return expect<pair>(m, args[0], "car: expects a pair").car;
}
value cdr_of(machine& m, arguments args) {
  return expect<pair>(m, args[0], "cdr: expects a pair").cdr;
}
value set_car(machine& m, arguments args) {
  expect<pair>(m, args[0], "set-car!: expects a pair").car = args[1];
  return unspecified;
}
value set_cdr(machine& m, arguments args) {
  expect<pair>(m, args[0], "set-cdr!: expects a pair").cdr = args[1];
  return unspecified;
}
value cons(machine& m, arguments args) { return m.cons(args[0], args[1]); }

value list(machine& m, arguments args) {
  local<value> made{m.self(), nil};
  for (std::size_t at = args.count; at > 0; --at) made = m.cons(args[at - 1], made);
  return made;
}
value cons_star(machine& m, arguments args) {
  local<value> made{m.self(), args[args.count - 1]};
  for (std::size_t at = args.count - 1; at > 0; --at) made = m.cons(args[at - 1], made);
  return made;
}
value length(machine& m, arguments args) {
  return fixnum(static_cast<std::int64_t>(expect_length(m, args[0], "length: expects a list")));
}

value append(machine& m, arguments args) {
  if (args.count == 0) return nil;
  local<value> first{m.self(), nil}, last{m.self(), nil}, at{m.self()};
  auto add = [&](value added) {
    if (first.get() == nil)
      first = added;
    else
      last.as<pair>()->cdr = added;
    last = added;
  };
  for (std::size_t each = 0; each + 1 < args.count; ++each) {
    for (at = args[each]; at.get().is<pair>(); at = cdr(at)) add(m.cons(car(at), nil));
    if (at.get() != nil) m.fail("append: expects lists", args[each]);
  }
  if (first.get() == nil) return args[args.count - 1];
  last.as<pair>()->cdr = args[args.count - 1];
  return first;
}
value reverse(machine& m, arguments args) {
  local<value> made{m.self(), nil}, at{m.self(), args[0]};
  for (; at.get().is<pair>(); at = cdr(at)) made = m.cons(car(at), made);
  if (at.get() != nil) m.fail("reverse: expects a list", args[0]);
  return made;
}
value list_tail(machine& m, arguments args) {
  std::int64_t count = expect_fixnum(m, args[1], "list-tail: expects a number");
  value at = args[0];
  for (; count > 0; --count) at = expect<pair>(m, at, "list-tail: the list is too short").cdr;
  return at;
}
value list_ref(machine& m, arguments args) {
  return expect<pair>(m, list_tail(m, args), "list-ref: the list is too short").car;
}
value is_list(machine&, arguments args) {
  // The second walks at half the pace: they meet in a circle.
  value slow = args[0];
  bool is_slow_turn = false;
  for (value at = args[0]; at.is<pair>(); is_slow_turn = !is_slow_turn) {
    at = cdr(at);
    if (is_slow_turn) slow = cdr(slow);
    if (at == slow) return no;
    if (at == nil) return yes;
  }
  return boolean(args[0] == nil);
}

bool is_eq(machine&, value a, value b) { return a == b; }
bool is_eqv(machine&, value a, value b) { return are_same(a, b); }

template <bool (*Same)(machine&, value, value)>
value member(machine& m, arguments args) {
  for (value at = args[1]; at.is<pair>(); at = cdr(at))
    if (Same(m, args[0], car(at))) return at;
  return no;
}
template <bool (*Same)(machine&, value, value)>
value associated(machine& m, arguments args) {
  for (value at = args[1]; at.is<pair>(); at = cdr(at)) {
    value entry = car(at);
    if (Same(m, args[0], expect<pair>(m, entry, "assoc: expects a list of pairs").car))
      return entry;
  }
  return no;
}
template <bool (*Same)(machine&, value, value)>
value same(machine& m, arguments args) {
  return boolean(Same(m, args[0], args[1]));
}

// cadr and its kin: 'a' and 'd' from the right.
template <char... Steps>
value path(machine& m, arguments args) {
  value at = args[0];
  constexpr char steps[] = {Steps...};
  for (std::size_t step = sizeof...(Steps); step > 0; --step) {
    pair& from = expect<pair>(m, at, "c...r: expects a pair");
    at = steps[step - 1] == 'a' ? from.car : from.cdr;
  }
  return at;
}

}  // namespace

void define_list_builtins(machine& m) {
  constexpr std::uint32_t any = machine::any_number;
  m.define("car", car_of, 1, 1);
  m.define("cdr", cdr_of, 1, 1);
  m.define("set-car!", set_car, 2, 2);
  m.define("set-cdr!", set_cdr, 2, 2);
  m.define("cons", cons, 2, 2);
  m.define("list", list, 0, any);
  m.define("cons*", cons_star, 1, any);
  m.define("length", length, 1, 1);
  m.define("append", append, 0, any);
  m.define("reverse", reverse, 1, 1);
  m.define("list-tail", list_tail, 2, 2);
  m.define("list-ref", list_ref, 2, 2);
  m.define("list?", is_list, 1, 1);
  m.define("memq", member<is_eq>, 2, 2);
  m.define("memv", member<is_eqv>, 2, 2);
  m.define("member", member<are_equal>, 2, 2);
  m.define("assq", associated<is_eq>, 2, 2);
  m.define("assv", associated<is_eqv>, 2, 2);
  m.define("assoc", associated<are_equal>, 2, 2);
  m.define("eq?", same<is_eq>, 2, 2);
  m.define("eqv?", same<is_eqv>, 2, 2);
  m.define("equal?", same<are_equal>, 2, 2);
  m.define(
      "null?", [](machine&, arguments args) { return boolean(args[0] == nil); }, 1, 1);
  m.define(
      "pair?", [](machine&, arguments args) { return boolean(args[0].is<pair>()); }, 1, 1);
  m.define("caar", path<'a', 'a'>, 1, 1);
  m.define("cadr", path<'a', 'd'>, 1, 1);
  m.define("cdar", path<'d', 'a'>, 1, 1);
  m.define("cddr", path<'d', 'd'>, 1, 1);
  m.define("caaar", path<'a', 'a', 'a'>, 1, 1);
  m.define("caadr", path<'a', 'a', 'd'>, 1, 1);
  m.define("cadar", path<'a', 'd', 'a'>, 1, 1);
  m.define("caddr", path<'a', 'd', 'd'>, 1, 1);
  m.define("cdaar", path<'d', 'a', 'a'>, 1, 1);
  m.define("cdadr", path<'d', 'a', 'd'>, 1, 1);
  m.define("cddar", path<'d', 'd', 'a'>, 1, 1);
  m.define("cdddr", path<'d', 'd', 'd'>, 1, 1);
  m.define("cadddr", path<'a', 'd', 'd', 'd'>, 1, 1);
  m.define("cddddr", path<'d', 'd', 'd', 'd'>, 1, 1);
}

}  // namespace scheme
