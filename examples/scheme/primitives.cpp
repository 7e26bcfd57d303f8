// Calls that become instructions, and tests.
#include <cstring>

#include "compiler.hpp"

namespace scheme {

enum class shape : std::uint8_t { unary, binary, ternary, effect, arithmetic, truth };

struct compiler::primitive {
  const char* name;
  shape kind;
  op what;
  op other;  // arithmetic: with a small number; truth: unless_
  std::uint32_t operands;
};

const compiler::primitive* compiler::primitive_of(const char* name) {
  static const primitive all[] = {
      {"car", shape::unary, op::car, {}, 1},
      {"cdr", shape::unary, op::cdr, {}, 1},
      {"vector-length", shape::unary, op::vector_length, {}, 1},
      {"cons", shape::binary, op::cons, {}, 2},
      {"vector-ref", shape::binary, op::vector_ref, {}, 2},
      {"string-ref", shape::binary, op::string_ref, {}, 2},
      {"set-car!", shape::effect, op::set_car, {}, 2},
      {"set-cdr!", shape::effect, op::set_cdr, {}, 2},
      {"vector-set!", shape::effect, op::vector_set, {}, 3},
      {"+", shape::arithmetic, op::add, op::add_number, 2},
      {"-", shape::arithmetic, op::subtract, op::subtract_number, 2},
      {"*", shape::arithmetic, op::multiply, op::multiply, 2},
      {"not", shape::truth, op::if_true, op::unless_true, 1},
      {"null?", shape::truth, op::if_null, op::unless_null, 1},
      {"pair?", shape::truth, op::if_pair, op::unless_pair, 1},
      {"eq?", shape::truth, op::if_same, op::unless_same, 2},
      {"zero?", shape::truth, op::if_equal_number, op::unless_equal_number, 1},
      {"=", shape::truth, op::if_equal, op::unless_equal, 2},
      {"<", shape::truth, op::if_less, op::unless_less, 2},
      {"<=", shape::truth, op::if_most, op::unless_most, 2},
      {">", shape::truth, op::if_more_number, op::unless_more_number, 2},
      {">=", shape::truth, op::if_least_number, op::unless_least_number, 2},
  };
  for (const primitive& each : all)
    if (std::strcmp(each.name, name) == 0) return &each;
  return nullptr;
}

const compiler::primitive* compiler::called_primitive(node* n) const {
  if (n->kind != form::call) return nullptr;
  const node* head = n->parts[0];
  if (head->kind != form::global && head->kind != form::constant) return nullptr;
  value v = tree_.constants[head->constant];
  std::string_view called;
  if (head->kind == form::global) {
    called = name_of(v);
    v = v.as<symbol>()->global;
  }
  if (!v.is<builtin>()) return nullptr;
  std::string_view own = text_of(*v.as<builtin>()->name->name);
  if (head->kind == form::global && called != own) return nullptr;
  // eqv? on what is no number is eq?.
  if (own == "eqv?" && n->parts.size() == 3) {
    for (std::size_t at : {1U, 2U}) {
      if (n->parts[at]->kind != form::constant) continue;
      value datum = tree_.constants[n->parts[at]->constant];
      if (!datum.is<flonum>()) return primitive_of("eq?");
    }
    return nullptr;
  }
  const primitive* found = primitive_of(std::string(own).c_str());
  return found != nullptr && found->operands == n->parts.size() - 1 ? found : nullptr;
}

bool compiler::small_number(node* n, std::int64_t& number) const {
  if (n->kind != form::constant) return false;
  value v = tree_.constants[n->constant];
  if (!is_fixnum(v)) return false;
  number = number_in(v);
  return number == static_cast<std::int32_t>(number);
}

bool compiler::compile_primitive(node* n, target to) {
  const primitive* found = called_primitive(n);
  if (found == nullptr) return false;
  note_line(n->line);
  if (found->kind == shape::truth) {
    compile_truth(n, to);
    return true;
  }
  if (found->kind == shape::arithmetic) {
    compile_arithmetic(n, found->what, found->other, to);
    return true;
  }
  std::uint32_t operands[3] = {};
  for (std::uint32_t at = 0; at < found->operands; ++at) operands[at] = operand(n->parts[at + 1]);
  note_line(n->line);
  if (found->kind == shape::effect) {
    emit(encode(found->what, operands[0], operands[1], operands[2]));
    if (to.to == target::kind::nowhere) return true;
    std::uint32_t slot = slot_for(to);
    emit(encode(op::constant, slot, static_cast<std::uint32_t>(add_constant(unspecified))));
    finish(slot, to);
    return true;
  }
  std::uint32_t slot = slot_for(to);
  emit(encode(found->what, slot, operands[0], operands[1]));
  finish(slot, to);
  return true;
}

void compiler::compile_arithmetic(node* n, op what, op with_number, target to) {
  node* first = n->parts[1];
  node* second = n->parts[2];
  std::int64_t number = 0;
  auto is_short = [&](node* each) {
    return small_number(each, number) && number == static_cast<std::int16_t>(number);
  };
  if (what == op::add && is_short(first)) std::swap(first, second);
  if (what != op::multiply && is_short(second)) {
    std::uint32_t from = operand(first);
    std::uint32_t slot = slot_for(to);
    emit(encode(with_number, slot, from, static_cast<std::uint32_t>(number)));
    return finish(slot, to);
  }
  std::uint32_t a = operand(first);
  std::uint32_t b = operand(second);
  std::uint32_t slot = slot_for(to);
  emit(encode(what, slot, a, b));
  finish(slot, to);
}

// A test whose outcome is wanted as a value.
void compiler::compile_truth(node* n, target to) {
  if (to.to == target::kind::nowhere) {
    std::size_t end = add_label();
    compile_test(n, true, end);
    return place_label(end);
  }
  std::size_t holds = add_label();
  std::size_t end = add_label();
  std::uint32_t slot = slot_for(to);
  compile_test(n, true, holds);
  emit(encode(op::constant, slot, static_cast<std::uint32_t>(add_constant(no))));
  emit_jump(op::jump, 0, 0, end);
  place_label(holds);
  emit(encode(op::constant, slot, static_cast<std::uint32_t>(add_constant(yes))));
  place_label(end);
  finish(slot, to);
}

// ---- Tests

void compiler::compile_test(node* n, bool sense, std::size_t where) {
  kept_slots scope{*this};
  if (n->kind == form::constant) {
    if (is_true(tree_.constants[n->constant]) == sense) emit_jump(op::jump, 0, 0, where);
    return;
  }
  if (n->kind == form::conjunction || n->kind == form::disjunction) {
    // The truth that decides at once.
    bool decides = n->kind == form::disjunction;
    std::size_t end = add_label();
    for (std::size_t at = 0; at + 1 < n->parts.size(); ++at)
      compile_test(n->parts[at], decides, decides == sense ? where : end);
    compile_test(n->parts.back(), sense, where);
    return place_label(end);
  }
  if (compile_primitive_test(n, sense, where)) return;
  std::uint32_t slot = operand(n);
  emit_jump(sense ? op::if_true : op::unless_true, slot, 0, where);
}

bool compiler::compile_primitive_test(node* n, bool sense, std::size_t where) {
  const primitive* found = called_primitive(n);
  if (found == nullptr || found->kind != shape::truth) return false;
  note_line(n->line);
  switch (found->what) {
    case op::if_true:
      compile_test(n->parts[1], !sense, where);
      return true;
    case op::if_equal:
    case op::if_less:
    case op::if_most:
    case op::if_more_number:
    case op::if_least_number:
      compare(n, sense, where);
      return true;
    default:
      break;
  }
  std::uint32_t a = operand(n->parts[1]);
  std::uint32_t b = found->operands == 2 ? operand(n->parts[2]) : 0;
  note_line(n->line);
  emit_jump(sense ? found->what : found->other, a, b, where);
  return true;
}

void compiler::compare(node* n, bool sense, std::size_t where) {
  op what = called_primitive(n)->what;
  std::int64_t number = 0;
  if (small_number(n->parts[2], number) && number == static_cast<std::int16_t>(number)) {
    op with_number = what == op::if_equal  ? op::if_equal_number
                     : what == op::if_less ? op::if_less_number
                     : what == op::if_most ? op::if_most_number
                                           : what;
    std::uint32_t a = operand(n->parts[1]);
    auto chosen = static_cast<std::uint16_t>(static_cast<unsigned>(with_number) + (sense ? 0 : 1));
    return emit_jump(static_cast<op>(chosen), a, static_cast<std::uint32_t>(number), where);
  }
  std::uint32_t a = operand(n->parts[1]);
  std::uint32_t b = operand(n->parts[2]);
  // a > b is b < a.
  if (what == op::if_more_number || what == op::if_least_number) {
    std::swap(a, b);
    what = what == op::if_more_number ? op::if_less : op::if_most;
  }
  note_line(n->line);
  auto chosen = static_cast<std::uint16_t>(static_cast<unsigned>(what) + (sense ? 0 : 1));
  emit_jump(static_cast<op>(chosen), a, b, where);
}

}  // namespace scheme
