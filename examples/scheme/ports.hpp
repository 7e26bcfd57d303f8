// Ports: a buffer in the heap, and, for files, the FILE* that it is filled from or emptied into.
//
//   text | what was read or is to be written ...... |
//        ^ at (input)                 ^ end
//
// A file that nobody closes is closed by a cleaner when its port has died.
#pragma once

#include <string>
#include <string_view>

#include "machine.hpp"

namespace scheme {

gc::unrooted<port> make_file_port(machine& m, std::FILE* file, bool is_input,
                                  std::string_view name);
gc::unrooted<port> make_string_port(machine& m, const local<string>& text);  // to read from
gc::unrooted<port> make_output_string(machine& m);
void close_port(port& of);

inline constexpr int no_character = -1;
int fill_port(machine& m, const local<port>& from);
// The next character, or no_character at the end.
inline int peek(machine& m, const local<port>& from) {
  if (from->at < from->end) return static_cast<unsigned char>((*from->text)[from->at]);
  return fill_port(m, from);
}
inline int get(machine& m, const local<port>& from) {
  int c = peek(m, from);
  if (c != no_character) ++from->at;
  if (c == '\n') ++from->line;
  return c;
}
void write(machine& m, const local<port>& to, std::string_view text);
void flush(port& of);

}  // namespace scheme
