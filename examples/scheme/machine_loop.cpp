// The loop of the machine. Addresses into the heap that it keeps in variables are looked up again when there
// has been a collection: mutator::collections says so.
#include <algorithm>

#include "code.hpp"
#include "frames.hpp"
#include "machine.hpp"
#include "numbers.hpp"

namespace scheme {
namespace {

bool add_overflows(value a, value b, value& sum) {
  std::int64_t word = 0;
  bool over = __builtin_add_overflow(static_cast<std::int64_t>(a.word() - 1),
                                     static_cast<std::int64_t>(b.word()), &word);
  sum = value::of_word(static_cast<std::uintptr_t>(word));
  return over;
}
bool subtract_overflows(value a, value b, value& difference) {
  std::int64_t word = 0;
  bool over = __builtin_sub_overflow(static_cast<std::int64_t>(a.word()),
                                     static_cast<std::int64_t>(b.word() - 1), &word);
  difference = value::of_word(static_cast<std::uintptr_t>(word));
  return over;
}
bool multiply_overflows(value a, value b, value& product) {
  std::int64_t word = 0;
  bool over = __builtin_mul_overflow(number_in(a), static_cast<std::int64_t>(b.word() - 1), &word);
  product = value::of_word(static_cast<std::uintptr_t>(word) | 1);
  return over;
}
bool is_less_word(value a, value b) {
  return static_cast<std::int64_t>(a.word()) < static_cast<std::int64_t>(b.word());
}
bool is_index(value at, std::size_t size) {
  return is_fixnum(at) && static_cast<std::size_t>(number_in(at)) < size;
}

}  // namespace

// NOLINTNEXTLINE(readability-function-size): one case an instruction
value machine::loop() {
  value* base = base_;
  const std::uint64_t* text = nullptr;       // of the running procedure
  const std::uint64_t* at = nullptr;         // the next instruction
  const ref<value>* constants = nullptr;     // K
  std::uint64_t seen = self_.collections();  // when these were looked up
  std::size_t count = 0;                     // of arguments, at apply
  bool is_resuming = false;

  auto look_up = [&](std::size_t offset) __attribute__((always_inline)) {
    code& running = *(*base[-2].as<closure>())[0].get().as<code>();
    text = running.text->data();
    at = text + offset;
    constants = running.constants->data();
    seen = self_.collections();
    stack_roots_.set_end(base + running.frame_slots);
  };
  auto refresh = [&]() __attribute__((always_inline)) {
    if (self_.collections() != seen) [[unlikely]]
      look_up(static_cast<std::size_t>(at - text));
  };

  for (;;) {
    try {
      goto apply;

      // The frame at base has its callee, its link and `count` arguments.
    apply : {
      value callee = base[-2];
      base_ = base;
      if (callee.is<closure>()) {
        code* running = (*callee.as<closure>())[0].get().as<code>();
        if (count != running->required || running->has_rest != 0) [[unlikely]] {
          text = at = running->text->data();
          if (count < running->required || running->has_rest == 0) fail_arity(count);
          collect_rest(running->required, count);
          running = (*base[-2].as<closure>())[0].get().as<code>();
          count = running->required + 1;
        }
        if (base + running->frame_slots > limit_) [[unlikely]] {
          text = at = running->text->data();
          stack_roots_.set_end(base + count);
          capture(count);
          base = base_;
        }
        look_up(0);
        self_.safepoint();
        refresh();
      } else if (callee.is<builtin>()) {
        text = at = nullptr;
        stack_roots_.set_end(std::max(stack_roots_.end(), base + count));
        const builtin& called = *callee.as<builtin>();
        if (count < called.least || count > called.most) fail_arity(count);
        switch (called.does) {
          case control::none:
            registers_[in_payload] = called.run(*this, {base, count});
            goto give_payload;
          case control::apply: {
            base[-2] = base[0];
            value list = base[count - 1];
            std::copy(base + 1, base + count - 1, base);
            count = count - 2 + spread(list, base + count - 2);
            goto apply;
          }
          case control::apply_values: {
            value values = base[0];
            base[-2] = base[1];
            count = 1;
            if (values.is<multiple>()) {
              count = values.as<multiple>()->size();
              if (base + count > limit_) fail("too many values");
              stack_roots_.set_end(std::max(stack_roots_.end(), base + count));
              std::copy(values.as<multiple>()->begin(), values.as<multiple>()->end(), base);
            }
            goto apply;
          }
          case control::call_cc: {
            value made = capture(count);
            base = base_;
            base[-2] = base[0];
            base[0] = made;
            goto apply;
          }
          case control::resume:
            registers_[in_payload] = base[1];
            registers_[in_under] = base[0];
            registers_[in_handlers] = base[0].as<continuation>()->handlers;
            registers_[in_winders] = base[0].as<continuation>()->winders;
            goto resume;
          case control::eval: {
            value compiled = compile(base[0]);
            base[-2] = compiled;
            count = 0;
            goto apply;
          }
        }
      } else if (callee.is<continuation>()) {
        text = at = nullptr;
        stack_roots_.set_end(std::max(stack_roots_.end(), base + std::max<std::size_t>(count, 2)));
        if (count != 1) base[0] = make_multiple({base, count});
        if (base[-2].as<continuation>()->winders.get() == winders()) {
          base[1] = base[0];
          base[0] = base[-2];
          registers_[in_payload] = base[1];
          registers_[in_under] = base[0];
          registers_[in_handlers] = base[0].as<continuation>()->handlers;
          goto resume;
        }
        base[1] = base[0];
        base[0] = base[-2];
        base[-2] = registers_[in_reenter];
        count = 2;
        goto apply;
      } else {
        text = at = nullptr;
        fail("not a procedure", callee);
      }
    }

      for (;;) {
        {
          std::uint64_t word = *at++;
          std::uint32_t a = a_of(word);
          switch (op_of(word)) {
            case op::move:
              base[a] = base[b_of(word)];
              break;
            case op::constant:
              base[a] = constants[b_of(word)];
              break;
            case op::number:
              base[a] = fixnum(far_of(word));
              break;
            case op::global: {
              symbol& named = *constants[b_of(word)].get().as<symbol>();
              value found = named.global;
              if (found == undefined) [[unlikely]]
                fail("an undefined variable", constants[b_of(word)]);
              base[a] = found;
              break;
            }
            case op::set_global: {
              symbol& named = *constants[b_of(word)].get().as<symbol>();
              if (named.global.get() == undefined) [[unlikely]]
                fail("set!: an undefined variable", constants[b_of(word)]);
              named.global = base[a];
              break;
            }
            case op::define_global:
              constants[b_of(word)].get().as<symbol>()->global = base[a];
              break;
            case op::captured:
              base[a] = (*base[-2].as<closure>())[b_of(word)];
              break;
            case op::make_box: {
              value made{self_.make<box>(base[b_of(word)])};
              base[a] = made;
              refresh();
              break;
            }
            case op::unbox:
            case op::unbox_captured: {
              value from = op_of(word) == op::unbox ? base[b_of(word)]
                                                    : (*base[-2].as<closure>())[b_of(word)].get();
              value found = from.as<box>()->content;
              if (found == undefined) [[unlikely]]
                fail("a variable that has no value yet");
              base[a] = found;
              break;
            }
            case op::set_box:
              base[a].as<box>()->content = base[b_of(word)];
              break;
            case op::set_captured:
              (*base[-2].as<closure>())[a].get().as<box>()->content = base[b_of(word)];
              break;
            case op::make_closure: {
              std::uint32_t captures = c_of(word);
              value made{self_.make<closure>(std::size_t{captures} + 1)};
              refresh();
              closure& into = *made.as<closure>();
              into[0] = constants[b_of(word)];
              for (std::uint32_t each = 1; each <= captures; ++each) {
                std::uint64_t from = *at++;
                into[each] = op_of(from) == op::move ? base[b_of(from)]
                                                     : (*base[-2].as<closure>())[b_of(from)].get();
              }
              base[a] = made;
              break;
            }
            case op::patch:
              (*base[a].as<closure>())[b_of(word)] = base[c_of(word)];
              break;
            case op::jump:
              at += far_of(word);
              if (far_of(word) < 0) {
                self_.safepoint();
                refresh();
              }
              break;

            case op::call: {
              count = b_of(word);
              value callee = base[a];
              if (callee.is<builtin>()) {
                const builtin& called = *callee.as<builtin>();
                if (called.does == control::none && count >= called.least && count <= called.most) {
                  base_ = base;
                  value result = called.run(*this, {base + a + 2, count});
                  base[a] = result;
                  refresh();
                  break;
                }
              }
              base[a + 1] = link_to(static_cast<std::size_t>(at - text), a + 2);
              base += a + 2;
              goto apply;
            }
            case op::tail_call:
              count = b_of(word);
              base[-2] = base[a];
              std::copy(base + a + 2, base + a + 2 + count, base);
              goto apply;
            case op::give: {
              value result = base[a];
              value link = base[-1];
              if (delta_in(link) == 0) [[unlikely]] {
                registers_[in_payload] = result;
                base_ = base;
                goto underflow;
              }
              base[-2] = result;
              base -= delta_in(link);
              look_up(offset_in(link));
              break;
            }
            case op::halt:
              return base[a];

            case op::car:
            case op::cdr: {
              value from = base[b_of(word)];
              if (!from.is<pair>()) [[unlikely]]
                fail(op_of(word) == op::car ? "car: expects a pair" : "cdr: expects a pair", from);
              base[a] = op_of(word) == op::car ? car(from) : cdr(from);
              break;
            }
            case op::cons: {
              value made{self_.make<pair>(base[b_of(word)], base[c_of(word)])};
              base[a] = made;
              refresh();
              break;
            }
            case op::set_car:
              if (!base[a].is<pair>()) [[unlikely]]
                fail("set-car!: expects a pair", base[a]);
              base[a].as<pair>()->car = base[b_of(word)];
              break;
            case op::set_cdr:
              if (!base[a].is<pair>()) [[unlikely]]
                fail("set-cdr!: expects a pair", base[a]);
              base[a].as<pair>()->cdr = base[b_of(word)];
              break;

            case op::add: {
              value x = base[b_of(word)], y = base[c_of(word)], result;
              if (!are_fixnums(x, y) || add_overflows(x, y, result)) [[unlikely]] {
                result = add(*this, x, y);
                refresh();
              }
              base[a] = result;
              break;
            }
            case op::subtract: {
              value x = base[b_of(word)], y = base[c_of(word)], result;
              if (!are_fixnums(x, y) || subtract_overflows(x, y, result)) [[unlikely]] {
                result = subtract(*this, x, y);
                refresh();
              }
              base[a] = result;
              break;
            }
            case op::multiply: {
              value x = base[b_of(word)], y = base[c_of(word)], result;
              if (!are_fixnums(x, y) || multiply_overflows(x, y, result)) [[unlikely]] {
                result = multiply(*this, x, y);
                refresh();
              }
              base[a] = result;
              break;
            }
            case op::add_number: {
              value x = base[b_of(word)], y = fixnum(signed_c(word)), result;
              if (!is_fixnum(x) || add_overflows(x, y, result)) [[unlikely]] {
                result = add(*this, x, y);
                refresh();
              }
              base[a] = result;
              break;
            }
            case op::subtract_number: {
              value x = base[b_of(word)], y = fixnum(signed_c(word)), result;
              if (!is_fixnum(x) || subtract_overflows(x, y, result)) [[unlikely]] {
                result = subtract(*this, x, y);
                refresh();
              }
              base[a] = result;
              break;
            }

            case op::vector_ref: {
              value from = base[b_of(word)], index = base[c_of(word)];
              if (!from.is<vector>()) [[unlikely]]
                fail("vector-ref: expects a vector", from);
              if (!is_index(index, from.as<vector>()->size())) [[unlikely]]
                fail("vector-ref: no such index", index);
              base[a] = (*from.as<vector>())[static_cast<std::size_t>(number_in(index))];
              break;
            }
            case op::vector_set: {
              value to = base[a], index = base[b_of(word)];
              if (!to.is<vector>()) [[unlikely]]
                fail("vector-set!: expects a vector", to);
              if (!is_index(index, to.as<vector>()->size())) [[unlikely]]
                fail("vector-set!: no such index", index);
              (*to.as<vector>())[static_cast<std::size_t>(number_in(index))] = base[c_of(word)];
              break;
            }
            case op::vector_length: {
              value from = base[b_of(word)];
              if (!from.is<vector>()) [[unlikely]]
                fail("vector-length: expects a vector", from);
              base[a] = fixnum(static_cast<std::int64_t>(from.as<vector>()->size()));
              break;
            }
            case op::string_ref: {
              value from = base[b_of(word)], index = base[c_of(word)];
              if (!from.is<string>()) [[unlikely]]
                fail("string-ref: expects a string", from);
              if (!is_index(index, from.as<string>()->size())) [[unlikely]]
                fail("string-ref: no such index", index);
              auto c = (*from.as<string>())[static_cast<std::size_t>(number_in(index))];
              base[a] = character(static_cast<unsigned char>(c));
              break;
            }

#define STRATA_SCHEME_TEST(name, distance, condition) \
  case op::if_##name:                                 \
    if (condition) at += distance;                    \
    break;                                            \
  case op::unless_##name:                             \
    if (!(condition)) at += distance;                 \
    break;
              STRATA_SCHEME_TEST(true, far_of(word), is_true(base[a]))
              STRATA_SCHEME_TEST(null, far_of(word), base[a] == nil)
              STRATA_SCHEME_TEST(pair, far_of(word), base[a].is<pair>())
              STRATA_SCHEME_TEST(same, signed_c(word), base[a] == base[b_of(word)])
              STRATA_SCHEME_TEST(equal, signed_c(word),
                                 are_fixnums(base[a], base[b_of(word)])
                                     ? base[a] == base[b_of(word)]
                                     : is_equal_number(*this, base[a], base[b_of(word)], "="))
              STRATA_SCHEME_TEST(less, signed_c(word),
                                 are_fixnums(base[a], base[b_of(word)])
                                     ? is_less_word(base[a], base[b_of(word)])
                                     : is_less(*this, base[a], base[b_of(word)], "<"))
              STRATA_SCHEME_TEST(most, signed_c(word),
                                 are_fixnums(base[a], base[b_of(word)])
                                     ? !is_less_word(base[b_of(word)], base[a])
                                     : is_most(*this, base[a], base[b_of(word)], "<="))
              STRATA_SCHEME_TEST(equal_number, signed_c(word),
                                 is_fixnum(base[a])
                                     ? base[a] == fixnum(signed_b(word))
                                     : is_equal_number(*this, base[a], fixnum(signed_b(word)), "="))
              STRATA_SCHEME_TEST(less_number, signed_c(word),
                                 is_fixnum(base[a])
                                     ? is_less_word(base[a], fixnum(signed_b(word)))
                                     : is_less(*this, base[a], fixnum(signed_b(word)), "<"))
              STRATA_SCHEME_TEST(most_number, signed_c(word),
                                 is_fixnum(base[a])
                                     ? !is_less_word(fixnum(signed_b(word)), base[a])
                                     : is_most(*this, base[a], fixnum(signed_b(word)), "<="))
              STRATA_SCHEME_TEST(more_number, signed_c(word),
                                 is_fixnum(base[a])
                                     ? is_less_word(fixnum(signed_b(word)), base[a])
                                     : is_less(*this, fixnum(signed_b(word)), base[a], ">"))
              STRATA_SCHEME_TEST(least_number, signed_c(word),
                                 is_fixnum(base[a])
                                     ? !is_less_word(base[a], fixnum(signed_b(word)))
                                     : is_most(*this, fixnum(signed_b(word)), base[a], ">="))
#undef STRATA_SCHEME_TEST
          }
        }
        continue;

        // A continuation goes on: often, a handler's, and much memory has become free.
      resume:
        is_resuming = true;
        goto underflow;

        // A builtin that was called in a frame of its own returns.
      give_payload:
        if (delta_in(base[-1]) != 0) {
          value link = base[-1];
          base[-2] = registers_[in_payload];
          base -= delta_in(link);
          look_up(offset_in(link));
          continue;
        }
      underflow:
        if (registers_[in_under].is_null()) return registers_[in_payload];
        // Nothing on the stack counts any more.
        base = base_ = stack_ + 2;
        base[-2] = undefined;
        base[-1] = underflow_link;
        stack_roots_.set_end(base);
        if (is_resuming) keep_reserve();
        is_resuming = false;
        std::size_t offset = reinstate();
        base = base_;
        look_up(offset);
      }
    } catch (const gc::out_of_memory&) {
      drop_reserve();
      registers_[in_payload] = registers_[in_out_of_memory];
    } catch (const gc::stack_overflow&) {
      registers_[in_payload] = registers_[in_overflow];
    } catch (const raised&) {
      // raise() has put it there.
    }
    base_ = base;
    note_place(static_cast<std::size_t>(at - text));
    if (handlers() == nil || registers_[in_handle] == undefined) throw raised{};
    push_handler();
    base = base_;
    count = 1;
  }
}

}  // namespace scheme
