// Characters, strings, symbols. A character is a byte.
#include <algorithm>
#include <cctype>
#include <cstring>

#include "builtins.hpp"

namespace scheme {
namespace {

string& expect_string(machine& m, value v) { return expect<string>(m, v, "expects a string"); }

// ---- Characters

template <int (*Is)(int)>
value is_of_class(machine& m, arguments args) {
  return boolean(Is(expect_character(m, args[0], "expects a character")) != 0);
}
template <int (*To)(int)>
value converted(machine& m, arguments args) {
  return character(
      static_cast<unsigned char>(To(expect_character(m, args[0], "expects a character"))));
}
int as_is(int c) { return c; }

template <class Holds, int (*Fold)(int)>
value compare_characters(machine& m, arguments args) {
  for (std::size_t at = 0; at + 1 < args.count; ++at) {
    int left = Fold(expect_character(m, args[at], "expects characters"));
    int right = Fold(expect_character(m, args[at + 1], "expects characters"));
    if (!Holds{}(left, right)) return no;
  }
  return yes;
}
value char_to_integer(machine& m, arguments args) {
  return fixnum(expect_character(m, args[0], "char->integer: expects a character"));
}
value integer_to_char(machine& m, arguments args) {
  return character(static_cast<unsigned char>(
      expect_index(m, args[0], 256, "integer->char: there is no such character")));
}

// ---- Strings

template <int (*Fold)(int)>
int compare_texts(std::string_view a, std::string_view b) {
  for (std::size_t at = 0; at < a.size() && at < b.size(); ++at) {
    int difference =
        Fold(static_cast<unsigned char>(a[at])) - Fold(static_cast<unsigned char>(b[at]));
    if (difference != 0) return difference;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}
template <class Holds, int (*Fold)(int)>
value compare_strings(machine& m, arguments args) {
  for (std::size_t at = 0; at + 1 < args.count; ++at) {
    int order = compare_texts<Fold>(text_of(expect_string(m, args[at])),
                                    text_of(expect_string(m, args[at + 1])));
    if (!Holds{}(order, 0)) return no;
  }
  return yes;
}

value make_string(machine& m, arguments args) {
  std::size_t length =
      expect_index(m, args[0], std::size_t{1} << 40, "make-string: expects a length");
  char fill = ' ';
  if (args.count > 1)
    fill = static_cast<char>(expect_character(m, args[1], "make-string: expects a character"));
  local<string> made = m.self().make<string>(length);
  std::memset(made->data(), fill, length);
  return made;
}
value string_of(machine& m, arguments args) {
  local<string> made = m.self().make<string>(args.count);
  for (std::size_t at = 0; at < args.count; ++at)
    (*made)[at] = static_cast<char>(expect_character(m, args[at], "string: expects characters"));
  return made;
}
value string_length(machine& m, arguments args) {
  return fixnum(static_cast<std::int64_t>(expect_string(m, args[0]).size()));
}
value string_ref(machine& m, arguments args) {
  string& from = expect_string(m, args[0]);
  std::size_t at = expect_index(m, args[1], from.size(), "string-ref: no such index");
  return character(static_cast<unsigned char>(from[at]));
}
value string_set(machine& m, arguments args) {
  string& to = expect_string(m, args[0]);
  std::size_t at = expect_index(m, args[1], to.size(), "string-set!: no such index");
  to[at] = static_cast<char>(expect_character(m, args[2], "string-set!: expects a character"));
  return unspecified;
}
value substring(machine& m, arguments args) {
  range part =
      expect_range(m, args, 1, expect_string(m, args[0]).size(), "substring: no such index");
  local<string> made = m.self().make<string>(part.to - part.from);
  std::memcpy(made->data(), args[0].as<string>()->data() + part.from, part.to - part.from);
  return made;
}
value string_append(machine& m, arguments args) {
  std::size_t length = 0;
  for (std::size_t at = 0; at < args.count; ++at) length += expect_string(m, args[at]).size();
  local<string> made = m.self().make<string>(length);
  char* to = made->data();
  for (std::size_t at = 0; at < args.count; ++at) {
    string& from = *args[at].as<string>();
    to = std::copy(from.begin(), from.end(), to);
  }
  return made;
}
value string_to_list(machine& m, arguments args) {
  range part =
      expect_range(m, args, 1, expect_string(m, args[0]).size(), "string->list: no such index");
  local<value> made{m.self(), nil};
  for (std::size_t at = part.to; at > part.from; --at)
    made = m.cons(character(static_cast<unsigned char>((*args[0].as<string>())[at - 1])), made);
  return made;
}
value list_to_string(machine& m, arguments args) {
  std::size_t length = expect_length(m, args[0], "list->string: expects a list");
  local<string> made = m.self().make<string>(length);
  std::size_t at = 0;
  for (value each = args[0]; each.is<pair>(); each = cdr(each))
    (*made)[at++] =
        static_cast<char>(expect_character(m, car(each), "list->string: expects characters"));
  return made;
}
value string_fill(machine& m, arguments args) {
  string& to = expect_string(m, args[0]);
  std::fill(to.begin(), to.end(),
            static_cast<char>(expect_character(m, args[1], "string-fill!: expects a character")));
  return unspecified;
}
template <int (*To)(int)>
value string_converted(machine& m, arguments args) {
  std::size_t length = expect_string(m, args[0]).size();
  local<string> made = m.self().make<string>(length);
  string& from = *args[0].as<string>();
  for (std::size_t at = 0; at < length; ++at)
    (*made)[at] = static_cast<char>(To(static_cast<unsigned char>(from[at])));
  return made;
}
// Where the second string lies in the first, or #f.
value string_search(machine& m, arguments args) {
  std::size_t at = text_of(expect_string(m, args[0])).find(text_of(expect_string(m, args[1])));
  return at == std::string_view::npos ? no : fixnum(static_cast<std::int64_t>(at));
}

// ---- Symbols

value symbol_to_string(machine& m, arguments args) {
  static_cast<void>(expect<symbol>(m, args[0], "symbol->string: expects a symbol"));
  local<string> made = m.self().make<string>(name_of(args[0]).size());
  name_of(args[0]).copy(made->data(), made->size());
  return made;
}
value string_to_symbol(machine& m, arguments args) {
  return m.intern(text_of(expect_string(m, args[0])));
}
value generate_symbol(machine& m, arguments) {
  static std::uint64_t number = 0;
  return m.intern(" g" + std::to_string(++number));
}

template <template <class> class Holds, int (*Fold)(int)>
void define_comparison(machine& m, const std::string& suffix) {
  m.define("char" + suffix, compare_characters<Holds<int>, Fold>, 1, machine::any_number);
  m.define("string" + suffix, compare_strings<Holds<int>, Fold>, 1, machine::any_number);
}

}  // namespace

void define_text_builtins(machine& m) {
  constexpr std::uint32_t any = machine::any_number;
  m.define(
      "char?", [](machine&, arguments args) { return boolean(is_character(args[0])); }, 1, 1);
  m.define(
      "string?", [](machine&, arguments args) { return boolean(args[0].is<string>()); }, 1, 1);
  m.define(
      "symbol?", [](machine&, arguments args) { return boolean(args[0].is<symbol>()); }, 1, 1);
  m.define("char-alphabetic?", is_of_class<std::isalpha>, 1, 1);
  m.define("char-numeric?", is_of_class<std::isdigit>, 1, 1);
  m.define("char-whitespace?", is_of_class<std::isspace>, 1, 1);
  m.define("char-upper-case?", is_of_class<std::isupper>, 1, 1);
  m.define("char-lower-case?", is_of_class<std::islower>, 1, 1);
  m.define("char-upcase", converted<std::toupper>, 1, 1);
  m.define("char-downcase", converted<std::tolower>, 1, 1);
  m.define("char->integer", char_to_integer, 1, 1);
  m.define("integer->char", integer_to_char, 1, 1);
  define_comparison<std::equal_to, as_is>(m, "=?");
  define_comparison<std::less, as_is>(m, "<?");
  define_comparison<std::greater, as_is>(m, ">?");
  define_comparison<std::less_equal, as_is>(m, "<=?");
  define_comparison<std::greater_equal, as_is>(m, ">=?");
  define_comparison<std::equal_to, std::tolower>(m, "-ci=?");
  define_comparison<std::less, std::tolower>(m, "-ci<?");
  define_comparison<std::greater, std::tolower>(m, "-ci>?");
  m.define("make-string", make_string, 1, 2);
  m.define("string", string_of, 0, any);
  m.define("string-length", string_length, 1, 1);
  m.define("string-ref", string_ref, 2, 2);
  m.define("string-set!", string_set, 3, 3);
  m.define("substring", substring, 2, 3);
  m.define("string-copy", substring, 1, 3);
  m.define("string-append", string_append, 0, any);
  m.define("string->list", string_to_list, 1, 3);
  m.define("list->string", list_to_string, 1, 1);
  m.define("string-fill!", string_fill, 2, 2);
  m.define("string-upcase", string_converted<std::toupper>, 1, 1);
  m.define("string-downcase", string_converted<std::tolower>, 1, 1);
  m.define("string-search", string_search, 2, 2);
  m.define("symbol->string", symbol_to_string, 1, 1);
  m.define("string->symbol", string_to_symbol, 1, 1);
  m.define("gensym", generate_symbol, 0, 1);
}

}  // namespace scheme
