; The same, and each return goes through a continuation: frames to the heap and back.
(define (ctak x y z) (call/cc (lambda (k) (ctak-to k x y z))))
(define (ctak-to k x y z)
  (if (not (< y x)) (k z)
      (ctak-to k
               (call/cc (lambda (k) (ctak-to k (- x 1) y z)))
               (call/cc (lambda (k) (ctak-to k (- y 1) z x)))
               (call/cc (lambda (k) (ctak-to k (- z 1) x y))))))
(do ((i 0 (+ i 1)) (last 0 (ctak 18 12 6))) ((= i 10) (display last) (newline)))
