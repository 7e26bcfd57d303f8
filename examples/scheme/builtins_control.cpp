// What changes the course of a program, and what the prelude needs for it.
#include <chrono>

#include "builtins.hpp"
#include "ports.hpp"
#include "table.hpp"

namespace scheme {
namespace {

value raise(machine& m, arguments args) { m.raise(args[0]); }

// (error message irritant ...)
value error(machine& m, arguments args) {
  local<value> irritants{m.self(), nil};
  for (std::size_t at = args.count; at > 1; --at) irritants = m.cons(args[at - 1], irritants);
  m.raise(value(m.self().make<condition>(args[0], irritants, no)));
}
condition& expect_condition(machine& m, value v) {
  return expect<condition>(m, v, "expects an error object");
}

value values(machine& m, arguments args) {
  if (args.count == 1) return args[0];
  local<multiple> made = m.self().make<multiple>(args.count);
  for (std::size_t at = 0; at < args.count; ++at) (*made)[at] = args[at];
  return made;
}

// The machine does what these do; they are there to be called.
value by_machine(machine& m, arguments) { m.fail("the machine does this"); }

value run_cleaners(machine& m, arguments) {
  return fixnum(static_cast<std::int64_t>(m.heap().run_cleaners()));
}
value collect(machine& m, arguments) {
  m.self().collect();
  return unspecified;
}
value verify(machine& m, arguments) {
  m.self().verify();
  return unspecified;
}
value collection_count(machine& m, arguments) {
  return fixnum(static_cast<std::int64_t>(m.self().collections()));
}
value runtime(machine& m, arguments) {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  return m.make_number(std::chrono::duration<double>(now).count());
}
value exit_with(machine& m, arguments args) {
  flush(*m.standard_output().as<port>());
  std::fflush(stdout);
  std::exit(args.count == 0 || args[0] == yes ? 0
            : is_fixnum(args[0])              ? static_cast<int>(number_in(args[0]))
                                              : 1);
}

}  // namespace

void define_control_builtins(machine& m) {
  constexpr std::uint32_t any = machine::any_number;
  m.define("apply", by_machine, 2, any, control::apply);
  m.define("call-with-current-continuation", by_machine, 1, 1, control::call_cc);
  m.define("call/cc", by_machine, 1, 1, control::call_cc);
  m.define("%apply-values", by_machine, 2, 2, control::apply_values);
  m.define("%resume", by_machine, 2, 2, control::resume);
  m.define("eval", by_machine, 1, 2, control::eval);
  m.define("values", values, 0, any);

  m.define("raise", raise, 1, 1);
  m.define("error", error, 1, any);
  m.define(
      "error-object?", [](machine&, arguments args) { return boolean(args[0].is<condition>()); }, 1,
      1);
  m.define(
      "error-object-message",
      [](machine& of, arguments args) -> value { return expect_condition(of, args[0]).message; }, 1,
      1);
  m.define(
      "error-object-irritants",
      [](machine& of, arguments args) -> value { return expect_condition(of, args[0]).irritants; },
      1, 1);
  m.define(
      "error-object-place",
      [](machine& of, arguments args) -> value { return expect_condition(of, args[0]).place; }, 1,
      1);

  m.define(
      "%winders", [](machine& of, arguments) { return of.winders(); }, 0, 0);
  m.define(
      "%set-winders!", [](machine& of, arguments args) { return of.winders() = args[0]; }, 1, 1);
  m.define(
      "%handlers", [](machine& of, arguments) { return of.handlers(); }, 0, 0);
  m.define(
      "%set-handlers!", [](machine& of, arguments args) { return of.handlers() = args[0]; }, 1, 1);
  m.define(
      "%continuation-winders",
      [](machine& of, arguments args) -> value {
        return expect<continuation>(of, args[0], "expects a continuation").winders;
      },
      1, 1);
  m.define(
      "%set-handle!",
      [](machine& of, arguments args) {
        of.set_hook(true, args[0]);
        return unspecified;
      },
      1, 1);
  m.define(
      "%set-reenter!",
      [](machine& of, arguments args) {
        of.set_hook(false, args[0]);
        return unspecified;
      },
      1, 1);

  m.define("run-cleaners", run_cleaners, 0, 0);
  m.define("collect", collect, 0, 0);
  m.define("verify-heap", verify, 0, 0);
  m.define("collection-count", collection_count, 0, 0);
  m.define("runtime", runtime, 0, 0);
  m.define("exit", exit_with, 0, 1);
}

}  // namespace scheme
