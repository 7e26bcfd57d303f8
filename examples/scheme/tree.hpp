// The syntax tree between expander and compiler: what is left of a program when macros and derived forms
// are gone. It lives as long as the compilation of one top-level form.
//
//   constant            value
//   local, global       variable
//   set_local, set_global, define_global          variable, parts[0]
//   conditional         parts: test, then, else
//   both_or_either      and, or: parts
//   sequence            parts
//   let                 variables, parts: their values; body
//   letrec              the same: values see all variables; in order, as letrec*
//   lambda              its function
//   call                parts: operator, operands
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "value.hpp"

namespace scheme {

struct function_tree;
struct node;

struct variable {
  std::size_t name = 0;        // in the pool of constants; the first there is #f
  bool is_assigned = false;    // it is in a box, then
  std::size_t references = 0;  // reads
  const node* loop = nullptr;  // the lambda, when it is a loop: see compiler.hpp
  // The compiler's.
  function_tree* owner = nullptr;
  std::uint32_t slot = 0;
  std::size_t label = 0;
};

enum class form : std::uint8_t {
  constant,
  local,
  global,
  set_local,
  set_global,
  define_global,
  conditional,
  conjunction,
  disjunction,
  sequence,
  let,
  letrec,
  lambda,
  call,
};

struct node {
  form kind;
  std::uint32_t line = 0;
  std::size_t constant = 0;  // in the pool: the value, or the symbol of a global variable
  variable* var = nullptr;
  std::vector<variable*> variables;
  std::vector<node*> parts;
  node* body = nullptr;
  function_tree* lambda = nullptr;
};

struct function_tree {
  std::size_t name = 0;
  std::vector<variable*> parameters;
  bool has_rest = false;
  node* body = nullptr;
};

// Values that the tree refers to, each by its number: a row in the heap that grows.
class pool {
 public:
  explicit pool(gc::mutator& self) : items_(self.make<vector>(16U)) {}

  std::size_t add(value v) {
    if (count_ == items_->size()) {
      local<value> kept{items_.self(), v};
      local<vector> more = items_.self().make<vector>(2 * count_);
      for (std::size_t at = 0; at < count_; ++at) (*more)[at] = (*items_)[at];
      items_ = more;
      (*items_)[count_] = kept.get();
    } else {
      (*items_)[count_] = v;
    }
    return count_++;
  }
  value operator[](std::size_t at) const { return (*items_)[at]; }

 private:
  local<vector> items_;
  std::size_t count_ = 0;
};

// What one compilation makes. Addresses of nodes and variables stay.
struct tree {
  explicit tree(gc::mutator& self) : constants(self) { constants.add(no); }

  node* add(form kind, std::uint32_t line) {
    node& made = nodes.emplace_back();
    made.kind = kind;
    made.line = line;
    return &made;
  }
  variable* add_variable(std::size_t name) {
    variable& made = variables.emplace_back();
    made.name = name;
    return &made;
  }

  pool constants;
  std::deque<node> nodes;
  std::deque<variable> variables;
  std::deque<function_tree> functions;
};

}  // namespace scheme
