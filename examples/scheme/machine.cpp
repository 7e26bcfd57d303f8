// The machine but for its loop: what it starts with, symbols, errors, loading.
#include "machine.hpp"

#include "builtins.hpp"
#include "compiler.hpp"
#include "expander.hpp"
#include "ports.hpp"
#include "printer.hpp"
#include "reader.hpp"
#include "table.hpp"

namespace scheme {
namespace {

const char* const names[machine::name_count] = {
    "quote", "quasiquote", "unquote", "unquote-splicing", "define",       "begin", "lambda", "else",
    "=>",    "...",        "_",       "define-syntax",    "syntax-rules", "set!",  "if",     "let",
    "."};

constexpr std::size_t reserve_bytes = std::size_t{256} << 10;

}  // namespace

machine::machine(const machine_options& options)
    : options_(options),
      heap_(options.heap),
      self_(heap_),
      memory_(new value[stack_slots]()),
      stack_(memory_.get()),
      limit_(stack_ + stack_slots - slack_slots),
      stack_roots_(heap_, stack_, stack_slots),
      register_roots_(heap_, registers_.data(), registers_.size()),
      name_roots_(heap_, names_.data(), names_.size()) {
  stack_roots_.set_end(stack_);
  set_up();
}

void machine::set_up() {
  registers_[in_handle] = registers_[in_reenter] = undefined;
  registers_[in_winders] = registers_[in_handlers] = nil;
  registers_[in_symbols] = self_.make<vector>(1024U);
  for (std::size_t each = 0; each < name_count; ++each) names_[each] = intern(names[each]);
  for (auto [which, text] : {std::pair{in_out_of_memory, "out of memory"},
                             std::pair{in_overflow, "stack overflow: a recursion too deep"}}) {
    local<string> message = make_string(text);
    registers_[which] = self_.make<condition>(message, nil, no);
  }
  registers_[in_input] = make_file_port(*this, stdin, true, "standard input");
  registers_[in_output] = make_file_port(*this, stdout, false, "standard output");
  expander::define_special_forms(*this);
  define_builtins(*this);
  static_cast<void>(load_text(prelude_text, "prelude"));
  keep_reserve();
}

// ---- Symbols

value machine::intern(std::string_view name) {
  std::uint64_t hash = hash_of_text(name);
  auto all = [this]() -> vector& { return *registers_[in_symbols].as<vector>(); };
  std::size_t mask = all().size() - 1;
  std::size_t at = hash & mask;
  for (; !all()[at].get().is_null(); at = (at + 1) & mask)
    if (name_of(all()[at]) == name) return all()[at];
  // The name may lie in the heap.
  std::string kept{name};
  local<string> text = make_string(kept);
  local<symbol> made = self_.make<symbol>(text, undefined, value{}, hash);
  all()[at] = made;
  if (2 * ++symbol_count_ > mask + 1) grow_symbols();
  return made;
}

void machine::grow_symbols() {
  local<vector> more = self_.make<vector>(2 * registers_[in_symbols].as<vector>()->size());
  std::size_t mask = more->size() - 1;
  for (value each : *registers_[in_symbols].as<vector>()) {
    if (each.is_null()) continue;
    std::size_t at = each.as<symbol>()->hash & mask;
    while (!(*more)[at].get().is_null()) at = (at + 1) & mask;
    (*more)[at] = each;
  }
  registers_[in_symbols] = more;
}

gc::unrooted<string> machine::make_string(std::string_view text) {
  local<string> made = self_.make<string>(text.size());
  text.copy(made->data(), text.size());
  return made;
}

value machine::make_multiple(arguments from) {
  local<multiple> made = self_.make<multiple>(from.count);
  for (std::size_t at = 0; at < from.count; ++at) (*made)[at] = from[at];
  return made;
}

void machine::define(std::string_view name, function body, std::uint32_t least, std::uint32_t most,
                     control does) {
  local<symbol> named{self_, intern(name).as<symbol>()};
  named->global = self_.make<builtin>(named, body, least, most, does);
}

// ---- Errors

void machine::raise(value object) {
  registers_[in_payload] = object;
  throw raised{};
}

void machine::fail(const char* message, value irritant) {
  local<value> list{self_, irritant == undefined ? nil : cons(irritant, nil)};
  local<string> text = make_string(message);
  raise(value(self_.make<condition>(text, list, no)));
}

void machine::fail_at(const char* message, value irritant, value file, std::uint32_t line) {
  local<value> list{self_, irritant}, name{self_, file};
  list = irritant == undefined ? nil : cons(irritant, nil);
  local<string> text = make_string(message);
  local<condition> made = self_.make<condition>(text, list, no);
  if (line != 0 && name.get().is<string>()) {
    std::string place{text_of(*name.as<string>())};
    made->place = make_string(place + ":" + std::to_string(line));
  }
  raise(value(made));
}

void machine::fail_arity(std::size_t count) {
  local<value> callee{self_, base_[-2]};
  std::string name = printed(*this, callee, false);
  if (callee.get().is<builtin>()) name = name_of(callee.as<builtin>()->name);
  if (callee.get().is<closure>()) {
    value own = (*callee.as<closure>())[0].get().as<code>()->name;
    name = own.is<symbol>() ? std::string{name_of(own)} : "a procedure";
  }
  fail((name + ": called with " + std::to_string(count) + " arguments").c_str());
}

// A condition gets its place where it comes by first.
void machine::note_place_of(code& running, std::size_t offset) {
  value payload = registers_[in_payload];
  if (!payload.is<condition>() || payload.as<condition>()->place.get() != no) return;
  if (payload == registers_[in_out_of_memory] || payload == registers_[in_overflow]) return;
  if (!running.file.get().is<string>()) return;
  std::uint32_t line = 0;
  for (const place& each : *running.places)
    if (each.from <= offset) line = each.line;
  if (line == 0) return;
  std::string text{text_of(*running.file.get().as<string>())};
  text += ":" + std::to_string(line);
  if (running.name.get().is<symbol>()) text.append(", in ").append(name_of(running.name));
  try {
    local<string> made = make_string(text);
    registers_[in_payload].as<condition>()->place = made;
  } catch (const gc::out_of_memory&) {
    // Then it stays without.
  }
}

std::string machine::describe_raised() {
  local<value> payload{self_, registers_[in_payload]};
  if (!payload.get().is<condition>()) return "raised: " + printed(*this, payload, true);
  std::string text;
  condition& what = *payload.as<condition>();
  if (what.place.get().is<string>())
    text.append(text_of(*what.place.get().as<string>())).append(": ");
  text += what.message.get().is<string>() ? std::string{text_of(*what.message.get().as<string>())}
                                          : printed(*this, what.message, true);
  for (value at = what.irritants; at.is<pair>(); at = cdr(at))
    text += " " + printed(*this, car(at), true);
  return text;
}

// What is let go when memory runs out, so that handlers have some.
void machine::keep_reserve() {
  if (!registers_[in_reserve].is_null()) return;
  try {
    registers_[in_reserve] = self_.make<string>(reserve_bytes);
  } catch (const gc::out_of_memory&) {
    // Memory is short still.
  }
}

// ---- Evaluation

value machine::compile(value form, value file, value places) {
  local<value> kept{self_, form}, name{self_, file}, lines{self_, places};
  tree made{self_};
  node* whole = expander{*this, made, name, lines}.expand_form(kept);
  return compiler{*this, made, name}.compile_toplevel(whole);
}

value machine::evaluate(value form) {
  try {
    return run(compile(form));
  } catch (const gc::out_of_memory&) {
    drop_reserve();
    raise(registers_[in_out_of_memory]);
  } catch (const gc::stack_overflow&) {
    raise(registers_[in_overflow]);
  }
}

value machine::load_from(const local<port>& from, value file) {
  local<value> name{self_, file}, result{self_, unspecified};
  try {
    for (;;) {
      local<table> places = make_table(*this, compare::identity);
      local<value> form{self_, read(*this, from, &places)};
      if (form.get() == end_of_file) return result;
      keep_reserve();
      result = run(compile(form, name, places));
    }
  } catch (const gc::out_of_memory&) {
    drop_reserve();
    raise(registers_[in_out_of_memory]);
  } catch (const gc::stack_overflow&) {
    raise(registers_[in_overflow]);
  }
}

value machine::load_text(std::string_view text, const char* name) {
  local<string> file = make_string(name);
  local<string> copy = make_string(text);
  local<port> from = make_string_port(*this, copy);
  from->name = file;
  return load_from(from, file);
}

value machine::load(const std::string& file_name) {
  std::FILE* file = std::fopen(file_name.c_str(), "r");
  if (file == nullptr) {
    local<string> shown = make_string(file_name);
    fail("load: no such file", shown);
  }
  local<string> name = make_string(file_name);
  local<port> from = make_file_port(*this, file, true, file_name);
  value result = load_from(from, name);
  close_port(*from);
  return result;
}

}  // namespace scheme
