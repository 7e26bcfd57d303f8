; What is simpler in Scheme than in the machine. Compiled at each start.

(define (map f first . rest)
  (if (null? rest)
      (let loop ((at first) (made '()))
        (if (pair? at)
            (loop (cdr at) (cons (f (car at)) made))
            (reverse made)))
      (let loop ((at (cons first rest)) (made '()))
        (if (%all-pairs? at)
            (loop (%cdrs at) (cons (apply f (%cars at)) made))
            (reverse made)))))

(define (for-each f first . rest)
  (if (null? rest)
      (let loop ((at first))
        (if (pair? at)
            (begin (f (car at)) (loop (cdr at)))))
      (let loop ((at (cons first rest)))
        (if (%all-pairs? at)
            (begin (apply f (%cars at)) (loop (%cdrs at)))))))

(define (%all-pairs? lists)
  (or (null? lists) (and (pair? (car lists)) (%all-pairs? (cdr lists)))))
(define (%cars lists)
  (if (null? lists) '() (cons (car (car lists)) (%cars (cdr lists)))))
(define (%cdrs lists)
  (if (null? lists) '() (cons (cdr (car lists)) (%cdrs (cdr lists)))))

(define (vector-map f v) (list->vector (map f (vector->list v))))
(define (vector-for-each f v)
  (do ((at 0 (+ at 1))) ((= at (vector-length v))) (f (vector-ref v at))))
(define (string-for-each f s)
  (do ((at 0 (+ at 1))) ((= at (string-length s))) (f (string-ref s at))))
(define (list-copy l) (append l '()))
(define (filter keep? l)
  (let loop ((at l) (made '()))
    (cond ((null? at) (reverse made))
          ((keep? (car at)) (loop (cdr at) (cons (car at) made)))
          (else (loop (cdr at) made)))))
(define (fold-left f made l)
  (if (null? l) made (fold-left f (f made (car l)) (cdr l))))
(define (fold-right f made l)
  (let loop ((at (reverse l)) (made made))
    (if (null? at) made (loop (cdr at) (f (car at) made)))))
(define (list-index wanted? l)
  (let loop ((at l) (index 0))
    (cond ((null? at) #f) ((wanted? (car at)) index) (else (loop (cdr at) (+ index 1))))))
(define (iota count . start)
  (let loop ((at (- count 1)) (made '()))
    (if (< at 0) made
        (loop (- at 1) (cons (if (null? start) at (+ at (car start))) made)))))

; Merges; what is equal stays in order.
(define (sort l less?)
  (define (merge a b)
    (let loop ((a a) (b b) (made '()))
      (cond ((null? a) (append (reverse made) b))
            ((null? b) (append (reverse made) a))
            ((less? (car b) (car a)) (loop a (cdr b) (cons (car b) made)))
            (else (loop (cdr a) b (cons (car a) made))))))
  (define (sorted l count)
    (if (< count 2)
        (if (= count 0) '() (list (car l)))
        (let ((half (quotient count 2)))
          (merge (sorted l half) (sorted (list-tail l half) (- count half))))))
  (if (vector? l)
      (list->vector (sort (vector->list l) less?))
      (sorted l (length l))))

(define (even? n) (= 0 (remainder n 2)))
(define (odd? n) (not (even? n)))
(define (positive? n) (> n 0))
(define (negative? n) (< n 0))
(define (abs n) (if (< n 0) (- n) n))
(define (lcm . all)
  (fold-left (lambda (a b) (if (or (= a 0) (= b 0)) 0 (quotient (abs (* a b)) (gcd a b)))) 1 all))
(define (exact-integer? n) (exact? n))
(define (boolean=? a b) (eq? a b))

(define (hash-table-update! t key change . default)
  (hash-table-set! t key (change (apply hash-table-ref t key default))))
(define (hash-table-keys t) (map car (hash-table->alist t)))
(define (hash-table-values t) (map cdr (hash-table->alist t)))
(define (hash-table-walk t f)
  (for-each (lambda (entry) (f (car entry) (cdr entry))) (hash-table->alist t)))
(define (hash-table-contains? t key)
  (let ((missing (list #f))) (not (eq? missing (hash-table-ref t key missing)))))

; ---- Control

(define (call-with-values producer consumer) (%apply-values (producer) consumer))

(define (force p)
  (if (not (promise? p)) p
      (if (%promise-done? p)
          (%promise-content p)
          (%finish-promise! p ((%promise-content p))))))

; winders: a list of (before . after), innermost first.
(define (dynamic-wind before thunk after)
  (before)
  (%set-winders! (cons (cons before after) (%winders)))
  (let ((result (thunk)))
    (%set-winders! (cdr (%winders)))
    (after)
    result))

(define (%rewind! to)
  (let ((from (%winders)))
    (if (not (eq? from to))
        (let ((from-length (length from)) (to-length (length to)))
          (if (> from-length to-length)
              (begin
                (%set-winders! (cdr from))
                ((cdr (car from)))
                (%rewind! to))
              (if (and (= from-length to-length) (not (eq? (cdr from) (cdr to))))
                  (begin
                    (%set-winders! (cdr from))
                    ((cdr (car from)))
                    (%rewind! to))
                  (begin
                    (%rewind! (if (= from-length to-length) (cdr from) (cdr to)))
                    (if (not (= from-length to-length))
                        (begin
                          ((car (car to)))
                          (%set-winders! to))
                        (%rewind! to)))))))))

(%set-reenter!
 (lambda (k result)
   (%rewind! (%continuation-winders k))
   (%resume k result)))

; A handler runs with the handlers around it.
(define (with-exception-handler handler thunk)
  (let ((before (%handlers)))
    (%set-handlers! (cons handler before))
    (let ((result (thunk)))
      (%set-handlers! before)
      result)))

(define (raise-continuable object)
  (let ((all (%handlers)))
    (if (null? all)
        (raise object)
        (begin
          (%set-handlers! (cdr all))
          (let ((result ((car all) object)))
            (%set-handlers! all)
            result)))))

(%set-handle!
 (lambda (object)
   (let ((all (%handlers)))
     (%set-handlers! (cdr all))
     ((car all) object)
     (error "a handler returned" object))))

(define-syntax when
  (syntax-rules () ((_ test body ...) (if test (begin body ...)))))
(define-syntax unless
  (syntax-rules () ((_ test body ...) (if test #f (begin body ...)))))

(define-syntax guard
  (syntax-rules ()
    ((_ (name clause ...) body ...)
     ((call/cc
       (lambda (leave)
         (with-exception-handler
          (lambda (raised)
            (leave (lambda () (let ((name raised)) (%guard-clauses name clause ...)))))
          (lambda ()
            (let ((result (let () body ...)))
              (lambda () result))))))))))
(define-syntax %guard-clauses
  (syntax-rules (else)
    ((_ name clause ... (else body ...)) (cond clause ... (else body ...)))
    ((_ name clause ...) (cond clause ... (else (raise name))))))

(define-syntax delay-force (syntax-rules () ((_ e) (delay (force e)))))
(define-syntax make-lazy (syntax-rules () ((_ e) (delay e))))
(define-syntax cons-stream
  (syntax-rules () ((_ a b) (cons a (delay b)))))
(define-syntax let-values
  (syntax-rules ()
    ((_ () body ...) (let () body ...))
    ((_ ((names producer) more ...) body ...)
     (call-with-values (lambda () producer)
       (lambda names (let-values (more ...) body ...))))))
(define-syntax receive
  (syntax-rules ()
    ((_ names producer body ...)
     (call-with-values (lambda () producer) (lambda names body ...)))))
(define-syntax case-lambda
  (syntax-rules ()
    ((_ (names body ...) ...)
     (lambda all (%case-lambda (length all) all (names body ...) ...)))))
(define-syntax %case-lambda
  (syntax-rules ()
    ((_ count all) (error "case-lambda: no clause for so many arguments" count))
    ((_ count all ((name ...) body ...) more ...)
     (if (= count (length '(name ...)))
         (apply (lambda (name ...) body ...) all)
         (%case-lambda count all more ...)))
    ((_ count all (names body ...) more ...)
     (apply (lambda names body ...) all))))
(define-syntax assert
  (syntax-rules () ((_ e) (if e #t (error "an assertion does not hold" 'e)))))
(define-syntax define-record-type
  (syntax-rules ()
    ((_ name (make field ...) is? spec ...)
     (begin
       (define name (%record #f 'name))
       (define (is? v) (%record? v name))
       (define make (%record-maker name '(field ...) '(spec ...)))
       (%define-fields name 1 spec ...)))))
(define-syntax %define-fields
  (syntax-rules ()
    ((_ name number) #t)
    ((_ name number (field) more ...) (%define-fields name (+ number 1) more ...))
    ((_ name number (field get) more ...)
     (begin (define (get r) (%record-ref r name number))
            (%define-fields name (+ number 1) more ...)))
    ((_ name number (field get set) more ...)
     (begin (define (get r) (%record-ref r name number))
            (define (set r v) (%record-set! r name number v))
            (%define-fields name (+ number 1) more ...)))))
; Arguments in the order of the constructor, fields in the order of the definition.
(define (%record-maker type arguments specs)
  (let ((fields (map car specs)))
    (if (equal? arguments fields)
        (lambda values (apply %record type values))
        (lambda values
          (apply %record type
                 (map (lambda (field)
                        (let loop ((names arguments) (at values))
                          (cond ((null? names) #f)
                                ((eq? (car names) field) (car at))
                                (else (loop (cdr names) (cdr at))))))
                      fields))))))

; ---- Files

(define (load name)
  (let ((from (open-input-file name)))
    (let loop ((result #t))
      (let ((form (read from)))
        (if (eof-object? form)
            (begin (close-port from) result)
            (loop (eval form)))))))
(define (interaction-environment) 'interaction)
(define (call-with-output-string f)
  (let ((to (open-output-string))) (f to) (get-output-string to)))
(define (with-output-to-string thunk)
  (let ((to (open-output-string)) (before #f))
    (dynamic-wind
     (lambda () (set! before (%set-output! to)))
     thunk
     (lambda () (%set-output! before)))
    (get-output-string to)))
(define (call-with-output-file name f)
  (let* ((to (open-output-file name)) (result (f to))) (close-port to) result))
(define (call-with-input-file name f)
  (let* ((from (open-input-file name)) (result (f from))) (close-port from) result))
