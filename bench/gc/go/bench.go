// Random numbers, checksums and the histogram of operations: see cpp/bench.hpp.
package main

import (
	"fmt"
	"math/bits"
	"time"
)

type checksum uint64

func (sum *checksum) add(value int64) { *sum = *sum*31 + checksum(value) }

type draw uint64

func (state *draw) next() uint64 {
	*state ^= *state << 13
	*state ^= *state >> 7
	*state ^= *state << 17
	return uint64(*state)
}

func (state *draw) below(bound int) int {
	return int((state.next() >> 32) * uint64(bound) >> 32)
}

type histogram struct {
	buckets   [60 * 32]uint64
	count     uint64
	totalNs   uint64
	longestNs uint64
	last      time.Time
}

// The next operation begins now; each lap ends one and begins another.
func (h *histogram) start() { h.last = time.Now() }

func (h *histogram) lap() {
	now := time.Now()
	h.add(int64(now.Sub(h.last)))
	h.last = now
}

func (h *histogram) add(ns int64) {
	value := uint64(ns)
	shift := bits.Len64(value) - 6
	if shift < 0 {
		shift = 0
	}
	h.buckets[32*uint64(shift)+value>>shift]++
	h.count++
	h.totalNs += value
	if value > h.longestNs {
		h.longestNs = value
	}
}

func (h *histogram) addAll(other *histogram) {
	for i, count := range other.buckets {
		h.buckets[i] += count
	}
	h.count += other.count
	h.totalNs += other.totalNs
	if other.longestNs > h.longestNs {
		h.longestNs = other.longestNs
	}
}

func endOf(bucket uint64) uint64 {
	if bucket < 64 {
		return bucket
	}
	shift := bucket/32 - 1
	return (bucket-32*shift+1)<<shift - 1
}

func (h *histogram) quantileNs(share float64) uint64 {
	wanted := uint64(share * float64(h.count))
	seen := uint64(0)
	for i, count := range h.buckets {
		seen += count
		if seen > wanted {
			if end := endOf(uint64(i)); end < h.longestNs {
				return end
			}
			break
		}
	}
	return h.longestNs
}

func (h *histogram) print(name string) {
	fmt.Printf("%s_count %d\n%s_total_ns %d\n", name, h.count, name, h.totalNs)
	fmt.Printf("%s_p50_ns %d\n", name, h.quantileNs(0.5))
	fmt.Printf("%s_p99_ns %d\n", name, h.quantileNs(0.99))
	fmt.Printf("%s_p999_ns %d\n", name, h.quantileNs(0.999))
	fmt.Printf("%s_max_ns %d\n", name, h.longestNs)
}
