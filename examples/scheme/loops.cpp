// Which letrecs are loops: see compiler.hpp.
#include "compiler.hpp"

namespace scheme {
namespace {

class loop_finder {
 public:
  explicit loop_finder(gc::mutator& self) : self_(self) {}

  void visit(node* n) {
    self_.check_depth();
    for (node* each : n->parts)
      if (each != nullptr) visit(each);
    if (n->body != nullptr) visit(n->body);
    if (n->kind == form::lambda) visit(n->lambda->body);
    if (n->kind == form::letrec && is_loop(*n)) {
      for (std::size_t at = 0; at < n->parts.size(); ++at) n->variables[at]->loop = n->parts[at];
    }
  }

 private:
  bool is_loop(const node& letrec) {
    for (std::size_t at = 0; at < letrec.parts.size(); ++at) {
      const variable* var = letrec.variables[at];
      if (var == nullptr || var->is_assigned || letrec.parts[at]->kind != form::lambda)
        return false;
      if (letrec.parts[at]->lambda->has_rest) return false;
    }
    for (std::size_t at = 0; at < letrec.parts.size(); ++at) {
      const variable* var = letrec.variables[at];
      std::size_t operands = letrec.parts[at]->lambda->parameters.size();
      std::size_t found = tail_calls(*letrec.body, var, operands);
      for (const node* part : letrec.parts) found += tail_calls(*part->lambda->body, var, operands);
      if (found == 0 || found != var->references) return false;
    }
    return true;
  }

  // Calls of var in tail position of n.
  std::size_t tail_calls(const node& n, const variable* var, std::size_t operands) {
    self_.check_depth();
    switch (n.kind) {
      case form::conditional:
        return tail_calls(*n.parts[1], var, operands) + tail_calls(*n.parts[2], var, operands);
      case form::conjunction:
      case form::disjunction:
      case form::sequence:
        return tail_calls(*n.parts.back(), var, operands);
      case form::let:
        return tail_calls(*n.body, var, operands);
      case form::letrec: {
        std::size_t found = tail_calls(*n.body, var, operands);
        for (const variable* each : n.variables) {
          if (each != nullptr && each->loop != nullptr)
            found += tail_calls(*each->loop->lambda->body, var, operands);
        }
        return found;
      }
      case form::call:
        return n.parts[0]->kind == form::local && n.parts[0]->var == var &&
                       n.parts.size() == operands + 1
                   ? 1
                   : 0;
      default:
        return 0;
    }
  }

  gc::mutator& self_;
};

}  // namespace

void find_loops(gc::mutator& self, node* in) { loop_finder{self}.visit(in); }

}  // namespace scheme
