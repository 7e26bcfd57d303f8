package main

// See cpp/quads.hpp.
type colour int64

const (
	white colour = iota
	black
	mixed
)

const side = 256

type quad struct {
	quadrants [4]*quad
	shade     colour
}

type circle struct{ x, y, radius int }

type quads struct {
	operations int
	images     []*quad
	random     draw
}

func newQuads(size, count int) work {
	q := &quads{operations: count * 100, images: make([]*quad, size), random: 4713}
	for i := range q.images {
		q.images[i] = q.disc()
	}
	return q
}

func (q *quads) pass(operations *histogram) uint64 {
	var sum checksum
	operations.start()
	for i := 0; i < q.operations; i++ {
		made := q.operation(i)
		sum.add(made.area(side))
		q.images[q.random.below(len(q.images))] = made
		operations.lap()
	}
	return uint64(sum)
}

func (q *quads) operation(number int) *quad {
	if number%2 == 0 {
		return q.disc()
	}
	first := q.randomImage()
	if number%8 == 7 {
		return first.turned()
	}
	return exclusiveOr(first, q.randomImage())
}

func (q *quads) randomImage() *quad { return q.images[q.random.below(len(q.images))] }

func (q *quads) disc() *quad {
	x := q.random.below(side)
	y := q.random.below(side)
	shape := circle{x, y, side/8 + q.random.below(side/4)}
	return shape.painted(0, 0, side)
}

func clamp(value, low, high int) int {
	if value < low {
		return low
	}
	if value > high {
		return high
	}
	return value
}

func farther(a, b int) int {
	if a < 0 {
		a = -a
	}
	if b < 0 {
		b = -b
	}
	if a > b {
		return a
	}
	return b
}

func (c circle) painted(x, y, width int) *quad {
	nearX := clamp(c.x, x, x+width-1) - c.x
	nearY := clamp(c.y, y, y+width-1) - c.y
	reach := c.radius * c.radius
	if nearX*nearX+nearY*nearY > reach {
		return &quad{shade: white}
	}
	farX := farther(x-c.x, x+width-1-c.x)
	farY := farther(y-c.y, y+width-1-c.y)
	if farX*farX+farY*farY <= reach {
		return &quad{shade: black}
	}
	half := width / 2
	first := c.painted(x, y, half)
	second := c.painted(x+half, y, half)
	third := c.painted(x, y+half, half)
	fourth := c.painted(x+half, y+half, half)
	return joined(first, second, third, fourth)
}

func exclusiveOr(a, b *quad) *quad {
	if a.shade != mixed && b.shade != mixed {
		if a.shade == b.shade {
			return &quad{shade: white}
		}
		return &quad{shade: black}
	}
	first := exclusiveOr(a.quadrant(0), b.quadrant(0))
	second := exclusiveOr(a.quadrant(1), b.quadrant(1))
	third := exclusiveOr(a.quadrant(2), b.quadrant(2))
	fourth := exclusiveOr(a.quadrant(3), b.quadrant(3))
	return joined(first, second, third, fourth)
}

// What is of one colour is so in each quadrant.
func (q *quad) quadrant(number int) *quad {
	if q.shade != mixed {
		return q
	}
	return q.quadrants[number]
}

func (q *quad) turned() *quad {
	if q.shade != mixed {
		return &quad{shade: q.shade}
	}
	first := q.quadrants[2].turned()
	second := q.quadrants[0].turned()
	third := q.quadrants[3].turned()
	fourth := q.quadrants[1].turned()
	return joined(first, second, third, fourth)
}

func joined(first, second, third, fourth *quad) *quad {
	shade := first.shade
	if shade != mixed && second.shade == shade && third.shade == shade && fourth.shade == shade {
		return first
	}
	return &quad{[4]*quad{first, second, third, fourth}, mixed}
}

func (q *quad) area(width int) int64 {
	switch q.shade {
	case white:
		return 0
	case black:
		return int64(width) * int64(width)
	}
	sum := int64(0)
	for _, quadrant := range q.quadrants {
		sum += quadrant.area(width / 2)
	}
	return sum
}
