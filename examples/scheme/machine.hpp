// The virtual machine: registers, the value stack, and how it runs code.
//
//   stack_ | frame | frame | closure link | args ... locals ... temporaries |           |
//                                         ^ base                            ^ end       ^ limit
//
//   closure   what runs in this frame
//   link      where its caller goes on: the offset in its caller's text, and how far below its base is;
//             or `underflow`: the caller's frame is in the continuation `under`
//
// The stack is no managed object but a row of roots: stores to it need no barrier. It is short; when it is
// full, and when call/cc wants it, its frames move to the heap as a continuation, and they come back some
// at a time as procedures return. So a deep recursion is bounded by the heap and by `most_depth`, and a
// collection never scans more of the stack than what has run since the last overflow.
//
//   under_ -> continuation -> continuation -> null
//             words: frames   words: frames   (the bottom)
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "value.hpp"

namespace scheme {

// A Scheme object was raised; the machine's `raised` has it.
struct raised : std::exception {
  [[nodiscard]] const char* what() const noexcept override { return "a Scheme object was raised"; }
};

struct machine_options {
  gc::heap_options heap;
  std::size_t most_depth = 10000000;  // words of stack, the heap's part included
};

class machine {
 public:
  // Names that C++ code compares with.
  enum known_name : std::size_t {
    name_quote,
    name_quasiquote,
    name_unquote,
    name_unquote_splicing,
    name_define,
    name_begin,
    name_lambda,
    name_else,
    name_arrow,
    name_ellipsis,
    name_underscore,
    name_define_syntax,
    name_syntax_rules,
    name_set,
    name_if,
    name_let,
    name_dot,
    name_count
  };

  explicit machine(const machine_options& options);
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  gc::mutator& self() { return self_; }
  gc::heap& heap() { return heap_; }

  // Runs a procedure without arguments. Throws scheme::raised when nothing handles an error.
  value run(value procedure);
  // The value of a form, as at top level.
  value evaluate(value form);
  // Reads and evaluates form by form; returns what the last one returned.
  value load(const std::string& file_name);
  value load_text(std::string_view text, const char* name);
  // Of what was raised, with its place.
  std::string describe_raised();
  [[nodiscard]] value raised_object() const { return registers_[in_payload]; }

  // ---- For builtins
  value intern(std::string_view name);
  [[nodiscard]] value named(known_name which) const { return names_[which]; }
  gc::unrooted<string> make_string(std::string_view text);
  value make_number(double number) { return value(self_.make<flonum>(number)); }
  // An integer that may be too large for a fixnum.
  value make_number(std::int64_t number) {
    return fits_fixnum(number) ? fixnum(number) : make_number(static_cast<double>(number));
  }
  value cons(value first, value rest) { return value(self_.make<pair>(first, rest)); }
  void define(std::string_view name, function body, std::uint32_t least, std::uint32_t most,
              control does = control::none);
  [[noreturn]] void raise(value object);
  // irritant: what is wrong; undefined when there is nothing to show.
  [[noreturn]] void fail(const char* message, value irritant = undefined);
  [[noreturn]] void fail_at(const char* message, value irritant, value file, std::uint32_t line);

  void set_hook(bool is_handler, value procedure) {
    registers_[is_handler ? in_handle : in_reenter] = procedure;
  }
  value& winders() { return registers_[in_winders]; }
  value& handlers() { return registers_[in_handlers]; }
  value& standard_output() { return registers_[in_output]; }
  value& standard_input() { return registers_[in_input]; }
  static constexpr std::uint32_t any_number = ~std::uint32_t{0};

 private:
  enum in : std::size_t {
    in_under,
    in_winders,
    in_handlers,
    in_payload,
    in_symbols,
    in_out_of_memory,
    in_overflow,
    in_output,
    in_input,
    in_reserve,
    in_handle,
    in_reenter,
    register_count
  };
  static constexpr std::size_t stack_slots = std::size_t{1} << 16;
  static constexpr std::size_t slack_slots = 64;

  value loop();
  value capture(std::size_t count);
  std::size_t reinstate();
  void collect_rest(std::size_t required, std::size_t count);
  std::size_t spread(value list, value* to);
  value make_multiple(arguments from);
  value compile(value form, value file = no, value places = {});
  value load_from(const local<port>& from, value file);

  [[noreturn]] void fail_arity(std::size_t count);
  void push_handler();
  void note_place(std::size_t offset);
  void note_place_of(code& running, std::size_t offset);
  void keep_reserve();
  void drop_reserve() { registers_[in_reserve] = value{}; }
  void grow_symbols();
  void set_up();

  machine_options options_;
  gc::heap heap_;
  gc::mutator self_;
  std::unique_ptr<value[]> memory_;
  value* stack_;
  value* limit_;
  std::array<value, register_count> registers_{};
  std::array<value, name_count> names_{};
  gc::roots stack_roots_;
  gc::roots register_roots_;
  gc::roots name_roots_;

  bool is_too_deep_ = false;  // a stack overflow was raised, and no shallower capture since
  value* base_ = nullptr;     // the running procedure's frame, whenever the loop may be left
  std::size_t symbol_count_ = 0;
};

}  // namespace scheme
