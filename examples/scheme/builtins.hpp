// The procedures that are there from the start: in C++ by builtins_*.cpp, in Scheme by prelude.scm.
#pragma once

#include <string>

#include "machine.hpp"

namespace scheme {

extern const char* const prelude_text;

void define_number_builtins(machine& m);
void define_list_builtins(machine& m);
void define_text_builtins(machine& m);
void define_data_builtins(machine& m);
void define_port_builtins(machine& m);
void define_control_builtins(machine& m);

inline void define_builtins(machine& m) {
  define_number_builtins(m);
  define_list_builtins(m);
  define_text_builtins(m);
  define_data_builtins(m);
  define_port_builtins(m);
  define_control_builtins(m);
}

// ---- Arguments

template <class T>
T& expect(machine& m, value v, const char* message) {
  if (!v.is<T>()) [[unlikely]]
    m.fail(message, v);
  return *v.as<T>();
}
inline std::int64_t expect_fixnum(machine& m, value v, const char* message) {
  if (!is_fixnum(v)) [[unlikely]]
    m.fail(message, v);
  return number_in(v);
}
// An index into what has `size` elements.
inline std::size_t expect_index(machine& m, value v, std::size_t size, const char* message) {
  if (!is_fixnum(v) || static_cast<std::size_t>(number_in(v)) >= size) [[unlikely]]
    m.fail(message, v);
  return static_cast<std::size_t>(number_in(v));
}
inline unsigned char expect_character(machine& m, value v, const char* message) {
  if (!is_character(v)) [[unlikely]]
    m.fail(message, v);
  return character_in(v);
}
inline std::size_t expect_length(machine& m, value list, const char* message) {
  std::size_t length = 0;
  value at = list;
  for (; at.is<pair>(); at = cdr(at)) ++length;
  if (at != nil) m.fail(message, list);
  return length;
}
// The range that the arguments from `first` on say, of what has `size` elements.
struct range {
  std::size_t from, to;
};
inline range expect_range(machine& m, arguments args, std::size_t first, std::size_t size,
                          const char* message) {
  std::size_t from = args.count > first ? expect_index(m, args[first], size + 1, message) : 0;
  std::size_t to =
      args.count > first + 1 ? expect_index(m, args[first + 1], size + 1, message) : size;
  if (from > to) m.fail(message, args[first]);
  return {from, to};
}

}  // namespace scheme
