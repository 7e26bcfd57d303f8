#include "printer.hpp"

#include "numbers.hpp"

namespace scheme {
namespace {

class printer {
 public:
  printer(machine& m, bool is_written) : m_(m), is_written_(is_written) {}

  void print(value v) {
    m_.self().check_depth();
    if (v.is_immediate() || v.is_null()) return print_immediate(v);
    if (v.is<flonum>()) {
      text += number_text(v, 10);
    } else if (v.is<symbol>()) {
      text += name_of(v);
    } else if (v.is<string>()) {
      print_string(text_of(*v.as<string>()));
    } else if (v.is<pair>()) {
      print_list(v);
    } else if (v.is<vector>()) {
      text += "#";
      print_row(v.as<vector>()->begin(), v.as<vector>()->size());
    } else if (v.is<multiple>()) {
      print_row(v.as<multiple>()->begin(), v.as<multiple>()->size());
    } else if (v.is<alias>()) {
      print(v.as<alias>()->of);
    } else {
      print_other(v);
    }
  }

  std::string text;

 private:
  void print_immediate(value v) {
    if (is_fixnum(v)) {
      text += std::to_string(number_in(v));
    } else if (is_character(v)) {
      print_character(character_in(v));
    } else {
      text += v == nil           ? "()"
              : v == yes         ? "#t"
              : v == no          ? "#f"
              : v == end_of_file ? "#<eof>"
              : v == unspecified ? "#<unspecified>"
                                 : "#<undefined>";
    }
  }

  void print_character(unsigned char c) {
    auto as_is = static_cast<char>(c);
    if (!is_written_) {
      text += as_is;
      return;
    }
    text += "#\\";
    switch (as_is) {
      case ' ':
        text += "space";
        break;
      case '\n':
        text += "newline";
        break;
      case '\t':
        text += "tab";
        break;
      default:
        text += as_is;
    }
  }

  void print_string(std::string_view from) {
    if (!is_written_) {
      text += from;
      return;
    }
    text += '"';
    for (char c : from) {
      if (c == '"' || c == '\\') text += '\\';
      if (c == '\n')
        text += "\\n";
      else if (c == '\t')
        text += "\\t";
      else
        text += c;
    }
    text += '"';
  }

  bool print_quoted(value v) {
    if (!cdr(v).is<pair>() || cdr(cdr(v)) != nil) return false;
    static constexpr std::pair<machine::known_name, const char*> marks[] = {
        {machine::name_quote, "'"},
        {machine::name_quasiquote, "`"},
        {machine::name_unquote, ","},
        {machine::name_unquote_splicing, ",@"}};
    for (auto [name, mark] : marks) {
      if (car(v) != m_.named(name)) continue;
      text += mark;
      print(cadr(v));
      return true;
    }
    return false;
  }

  void print_list(value v) {
    if (print_quoted(v)) return;
    text += '(';
    print(car(v));
    for (v = cdr(v); v.is<pair>(); v = cdr(v)) {
      text += ' ';
      print(car(v));
    }
    if (v != nil) {
      text += " . ";
      print(v);
    }
    text += ')';
  }

  void print_row(const ref<value>* first, std::size_t count) {
    text += '(';
    for (std::size_t at = 0; at < count; ++at) {
      if (at > 0) text += ' ';
      print(first[at]);
    }
    text += ')';
  }

  void print_other(value v) {
    if (v.is<closure>()) {
      value name = (*v.as<closure>())[0].get().as<code>()->name;
      text += "#<procedure";
      if (name.is<symbol>()) text.append(" ").append(name_of(name));
      text += ">";
    } else if (v.is<builtin>()) {
      text.append("#<procedure ").append(text_of(*v.as<builtin>()->name->name)).append(">");
    } else if (v.is<continuation>()) {
      text += "#<continuation>";
    } else if (v.is<condition>()) {
      text += "#<condition ";
      print(v.as<condition>()->message);
      text += ">";
    } else if (v.is<record>()) {
      text += "#<record ";
      value type = (*v.as<record>())[0];
      if (type.is<record>() && type.as<record>()->size() > 1) print((*type.as<record>())[1]);
      text += ">";
    } else {
      text += v.is<table>()     ? "#<hash-table>"
              : v.is<promise>() ? "#<promise>"
              : v.is<port>()    ? "#<port>"
              : v.is<macro>()   ? "#<macro>"
                                : "#<object>";
    }
  }

  machine& m_;
  bool is_written_;
};

}  // namespace

std::string printed(machine& m, value v, bool is_written) {
  printer p{m, is_written};
  p.print(v);
  return std::move(p.text);
}

}  // namespace scheme
