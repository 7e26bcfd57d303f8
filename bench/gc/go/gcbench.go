package main

import "sync"

// See cpp/gcbench.hpp.
type gcbenchNode struct {
	left, right *gcbenchNode
	i, j        int32
}

const (
	leastDepth     = 4
	operationDepth = 9
	arrayLength    = 500_000
)

type gcbench struct{ depth, threads int }

func newGcbench(size, count int) work { return &gcbench{size, count} }

func (b *gcbench) pass(operations *histogram) uint64 {
	if b.threads == 1 {
		return b.alone(operations)
	}
	sums := make([]uint64, b.threads)
	each := make([]histogram, b.threads)
	var running sync.WaitGroup
	for i := range sums {
		running.Add(1)
		go func(i int) {
			defer running.Done()
			sums[i] = b.alone(&each[i])
		}(i)
	}
	running.Wait()
	var result checksum
	for i := range sums {
		result.add(int64(sums[i]))
		operations.addAll(&each[i])
	}
	return uint64(result)
}

func nodesOf(depth int) int { return 2<<depth - 1 }

// How many trees of this depth are one operation.
func treesAtOnce(depth int) int {
	if depth >= operationDepth {
		return 1
	}
	return 1 << (operationDepth - depth)
}

func least(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func (b *gcbench) alone(operations *histogram) uint64 {
	var result checksum
	result.add(measuredBottomUp(b.depth+1, operations).depth())
	lasting := new(gcbenchNode)
	lasting.measuredPopulate(b.depth, operations)
	array := make([]float64, arrayLength)
	for i := range array {
		array[i] = 1 / float64(i+1)
	}
	for depth := leastDepth; depth <= b.depth; depth += 2 {
		wanted := 2 * nodesOf(b.depth+1) / nodesOf(depth)
		makeMany(depth, wanted, topDown, measuredTopDown, &result, operations)
		makeMany(depth, wanted, bottomUp, measuredBottomUp, &result, operations)
	}
	result.add(lasting.count())
	result.add(int64(1/array[1000] + 0.5))
	return uint64(result)
}

func makeMany(depth, wanted int, small func(int) *gcbenchNode,
	large func(int, *histogram) *gcbenchNode, result *checksum, operations *histogram) {
	atOnce := treesAtOnce(depth)
	for ; wanted > 0; wanted -= atOnce {
		if depth > operationDepth {
			result.add(large(depth, operations).depth())
			continue
		}
		operations.start()
		for i := least(atOnce, wanted); i > 0; i-- {
			result.add(small(depth).depth())
		}
		operations.lap()
	}
}

func topDown(depth int) *gcbenchNode {
	root := new(gcbenchNode)
	root.populate(depth)
	return root
}

func measuredTopDown(depth int, operations *histogram) *gcbenchNode {
	root := new(gcbenchNode)
	root.measuredPopulate(depth, operations)
	return root
}

func (n *gcbenchNode) populate(depth int) {
	if depth <= 0 {
		return
	}
	n.left = new(gcbenchNode)
	n.right = new(gcbenchNode)
	n.left.populate(depth - 1)
	n.right.populate(depth - 1)
}

func (n *gcbenchNode) measuredPopulate(depth int, operations *histogram) {
	if depth <= operationDepth {
		operations.start()
		n.populate(depth)
		operations.lap()
		return
	}
	n.left = new(gcbenchNode)
	n.right = new(gcbenchNode)
	n.left.measuredPopulate(depth-1, operations)
	n.right.measuredPopulate(depth-1, operations)
}

func bottomUp(depth int) *gcbenchNode {
	if depth <= 0 {
		return new(gcbenchNode)
	}
	left := bottomUp(depth - 1)
	right := bottomUp(depth - 1)
	return &gcbenchNode{left: left, right: right}
}

func measuredBottomUp(depth int, operations *histogram) *gcbenchNode {
	if depth > operationDepth {
		left := measuredBottomUp(depth-1, operations)
		right := measuredBottomUp(depth-1, operations)
		return &gcbenchNode{left: left, right: right}
	}
	operations.start()
	tree := bottomUp(depth)
	operations.lap()
	return tree
}

func (n *gcbenchNode) count() int64 {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func (n *gcbenchNode) depth() int64 {
	depth := int64(0)
	for ; n.left != nil; n = n.left {
		depth++
	}
	return depth
}
