package main

import "math/bits"

// See cpp/lru.hpp.
type lruEntry struct {
	newer, older, chain *lruEntry
	value               []byte
	key                 int64
}

const keysPerEntry = 6

type lru struct {
	lookups, keys int
	table         []*lruEntry
	ends          *lruEntry
	random        draw
}

// The least power of two that is not below.
func ceilingOf(size int) int { return 1 << bits.Len(uint(size-1)) }

func newLru(size, count int) work {
	cache := &lru{lookups: count * 1000, keys: size * keysPerEntry, random: 4711}
	cache.table = make([]*lruEntry, ceilingOf(size))
	cache.ends = new(lruEntry)
	cache.ends.newer = cache.ends
	cache.ends.older = cache.ends
	for i := 0; i < size; {
		key := cache.nextKey()
		if cache.touch(key) == 0 {
			cache.insert(key)
			i++
		}
	}
	return cache
}

func (c *lru) pass(operations *histogram) uint64 {
	var result checksum
	operations.start()
	for i := 0; i < c.lookups; i++ {
		key := c.nextKey()
		found := c.touch(key)
		result.add(found)
		if found == 0 {
			result.add(-c.forgetOldest())
			c.insert(key)
		}
		operations.lap()
	}
	return uint64(result)
}

func hashOf(key int64) uint64 { return uint64(key) * 0x9e3779b97f4a7c15 }

func lengthOf(key int64) int {
	random := draw(hashOf(key) | 1)
	random.next()
	scale := random.below(5)
	return 32 + random.below(32<<scale)
}

func (c *lru) bucketOf(key int64) **lruEntry {
	return &c.table[int(hashOf(key)>>32)&(len(c.table)-1)]
}

func (c *lru) nextKey() int64 { return int64(c.random.below(c.random.below(c.keys) + 1)) }

func (c *lru) touch(key int64) int64 {
	found := c.find(key)
	if found == nil {
		return 0
	}
	found.unlink()
	c.linkNewest(found)
	return int64(len(found.value)) + int64(found.value[0])
}

func (c *lru) find(key int64) *lruEntry {
	at := *c.bucketOf(key)
	for at != nil && at.key != key {
		at = at.chain
	}
	return at
}

func (e *lruEntry) unlink() {
	e.newer.older = e.older
	e.older.newer = e.newer
}

func (c *lru) linkNewest(one *lruEntry) {
	one.older = c.ends.older
	one.newer = c.ends
	c.ends.older.newer = one
	c.ends.older = one
}

func (c *lru) insert(key int64) {
	value := make([]byte, lengthOf(key))
	for i := range value {
		value[i] = byte(key & 127)
	}
	bucket := c.bucketOf(key)
	made := &lruEntry{value: value, key: key, chain: *bucket}
	*bucket = made
	c.linkNewest(made)
}

func (c *lru) forgetOldest() int64 {
	oldest := c.ends.newer
	oldest.unlink()
	from := c.bucketOf(oldest.key)
	for *from != oldest {
		from = &(*from).chain
	}
	*from = oldest.chain
	return oldest.key
}
