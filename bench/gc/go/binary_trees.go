package main

// See cpp/binary_trees.hpp.
type binaryNode struct{ left, right *binaryNode }

type binaryTrees struct{ depth, deepest int }

func newBinaryTrees(size, count int) work { return &binaryTrees{size, count} }

func (b *binaryTrees) pass(operations *histogram) uint64 {
	var result checksum
	result.add(makeAndCount(b.depth+1, 1, operations))
	lasting := measuredBinary(b.depth, operations)
	for depth := leastDepth; depth <= b.depth; depth += 2 {
		result.add(makeAndCount(depth, b.deepest<<(b.depth-depth), operations))
	}
	result.add(lasting.count())
	return uint64(result)
}

func makeAndCount(depth, wanted int, operations *histogram) int64 {
	nodes := int64(0)
	atOnce := treesAtOnce(depth)
	for ; wanted > 0; wanted -= atOnce {
		if depth > operationDepth {
			nodes += measuredBinary(depth, operations).count()
			continue
		}
		operations.start()
		for i := least(atOnce, wanted); i > 0; i-- {
			nodes += binary(depth).count()
		}
		operations.lap()
	}
	return nodes
}

func binary(depth int) *binaryNode {
	if depth <= 0 {
		return new(binaryNode)
	}
	left := binary(depth - 1)
	right := binary(depth - 1)
	return &binaryNode{left, right}
}

func measuredBinary(depth int, operations *histogram) *binaryNode {
	if depth > operationDepth {
		left := measuredBinary(depth-1, operations)
		right := measuredBinary(depth-1, operations)
		return &binaryNode{left, right}
	}
	operations.start()
	tree := binary(depth)
	operations.lap()
	return tree
}

func (n *binaryNode) count() int64 {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}
