; syntax-rules, and that names don't get in each other's way.
(define (show . all) (for-each (lambda (v) (write v) (display " ")) all) (newline))

(define-syntax swap!
  (syntax-rules () ((_ a b) (let ((tmp a)) (set! a b) (set! b tmp)))))
(define tmp 1)
(define other 2)
(swap! tmp other)
(show tmp other)

(define-syntax my-or
  (syntax-rules () ((_) #f) ((_ e) e) ((_ e r ...) (let ((t e)) (if t t (my-or r ...))))))
(show (let ((t 5)) (my-or #f t)))
; The macro's own names mean what they mean where it was defined.
(show (let ((if list) (let 3)) (my-or #f 'right)))

(define-syntax while
  (syntax-rules () ((_ test body ...) (let loop () (if test (begin body ... (loop)))))))
(show (let ((i 0) (loop 'mine)) (while (< i 3) (set! i (+ i 1))) (list i loop)))

(define-syntax my-let
  (syntax-rules () ((_ ((n v) ...) body ...) ((lambda (n ...) body ...) v ...))))
(show (my-let ((a 1) (b 2)) (+ a b)))
(define-syntax my-cond
  (syntax-rules (else) ((_) 'none) ((_ (else e)) e) ((_ (c e) clause ...) (if c e (my-cond clause ...)))))
(show (my-cond (#f 1) (else 2)))
(show (let ((else #f)) (my-cond (#f 1) (else 2) (#t 3))))

(define-syntax rows
  (syntax-rules () ((_ (a b ...) ...) '((a ... ) (b ... ) ...))))
(show (rows (1 2 3) (4) (5 6)))
(define-syntax last
  (syntax-rules () ((_ a ... z) 'z)))
(show (last 1 2 3) (last 1))
(define-syntax vec (syntax-rules () ((_ #(a b ...)) (list a '(b ...)))))
(show (vec #(1 2 3)))
(define-syntax dotted (syntax-rules () ((_ a . b) '(a b))))
(show (dotted 1 2 3) (dotted 1))
(define-syntax literal (syntax-rules () ((_ a) '(a (... ...)))))
(show (literal 1))
(define-syntax my-ellipsis (syntax-rules ::: () ((_ a :::) '(a ::: end))))
(show (my-ellipsis 1 2))

; Macros that define macros, local ones, recursive ones.
(define-syntax define-getter
  (syntax-rules () ((_ name value) (define-syntax name (syntax-rules () ((_) value))))))
(define-getter seven 7)
(show (seven))
(show (let-syntax ((foo (syntax-rules () ((_ x) (* x 2))))) (foo 21))
      (letrec-syntax ((ev? (syntax-rules () ((_) #t) ((_ x . r) (od? . r))))
                      (od? (syntax-rules () ((_) #f) ((_ x . r) (ev? . r)))))
        (list (ev? 1 2) (ev? 1))))
(define (f)
  (define-syntax twice (syntax-rules () ((_ e) (begin e e))))
  (define n 0)
  (twice (set! n (+ n 1)))
  n)
(show (f))
(show (let ((x 'outer))
        (let-syntax ((m (syntax-rules () ((_) x))))
          (let ((x 'inner)) (m)))))
(define-syntax def2 (syntax-rules () ((_ a b v) (begin (define a v) (define b v)))))
(def2 p q 9)
(show p q (let () (def2 r s 1) (+ r s)))
(define-syntax my-if (syntax-rules () ((_ c a b) (cond (c a) (else b)))))
(show (let ((else #f)) (my-if #f 1 2)))
(define-syntax for
  (syntax-rules (in) ((_ x in l body ...) (for-each (lambda (x) body ...) l))))
(for y in '(1 2 3) (display (* y y)) (display " "))
(newline)
(define-syntax inc! (syntax-rules () ((_ x) (inc! x 1)) ((_ x n) (set! x (+ x n)))))
(define z 1)
(inc! z) (inc! z 10)
(show z)
(define-record-type point (make-point x y) point? (x point-x set-point-x!) (y point-y))
(define pt (make-point 3 4))
(set-point-x! pt 5)
(show (point? pt) (point? 5) (point-x pt) (point-y pt) pt
      (guard (e (#t 'wrong-type)) (point-x 'a)))
(define-record-type thing (make-thing b) thing? (a thing-a set-thing-a!) (b thing-b))
(show (thing-a (make-thing 2)) (thing-b (make-thing 2)))
