// What must hold where memory runs out at any allocation, and where a recursion is too deep: a Scheme error,
// a heap that verifies, and a machine that goes on.
#include <gtest/gtest.h>

#include <string>

#include "machine.hpp"
#include "printer.hpp"

namespace scheme {
namespace {

// A bit of everything that allocates: reader, expander, compiler, and each kind of object.
constexpr const char* program = R"scheme(
(define-syntax swap! (syntax-rules () ((_ a b) (let ((t a)) (set! a b) (set! b t)))))
(define (tree n) (if (= n 0) '() (cons (tree (- n 1)) (vector n (* n 1.5)))))
(define (compute)
  (let ((t (make-hash-table)) (e (make-eqv-hash-table)) (out (open-output-string)) (a 1) (b 2))
    (swap! a b)
    (do ((i 0 (+ i 1))) ((= i 12))
      (hash-table-set! t (number->string i) (list i))
      (hash-table-set! e (string->symbol (string-append "s" (number->string i))) i))
    (write (tree 3) out)
    (write (call/cc (lambda (k) (dynamic-wind (lambda () #f) (lambda () (k a)) (lambda () #f)))) out)
    (write (guard (e (#t (error-object-message e))) (vector-ref (vector 1 2) 5)) out)
    (write (call-with-values (lambda () (values 1 b)) list) out)
    (write (map (lambda (x y) (+ x y)) '(1 2) (iota 2)) out)
    (write (force (delay (string->list "ab"))) out)
    (write (read (open-input-string "(1 . #(x \"y\"))")) out)
    (write `(1 ,@(list a b) . ,(eval '(let loop ((i 0)) (if (< i 3) (loop (+ i 1)) i)))) out)
    (write (list (hash-table-count t) (hash-table-ref t "7") (hash-table-count e)) out)
    (get-output-string out)))
(compute)
)scheme";

constexpr const char* expected =
    R"((((() . #(1 1.5)) . #(2 3.)) . #(3 4.5))2"vector-ref: no such index"(1 1)(1 3)(#\a #\b)(1 . #(x "y"))(1 2 1 . 3)(12 (7) 12))";

std::string text_in(value v) {
  return v.is<string>() ? std::string{text_of(*v.as<string>())} : "no string";
}

class SchemeStress : public testing::TestWithParam<gc::plan> {};

machine_options options_of(gc::plan plan) {
  return {.heap = {.max_bytes = 8 << 20, .plan = plan}, .most_depth = 200000};
}

TEST_P(SchemeStress, OutOfMemoryAtEveryAllocationIsASchemeError) {
  machine m{options_of(GetParam())};
  ASSERT_EQ(expected, text_in(m.load_text(program, "program")));
  std::size_t failures = 0;
  for (std::size_t at = 1;; ++at) {
    m.self().fail_after(at);
    try {
      m.load_text(program, "program");
      if (m.self().fail_after(0) != 0) break;
      // In the body of a guard it is the guard's to handle; the reserve does without.
      ++failures;
    } catch (const raised&) {
      EXPECT_EQ("out of memory", m.describe_raised());
      ++failures;
    } catch (const gc::out_of_memory&) {
      // Before anything ran: the port for the text.
      EXPECT_LT(at, 10U);
      ++failures;
    }
    if (at % 16 == 0) m.self().verify();
    if (at % 64 == 0) {
      ASSERT_EQ(expected, text_in(m.load_text(program, "program")));
    }
  }
  EXPECT_GT(failures, 500U);
  m.self().verify();
}

TEST_P(SchemeStress, OutOfMemoryWhileItStartsIsATypedError) {
  machine_options options = options_of(GetParam());
  std::size_t failures = 0;
  // Every allocation of the first hundred, and then ever fewer.
  for (std::size_t at = 1;; at += 1 + at / 20) {
    options.heap.stress.fail_after = at;
    try {
      machine m{options};
      // The reserve, which is the last, may be left out.
      EXPECT_EQ(fixnum(3), m.load_text("(+ 1 2)", "sum"));
      break;
    } catch (const gc::out_of_memory&) {
      ++failures;
    } catch (const raised&) {
      ++failures;
    }
  }
  EXPECT_GT(failures, 100U);
}

TEST_P(SchemeStress, AHandlerRunsWithMemoryShort) {
  machine m{options_of(GetParam())};
  for (int time = 0; time < 3; ++time) {
    value caught = m.load_text(
        "(define (grow l) (grow (cons (make-vector 100 l) l)))"
        "(let loop ((i 0) (caught 0))"
        "  (if (= i 3) caught"
        "      (loop (+ i 1) (guard (e ((error-object? e) (+ caught 1))) (grow '())))))",
        "grow");
    EXPECT_EQ(fixnum(3), caught);
    m.self().verify();
  }
}

TEST_P(SchemeStress, StackOverflowAtRandomDepthsIsASchemeError) {
  std::uint64_t seed = 7;
  for (int time = 0; time < 20; ++time) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    machine_options options = options_of(GetParam());
    options.most_depth = 100 + (seed >> 40) % 300000;
    options.heap.max_bytes = 32 << 20;
    machine m{options};
    value caught = m.load_text(
        "(define (dig n) (+ 1 (dig (+ n 1))))"
        "(define (dig-by-map n) (car (map dig-by-map (list n))))"
        "(define (try f) (guard (e (#t (error-object-message e))) (f 0)))"
        "(let ((first (try dig)) (second (try dig-by-map))) (and (equal? first second) first))",
        "dig");
    EXPECT_EQ("stack overflow: a recursion too deep", text_in(caught)) << options.most_depth;
    m.self().verify();
    EXPECT_EQ(fixnum(5050),
              m.load_text("(let sum ((n 100)) (if (= n 0) 0 (+ n (sum (- n 1)))))", "sum"));
  }
}

TEST_P(SchemeStress, EveryAllocationCollectsAndMovesEverything) {
  machine_options options = options_of(GetParam());
  options.heap.stress = {.collect_every = 1, .protect_moved = true};
  machine m{options};
  EXPECT_EQ(expected, text_in(m.load_text(program, "program")));
  m.self().verify();
}

INSTANTIATE_TEST_SUITE_P(Plans, SchemeStress,
                         testing::Values(gc::plan::semispace, gc::plan::mark_sweep, gc::plan::immix,
                                         gc::plan::generational, gc::plan::generational_concurrent,
                                         gc::plan::lisp2, gc::plan::compressor,
                                         gc::plan::two_finger));

}  // namespace
}  // namespace scheme
