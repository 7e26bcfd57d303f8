package main

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// See cpp/weak_map.hpp. Go 1.19 has no weak references: an entry holds its key's address hidden from the
// collector, which does not move objects, and the key's finalizer clears it.
type weakKey struct{ name, load int64 }

type weakValue struct{ number int64 }

type weakEntry struct {
	hidden atomic.Uintptr
	value  *weakValue
	next   *weakEntry
}

const sweptAtOnce = 4

type weakMap struct {
	operations int
	keys       []*weakKey
	table      []*weakEntry
	swept      int
	made       int64
	random     draw
}

func newWeakMap(size, count int) work {
	m := &weakMap{operations: count * 1000, made: 1, random: 4714}
	m.keys = make([]*weakKey, size)
	m.table = make([]*weakEntry, ceilingOf(size))
	for i := range m.keys {
		m.replace(i)
	}
	return m
}

func (m *weakMap) pass(operations *histogram) uint64 {
	var result checksum
	operations.start()
	for i := 0; i < m.operations; i++ {
		m.replace(m.random.below(len(m.keys)))
		m.sweep()
		first := m.lookUp(m.random.below(len(m.keys)))
		result.add(first + m.lookUp(m.random.below(len(m.keys))))
		operations.lap()
	}
	return uint64(result)
}

func (m *weakMap) sweep() {
	for i := 0; i < sweptAtOnce; i++ {
		from := &m.table[m.swept&(len(m.table)-1)]
		m.swept++
		for *from != nil {
			if (*from).hidden.Load() == 0 {
				*from = (*from).next
			} else {
				from = &(*from).next
			}
		}
	}
}

func (m *weakMap) bucketOf(key *weakKey) **weakEntry {
	hash := uint64(key.name) * 0x9e3779b97f4a7c15
	return &m.table[int(hash>>32)&(len(m.table)-1)]
}

func (m *weakMap) replace(at int) {
	key := &weakKey{m.made, m.made * 3}
	bucket := m.bucketOf(key)
	entry := &weakEntry{value: &weakValue{m.made * 7}, next: *bucket}
	entry.hidden.Store(uintptr(unsafe.Pointer(key)))
	runtime.SetFinalizer(key, func(*weakKey) { entry.hidden.Store(0) })
	m.made++
	*bucket = entry
	m.keys[at] = key
}

func (m *weakMap) lookUp(at int) int64 {
	key := m.keys[at]
	return m.find(key).value.number + key.load
}

func (m *weakMap) find(key *weakKey) *weakEntry {
	wanted := uintptr(unsafe.Pointer(key))
	from := m.bucketOf(key)
	for {
		entry := *from
		switch entry.hidden.Load() {
		case wanted:
			return entry
		case 0:
			*from = entry.next
		default:
			from = &entry.next
		}
	}
}
