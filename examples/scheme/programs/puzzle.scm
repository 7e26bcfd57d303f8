; Packing by brute force: vectors of flags, nested loops, backtracking. Pentomino-like bars and squares in a box.
(define width 8)
(define height 6)
(define board (make-vector (* width height) #f))
(define (piece . cells) (list->vector cells))
; Cells as offsets from the first free one.
(define shapes
  (list (piece 0 1 2 3) (piece 0 width (* 2 width) (* 3 width))
        (piece 0 1 width (+ width 1))
        (piece 0 1 2 width) (piece 0 1 2 (+ width 2)) (piece 0 width (+ width 1) (+ width 2))
        (piece 0 1 width (* 2 width)) (piece 0 1 (+ width 1) (+ (* 2 width) 1))))
(define tried 0)
(define (fits? shape at)
  (let loop ((i 0))
    (or (= i 4)
        (let* ((offset (vector-ref shape i)) (cell (+ at offset))
               (column (+ (remainder at width) (remainder offset width))))
          (and (< cell (* width height)) (< column width) (not (vector-ref board cell)) (loop (+ i 1)))))))
(define (fill! shape at with)
  (do ((i 0 (+ i 1))) ((= i 4)) (vector-set! board (+ at (vector-ref shape i)) with)))
(define (first-free at)
  (cond ((= at (* width height)) #f) ((vector-ref board at) (first-free (+ at 1))) (else at)))
(define (solve at limit)
  (let ((at (first-free at)))
    (if (not at) 1
        (let loop ((all shapes) (found 0))
          (if (or (null? all) (>= found limit)) found
              (begin
                (set! tried (+ tried 1))
                (if (fits? (car all) at)
                    (begin
                      (fill! (car all) at #t)
                      (let ((more (solve (+ at 1) (- limit found))))
                        (fill! (car all) at #f)
                        (loop (cdr all) (+ found more))))
                    (loop (cdr all) found))))))))
(display (list (solve 0 20000) tried))
(newline)
