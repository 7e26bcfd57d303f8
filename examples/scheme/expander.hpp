// From forms, as the reader gives them, to the syntax tree: macros, derived forms, scopes.
//
// An identifier is a symbol or an alias. Each use of a macro makes fresh aliases for the symbols that its
// template brings in, and an alias means what its symbol means where the macro was defined, unless a
// binding of that very alias is nearer. So neither side captures the other's variables.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "machine.hpp"
#include "tree.hpp"

namespace scheme {

// Names that a body binds, innermost first by `up`.
struct scope {
  struct binding {
    std::size_t id;  // in the pool: the symbol or alias
    variable* var;   // null: the name of a macro
    std::size_t macro;
  };
  const scope* up = nullptr;
  std::vector<binding> bindings;
};

// What an identifier means.
struct meaning {
  variable* var = nullptr;
  value syntax;  // a macro, a fixnum for a special form, or null
  value global;  // the symbol, when it is no local's

  friend bool operator==(const meaning&, const meaning&) = default;
};

class expander {
 public:
  // places: a table of the lines where pairs were read, or null.
  expander(machine& m, tree& into, value file, value places)
      : m_(m), tree_(into), file_(m.self(), file), places_(m.self(), places) {}

  node* expand_form(const local<value>& form) { return expand(form, nullptr, 0); }

  static void define_special_forms(machine& m);
  meaning resolve(value id, const scope* at) const;
  static bool is_identifier(value v) { return v.is<symbol>() || v.is<alias>(); }
  // As quote wants it: without aliases.
  static value strip(machine& m, const local<value>& form);
  [[noreturn]] void fail(const char* message, value form, std::uint32_t line);
  machine& m() { return m_; }

 private:
  using forms = const local<value>&;
  using special = node* (expander::*)(forms form, const scope* at, std::uint32_t line);
  struct entry {
    const char* name;
    special expand;
  };
  static const entry specials[];
  // What stands in a body, in order.
  struct item {
    variable* var;  // null: an expression
    std::size_t
        form;  // in the pool: the expression, or a list (parameters body ...) of a procedure
    bool is_procedure;
    std::uint32_t line;
  };

  std::uint32_t line_of(value form, std::uint32_t otherwise);
  node* expand(forms form, const scope* at, std::uint32_t line);
  node* expand_part(value form, const scope* at, std::uint32_t line) {
    local<value> kept{m_.self(), form};
    return expand(kept, at, line);
  }
  node* expand_identifier(value id, const scope* at, std::uint32_t line);
  node* expand_call(forms form, const scope* at, std::uint32_t line);
  node* expand_sequence(value list, const scope* at, std::uint32_t line);
  node* expand_lambda(std::size_t name, value parameters, value body, const scope* at,
                      std::uint32_t line);
  node* expand_body(value list, const scope* at, std::uint32_t line);
  void scan_body(forms list, scope* inside, std::vector<item>& items, std::uint32_t line);
  node* expand_items(std::vector<item>& items, scope* inside, std::uint32_t line);
  node* expand_item(const item& of, const scope* at);
  node* expand_quasi(forms form, std::size_t depth, const scope* at, std::uint32_t line);
  node* expand_clauses(value clauses, const scope* at, std::uint32_t line);
  node* case_test(value data, variable* key, const scope* at, std::uint32_t line);
  node* named_let(forms form, const scope* at, std::uint32_t line);
  node* let_star(value bindings, value body, const scope* at, std::uint32_t line);
  value make_macro(forms form, const scope* at, std::uint32_t line);

  node* special_quote(forms form, const scope* at, std::uint32_t line);
  node* special_quasiquote(forms form, const scope* at, std::uint32_t line);
  node* special_if(forms form, const scope* at, std::uint32_t line);
  node* special_define(forms form, const scope* at, std::uint32_t line);
  node* special_set(forms form, const scope* at, std::uint32_t line);
  node* special_lambda(forms form, const scope* at, std::uint32_t line);
  node* special_begin(forms form, const scope* at, std::uint32_t line);
  node* special_let(forms form, const scope* at, std::uint32_t line);
  node* special_let_star(forms form, const scope* at, std::uint32_t line);
  node* special_letrec(forms form, const scope* at, std::uint32_t line);
  node* special_and(forms form, const scope* at, std::uint32_t line);
  node* special_or(forms form, const scope* at, std::uint32_t line);
  node* special_cond(forms form, const scope* at, std::uint32_t line);
  node* special_case(forms form, const scope* at, std::uint32_t line);
  node* special_do(forms form, const scope* at, std::uint32_t line);
  node* special_delay(forms form, const scope* at, std::uint32_t line);
  node* special_define_syntax(forms form, const scope* at, std::uint32_t line);
  node* special_let_syntax(forms form, const scope* at, std::uint32_t line);

  // ---- Nodes
  node* constant(value v, std::uint32_t line);
  node* reference(variable* to, std::uint32_t line);
  node* call_builtin(const char* name, std::vector<node*> operands, std::uint32_t line);
  node* branch(node* test, node* then, node* otherwise, std::uint32_t line);
  node* unspecified_at(std::uint32_t line) { return constant(unspecified, line); }

  scope* add_scope(const scope* up) {
    scope& made = scopes_.emplace_back();
    made.up = up;
    return &made;
  }
  variable* bind(scope* in, value id);
  void bind_macro(scope* in, value id, const local<value>& transformer);
  bool means(value id, const scope* at, machine::known_name what) const {
    return is_identifier(id) && resolve(id, at) == resolve(m_.named(what), nullptr);
  }
  // Throws unless it is a proper list of so many elements.
  std::size_t length_at_least(value list, std::size_t least, value form, std::uint32_t line);

  machine& m_;
  tree& tree_;
  local<value> file_;
  local<value> places_;
  std::deque<scope> scopes_;
};

// A use of a macro, expanded. See syntax_rules.cpp.
value expand_macro(expander& by, const local<value>& transformer, const local<value>& form,
                   const scope* at, std::uint32_t line);

}  // namespace scheme
