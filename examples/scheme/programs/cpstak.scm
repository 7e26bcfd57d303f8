; The same in continuation-passing style: closures that die at once.
(define (cpstak x y z)
  (define (tak x y z k)
    (if (not (< y x)) (k z)
        (tak (- x 1) y z
             (lambda (a)
               (tak (- y 1) z x
                    (lambda (b)
                      (tak (- z 1) x y (lambda (c) (tak a b c k)))))))))
  (tak x y z (lambda (a) a)))
(do ((i 0 (+ i 1)) (last 0 (cpstak 18 12 6))) ((= i 60) (display last) (newline)))
