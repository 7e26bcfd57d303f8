// syntax-rules: matches a use against the patterns, and builds the template of the first that fits.
//
//   matched   identifier -> piece of the use          pattern variable
//             identifier -> a row of matches each     under an ellipsis
//
// Symbols that the template brings in become aliases, one for each symbol and use: see expander.hpp.
#include <memory>

#include "expander.hpp"

namespace scheme {
namespace {

struct match {
  std::size_t id;     // in the pool
  std::size_t piece;  // in the pool, of a plain variable
  std::vector<std::vector<match>> rows;
  bool is_row;
};
using matches = std::vector<match>;

class rules {
 public:
  rules(expander& by, const local<value>& transformer, const scope* use)
      : by_(by), m_(by.m()), macro_(transformer), use_(use), pool_(m_.self()) {}

  value expand(const local<value>& form, std::uint32_t line) {
    local<value> rest{m_.self(), the_macro().rules};
    for (; rest.get().is<pair>(); rest = cdr(rest)) {
      local<value> rule{m_.self(), car(rest)};
      if (!rule.get().is<pair>() || !cdr(rule).is<pair>() || !car(rule).is<pair>())
        by_.fail("bad syntax", rule, line);
      // The first of a pattern is the macro's name.
      local<value> pattern{m_.self(), cdr(car(rule))}, given{m_.self(), cdr(form)};
      matches found;
      if (!fits(pattern, given, found)) continue;
      local<value> made{m_.self(), cadr(rule)};
      return build(made, found, line);
    }
    by_.fail("no syntax rule fits", form, line);
  }

 private:
  [[nodiscard]] macro& the_macro() const { return *macro_.as<macro>(); }
  [[nodiscard]] const scope* home() const { return static_cast<const scope*>(the_macro().scope); }
  [[nodiscard]] bool is_ellipsis(value v) const { return v == the_macro().ellipsis.get(); }
  [[nodiscard]] bool is_literal(value id) const {
    for (value at = the_macro().literals; at.is<pair>(); at = cdr(at))
      if (car(at) == id) return true;
    return false;
  }

  bool fits(const local<value>& pattern, const local<value>& given, matches& found) {
    m_.self().check_depth();
    value p = pattern;
    if (expander::is_identifier(p)) {
      if (is_literal(p))
        return expander::is_identifier(given) && by_.resolve(given, use_) == by_.resolve(p, home());
      if (p == m_.named(machine::name_underscore)) return true;
      std::size_t id = pool_.add(p);
      found.push_back({id, pool_.add(given), {}, false});
      return true;
    }
    if (p.is<pair>()) {
      if (cdr(p).is<pair>() && is_ellipsis(cadr(p))) return fits_row(pattern, given, found);
      if (!given.get().is<pair>()) return false;
      local<value> first{m_.self(), car(p)}, first_given{m_.self(), car(given)};
      if (!fits(first, first_given, found)) return false;
      first = cdr(pattern);
      first_given = cdr(given);
      return fits(first, first_given, found);
    }
    if (p.is<vector>()) {
      if (!given.get().is<vector>()) return false;
      local<value> list{m_.self(), list_of(pattern)}, given_list{m_.self(), list_of(given)};
      return fits(list, given_list, found);
    }
    return is_same_datum(p, given);
  }

  // pattern ... rest: as many as leave enough for the rest.
  bool fits_row(const local<value>& pattern, const local<value>& given, matches& found) {
    std::size_t least = 0;
    for (value at = cdr(cdr(pattern)); at.is<pair>(); at = cdr(at)) ++least;
    std::size_t available = 0;
    for (value at = given; at.is<pair>(); at = cdr(at)) ++available;
    if (available < least) return false;
    local<value> each{m_.self(), car(pattern)}, rest{m_.self(), given};
    std::vector<matches> rows;
    for (std::size_t left = available - least; left > 0; --left, rest = cdr(rest)) {
      local<value> piece{m_.self(), car(rest)};
      if (!fits(each, piece, rows.emplace_back())) return false;
    }
    add_rows(each, rows, found);
    each = cdr(cdr(pattern));
    return fits(each, rest, found);
  }

  // Every variable of the pattern has its rows, even when there are none.
  void add_rows(const local<value>& pattern, const std::vector<matches>& rows, matches& found) {
    value p = pattern;
    if (expander::is_identifier(p)) {
      if (!is_literal(p) && !is_ellipsis(p)) found.push_back({pool_.add(p), 0, rows, true});
    } else if (p.is<pair>()) {
      local<value> part{m_.self(), car(p)};
      add_rows(part, rows, found);
      part = cdr(pattern);
      add_rows(part, rows, found);
    } else if (p.is<vector>()) {
      local<value> list{m_.self(), list_of(pattern)};
      add_rows(list, rows, found);
    }
  }

  value list_of(const local<value>& of) {
    local<value> list{m_.self(), nil};
    for (std::size_t at = of.as<vector>()->size(); at > 0; --at)
      list = m_.cons((*of.as<vector>())[at - 1], list);
    return list;
  }
  static bool is_same_datum(value a, value b) {
    if (a.is<string>())
      return b.is<string>() && text_of(*a.as<string>()) == text_of(*b.as<string>());
    if (a.is<flonum>()) return b.is<flonum>() && a.as<flonum>()->number == b.as<flonum>()->number;
    return a == b;
  }

  // ---- Templates

  const match* find(value id, const matches& in) const {
    for (const match& each : in)
      if (pool_[each.id] == id) return &each;
    return nullptr;
  }

  value build(const local<value>& from, const matches& with, std::uint32_t line) {
    m_.self().check_depth();
    value t = from;
    if (expander::is_identifier(t)) {
      const match* found = find(t, with);
      if (found == nullptr) return renamed(t);
      if (found->is_row) by_.fail("a pattern variable wants its ellipsis", t, line);
      return pool_[found->piece];
    }
    if (t.is<vector>()) {
      local<value> list{m_.self(), list_of(from)};
      list = build(list, with, line);
      std::size_t length = 0;
      for (value at = list; at.is<pair>(); at = cdr(at)) ++length;
      local<vector> made = m_.self().make<vector>(length);
      value at = list;
      for (std::size_t index = 0; index < length; ++index, at = cdr(at)) (*made)[index] = car(at);
      return made;
    }
    if (!t.is<pair>()) return t;
    // (... template) is the template, with its ellipses as they are.
    if (is_ellipsis(car(t)) && cdr(t).is<pair>()) return cadr(t);
    local<value> part{m_.self(), car(t)}, rest{m_.self(), cdr(t)};
    std::size_t depth = 0;
    for (; rest.get().is<pair>() && is_ellipsis(car(rest)); rest = cdr(rest)) ++depth;
    if (depth == 0) {
      part = build(part, with, line);
      rest = build(rest, with, line);
      return m_.cons(part, rest);
    }
    std::vector<std::size_t> made;
    build_rows(part, depth, with, made, line);
    rest = build(rest, with, line);
    for (std::size_t at = made.size(); at > 0; --at) rest = m_.cons(pool_[made[at - 1]], rest);
    return rest;
  }

  void build_rows(const local<value>& part, std::size_t depth, const matches& with,
                  std::vector<std::size_t>& made, std::uint32_t line) {
    if (depth == 0) {
      made.push_back(pool_.add(build(part, with, line)));
      return;
    }
    // All variables of the part that have rows move along together.
    const match* leader = nullptr;
    for (const match& each : with) {
      if (each.is_row && mentions(part, pool_[each.id]) &&
          (leader == nullptr || each.rows.size() > leader->rows.size()))
        leader = &each;
    }
    if (leader == nullptr) by_.fail("an ellipsis without a pattern variable", part, line);
    for (std::size_t row = 0; row < leader->rows.size(); ++row) {
      matches inner;
      for (const match& each : with) {
        if (!each.is_row) {
          inner.push_back(each);
        } else if (row < each.rows.size()) {
          const match* own = find(pool_[each.id], each.rows[row]);
          if (own != nullptr) inner.push_back(*own);
        }
      }
      build_rows(part, depth - 1, inner, made, line);
    }
  }

  bool mentions(value part, value id) const {
    m_.self().check_depth();
    if (part == id) return true;
    if (part.is<vector>()) {
      for (value each : *part.as<vector>())
        if (mentions(each, id)) return true;
      return false;
    }
    for (; part.is<pair>(); part = cdr(part))
      if (mentions(car(part), id)) return true;
    return part == id;
  }

  value renamed(value id) {
    for (auto [from, to] : renamed_)
      if (pool_[from] == id) return pool_[to];
    std::size_t from = pool_.add(id);
    std::size_t to = pool_.add(value(m_.self().make<alias>(pool_[from], the_macro().scope)));
    renamed_.emplace_back(from, to);
    return pool_[to];
  }

  expander& by_;
  machine& m_;
  const local<value>& macro_;
  const scope* use_;
  pool pool_;
  std::vector<std::pair<std::size_t, std::size_t>> renamed_;
};

}  // namespace

value expand_macro(expander& by, const local<value>& transformer, const local<value>& form,
                   const scope* at, std::uint32_t line) {
  return rules{by, transformer, at}.expand(form, line);
}

}  // namespace scheme
