// scheme [option ...] [file ...]: runs the files, or reads from the terminal.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "machine.hpp"
#include "ports.hpp"
#include "printer.hpp"
#include "reader.hpp"

namespace {

using scheme::gc::plan;

constexpr const char* usage =
    "usage: scheme [option ...] [file ...]\n"
    "  --heap MIB             the heap's limit (256)\n"
    "  --plan NAME            semispace, mark_sweep, immix, generational, "
    "generational_concurrent,\n"
    "                         lisp2, compressor or two_finger\n"
    "  --depth WORDS          the deepest recursion, in words of stack (10000000)\n"
    "  --collect-every N      collect at each so-manieth allocation\n"
    "  --protect-moved        what objects have moved out of is inaccessible\n"
    "  --verify               verify the heap before and after each collection\n"
    "  --statistics           print what the heap has done, to stderr\n";

struct settings {
  scheme::machine_options machine;
  bool prints_statistics = false;
};

bool parse_plan(const char* name, plan& into) {
  static constexpr std::pair<const char*, plan> plans[] = {
      {"semispace", plan::semispace},
      {"mark_sweep", plan::mark_sweep},
      {"immix", plan::immix},
      {"generational", plan::generational},
      {"generational_concurrent", plan::generational_concurrent},
      {"lisp2", plan::lisp2},
      {"compressor", plan::compressor},
      {"two_finger", plan::two_finger}};
  for (auto [known, which] : plans) {
    if (std::strcmp(known, name) != 0) continue;
    into = which;
    return true;
  }
  return false;
}

// The number of the first argument that is no option; -1 when one is wrong.
int parse(int count, char** arguments, settings& into) {
  scheme::gc::heap_options& heap = into.machine.heap;
  int at = 1;
  for (; at < count && std::strncmp(arguments[at], "--", 2) == 0; ++at) {
    const char* name = arguments[at];
    auto is = [&](const char* option) { return std::strcmp(name, option) == 0; };
    if (is("--protect-moved")) {
      heap.stress.protect_moved = true;
    } else if (is("--verify")) {
      heap.stress.verify = true;
    } else if (is("--statistics")) {
      into.prints_statistics = true;
    } else if (at + 1 == count) {
      return -1;
    } else if (is("--plan")) {
      if (!parse_plan(arguments[++at], heap.plan)) return -1;
    } else {
      char* end = nullptr;
      std::size_t number = std::strtoull(arguments[++at], &end, 10);
      if (*end != '\0' || number == 0) return -1;
      if (is("--heap"))
        heap.max_bytes = number << 20;
      else if (is("--depth"))
        into.machine.most_depth = number;
      else if (is("--collect-every"))
        heap.stress.collect_every = number;
      else
        return -1;
    }
  }
  return at;
}

void print_error(scheme::machine& m) {
  std::fflush(stdout);
  try {
    std::fprintf(stderr, "error: %s\n", m.describe_raised().c_str());
  } catch (const scheme::gc::stack_overflow&) {
    std::fprintf(stderr, "error: something too deep to print\n");
  }
}

void read_evaluate_print(scheme::machine& m) {
  scheme::local<scheme::port> from{m.self(), m.standard_input().as<scheme::port>()};
  for (;;) {
    std::printf("> ");
    std::fflush(stdout);
    try {
      scheme::local<scheme::value> form{m.self(), scheme::read(m, from)};
      if (form.get() == scheme::end_of_file) break;
      scheme::value result = m.evaluate(form);
      if (result != scheme::unspecified)
        std::printf("%s\n", scheme::printed(m, result, true).c_str());
    } catch (const scheme::raised&) {
      print_error(m);
    } catch (const scheme::gc::out_of_memory&) {
      std::fprintf(stderr, "error: out of memory\n");
    } catch (const scheme::gc::stack_overflow&) {
      std::fprintf(stderr, "error: too deep\n");
    }
  }
  std::printf("\n");
}

void print_statistics(scheme::machine& m) {
  scheme::gc::heap_statistics so_far = m.heap().statistics();
  std::fprintf(stderr,
               "%llu young and %llu full collections, %.1f MB allocated, %.2f ms paused, longest "
               "%.3f ms\n",
               static_cast<unsigned long long>(so_far.young_collections),
               static_cast<unsigned long long>(so_far.full_collections),
               static_cast<double>(so_far.allocated_bytes) / 1e6,
               static_cast<double>(so_far.pauses.total_ns()) / 1e6,
               static_cast<double>(so_far.pauses.longest_ns()) / 1e6);
}

int run(int count, char** arguments) {
  settings chosen;
  int first = parse(count, arguments, chosen);
  if (first < 0) {
    std::fputs(usage, stderr);
    return 2;
  }
  scheme::machine m{chosen.machine};
  int status = 0;
  try {
    for (int at = first; at < count; ++at) static_cast<void>(m.load(arguments[at]));
    if (first == count) read_evaluate_print(m);
  } catch (const scheme::raised&) {
    print_error(m);
    status = 1;
  }
  std::fflush(stdout);
  if (chosen.prints_statistics) print_statistics(m);
  return status;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const std::bad_alloc&) {
    std::fputs("error: no memory to start with\n", stderr);
    return 1;
  }
}
