#include "builtins.hpp"
#include "ports.hpp"
#include "printer.hpp"
#include "reader.hpp"

namespace scheme {
namespace {

// The port among the arguments, or the standard one.
local<port> port_at(machine& m, arguments args, std::size_t at, bool is_input) {
  value given = args.count > at ? args[at] : is_input ? m.standard_input() : m.standard_output();
  if (!given.is<port>() || given.as<port>()->is_input != is_input)
    m.fail(is_input ? "expects an input port" : "expects an output port", given);
  return local<port>{m.self(), given.as<port>()};
}

template <bool IsWritten>
value print(machine& m, arguments args) {
  local<port> to{port_at(m, args, 1, false)};
  write(m, to, printed(m, args[0], IsWritten));
  return unspecified;
}
value newline(machine& m, arguments args) {
  local<port> to{port_at(m, args, 0, false)};
  write(m, to, "\n");
  return unspecified;
}
value write_char(machine& m, arguments args) {
  local<port> to{port_at(m, args, 1, false)};
  auto c = static_cast<char>(expect_character(m, args[0], "write-char: expects a character"));
  write(m, to, {&c, 1});
  return unspecified;
}
value read_from(machine& m, arguments args) {
  local<port> from{port_at(m, args, 0, true)};
  return read(m, from);
}
value character_or_end(int c) {
  return c == no_character ? end_of_file : character(static_cast<unsigned char>(c));
}
value read_char(machine& m, arguments args) {
  local<port> from{port_at(m, args, 0, true)};
  return character_or_end(get(m, from));
}
value peek_char(machine& m, arguments args) {
  local<port> from{port_at(m, args, 0, true)};
  return character_or_end(peek(m, from));
}
value read_line(machine& m, arguments args) {
  local<port> from{port_at(m, args, 0, true)};
  int c = get(m, from);
  if (c == no_character) return end_of_file;
  std::string text;
  for (; c != '\n' && c != no_character; c = get(m, from)) text += static_cast<char>(c);
  return m.make_string(text);
}

template <bool IsInput>
value open_file(machine& m, arguments args) {
  std::string name{text_of(expect<string>(m, args[0], "expects the name of a file"))};
  std::FILE* file = std::fopen(name.c_str(), IsInput ? "r" : "w");
  if (file == nullptr) m.fail("there is no such file", args[0]);
  try {
    return make_file_port(m, file, IsInput, name);
  } catch (const gc::out_of_memory&) {
    std::fclose(file);
    throw;
  }
}
value close(machine& m, arguments args) {
  close_port(expect<port>(m, args[0], "expects a port"));
  return unspecified;
}
value open_input_string(machine& m, arguments args) {
  static_cast<void>(expect<string>(m, args[0], "open-input-string: expects a string"));
  local<string> text{m.self(), args[0].as<string>()};
  return make_string_port(m, text);
}
value open_output_string(machine& m, arguments) { return make_output_string(m); }
value get_output_string(machine& m, arguments args) {
  port& from = expect<port>(m, args[0], "get-output-string: expects a port");
  return m.make_string(std::string{text_of(*from.text).substr(0, from.end)});
}
value set_output(machine& m, arguments args) {
  value before = m.standard_output();
  static_cast<void>(expect<port>(m, args[0], "expects a port"));
  m.standard_output() = args[0];
  return before;
}
value set_input(machine& m, arguments args) {
  value before = m.standard_input();
  static_cast<void>(expect<port>(m, args[0], "expects a port"));
  m.standard_input() = args[0];
  return before;
}

template <bool IsInput>
value is_port_of(machine&, arguments args) {
  return boolean(args[0].is<port>() && args[0].as<port>()->is_input == IsInput);
}

}  // namespace

void define_port_builtins(machine& m) {
  m.define("display", print<false>, 1, 2);
  m.define("write", print<true>, 1, 2);
  m.define("newline", newline, 0, 1);
  m.define("write-char", write_char, 1, 2);
  m.define("write-string", print<false>, 1, 2);
  m.define("read", read_from, 0, 1);
  m.define("read-char", read_char, 0, 1);
  m.define("peek-char", peek_char, 0, 1);
  m.define("read-line", read_line, 0, 1);
  m.define("open-input-file", open_file<true>, 1, 1);
  m.define("open-output-file", open_file<false>, 1, 1);
  m.define("close-input-port", close, 1, 1);
  m.define("close-output-port", close, 1, 1);
  m.define("close-port", close, 1, 1);
  m.define("open-input-string", open_input_string, 1, 1);
  m.define("open-output-string", open_output_string, 0, 0);
  m.define("get-output-string", get_output_string, 1, 1);
  m.define("%set-output!", set_output, 1, 1);
  m.define("%set-input!", set_input, 1, 1);
  m.define(
      "current-output-port", [](machine& of, arguments) { return of.standard_output(); }, 0, 0);
  m.define(
      "current-input-port", [](machine& of, arguments) { return of.standard_input(); }, 0, 0);
  m.define("input-port?", is_port_of<true>, 1, 1);
  m.define("output-port?", is_port_of<false>, 1, 1);
  m.define(
      "eof-object", [](machine&, arguments) { return end_of_file; }, 0, 0);
  m.define(
      "eof-object?", [](machine&, arguments args) { return boolean(args[0] == end_of_file); }, 1,
      1);
}

}  // namespace scheme
