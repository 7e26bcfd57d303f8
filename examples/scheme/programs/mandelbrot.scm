; Flonums: every operation makes one.
(define (escapes cr ci limit)
  (let loop ((zr 0.) (zi 0.) (n 0))
    (let ((rr (* zr zr)) (ii (* zi zi)))
      (if (or (= n limit) (> (+ rr ii) 4.)) n
          (loop (+ cr (- rr ii)) (+ ci (* 2. zr zi)) (+ n 1))))))
(define (count size limit)
  (let rows ((y 0) (inside 0))
    (if (= y size) inside
        (let columns ((x 0) (inside inside))
          (if (= x size) (rows (+ y 1) inside)
              (columns (+ x 1)
                       (if (= limit (escapes (- (/ (* 3. x) size) 2.) (- (/ (* 3. y) size) 1.5) limit))
                           (+ inside 1) inside)))))))
(display (count 200 100))
(newline)
