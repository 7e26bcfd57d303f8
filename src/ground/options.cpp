#include "ground/options.hpp"

#include "base/bits.hpp"
#include "base/text.hpp"
#include "os/process.hpp"

namespace strata::ground {
namespace {

bool same(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}

// The part of entry behind "name="; null when it has another name.
const char* value_of(const char* entry, const char* name) {
  while (*name != '\0' && *entry == *name) ++entry, ++name;
  return *name == '\0' && *entry == '=' ? entry + 1 : nullptr;
}

bool starts_with(const char* string, const char* prefix) {
  while (*prefix != '\0' && *string == *prefix) ++string, ++prefix;
  return *prefix == '\0';
}

// Digits; stops at the first other character. False when there are none or too many.
bool parse_digits(const char*& at, std::size_t& value) {
  const char* start = at;
  value = 0;
  for (; *at >= '0' && *at <= '9'; ++at) {
    if (__builtin_mul_overflow(value, std::size_t{10}, &value)) return false;
    if (__builtin_add_overflow(value, static_cast<std::size_t>(*at - '0'), &value)) return false;
  }
  return at != start;
}

bool parse_number(const char* text, const char*, std::size_t& value) {
  std::size_t parsed = 0;
  if (!parse_digits(text, parsed) || *text != '\0') return false;
  value = parsed;
  return true;
}

// 512, 512K, 512KiB, 512kb: always powers of 1024.
bool parse_size(const char* text, const char*, std::size_t& value) {
  std::size_t parsed = 0;
  if (!parse_digits(text, parsed)) return false;
  std::size_t unit = 1;
  switch (*text | 0x20) {
    case 'k':
      unit = base::KiB;
      break;
    case 'm':
      unit = base::MiB;
      break;
    case 'g':
      unit = base::GiB;
      break;
    case 't':
      unit = base::TiB;
      break;
    default:
      break;
  }
  if (unit != 1) ++text;
  if (*text == 'i') ++text;
  if ((*text | 0x20) == 'b') ++text;
  if (*text != '\0' || __builtin_mul_overflow(parsed, unit, &parsed)) return false;
  value = parsed;
  return true;
}

bool parse_flag(const char* text, const char*, bool& value) {
  if (!same(text, "0") && !same(text, "1")) return false;
  value = *text == '1';
  return true;
}

bool parse_path(const char* text, const char*, const char*& value) {
  value = text;
  return true;
}

// choices: words separated by '|'.
bool parse_choice(const char* text, const char* choices, std::size_t& value) {
  for (std::size_t position = 0; *choices != '\0'; ++position) {
    const char* word = text;
    while (*word != '\0' && *word == *choices) ++word, ++choices;
    if (*word == '\0' && (*choices == '\0' || *choices == '|')) {
      value = position;
      return true;
    }
    while (*choices != '\0' && *choices != '|') ++choices;
    if (*choices == '|') ++choices;
  }
  return false;
}

constinit options the_options = {};

void set_defaults(options& into) {
#define STRATA_OPTION_DEFAULT(type, name, variable, preset, unit, help) \
  parse_##type(preset, unit, into.name);
  STRATA_OPTIONS(STRATA_OPTION_DEFAULT)
#undef STRATA_OPTION_DEFAULT
}

// Variables of the `strata` command itself; not ours to judge.
constexpr const char* of_the_command[] = {"STRATA_LIBRARY", "STRATA_RECORDER", "STRATA_RECORD",
                                          "STRATA_ROUTER", "STRATA_ROUTES"};
bool belongs_to_the_command(const char* entry) {
  for (const char* name : of_the_command) {
    if (value_of(entry, name) != nullptr) return true;
  }
  return false;
}

void read_entry(const char* entry) {
  if (!starts_with(entry, "STRATA_") || belongs_to_the_command(entry)) return;
  if (parse_option(entry, the_options)) return;
  char buffer[256];
  base::text warning(buffer, sizeof buffer);
  warning << "strata: ignored: " << entry << " (no such option, or no such value)";
  std::size_t length = warning.stored();
  if (length == sizeof buffer - 1) --length;
  buffer[length] = '\n';
  os::write_error(buffer, length + 1);
}

}  // namespace

const options& option() { return the_options; }

bool parse_option(const char* entry, options& into) {
#define STRATA_OPTION_PARSE(type, name, variable, preset, unit, help) \
  if (const char* value = value_of(entry, variable)) return parse_##type(value, unit, into.name);
  STRATA_OPTIONS(STRATA_OPTION_PARSE)
#undef STRATA_OPTION_PARSE
  return false;
}

void read_options() {
  set_defaults(the_options);
  if (os::runs_with_borrowed_rights()) return;
  os::each_environment(read_entry);
}

}  // namespace strata::ground
