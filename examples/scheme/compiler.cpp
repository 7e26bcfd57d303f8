// Functions, variables, closures, loops and calls; primitives are in primitives.cpp.
#include "compiler.hpp"

#include <algorithm>

namespace scheme {

// ---- Functions

value compiler::compile_toplevel(node* whole) {
  find_loops(m_.self(), whole);
  function_tree toplevel;
  toplevel.body = whole;
  std::vector<variable*> captures;
  local<value> made{m_.self(), compile_function(toplevel, nullptr, captures)};
  local<closure> started = m_.self().make<closure>(1U);
  (*started)[0] = made.get();
  return started;
}

value compiler::compile_function(function_tree& of, function* up,
                                 std::vector<variable*>& captures) {
  m_.self().check_depth();
  function made{.tree = &of, .up = up};
  function* outer = std::exchange(f_, &made);
  std::uint32_t outer_line = line_;
  struct restore {
    compiler& c;
    function* f;
    ~restore() { c.f_ = f; }
  } at_end{*this, outer};
  for (variable* each : of.parameters) {
    each->owner = &of;
    each->slot = take_slot();
  }
  for (variable* each : of.parameters)
    if (each->is_assigned) emit(encode(op::make_box, each->slot, each->slot));
  note_line(of.body->line);
  compile(of.body, caller);
  resolve_labels(made);
  captures = made.captures;
  line_ = outer_line;
  return make_code(made);
}

value compiler::make_code(function& of) {
  gc::mutator& self = m_.self();
  local<code> made = self.make<code>();
  made->text = self.make<instructions>(of.text.size());
  std::copy(of.text.begin(), of.text.end(), made->text->begin());
  made->constants = self.make<vector>(of.constants.size());
  for (std::size_t at = 0; at < of.constants.size(); ++at)
    (*made->constants)[at] = tree_.constants[of.constants[at]];
  made->places = self.make<gc::array<place>>(of.places.size());
  std::copy(of.places.begin(), of.places.end(), made->places->begin());
  value name = tree_.constants[of.tree->name];
  while (name.is<alias>()) name = name.as<alias>()->of;
  made->name = name;
  made->file = file_;
  made->has_rest = of.tree->has_rest ? 1 : 0;
  made->required = static_cast<std::uint32_t>(of.tree->parameters.size()) - made->has_rest;
  made->frame_slots = of.most;
  return made;
}

std::uint32_t compiler::take_slot() {
  std::uint32_t slot = f_->next++;
  f_->most = std::max(f_->most, f_->next);
  if (f_->most > 30000) fail("a procedure with too many variables");
  return slot;
}

std::size_t compiler::add_constant(value v) {
  for (std::size_t at = 0; at < f_->constants.size(); ++at)
    if (tree_.constants[f_->constants[at]] == v) return at;
  f_->constants.push_back(tree_.constants.add(v));
  if (f_->constants.size() > 0xffff) fail("a procedure with too many constants");
  return f_->constants.size() - 1;
}

void compiler::note_line(std::uint32_t line) {
  if (line == 0 || (line == line_ && !f_->places.empty())) return;
  line_ = line;
  f_->places.push_back({static_cast<std::uint32_t>(f_->text.size()), line});
}

// ---- Labels

std::size_t compiler::add_label() {
  f_->labels.emplace_back();
  return f_->labels.size() - 1;
}

void compiler::emit_jump(op what, std::uint32_t a, std::uint32_t b, std::size_t to) {
  f_->labels[to].jumps.push_back(f_->text.size());
  emit(encode(what, a, b));
}

void compiler::resolve_labels(function& of) {
  for (const label& each : of.labels) {
    for (std::size_t from : each.jumps) {
      auto distance = static_cast<std::int64_t>(each.at) - static_cast<std::int64_t>(from) - 1;
      std::uint64_t& word = of.text[from];
      op what = op_of(word);
      if (what == op::jump || (what >= op::if_true && what <= op::unless_pair)) {
        word = encode_far(what, a_of(word), static_cast<std::int32_t>(distance));
      } else {
        if (distance != static_cast<std::int16_t>(distance)) fail("a procedure that is too long");
        word |= std::uint64_t{static_cast<std::uint16_t>(distance)} << 48;
      }
    }
  }
}

// ---- Expressions

void compiler::compile(node* n, target to) {
  m_.self().check_depth();
  kept_slots scope{*this};
  note_line(n->line);
  switch (n->kind) {
    case form::constant:
    case form::global: {
      if (to.to == target::kind::nowhere && n->kind == form::constant) return;
      std::uint32_t slot = slot_for(to);
      std::int64_t number = 0;
      if (small_number(n, number)) {
        emit(encode_far(op::number, slot, static_cast<std::int32_t>(number)));
      } else {
        std::size_t at = add_constant(tree_.constants[n->constant]);
        emit(encode(n->kind == form::global ? op::global : op::constant, slot,
                    static_cast<std::uint32_t>(at)));
      }
      return finish(slot, to);
    }
    case form::local:
      return compile_local(n, to);
    case form::set_local: {
      std::uint32_t from = operand(n->parts[0]);
      if (n->var->owner == f_->tree)
        emit(encode(op::set_box, n->var->slot, from));
      else
        emit(encode(op::set_captured, capture_of(*f_, n->var), from));
      break;
    }
    case form::set_global:
    case form::define_global: {
      std::uint32_t from = operand(n->parts[0]);
      std::size_t at = add_constant(tree_.constants[n->constant]);
      emit(encode(n->kind == form::set_global ? op::set_global : op::define_global, from,
                  static_cast<std::uint32_t>(at)));
      break;
    }
    case form::conditional:
      return compile_conditional(n, to);
    case form::conjunction:
    case form::disjunction:
      return compile_all_or_any(n, to);
    case form::sequence:
      return compile_sequence(n, to);
    case form::let:
      return compile_let(n, to);
    case form::letrec:
      if (!n->variables.empty() && n->variables[0] != nullptr && n->variables[0]->loop != nullptr)
        return compile_loops(n, to);
      return compile_letrec(n, to);
    case form::lambda: {
      std::uint32_t slot = slot_for(to);
      make_closure(*n->lambda, slot, {}, nullptr);
      return finish(slot, to);
    }
    case form::call:
      return compile_call(n, to);
  }
  // What an assignment returns.
  if (to.to == target::kind::nowhere) return;
  std::uint32_t slot = slot_for(to);
  emit(encode(op::constant, slot, static_cast<std::uint32_t>(add_constant(unspecified))));
  finish(slot, to);
}

void compiler::finish(std::uint32_t slot, target to) {
  if (to.to == target::kind::caller)
    emit(encode(op::give, slot));
  else if (to.to == target::kind::slot && slot != to.slot)
    emit(encode(op::move, to.slot, slot));
}

std::uint32_t compiler::operand(node* n) {
  if (n->kind == form::local && n->var->owner == f_->tree && !n->var->is_assigned)
    return n->var->slot;
  std::uint32_t slot = take_slot();
  compile(n, into(slot));
  return slot;
}

void compiler::compile_local(node* n, target to) {
  if (to.to == target::kind::nowhere) return;
  variable* var = n->var;
  if (var->owner == f_->tree) {
    if (!var->is_assigned) return finish(var->slot, to);
    std::uint32_t slot = slot_for(to);
    emit(encode(op::unbox, slot, var->slot));
    return finish(slot, to);
  }
  std::uint32_t slot = slot_for(to);
  emit(encode(var->is_assigned ? op::unbox_captured : op::captured, slot, capture_of(*f_, var)));
  finish(slot, to);
}

// The number by which `in` knows a variable of a procedure around it.
std::uint32_t compiler::capture_of(function& in, variable* var) {
  auto found = std::find(in.captures.begin(), in.captures.end(), var);
  if (found == in.captures.end()) {
    if (in.captures.size() > 30000) fail("a procedure that captures too many variables");
    found = in.captures.insert(found, var);
  }
  return static_cast<std::uint32_t>(found - in.captures.begin()) + 1;
}

void compiler::compile_conditional(node* n, target to) {
  std::size_t otherwise = add_label();
  compile_test(n->parts[0], false, otherwise);
  compile(n->parts[1], to);
  if (to.to == target::kind::caller) {
    place_label(otherwise);
    return compile(n->parts[2], to);
  }
  std::size_t end = add_label();
  emit_jump(op::jump, 0, 0, end);
  place_label(otherwise);
  compile(n->parts[2], to);
  place_label(end);
}

void compiler::compile_all_or_any(node* n, target to) {
  bool is_all = n->kind == form::conjunction;
  std::size_t end = add_label();
  // A slot of its own: the target's may be a variable that later parts read.
  std::uint32_t slot = take_slot();
  for (std::size_t at = 0; at + 1 < n->parts.size(); ++at) {
    if (to.to == target::kind::nowhere) {
      compile_test(n->parts[at], !is_all, end);
    } else {
      compile(n->parts[at], into(slot));
      emit_jump(is_all ? op::unless_true : op::if_true, slot, 0, end);
    }
  }
  if (to.to == target::kind::slot) {
    compile(n->parts.back(), into(slot));
    place_label(end);
    return finish(slot, to);
  }
  compile(n->parts.back(), to);
  place_label(end);
  if (to.to == target::kind::caller) emit(encode(op::give, slot));
}

void compiler::compile_sequence(node* n, target to) {
  for (std::size_t at = 0; at + 1 < n->parts.size(); ++at) compile(n->parts[at], nowhere);
  compile(n->parts.back(), to);
}

void compiler::compile_let(node* n, target to) {
  for (std::size_t at = 0; at < n->parts.size(); ++at) {
    std::uint32_t slot = take_slot();
    compile(n->parts[at], into(slot));
    n->variables[at]->slot = slot;
    n->variables[at]->owner = f_->tree;
  }
  for (variable* each : n->variables)
    if (each->is_assigned) emit(encode(op::make_box, each->slot, each->slot));
  compile(n->body, to);
}

// ---- letrec

// Closures that capture siblings which are still to come are patched when these are there.
void compiler::compile_letrec(node* n, target to) {
  struct gap {
    variable* of;
    std::uint32_t number;
    variable* wanted;
  };
  std::vector<gap> gaps;
  std::vector<variable*> not_yet;
  for (variable* each : n->variables) {
    if (each == nullptr) continue;
    each->owner = f_->tree;
    each->slot = take_slot();
    if (each->is_assigned) {
      emit(encode(op::constant, each->slot, static_cast<std::uint32_t>(add_constant(undefined))));
      emit(encode(op::make_box, each->slot, each->slot));
    } else {
      not_yet.push_back(each);
    }
  }
  for (std::size_t at = 0; at < n->parts.size(); ++at) {
    variable* var = n->variables[at];
    node* init = n->parts[at];
    if (var == nullptr) {
      compile(init, nowhere);
      continue;
    }
    if (var->is_assigned) {
      kept_slots scope{*this};
      emit(encode(op::set_box, var->slot, operand(init)));
      continue;
    }
    if (init->kind == form::lambda) {
      std::vector<std::pair<std::uint32_t, variable*>> missing;
      make_closure(*init->lambda, var->slot, not_yet, &missing);
      for (auto [number, wanted] : missing) gaps.push_back({var, number, wanted});
    } else {
      compile(init, into(var->slot));
    }
    not_yet.erase(std::find(not_yet.begin(), not_yet.end(), var));
    for (const gap& each : gaps)
      if (each.wanted == var) emit(encode(op::patch, each.of->slot, each.number, var->slot));
  }
  compile(n->body, to);
}

void compiler::make_closure(function_tree& of, std::uint32_t slot,
                            const std::vector<variable*>& not_yet,
                            std::vector<std::pair<std::uint32_t, variable*>>* missing) {
  std::vector<variable*> captures;
  local<value> compiled{m_.self(), compile_function(of, f_, captures)};
  if (captures.empty()) {
    // The same each time: made once, now.
    local<closure> made = m_.self().make<closure>(1U);
    (*made)[0] = compiled.get();
    emit(encode(op::constant, slot, static_cast<std::uint32_t>(add_constant(made))));
    return;
  }
  std::size_t at = add_constant(compiled);
  emit(encode(op::make_closure, slot, static_cast<std::uint32_t>(at),
              static_cast<std::uint32_t>(captures.size())));
  // The words that follow may want captures of this function's own: their numbers are known by then.
  for (std::size_t each = 0; each < captures.size(); ++each) {
    variable* var = captures[each];
    if (var->owner != f_->tree) {
      emit(encode(op::captured, 0, capture_of(*f_, var)));
      continue;
    }
    emit(encode(op::move, 0, var->slot));
    if (std::find(not_yet.begin(), not_yet.end(), var) != not_yet.end() && missing != nullptr)
      missing->emplace_back(static_cast<std::uint32_t>(each) + 1, var);
  }
}

// ---- Loops

void compiler::compile_loops(node* n, target to) {
  for (std::size_t at = 0; at < n->parts.size(); ++at) {
    n->variables[at]->label = add_label();
    n->variables[at]->owner = f_->tree;
    for (variable* each : n->parts[at]->lambda->parameters) {
      each->owner = f_->tree;
      each->slot = take_slot();
    }
  }
  std::size_t end = add_label();
  compile(n->body, to);
  for (std::size_t at = 0; at < n->parts.size(); ++at) {
    // The code before may come to its end.
    if (to.to != target::kind::caller &&
        (at > 0 || n->body->kind != form::call || n->body->parts[0]->var != n->variables[0]))
      emit_jump(op::jump, 0, 0, end);
    const function_tree& lambda = *n->parts[at]->lambda;
    // A call just before this falls through.
    label& start = f_->labels[n->variables[at]->label];
    if (!start.jumps.empty() && start.jumps.back() + 1 == f_->text.size()) {
      f_->text.pop_back();
      start.jumps.pop_back();
    }
    place_label(n->variables[at]->label);
    for (variable* each : lambda.parameters)
      if (each->is_assigned) emit(encode(op::make_box, each->slot, each->slot));
    compile(lambda.body, to);
  }
  place_label(end);
}

bool compiler::mentions(node* n, variable* var) const {
  if (n == nullptr) return false;
  m_.self().check_depth();
  if ((n->kind == form::local || n->kind == form::set_local) && n->var == var) return true;
  for (node* each : n->parts)
    if (mentions(each, var)) return true;
  if (mentions(n->body, var)) return true;
  return n->kind == form::lambda && mentions(n->lambda->body, var);
}

// New values go straight into the parameters' slots where no later operand reads the old ones.
void compiler::compile_loop_call(node* n) {
  variable* loop = n->parts[0]->var;
  const std::vector<variable*>& parameters = loop->loop->lambda->parameters;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> moves;
  for (std::size_t at = 0; at < parameters.size(); ++at) {
    node* init = n->parts[at + 1];
    variable* var = parameters[at];
    if (init->kind == form::local && init->var == var && !var->is_assigned) continue;
    bool is_read_later = false;
    for (std::size_t later = at + 1; later < parameters.size(); ++later)
      is_read_later = is_read_later || mentions(n->parts[later + 1], var);
    bool is_last_to_write = init->kind != form::call || called_primitive(init) != nullptr;
    is_last_to_write =
        is_last_to_write && (init->kind == form::call || init->kind == form::local ||
                             init->kind == form::constant || init->kind == form::global);
    if (!is_read_later && is_last_to_write) {
      compile(init, into(var->slot));
    } else {
      std::uint32_t slot = take_slot();
      compile(init, into(slot));
      moves.emplace_back(var->slot, slot);
    }
  }
  for (auto [to, from] : moves) emit(encode(op::move, to, from));
  emit_jump(op::jump, 0, 0, loop->label);
}

// ---- Calls

void compiler::compile_call(node* n, target to) {
  if (n->parts[0]->kind == form::local && n->parts[0]->var->loop != nullptr)
    return compile_loop_call(n);
  if (compile_primitive(n, to)) return;
  // The callee's slot may be the target itself, when that is the last that is taken.
  bool in_place = to.to == target::kind::slot && to.slot + 1 == f_->next;
  std::uint32_t callee = in_place ? to.slot : take_slot();
  compile(n->parts[0], into(callee));
  take_slot();
  for (std::size_t at = 1; at < n->parts.size(); ++at) {
    std::uint32_t slot = take_slot();
    compile(n->parts[at], into(slot));
  }
  note_line(n->line);
  auto count = static_cast<std::uint32_t>(n->parts.size() - 1);
  emit(encode(to.to == target::kind::caller ? op::tail_call : op::call, callee, count));
  if (to.to == target::kind::slot) finish(callee, to);
}

}  // namespace scheme
