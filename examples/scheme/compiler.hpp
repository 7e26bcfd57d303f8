// From the syntax tree to code.
//
// Each expression is compiled towards a target: a slot of the frame, the caller (tail position), or
// nowhere. Variables and temporaries share the frame in the manner of a stack:
//
//   R | parameters | variables of let ... | temporaries | callee link operands ... |
//                                                       ^ next
//
// Loops. A letrec all of whose procedures are only ever called, and only where nothing is left to do but
// to leave the letrec, needs no procedures: their bodies are code in place, their parameters slots, and
// calls to them are jumps. Named let and do are nearly always of this kind.
//
// Primitives. A call to a global variable whose value is, when the call is compiled, the builtin of that
// name becomes an instruction: to redefine car later does not change code that is already compiled.
#pragma once

#include <memory>
#include <vector>

#include "code.hpp"
#include "machine.hpp"
#include "tree.hpp"

namespace scheme {

// Decides which letrecs are loops: sets variable::loop.
void find_loops(gc::mutator& self, node* in);

class compiler {
 public:
  compiler(machine& m, tree& of, value file) : m_(m), tree_(of), file_(m.self(), file) {}
  // A closure without parameters.
  value compile_toplevel(node* whole);

 private:
  struct target {
    enum class kind : std::uint8_t { slot, caller, nowhere } to;
    std::uint32_t slot;
  };
  static constexpr target caller{target::kind::caller, 0};
  static constexpr target nowhere{target::kind::nowhere, 0};
  static constexpr target into(std::uint32_t slot) { return {target::kind::slot, slot}; }

  struct label {
    std::size_t at = unplaced;
    std::vector<std::size_t> jumps;
  };
  static constexpr std::size_t unplaced = ~std::size_t{0};

  // A procedure in the making.
  struct function {
    function_tree* tree;
    function* up;
    std::uint32_t next = 0;
    std::uint32_t most = 0;
    std::vector<std::uint64_t> text = {};
    std::vector<std::size_t> constants = {};  // each in the tree's pool
    std::vector<variable*> captures = {};
    std::vector<place> places = {};
    std::vector<label> labels = {};
  };
  struct primitive;
  static const primitive* primitive_of(const char* name);
  // Gives the slots that are taken in a scope back at its end.
  class kept_slots {
   public:
    explicit kept_slots(compiler& of) : function_(*of.f_), next_(of.f_->next) {}
    kept_slots(const kept_slots&) = delete;
    kept_slots& operator=(const kept_slots&) = delete;
    ~kept_slots() { function_.next = next_; }

   private:
    function& function_;
    std::uint32_t next_;
  };

  value compile_function(function_tree& of, function* up, std::vector<variable*>& captures);
  value make_code(function& of);

  void compile(node* n, target to);
  void compile_local(node* n, target to);
  void compile_conditional(node* n, target to);
  void compile_all_or_any(node* n, target to);
  void compile_sequence(node* n, target to);
  void compile_let(node* n, target to);
  void compile_letrec(node* n, target to);
  void compile_loops(node* n, target to);
  void compile_loop_call(node* n);
  void compile_call(node* n, target to);
  bool compile_primitive(node* n, target to);
  void compile_arithmetic(node* n, op what, op with_number, target to);
  void compile_truth(node* n, target to);
  void make_closure(function_tree& of, std::uint32_t slot, const std::vector<variable*>& not_yet,
                    std::vector<std::pair<std::uint32_t, variable*>>* missing);
  // Jumps to `where` when the truth of n is `sense`, and goes on otherwise.
  void compile_test(node* n, bool sense, std::size_t where);
  bool compile_primitive_test(node* n, bool sense, std::size_t where);
  void compare(node* n, bool sense, std::size_t where);

  // The slot of an operand: a variable's own, or a temporary.
  std::uint32_t operand(node* n);
  void finish(std::uint32_t slot, target to);
  std::uint32_t slot_for(target to) { return to.to == target::kind::slot ? to.slot : take_slot(); }
  bool small_number(node* n, std::int64_t& number) const;
  const primitive* called_primitive(node* n) const;
  bool mentions(node* n, variable* var) const;

  std::uint32_t take_slot();
  std::size_t add_constant(value v);
  std::uint32_t capture_of(function& in, variable* var);
  void emit(std::uint64_t word) { f_->text.push_back(word); }
  void emit_jump(op what, std::uint32_t a, std::uint32_t b, std::size_t to);
  std::size_t add_label();
  void place_label(std::size_t which) { f_->labels[which].at = f_->text.size(); }
  void resolve_labels(function& of);
  void note_line(std::uint32_t line);
  [[noreturn]] void fail(const char* message) { m_.fail_at(message, undefined, file_, line_); }

  machine& m_;
  tree& tree_;
  local<value> file_;
  function* f_ = nullptr;
  std::uint32_t line_ = 0;
};

}  // namespace scheme
