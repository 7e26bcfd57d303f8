// The loads of objects.cpp on Go's sync.Pool. Usage: objects_go LOAD ROUNDS
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

type request struct {
	text [256]byte
	used int
}

var pool = sync.Pool{New: func() any { return new(request) }}

func use(object *request) {
	object.used = 1
	object.text[7] = 'x'
}

func pairs(rounds int) {
	for i := 0; i < rounds*1000000; i++ {
		object := pool.Get().(*request)
		use(object)
		pool.Put(object)
	}
}

func bursts(rounds int) {
	taken := make([]*request, 100)
	for i := 0; i < rounds*10000; i++ {
		for at := range taken {
			taken[at] = pool.Get().(*request)
			use(taken[at])
		}
		for _, object := range taken {
			pool.Put(object)
		}
	}
}

func main() {
	loads := map[string]func(int){"pairs": pairs, "bursts": bursts}
	if len(os.Args) != 3 || loads[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: objects_go pairs|bursts ROUNDS")
		os.Exit(2)
	}
	rounds, _ := strconv.Atoi(os.Args[2])
	var both sync.WaitGroup
	for i := 0; i < 2; i++ {
		both.Add(1)
		go func() {
			defer both.Done()
			loads[os.Args[1]](rounds)
		}()
	}
	both.Wait()
}
