// strata_misuse KIND SIZE: misuses the heap in one way and says how it went (misuse.hpp).
// strata_misuse --list: the kinds, each with its group and whether it is in the matrix.
//
// Exit status: 0 ran to its end, 2 bad usage; a process that was stopped has none.
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "misuse.hpp"

namespace misuse {
namespace {

constexpr std::size_t least_size = 8;
constexpr std::size_t most_size = std::size_t{256} << 10;

constexpr const std::span<const kind>* tables[] = {&double_frees, &bad_frees, &bad_resizes,
                                                   &stray_writes, &stale_accesses};

// Not by stdio, which would allocate.
void say(std::string_view text) {
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) {
    _exit(3);
  }
}

std::string_view name_of(outcome how) {
  switch (how) {
    case outcome::harmless:
      return "harmless\n";
    case outcome::missed:
      return "missed\n";
    case outcome::exploited:
      return "exploited\n";
    case outcome::absent:
      break;
  }
  return "absent\n";
}

const char* name_of(group what) {
  return what == group::call ? "call" : what == group::stale ? "stale" : "access";
}

const kind* find(std::string_view name) {
  for (const std::span<const kind>* table : tables) {
    for (const kind& each : *table) {
      if (name == each.name) {
        return &each;
      }
    }
  }
  return nullptr;
}

int list() {
  for (const std::span<const kind>* table : tables) {
    for (const kind& each : *table) {
      printf("%s %s %s\n", each.name, name_of(each.what), each.in_matrix ? "matrix" : "more");
    }
  }
  return 0;
}

int run(int count, char** values) {
  if (count == 2 && std::string_view(values[1]) == "--list") {
    return list();
  }
  const kind* chosen = count == 3 ? find(values[1]) : nullptr;
  std::size_t size = 0;
  if (chosen != nullptr) {
    const char* end = values[2] + strlen(values[2]);
    const auto [rest, error] = std::from_chars(values[2], end, size);
    size = error == std::errc() && rest == end ? size : 0;
  }
  if (chosen == nullptr || size < least_size || size > most_size || size % 8 != 0) {
    fputs("usage: strata_misuse KIND SIZE (a multiple of 8, 8 to 262144), or --list\n", stderr);
    return 2;
  }
  const outcome how = chosen->run(size);
  say(name_of(how));
  if (how == outcome::exploited) {
    _exit(0);  // the harm is done: whether its tidying up trips over it does not count
  }
  return 0;
}

}  // namespace

void say_misuse(const void* address) {
  char line[40] = "misuse 0x";
  char* end = std::to_chars(line + 9, line + sizeof line - 1, number(address), 16).ptr;
  *end++ = '\n';
  say({line, static_cast<std::size_t>(end - line)});
}

void say_over() { say("over\n"); }

}  // namespace misuse

int main(int count, char** values) { return misuse::run(count, values); }
