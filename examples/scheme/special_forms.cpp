// The forms that the expander knows by itself.
#include "expander.hpp"

namespace scheme {

const expander::entry expander::specials[] = {
    {"quote", &expander::special_quote},
    {"quasiquote", &expander::special_quasiquote},
    {"if", &expander::special_if},
    {"define", &expander::special_define},
    {"set!", &expander::special_set},
    {"lambda", &expander::special_lambda},
    {"begin", &expander::special_begin},
    {"let", &expander::special_let},
    {"let*", &expander::special_let_star},
    {"letrec", &expander::special_letrec},
    {"letrec*", &expander::special_letrec},
    {"and", &expander::special_and},
    {"or", &expander::special_or},
    {"cond", &expander::special_cond},
    {"case", &expander::special_case},
    {"do", &expander::special_do},
    {"delay", &expander::special_delay},
    {"define-syntax", &expander::special_define_syntax},
    {"let-syntax", &expander::special_let_syntax},
    {"letrec-syntax", &expander::special_let_syntax},
};

void expander::define_special_forms(machine& m) {
  std::int64_t number = 0;
  for (const entry& each : specials) m.intern(each.name).as<symbol>()->syntax = fixnum(number++);
}

node* expander::special_quote(forms form, const scope*, std::uint32_t line) {
  if (length_at_least(form, 2, form, line) != 2) fail("bad syntax", form, line);
  local<value> quoted{m_.self(), cadr(form)};
  return constant(strip(m_, quoted), line);
}

node* expander::special_if(forms form, const scope* at, std::uint32_t line) {
  std::size_t length = length_at_least(form, 3, form, line);
  if (length > 4) fail("bad syntax", form, line);
  node* test = expand_part(cadr(form), at, line);
  node* then = expand_part(cadr(cdr(form)), at, line);
  node* otherwise =
      length == 4 ? expand_part(cadr(cdr(cdr(form))), at, line) : unspecified_at(line);
  return branch(test, then, otherwise, line);
}

// At top level: bodies find theirs by themselves.
node* expander::special_define(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 2, form, line);
  if (at != nullptr) fail("a definition among expressions", form, line);
  value target = cadr(form);
  bool is_procedure = target.is<pair>();
  local<value> id{m_.self(), is_procedure ? car(target) : target};
  while (id.get().is<alias>()) id = id.as<alias>()->of.get();
  if (!id.get().is<symbol>()) fail("bad syntax", form, line);
  node* made = tree_.add(form::define_global, line);
  made->constant = tree_.constants.add(id);
  // From here on the name is a variable.
  id.as<symbol>()->syntax = value{};
  if (is_procedure) {
    local<value> list{m_.self(), cdr(cadr(form))};
    made->parts.push_back(expand_lambda(made->constant, list, cdr(cdr(form)), at, line));
    return made;
  }
  node* init =
      cdr(cdr(form)) == nil ? unspecified_at(line) : expand_part(cadr(cdr(form)), at, line);
  if (init->kind == form::lambda && init->lambda->name == 0) init->lambda->name = made->constant;
  made->parts.push_back(init);
  return made;
}

node* expander::special_set(forms form, const scope* at, std::uint32_t line) {
  if (length_at_least(form, 3, form, line) != 3 || !is_identifier(cadr(form)))
    fail("bad syntax", form, line);
  meaning target = resolve(cadr(form), at);
  if (!target.syntax.is_null()) fail("syntax is no variable", form, line);
  node* made = tree_.add(target.var != nullptr ? form::set_local : form::set_global, line);
  made->var = target.var;
  if (target.var != nullptr)
    target.var->is_assigned = true;
  else
    made->constant = tree_.constants.add(target.global);
  made->parts.push_back(expand_part(cadr(cdr(form)), at, line));
  return made;
}

node* expander::special_lambda(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 3, form, line);
  return expand_lambda(0, cadr(form), cdr(cdr(form)), at, line);
}

node* expander::special_begin(forms form, const scope* at, std::uint32_t line) {
  return expand_sequence(cdr(form), at, line);
}

// ---- let and its kin

node* expander::special_let(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 3, form, line);
  if (is_identifier(cadr(form))) return named_let(form, at, line);
  local<value> bindings{m_.self(), cadr(form)};
  length_at_least(bindings, 0, form, line);
  node* made = tree_.add(form::let, line);
  scope* inside = add_scope(at);
  for (; bindings.get() != nil; bindings = cdr(bindings)) {
    local<value> one{m_.self(), car(bindings)};
    if (length_at_least(one, 2, form, line) != 2 || !is_identifier(car(one)))
      fail("bad syntax", form, line);
    node* init = expand_part(cadr(one), at, line);
    variable* var = bind(inside, car(one));
    if (init->kind == form::lambda && init->lambda->name == 0) init->lambda->name = var->name;
    made->parts.push_back(init);
    made->variables.push_back(var);
  }
  made->body = expand_body(cdr(cdr(form)), inside, line);
  return made;
}

// (let name ((var init) ...) body ...) = ((letrec ((name (lambda (var ...) body ...))) name) init ...)
node* expander::named_let(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 4, form, line);
  local<value> bindings{m_.self(), cadr(cdr(form))};
  local<value> names{m_.self(), nil};
  length_at_least(bindings, 0, form, line);
  scope* outer = add_scope(at);
  variable* loop = bind(outer, cadr(form));
  node* start = tree_.add(form::call, line);
  start->parts.push_back(nullptr);
  for (; bindings.get() != nil; bindings = cdr(bindings)) {
    local<value> one{m_.self(), car(bindings)};
    if (length_at_least(one, 2, form, line) != 2) fail("bad syntax", form, line);
    start->parts.push_back(expand_part(cadr(one), at, line));
    names = m_.cons(car(one), names);
  }
  local<value> in_order{m_.self(), nil};
  for (; names.get() != nil; names = cdr(names)) in_order = m_.cons(car(names), in_order);
  node* made = tree_.add(form::letrec, line);
  made->variables.push_back(loop);
  made->parts.push_back(expand_lambda(loop->name, in_order, cdr(cdr(cdr(form))), outer, line));
  start->parts[0] = reference(loop, line);
  made->body = start;
  return made;
}

node* expander::special_let_star(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 3, form, line);
  length_at_least(cadr(form), 0, form, line);
  return let_star(cadr(form), cdr(cdr(form)), at, line);
}

node* expander::let_star(value bindings, value body, const scope* at, std::uint32_t line) {
  m_.self().check_depth();
  if (bindings == nil) return expand_body(body, at, line);
  local<value> rest{m_.self(), cdr(bindings)}, kept_body{m_.self(), body};
  local<value> one{m_.self(), car(bindings)};
  if (length_at_least(one, 2, one, line) != 2 || !is_identifier(car(one)))
    fail("bad syntax", one, line);
  node* made = tree_.add(form::let, line);
  made->parts.push_back(expand_part(cadr(one), at, line));
  scope* inside = add_scope(at);
  made->variables.push_back(bind(inside, car(one)));
  made->body = let_star(rest, kept_body, inside, line);
  return made;
}

node* expander::special_letrec(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 3, form, line);
  length_at_least(cadr(form), 0, form, line);
  local<value> bindings{m_.self(), cadr(form)};
  scope* inside = add_scope(at);
  std::vector<item> items;
  for (; bindings.get() != nil; bindings = cdr(bindings)) {
    local<value> one{m_.self(), car(bindings)};
    if (length_at_least(one, 2, form, line) != 2 || !is_identifier(car(one)))
      fail("bad syntax", form, line);
    variable* var = bind(inside, car(one));
    items.push_back({var, tree_.constants.add(cadr(one)), false, line});
  }
  // The body is one of its own, with definitions of its own.
  local<value> body{m_.self(), m_.cons(nil, cdr(cdr(form)))};
  body = m_.cons(value(m_.named(machine::name_let)), body);
  items.push_back({nullptr, tree_.constants.add(body), false, line});
  return expand_items(items, inside, line);
}

// ---- Choices

node* expander::special_and(forms form, const scope* at, std::uint32_t line) {
  if (cdr(form) == nil) return constant(yes, line);
  node* made = expand_sequence(cdr(form), at, line);
  if (made->kind == form::sequence && cdr(cdr(form)) != nil) made->kind = form::conjunction;
  return made;
}

node* expander::special_or(forms form, const scope* at, std::uint32_t line) {
  if (cdr(form) == nil) return constant(no, line);
  node* made = expand_sequence(cdr(form), at, line);
  if (made->kind == form::sequence && cdr(cdr(form)) != nil) made->kind = form::disjunction;
  return made;
}

node* expander::special_cond(forms form, const scope* at, std::uint32_t line) {
  return expand_clauses(cdr(form), at, line);
}

node* expander::expand_clauses(value clauses, const scope* at, std::uint32_t line) {
  m_.self().check_depth();
  if (!clauses.is<pair>()) return unspecified_at(line);
  local<value> clause{m_.self(), car(clauses)}, rest{m_.self(), cdr(clauses)};
  std::size_t length = length_at_least(clause, 1, clause, line);
  line = line_of(clause, line);
  if (means(car(clause), at, machine::name_else)) return expand_sequence(cdr(clause), at, line);
  node* test = expand_part(car(clause), at, line);
  if (length == 1) {
    node* made = tree_.add(form::disjunction, line);
    made->parts = {test, expand_clauses(rest, at, line)};
    return made;
  }
  if (length == 3 && means(cadr(clause), at, machine::name_arrow)) {
    node* made = tree_.add(form::let, line);
    variable* found = tree_.add_variable(0);
    made->variables.push_back(found);
    made->parts.push_back(test);
    node* call = tree_.add(form::call, line);
    call->parts = {expand_part(cadr(cdr(clause)), at, line), reference(found, line)};
    made->body = branch(reference(found, line), call, expand_clauses(rest, at, line), line);
    return made;
  }
  node* then = expand_sequence(cdr(clause), at, line);
  return branch(test, then, expand_clauses(rest, at, line), line);
}

node* expander::special_case(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 3, form, line);
  node* made = tree_.add(form::let, line);
  variable* key = tree_.add_variable(0);
  made->variables.push_back(key);
  made->parts.push_back(expand_part(cadr(form), at, line));
  local<value> clauses{m_.self(), cdr(cdr(form))};
  node** hole = &made->body;
  for (; clauses.get() != nil; clauses = cdr(clauses)) {
    local<value> clause{m_.self(), car(clauses)};
    length_at_least(clause, 2, clause, line);
    std::uint32_t clause_line = line_of(clause, line);
    if (means(car(clause), at, machine::name_else)) {
      *hole = expand_sequence(cdr(clause), at, clause_line);
      return made;
    }
    node* test = case_test(car(clause), key, at, clause_line);
    *hole = branch(test, expand_sequence(cdr(clause), at, clause_line), nullptr, clause_line);
    hole = &(*hole)->parts[2];
  }
  *hole = unspecified_at(line);
  return made;
}

node* expander::case_test(value data, variable* key, const scope*, std::uint32_t line) {
  local<value> rest{m_.self(), data};
  std::size_t count = length_at_least(rest, 0, rest, line);
  node* test = tree_.add(form::disjunction, line);
  for (; rest.get() != nil; rest = cdr(rest)) {
    local<value> datum{m_.self(), car(rest)};
    node* each = constant(strip(m_, datum), line);
    test->parts.push_back(call_builtin("eqv?", {reference(key, line), each}, line));
  }
  if (count == 0) return constant(no, line);
  return count == 1 ? test->parts[0] : test;
}

// (do ((var init step) ...) (test result ...) command ...): a loop of the compiler's kind.
node* expander::special_do(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 3, form, line);
  local<value> specs{m_.self(), cadr(form)}, ending{m_.self(), cadr(cdr(form))};
  length_at_least(specs, 0, form, line);
  length_at_least(ending, 1, form, line);
  scope* inside = add_scope(at);
  variable* loop = tree_.add_variable(0);
  node* start = tree_.add(form::call, line);
  node* again = tree_.add(form::call, line);
  node* lambda = tree_.add(form::lambda, line);
  lambda->lambda = &tree_.functions.emplace_back();
  start->parts.push_back(reference(loop, line));
  again->parts.push_back(reference(loop, line));
  local<value> at_spec{m_.self(), specs};
  for (; at_spec.get() != nil; at_spec = cdr(at_spec)) {
    local<value> one{m_.self(), car(at_spec)};
    if (length_at_least(one, 2, form, line) > 3 || !is_identifier(car(one)))
      fail("bad syntax", form, line);
    start->parts.push_back(expand_part(cadr(one), at, line));
    lambda->lambda->parameters.push_back(bind(inside, car(one)));
  }
  node* test = expand_part(car(ending), inside, line);
  node* result = expand_sequence(cdr(ending), inside, line);
  node* commands = tree_.add(form::sequence, line);
  local<value> rest{m_.self(), cdr(cdr(cdr(form)))};
  for (; rest.get() != nil; rest = cdr(rest))
    commands->parts.push_back(expand_part(car(rest), inside, line));
  std::size_t number = 0;
  for (at_spec = specs; at_spec.get() != nil; at_spec = cdr(at_spec), ++number) {
    local<value> one{m_.self(), car(at_spec)};
    again->parts.push_back(cdr(cdr(one)) == nil
                               ? reference(lambda->lambda->parameters[number], line)
                               : expand_part(cadr(cdr(one)), inside, line));
  }
  commands->parts.push_back(again);
  lambda->lambda->body = branch(test, result, commands, line);
  node* made = tree_.add(form::letrec, line);
  made->variables.push_back(loop);
  made->parts.push_back(lambda);
  made->body = start;
  return made;
}

node* expander::special_delay(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 2, form, line);
  return call_builtin("make-promise-of", {expand_lambda(0, nil, cdr(form), at, line)}, line);
}

// ---- quasiquote

node* expander::special_quasiquote(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 2, form, line);
  local<value> quoted{m_.self(), cadr(form)};
  return expand_quasi(quoted, 1, at, line);
}

node* expander::expand_quasi(forms form, std::size_t depth, const scope* at, std::uint32_t line) {
  m_.self().check_depth();
  value v = form;
  if (v.is<vector>()) {
    local<value> list{m_.self(), nil};
    for (std::size_t index = form.as<vector>()->size(); index > 0; --index)
      list = m_.cons((*form.as<vector>())[index - 1], list);
    return call_builtin("list->vector", {expand_quasi(list, depth, at, line)}, line);
  }
  if (!v.is<pair>()) return constant(strip(m_, form), line);
  bool unquotes = means(car(v), at, machine::name_unquote);
  if (unquotes || means(car(v), at, machine::name_quasiquote)) {
    if (unquotes && depth == 1) return expand_part(cadr(v), at, line);
    local<value> rest{m_.self(), cdr(v)}, head{m_.self(), car(v)};
    head = strip(m_, head);
    node* kept = expand_quasi(rest, unquotes ? depth - 1 : depth + 1, at, line);
    return call_builtin("cons", {constant(head, line), kept}, line);
  }
  local<value> first{m_.self(), car(v)}, rest{m_.self(), cdr(v)};
  if (depth == 1 && first.get().is<pair>() &&
      means(car(first), at, machine::name_unquote_splicing)) {
    node* spliced = expand_part(cadr(first), at, line);
    if (rest.get() == nil) return spliced;
    return call_builtin("append", {spliced, expand_quasi(rest, depth, at, line)}, line);
  }
  node* head = expand_quasi(first, depth, at, line);
  node* tail = expand_quasi(rest, depth, at, line);
  if (head->kind == form::constant && tail->kind == form::constant)
    return constant(strip(m_, form), line);
  return call_builtin("cons", {head, tail}, line);
}

// ---- Macros

value expander::make_macro(forms form, const scope* at, std::uint32_t line) {
  local<value> rules{m_.self(), form};
  if (!rules.get().is<pair>() || !means(car(rules), at, machine::name_syntax_rules))
    fail("no syntax-rules", rules, line);
  length_at_least(rules, 2, rules, line);
  local<value> rest{m_.self(), cdr(rules)};
  local<value> ellipsis{m_.self(), m_.named(machine::name_ellipsis)};
  if (is_identifier(car(rest))) {
    ellipsis = car(rest);
    rest = cdr(rest);
    length_at_least(rest, 1, rules, line);
  }
  local<value> literals{m_.self(), car(rest)}, cases{m_.self(), cdr(rest)};
  return value(m_.self().make<macro>(literals, cases, ellipsis, static_cast<const void*>(at)));
}

node* expander::special_define_syntax(forms form, const scope* at, std::uint32_t line) {
  if (length_at_least(form, 3, form, line) != 3 || at != nullptr) fail("bad syntax", form, line);
  local<value> definition{m_.self(), cadr(cdr(form))};
  local<value> made{m_.self(), make_macro(definition, at, line)};
  value id = cadr(form);
  while (id.is<alias>()) id = id.as<alias>()->of;
  if (!id.is<symbol>()) fail("bad syntax", form, line);
  id.as<symbol>()->syntax = made;
  return unspecified_at(line);
}

node* expander::special_let_syntax(forms form, const scope* at, std::uint32_t line) {
  length_at_least(form, 3, form, line);
  local<value> bindings{m_.self(), cadr(form)};
  length_at_least(bindings, 0, form, line);
  scope* inside = add_scope(at);
  for (; bindings.get() != nil; bindings = cdr(bindings)) {
    local<value> one{m_.self(), car(bindings)};
    length_at_least(one, 2, form, line);
    local<value> definition{m_.self(), cadr(one)};
    local<value> transformer{m_.self(), make_macro(definition, inside, line)};
    bind_macro(inside, car(one), transformer);
  }
  return expand_body(cdr(cdr(form)), inside, line);
}

}  // namespace scheme
