#include "ports.hpp"

#include <unistd.h>

#include <cstring>

namespace scheme {
namespace {

constexpr std::size_t buffer_bytes = 4096;

void close_dead(void* file) { std::fclose(static_cast<std::FILE*>(file)); }

}  // namespace

gc::unrooted<port> make_file_port(machine& m, std::FILE* file, bool is_input,
                                  std::string_view name) {
  std::string kept{name};
  local<string> buffer = m.self().make<string>(is_input ? buffer_bytes : std::size_t{0});
  local<port> made = m.self().make<port>(buffer);
  made->name = m.make_string(kept);
  made->is_input = is_input;
  made->file = file;
  if (file != stdin && file != stdout) gc::when_dead(made, {close_dead, file});
  return made;
}

gc::unrooted<port> make_string_port(machine& m, const local<string>& text) {
  local<port> made = m.self().make<port>(text);
  made->is_input = true;
  made->end = text->size();
  made->name = no;
  return made;
}

gc::unrooted<port> make_output_string(machine& m) {
  local<string> buffer = m.self().make<string>(64U);
  local<port> made = m.self().make<port>(buffer);
  made->name = no;
  return made;
}

// The FILE stays open until the port has died: a cleaner cannot be taken back.
void close_port(port& of) {
  if (of.file != nullptr && !of.is_input) std::fflush(of.file);
  of.is_open = false;
}

int fill_port(machine& m, const local<port>& from) {
  if (from->file == nullptr || !from->is_open) return no_character;
  char buffer[buffer_bytes];
  std::size_t count = 0;
  {
    // It may wait for somebody to type: collections don't wait for that.
    std::FILE* file = from->file;
    gc::blocking guard{m.self()};
    if (isatty(fileno(file)) != 0)
      count = std::fgets(buffer, sizeof buffer, file) == nullptr ? 0 : std::strlen(buffer);
    else
      count = std::fread(buffer, 1, sizeof buffer, file);
  }
  if (count == 0) return no_character;
  std::memcpy(from->text->data(), buffer, count);
  from->at = 0;
  from->end = count;
  return static_cast<unsigned char>(buffer[0]);
}

void write(machine& m, const local<port>& to, std::string_view text) {
  if (!to->is_open) m.fail("a port that is closed");
  if (to->file != nullptr) {
    std::fwrite(text.data(), 1, text.size(), to->file);
    return;
  }
  if (to->end + text.size() > to->text->size()) {
    std::string kept{text};  // it may lie in the heap
    local<string> more = m.self().make<string>(2 * (to->end + kept.size()));
    std::memcpy(more->data(), to->text->data(), to->end);
    to->text = more;
    std::memcpy(to->text->data() + to->end, kept.data(), kept.size());
    to->end += kept.size();
    return;
  }
  std::memcpy(to->text->data() + to->end, text.data(), text.size());
  to->end += text.size();
}

void flush(port& of) {
  if (of.file != nullptr && !of.is_input) std::fflush(of.file);
}

}  // namespace scheme
