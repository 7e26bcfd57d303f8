#include "expander.hpp"

#include "table.hpp"

namespace scheme {

std::uint32_t expander::line_of(value form, std::uint32_t otherwise) {
  if (places_.get().is_null()) return otherwise;
  value found = table_get(m_, *places_.as<table>(), form, no);
  return is_fixnum(found) ? static_cast<std::uint32_t>(number_in(found)) : otherwise;
}

void expander::fail(const char* message, value form, std::uint32_t line) {
  local<value> kept{m_.self(), form};
  local<value> shown{m_.self(), strip(m_, kept)};
  m_.fail_at(message, shown, file_, line);
}

meaning expander::resolve(value id, const scope* at) const {
  for (;;) {
    for (const scope* each = at; each != nullptr; each = each->up) {
      for (const scope::binding& known : each->bindings) {
        if (tree_.constants[known.id] != id) continue;
        if (known.var != nullptr) return {known.var, {}, {}};
        return {nullptr, tree_.constants[known.macro], {}};
      }
    }
    if (!id.is<alias>()) return {nullptr, id.as<symbol>()->syntax, id};
    at = static_cast<const scope*>(id.as<alias>()->scope);
    id = id.as<alias>()->of;
  }
}

value expander::strip(machine& m, const local<value>& form) {
  m.self().check_depth();
  value v = form;
  while (v.is<alias>()) v = v.as<alias>()->of;
  if (v.is<pair>()) {
    // Along the list by a loop: lists may be long.
    local<value> first{m.self(), nil}, last{m.self(), nil}, at{m.self(), v};
    while (at.get().is<pair>()) {
      local<value> part{m.self(), car(at)};
      part = strip(m, part);
      local<value> added{m.self(), m.cons(part, nil)};
      if (first.get() == nil)
        first = added;
      else
        last.as<pair>()->cdr = added;
      last = added;
      at = cdr(at);
    }
    if (at.get() != nil) {
      value end = strip(m, at);
      last.as<pair>()->cdr = end;
    }
    return first;
  }
  if (v.is<vector>()) {
    local<value> from{m.self(), v};
    local<vector> made = m.self().make<vector>(from.as<vector>()->size());
    for (std::size_t at = 0; at < made->size(); ++at) {
      local<value> part{m.self(), (*from.as<vector>())[at]};
      part = strip(m, part);
      (*made)[at] = part.get();
    }
    return made;
  }
  return v;
}

// ---- Nodes

node* expander::constant(value v, std::uint32_t line) {
  node* made = tree_.add(form::constant, line);
  made->constant = tree_.constants.add(v);
  return made;
}

node* expander::reference(variable* to, std::uint32_t line) {
  node* made = tree_.add(form::local, line);
  made->var = to;
  ++to->references;
  return made;
}

node* expander::call_builtin(const char* name, std::vector<node*> operands, std::uint32_t line) {
  node* made = tree_.add(form::call, line);
  made->parts.push_back(constant(m_.intern(name).as<symbol>()->global, line));
  made->parts.insert(made->parts.end(), operands.begin(), operands.end());
  return made;
}

node* expander::branch(node* test, node* then, node* otherwise, std::uint32_t line) {
  node* made = tree_.add(form::conditional, line);
  made->parts = {test, then, otherwise};
  return made;
}

variable* expander::bind(scope* in, value id) {
  std::size_t at = tree_.constants.add(id);
  variable* made = tree_.add_variable(at);
  in->bindings.push_back({at, made, 0});
  return made;
}

void expander::bind_macro(scope* in, value id, const local<value>& transformer) {
  std::size_t at = tree_.constants.add(id);
  in->bindings.push_back({at, nullptr, tree_.constants.add(transformer)});
}

std::size_t expander::length_at_least(value list, std::size_t least, value form,
                                      std::uint32_t line) {
  std::size_t length = 0;
  for (; list.is<pair>(); list = cdr(list)) ++length;
  if (list != nil || length < least) fail("bad syntax", form, line);
  return length;
}

// ---- Expressions

node* expander::expand(forms form, const scope* at, std::uint32_t line) {
  m_.self().check_depth();
  value v = form;
  if (is_identifier(v)) return expand_identifier(v, at, line);
  if (!v.is<pair>()) {
    if (v == nil) fail("bad syntax", v, line);
    return constant(v, line);
  }
  line = line_of(v, line);
  if (is_identifier(car(v))) {
    meaning head = resolve(car(v), at);
    if (is_fixnum(head.syntax)) {
      length_at_least(v, 1, v, line);
      return (this->*specials[number_in(head.syntax)].expand)(form, at, line);
    }
    if (head.syntax.is<macro>()) {
      local<value> transformer{m_.self(), head.syntax};
      local<value> expanded{m_.self(), expand_macro(*this, transformer, form, at, line)};
      return expand(expanded, at, line);
    }
  }
  return expand_call(form, at, line);
}

node* expander::expand_identifier(value id, const scope* at, std::uint32_t line) {
  meaning found = resolve(id, at);
  if (found.var != nullptr) return reference(found.var, line);
  if (!found.syntax.is_null()) fail("syntax is no value", id, line);
  node* made = tree_.add(form::global, line);
  made->constant = tree_.constants.add(found.global);
  return made;
}

node* expander::expand_call(forms form, const scope* at, std::uint32_t line) {
  std::size_t count = length_at_least(form, 1, form, line);
  std::vector<node*> parts;
  local<value> rest{m_.self(), form};
  for (; rest.get() != nil; rest = cdr(rest)) parts.push_back(expand_part(car(rest), at, line));
  node* head = parts[0];
  if (head->kind == form::lambda && !head->lambda->has_rest &&
      head->lambda->parameters.size() == count - 1) {
    node* made = tree_.add(form::let, line);
    made->variables = head->lambda->parameters;
    made->parts.assign(parts.begin() + 1, parts.end());
    made->body = head->lambda->body;
    return made;
  }
  node* made = tree_.add(form::call, line);
  made->parts = std::move(parts);
  return made;
}

node* expander::expand_sequence(value list, const scope* at, std::uint32_t line) {
  local<value> rest{m_.self(), list};
  node* made = tree_.add(form::sequence, line);
  for (; rest.get() != nil; rest = cdr(rest))
    made->parts.push_back(expand_part(car(rest), at, line));
  if (made->parts.empty()) return unspecified_at(line);
  return made->parts.size() == 1 ? made->parts[0] : made;
}

node* expander::expand_lambda(std::size_t name, value parameters, value body, const scope* at,
                              std::uint32_t line) {
  local<value> list{m_.self(), parameters};
  local<value> forms_of_body{m_.self(), body};
  node* made = tree_.add(form::lambda, line);
  function_tree& made_function = tree_.functions.emplace_back();
  made->lambda = &made_function;
  made_function.name = name;
  scope* inside = add_scope(at);
  for (; list.get().is<pair>(); list = cdr(list)) {
    if (!is_identifier(car(list))) fail("a parameter is no name", car(list), line);
    made_function.parameters.push_back(bind(inside, car(list)));
  }
  if (list.get() != nil) {
    if (!is_identifier(list)) fail("a parameter is no name", list, line);
    made_function.parameters.push_back(bind(inside, list));
    made_function.has_rest = true;
  }
  made_function.body = expand_body(forms_of_body, inside, line);
  return made;
}

// ---- Bodies

node* expander::expand_body(value list, const scope* at, std::uint32_t line) {
  local<value> kept{m_.self(), list};
  length_at_least(kept, 1, kept, line);
  scope* inside = add_scope(at);
  std::vector<item> items;
  scan_body(kept, inside, items, line);
  return expand_items(items, inside, line);
}

// Finds the definitions: names are bound before any value is expanded.
void expander::scan_body(forms list, scope* inside, std::vector<item>& items, std::uint32_t line) {
  local<value> rest{m_.self(), list}, form{m_.self()};
  for (; rest.get().is<pair>(); rest = cdr(rest)) {
    form = car(rest);
    std::uint32_t form_line = line_of(form, line);
    meaning head;
    for (;;) {
      head = form.get().is<pair>() && is_identifier(car(form)) ? resolve(car(form), inside)
                                                               : meaning{};
      if (!head.syntax.is<macro>()) break;
      local<value> transformer{m_.self(), head.syntax};
      form = expand_macro(*this, transformer, form, inside, form_line);
    }
    if (means(form.get().is<pair>() ? car(form) : no, inside, machine::name_begin)) {
      local<value> inner{m_.self(), cdr(form)};
      scan_body(inner, inside, items, form_line);
    } else if (means(form.get().is<pair>() ? car(form) : no, inside, machine::name_define_syntax)) {
      length_at_least(form, 3, form, form_line);
      local<value> definition{m_.self(), car(cdr(cdr(form)))};
      local<value> transformer{m_.self(), make_macro(definition, inside, form_line)};
      bind_macro(inside, cadr(form), transformer);
    } else if (means(form.get().is<pair>() ? car(form) : no, inside, machine::name_define)) {
      length_at_least(form, 2, form, form_line);
      value target = cadr(form);
      bool is_procedure = target.is<pair>();
      value id = is_procedure ? car(target) : target;
      if (!is_identifier(id)) fail("bad syntax", form, form_line);
      if (is_procedure) {
        local<value> body{m_.self(), cdr(cdr(form))};
        variable* var = bind(inside, id);
        value parts = m_.cons(cdr(cadr(form)), body);
        items.push_back({var, tree_.constants.add(parts), true, form_line});
      } else {
        variable* var = bind(inside, id);
        value init = cdr(cdr(form)) == nil ? unspecified : car(cdr(cdr(form)));
        items.push_back({var, tree_.constants.add(init), false, form_line});
      }
    } else {
      items.push_back({nullptr, tree_.constants.add(form), false, form_line});
    }
  }
}

node* expander::expand_item(const item& of, const scope* at) {
  value form = tree_.constants[of.form];
  if (of.is_procedure) return expand_lambda(of.var->name, car(form), cdr(form), at, of.line);
  node* made = expand_part(form, at, of.line);
  if (made->kind == form::lambda && of.var != nullptr && made->lambda->name == 0)
    made->lambda->name = of.var->name;
  return made;
}

// Values are expanded in order. A variable that something may read before it has its value is kept in a
// box; the others need none.
node* expander::expand_items(std::vector<item>& items, scope* inside, std::uint32_t line) {
  std::size_t values = items.size();
  while (values > 0 && items[values - 1].var == nullptr) --values;
  if (values == items.size()) {
    if (values == 0) return unspecified_at(line);
    fail("a body without an expression", nil, line);
  }
  node* body = tree_.add(form::sequence, line);
  node* whole = body;
  if (values > 0) {
    whole = tree_.add(form::letrec, line);
    whole->body = body;
    std::vector<std::size_t> before(values);
    for (std::size_t at = 0; at < values; ++at) {
      for (std::size_t later = at; later < values; ++later)
        before[later] = items[later].var == nullptr ? 0 : items[later].var->references;
      node* init = expand_item(items[at], inside);
      whole->variables.push_back(items[at].var);
      whole->parts.push_back(init);
      if (init->kind == form::lambda) continue;
      if (items[at].var != nullptr && items[at].var->references > 0)
        items[at].var->is_assigned = true;
      for (std::size_t later = at + 1; later < values; ++later) {
        variable* var = items[later].var;
        if (var != nullptr && var->references > before[later]) var->is_assigned = true;
      }
    }
  }
  for (std::size_t at = values; at < items.size(); ++at)
    body->parts.push_back(expand_item(items[at], inside));
  if (body->parts.size() == 1) {
    if (whole == body) return body->parts[0];
    whole->body = body->parts[0];
  }
  return whole;
}

}  // namespace scheme
