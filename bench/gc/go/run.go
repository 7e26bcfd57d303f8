// A run of a workload on Go's heap, in the order of cpp/bench.hpp: prepare, a pass to warm up, a pass to be
// measured; then a figure a line.
//
//	go WORKLOAD SIZE COUNT
package main

import (
	"fmt"
	"math"
	"os"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"
)

type work interface {
	pass(operations *histogram) uint64
}

var workloads = map[string]func(size, count int) work{
	"gcbench":      newGcbench,
	"binary_trees": newBinaryTrees,
	"lru":          newLru,
	"graph":        newGraph,
	"quads":        newQuads,
	"weak_map":     newWeakMap,
}

func cpuNs() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func readPauses() metrics.Float64Histogram {
	sample := []metrics.Sample{{Name: "/gc/pauses:seconds"}}
	metrics.Read(sample)
	return *sample[0].Value.Float64Histogram()
}

// pausesBetween adds what came to the runtime's own histogram, each at the end of its bucket.
func pausesBetween(before, after metrics.Float64Histogram) *histogram {
	pauses := new(histogram)
	for i, count := range after.Counts {
		end := after.Buckets[i+1]
		if math.IsInf(end, 1) {
			end = after.Buckets[i]
		}
		for more := count - before.Counts[i]; more > 0; more-- {
			pauses.add(int64(end * 1e9))
		}
	}
	return pauses
}

func copied(of metrics.Float64Histogram) metrics.Float64Histogram {
	return metrics.Float64Histogram{Counts: append([]uint64{}, of.Counts...), Buckets: of.Buckets}
}

func measure(what work) {
	var result checksum
	operations := new(histogram)
	result.add(int64(what.pass(operations)))
	*operations = histogram{}
	before := copied(readPauses())
	begin, cpu := time.Now(), cpuNs()
	result.add(int64(what.pass(operations)))
	cpu = cpuNs() - cpu
	wall := time.Since(begin)
	fmt.Printf("checksum %016x\n", uint64(result))
	fmt.Printf("wall_ns %d\ncpu_ns %d\n", wall.Nanoseconds(), cpu)
	operations.print("operation")
	pausesBetween(before, readPauses()).print("pause")
}

func main() {
	if len(os.Args) == 4 && workloads[os.Args[1]] != nil {
		size, wrongSize := strconv.Atoi(os.Args[2])
		count, wrongCount := strconv.Atoi(os.Args[3])
		if wrongSize == nil && wrongCount == nil && size > 0 && count > 0 {
			measure(workloads[os.Args[1]](size, count))
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: WORKLOAD SIZE COUNT")
	os.Exit(2)
}
