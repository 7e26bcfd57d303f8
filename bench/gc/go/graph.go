package main

// See cpp/graph.hpp.
const (
	degree        = 4
	rewiredAtOnce = 8
	walkLength    = 8
)

type graphEdge struct {
	to     *graphNode
	weight int64
}

type graphNode struct {
	edges [degree]*graphEdge
	name  int64
}

type graphStep struct {
	before *graphStep
	at     *graphNode
}

type graph struct {
	operations int
	nodes      []*graphNode
	random     draw
}

func newGraph(size, count int) work {
	g := &graph{operations: count * 1000, nodes: make([]*graphNode, size), random: 4712}
	for i := range g.nodes {
		g.nodes[i] = &graphNode{name: int64(i)}
	}
	for i := range g.nodes {
		for slot := 0; slot < degree; slot++ {
			g.rewire(i, slot)
		}
	}
	return g
}

func (g *graph) pass(operations *histogram) uint64 {
	var result checksum
	operations.start()
	for i := 0; i < g.operations; i++ {
		for j := 0; j < rewiredAtOnce; j++ {
			from := g.random.below(len(g.nodes))
			g.rewire(from, g.random.below(degree))
		}
		result.add(g.walk(g.random.below(len(g.nodes))))
		operations.lap()
	}
	return uint64(result)
}

func (g *graph) rewire(from, slot int) {
	made := new(graphEdge)
	made.to = g.nodes[g.random.below(len(g.nodes))]
	made.weight = int64(g.random.below(1000))
	g.nodes[from].edges[slot] = made
}

func (g *graph) walk(from int) int64 {
	sum := int64(0)
	at := g.nodes[from]
	var last *graphStep
	for i := 0; i < walkLength; i++ {
		last = &graphStep{before: last, at: at}
		next := at.edges[sum&(degree-1)]
		sum += next.weight
		at = next.to
	}
	for back := last; back != nil; back = back.before {
		sum = sum*3 + back.at.name
	}
	return sum
}
