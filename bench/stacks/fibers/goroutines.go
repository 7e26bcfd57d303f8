// The life of crowd.hpp as goroutines of one processor: they wait at channels that are closed, and
// yield to pass the turn on.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

const (
	turnsOfAll = 3
	waves      = 1024
	usedWords  = 256
)

type passing struct {
	begun, left, count, turns int
	begin                     time.Time
	ns                        float64
	over                      chan struct{}
}

func newPassing(count, turns int) *passing {
	return &passing{left: count, count: count, turns: turns, over: make(chan struct{})}
}

func (one *passing) takePart() {
	one.begun++
	if one.begun == one.count {
		one.begin = time.Now()
	}
	for turn := 0; turn <= one.turns; turn++ {
		runtime.Gosched()
	}
	one.left--
	if one.left == 0 {
		one.ns = nsEach(one.begin, one.count*one.turns)
		close(one.over)
	}
}

type stage struct {
	toFew, toRing, toEnd chan struct{}
	toRandom             [waves]chan struct{}
	few, ring, random    *passing
	fewCount             int
	waiting, ended       int
	allWait, allEnded    chan struct{}
	fibers               int
}

func newStage(fibers int) *stage {
	few, turns := 64, 100000
	if fibers < few {
		few = fibers
	}
	if fibers < 100000 {
		turns = 1000
	}
	on := &stage{toFew: make(chan struct{}), toRing: make(chan struct{}), toEnd: make(chan struct{}),
		few: newPassing(few, turns), ring: newPassing(fibers, turnsOfAll),
		random: newPassing(fibers, turnsOfAll), fewCount: few,
		allWait: make(chan struct{}), allEnded: make(chan struct{}), fibers: fibers}
	for i := range on.toRandom {
		on.toRandom[i] = make(chan struct{})
	}
	return on
}

// All run on one thread at a time, and are never interrupted where they count.
func (on *stage) oneMoreWaits() {
	on.waiting++
	if on.waiting == on.fibers {
		close(on.allWait)
	}
}

func (on *stage) oneMoreEnded(isWhole bool) {
	if !isWhole {
		fmt.Fprintln(os.Stderr, "wrong result: a fiber's stack has changed")
		os.Exit(1)
	}
	on.ended++
	if on.ended == on.fibers {
		close(on.allEnded)
	}
}

//go:noinline
func fill(used *[usedWords]uint32, number uint32) {
	for i := range used {
		used[i] = number
	}
}

//go:noinline
func isWhole(used *[usedWords]uint32, number uint32) bool {
	for _, word := range used {
		if word != number {
			return false
		}
	}
	return true
}

func body(on *stage, number uint32) {
	var used [usedWords]uint32
	fill(&used, number)
	on.oneMoreWaits()
	if int(number) < on.fewCount {
		<-on.toFew
		on.few.takePart()
	}
	<-on.toRing
	on.ring.takePart()
	<-on.toRandom[number*2654435769>>22]
	on.random.takePart()
	<-on.toEnd
	on.oneMoreEnded(isWhole(&used, number))
}

func shortBody(on *stage, number uint32) {
	var used [usedWords]uint32
	fill(&used, number)
	on.oneMoreWaits()
	<-on.toEnd
	on.oneMoreEnded(isWhole(&used, number))
}

func nsEach(begin time.Time, count int) float64 {
	return float64(time.Since(begin).Nanoseconds()) / float64(count)
}

func makeAll(on *stage, run func(*stage, uint32)) float64 {
	begin := time.Now()
	for number := 0; number < on.fibers; number++ {
		go run(on, uint32(number))
	}
	<-on.allWait
	return nsEach(begin, on.fibers)
}

func endAll(on *stage) float64 {
	begin := time.Now()
	close(on.toEnd)
	<-on.allEnded
	return nsEach(begin, on.fibers)
}

func bytesOf(status []byte, label string) float64 {
	_, after, _ := bytes.Cut(status, []byte(label))
	kib, _ := strconv.ParseFloat(string(bytes.Fields(after)[0]), 64)
	return kib * 1024
}

func memoryNow() (resident, tables, mappings float64) {
	status, _ := os.ReadFile("/proc/self/status")
	maps, _ := os.ReadFile("/proc/self/maps")
	return bytesOf(status, "VmRSS:"), bytesOf(status, "VmPTE:"), float64(bytes.Count(maps, []byte("\n")))
}

func tell(key string, value float64) { fmt.Printf("%s %.2f\n", key, value) }

func live(fibers int) {
	residentBefore, tablesBefore, _ := memoryNow()
	on := newStage(fibers)
	createNs := makeAll(on, body)
	resident, tables, mappings := memoryNow()
	tell("fibers", float64(fibers))
	tell("asked", float64(fibers))
	tell("create_ns", createNs)
	tell("total_bytes", resident)
	tell("resident_bytes", (resident-residentBefore)/float64(fibers))
	tell("table_bytes", (tables-tablesBefore)/float64(fibers))
	tell("mappings", mappings)
	close(on.toFew)
	<-on.few.over
	tell("few_ns", on.few.ns)
	close(on.toRing)
	<-on.ring.over
	tell("ring_ns", on.ring.ns)
	for _, each := range on.toRandom {
		close(each)
	}
	<-on.random.over
	tell("random_ns", on.random.ns)
	tell("end_ns", endAll(on))
	again := newStage(fibers)
	tell("again_ns", makeAll(again, shortBody))
	endAll(again)
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--list" {
		fmt.Println("go")
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "go" {
		if fibers, err := strconv.Atoi(os.Args[2]); err == nil && fibers > 0 {
			runtime.GOMAXPROCS(1)
			live(fibers)
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: goroutines --list | go FIBERS STACK_BYTES")
	os.Exit(2)
}
