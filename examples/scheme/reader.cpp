#include "reader.hpp"

#include <cctype>
#include <cstring>

#include "numbers.hpp"
#include "table.hpp"

namespace scheme {
namespace {

// What ends a list, as if it were a form.
constexpr value closing = special(101);
constexpr value dot = special(102);

bool is_delimiter(int c) {
  return c == no_character || std::isspace(c) != 0 || std::strchr("()\";'", c) != nullptr;
}

class reader {
 public:
  reader(machine& m, const local<port>& from, const local<table>* places)
      : m_(m), from_(from), places_(places) {}

  value read_form() {
    value form = read_any();
    if (form == closing) fail("a parenthesis too many");
    if (form == dot) fail("a dot out of place");
    return form;
  }

 private:
  [[noreturn]] void fail(const char* message) {
    m_.fail_at(message, undefined, from_->name, from_->line);
  }
  int next() { return get(m_, from_); }
  int ahead() { return peek(m_, from_); }

  void skip_blanks() {
    for (;;) {
      int c = ahead();
      if (c == ';') {
        while (c != '\n' && c != no_character) c = next();
      } else if (c != no_character && std::isspace(c) != 0) {
        next();
      } else {
        return;
      }
    }
  }

  value read_any() {
    m_.self().check_depth();
    for (;;) {
      skip_blanks();
      int c = next();
      switch (c) {
        case no_character:
          return end_of_file;
        case '(':
          return read_list();
        case ')':
          return closing;
        case '"':
          return read_string();
        case '\'':
          return read_quoted(machine::name_quote);
        case '`':
          return read_quoted(machine::name_quasiquote);
        case ',':
          if (ahead() != '@') return read_quoted(machine::name_unquote);
          next();
          return read_quoted(machine::name_unquote_splicing);
        case '#':
          if (ahead() == ';') {
            next();
            read_form();
            continue;
          }
          if (ahead() == '|') {
            skip_comment();
            continue;
          }
          return read_hash();
        default:
          return read_atom(std::string(1, static_cast<char>(c)));
      }
    }
  }

  void skip_comment() {
    next();
    int depth = 1;
    for (int before = 0; depth > 0;) {
      int c = next();
      if (c == no_character) fail("a comment without an end");
      if (before == '|' && c == '#') {
        --depth;
        c = 0;
      } else if (before == '#' && c == '|') {
        ++depth;
        c = 0;
      }
      before = c;
    }
  }

  value read_list() {
    std::uint32_t line = from_->line;
    local<value> first{m_.self(), nil}, last{m_.self(), nil}, each{m_.self()};
    for (;;) {
      each = read_any();
      if (each.get() == end_of_file) fail("a list without an end");
      if (each.get() == closing) return first;
      if (each.get() == dot) {
        each = read_form();
        if (last.get() == nil || read_any() != closing) fail("a dot out of place");
        last.as<pair>()->cdr = each;
        return first;
      }
      local<value> added{m_.self(), m_.cons(each, nil)};
      if (last.get() == nil) {
        first = added;
        if (places_ != nullptr) table_put(m_, *places_, first, fixnum(line));
      } else {
        last.as<pair>()->cdr = added;
      }
      last = added;
    }
  }

  value read_quoted(machine::known_name how) {
    local<value> form{m_.self(), read_form()};
    if (form.get() == end_of_file) fail("a quote without a form");
    form = m_.cons(form, nil);
    return m_.cons(m_.named(how), form);
  }

  value read_string() {
    std::string text;
    for (int c = next(); c != '"'; c = next()) {
      if (c == '\\') {
        c = next();
        if (c == '\n') {
          while (ahead() == ' ' || ahead() == '\t') next();
          continue;
        }
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
      }
      if (c == no_character) fail("a string without an end");
      text += static_cast<char>(c);
    }
    return m_.make_string(text);
  }

  value read_hash() {
    int c = ahead();
    if (c == '(') {
      next();
      local<value> list{m_.self(), read_list()};
      std::size_t length = 0;
      for (value at = list; at.is<pair>(); at = cdr(at)) ++length;
      local<vector> made = m_.self().make<vector>(length);
      value at = list;
      for (std::size_t index = 0; index < length; ++index, at = cdr(at)) (*made)[index] = car(at);
      return made;
    }
    if (c == '\\') {
      next();
      return read_character();
    }
    return read_atom("#");
  }

  value read_character() {
    std::string text(1, static_cast<char>(next()));
    while (!is_delimiter(ahead())) text += static_cast<char>(next());
    if (text.size() == 1) return character(static_cast<unsigned char>(text[0]));
    static constexpr std::pair<const char*, char> named[] = {
        {"space", ' '}, {"newline", '\n'}, {"tab", '\t'},      {"return", '\r'},
        {"null", '\0'}, {"nul", '\0'},     {"delete", '\x7f'}, {"escape", '\x1b'}};
    for (auto [name, c] : named)
      if (text == name) return character(static_cast<unsigned char>(c));
    fail("an unknown character");
  }

  value read_atom(std::string text) {
    while (!is_delimiter(ahead())) text += static_cast<char>(next());
    if (text == ".") return dot;
    if (text == "#t" || text == "#true") return yes;
    if (text == "#f" || text == "#false") return no;
    value number = parse_number(m_, text, 10);
    if (number != no) return number;
    if (text[0] == '#') fail("an unknown form that begins with #");
    return m_.intern(text);
  }

  machine& m_;
  const local<port>& from_;
  const local<table>* places_;
};

}  // namespace

value read(machine& m, const local<port>& from, const local<table>* places) {
  return reader{m, from, places}.read_form();
}

}  // namespace scheme
