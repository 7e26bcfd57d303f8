// What Scheme's values are made of: immediates in a gc::value's word, and managed objects of these types.
//
//   fixnum      62 bits of it  | 01
//   character   code  | 00000011            a byte
//   special     which | 00000111            (), #t, #f, ...
//   reference   address        | 0
//
// The types are plain C++: the heap finds their references by itself.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string_view>

#include <strata/gc.hpp>

namespace scheme {

namespace gc = strata::gc;
using gc::local;
using gc::ref;
using gc::value;

class machine;

// ---- Immediates

constexpr value special(std::uintptr_t which) { return value::of_word(which << 8 | 7); }
inline constexpr value nil = special(0);
inline constexpr value no = special(1);
inline constexpr value yes = special(2);
inline constexpr value unspecified = special(3);
inline constexpr value undefined = special(4);  // of a variable: it has no value yet
inline constexpr value end_of_file = special(5);

constexpr value boolean(bool from) { return from ? yes : no; }
constexpr bool is_true(value v) { return v != no; }

inline constexpr std::int64_t most_fixnum = (std::int64_t{1} << 61) - 1;
inline constexpr std::int64_t least_fixnum = -most_fixnum - 1;
constexpr bool fits_fixnum(std::int64_t n) { return n >= least_fixnum && n <= most_fixnum; }
constexpr value fixnum(std::int64_t n) {
  return value::of_word(static_cast<std::uintptr_t>(n) << 2 | 1);
}
constexpr bool is_fixnum(value v) { return (v.word() & 3) == 1; }
constexpr bool are_fixnums(value a, value b) {
  return ((a.word() ^ 1) | (b.word() ^ 1)) << 62 == 0;
}
constexpr std::int64_t number_in(value v) { return static_cast<std::int64_t>(v.word()) >> 2; }

constexpr value character(unsigned char c) { return value::of_word(std::uintptr_t{c} << 8 | 3); }
constexpr bool is_character(value v) { return (v.word() & 255) == 3; }
constexpr unsigned char character_in(value v) { return static_cast<unsigned char>(v.word() >> 8); }

// ---- Objects

struct pair {
  ref<value> car, cdr;
};
struct flonum {
  double number;
};
using string = gc::array<char, struct string_kind>;
using vector = gc::array<ref<value>, struct vector_kind>;
using record = gc::array<ref<value>, struct record_kind>;      // [0]: its type
using multiple = gc::array<ref<value>, struct multiple_kind>;  // what (values ...) returns
using closure = gc::array<ref<value>, struct closure_kind>;  // [0]: its code; then what it captured

// Also the global variable of that name.
struct symbol {
  ref<string> name;
  ref<value> global = undefined;
  ref<value> syntax;  // a fixnum: a special form; a macro; or null
  std::uint64_t hash = 0;
};
// A variable that set! assigns to.
struct box {
  ref<value> content;
};
struct promise {
  ref<value> content;  // its value, or a procedure that computes it
  bool is_done = false;
};

using instructions = gc::array<std::uint64_t, struct instructions_kind>;
// Which line the instructions from `from` on belong to.
struct place {
  std::uint32_t from, line;
};
struct code {
  ref<instructions> text;
  ref<vector> constants;
  ref<gc::array<place>> places;
  ref<value> name;  // a symbol, or #f
  ref<value> file;  // a string, or #f
  std::uint32_t required = 0;
  std::uint32_t has_rest = 0;
  std::uint32_t frame_slots = 0;
};

// Arguments lie on the value stack: they stay right when objects move.
struct arguments {
  value* first;
  std::size_t count;
  value& operator[](std::size_t at) const { return first[at]; }
};
using function = value (*)(machine&, arguments);
// What the machine has to do itself, since it changes which procedure runs.
enum class control : std::uint32_t { none, apply, apply_values, call_cc, resume, eval };
struct builtin {
  ref<symbol> name;
  function run = nullptr;
  std::uint32_t least = 0;
  std::uint32_t most = 0;
  control does = control::none;
};

// The rest of the computation: stack frames that have been moved to the heap. See machine.hpp.
struct continuation {
  ref<value> under;  // the frames below: a continuation, or null
  ref<vector> words;
  ref<value> link;
  ref<value> winders, handlers;
  std::uint64_t length = 0;  // of words, those that count
  std::uint64_t depth = 0;   // in words, with what is below
};

struct condition {
  ref<value> message;    // a string
  ref<value> irritants;  // a list
  ref<value> place;      // a string, or #f
};

// See table.hpp.
struct table {
  ref<vector> entries;  // key, value, key, value, ...
  std::uint64_t count = 0;
  std::uint64_t used = 0;
  bool compares_contents = false;
};

// See ports.hpp.
struct port {
  ref<string> text;
  std::uint64_t at = 0;
  std::uint64_t end = 0;
  std::uint32_t line = 1;
  bool is_input = false;
  bool is_open = true;
  std::FILE* file = nullptr;
  ref<value> name;
};

// See syntax_rules.hpp.
struct macro {
  ref<value> literals, rules, ellipsis;
  const void* scope = nullptr;
};
struct alias {
  ref<value> of;
  const void* scope = nullptr;
};

inline std::string_view text_of(const string& s) { return {s.data(), s.size()}; }
inline std::string_view name_of(value name) { return text_of(*name.as<symbol>()->name); }

inline value car(value v) { return v.as<pair>()->car; }
inline value cdr(value v) { return v.as<pair>()->cdr; }
inline value cadr(value v) { return car(cdr(v)); }

inline bool is_procedure(value v) {
  return v.is<closure>() || v.is<builtin>() || v.is<continuation>();
}

}  // namespace scheme
