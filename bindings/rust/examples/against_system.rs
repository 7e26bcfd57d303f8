//! The same work under the system's allocator and under Strata, in turns.
//!
//!     cargo run --release --example against_system [ROUNDS]
//!
//! Prints the median, least and most milliseconds of each load under both, and the ratio of the
//! medians. The program links libstrata, whose malloc takes the place of libc's; so "system" is what
//! glibc itself has, by the names that it keeps for itself.

use std::alloc::{GlobalAlloc, Layout};
use std::time::{Duration, Instant};

use strata_alloc::Strata;

extern "C" {
    fn __libc_malloc(size: usize) -> *mut u8;
    fn __libc_memalign(alignment: usize, size: usize) -> *mut u8;
    fn __libc_realloc(block: *mut u8, size: usize) -> *mut u8;
    fn __libc_free(block: *mut u8);
}

struct Glibc;

unsafe impl GlobalAlloc for Glibc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= 16 {
            __libc_malloc(layout.size())
        } else {
            __libc_memalign(layout.align(), layout.size())
        }
    }
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        __libc_free(block);
    }
    unsafe fn realloc(&self, block: *mut u8, _layout: Layout, size: usize) -> *mut u8 {
        __libc_realloc(block, size)
    }
}

/// Numbers that look random and are the same in every run.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize
    }
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("a small size")
}

/// Boxes of a few words that die at random, as in a tree or a map.
unsafe fn boxes(from: &dyn GlobalAlloc) {
    let mut draw = Draw(7);
    let mut live = vec![(std::ptr::null_mut::<u8>(), 0); 50_000];
    for _ in 0..3_000_000 {
        let (block, size) = &mut live[draw.next() % 50_000];
        if !block.is_null() {
            from.dealloc(*block, layout(*size));
        }
        *size = 16 + draw.next() % 112;
        *block = from.alloc(layout(*size));
        block.write(1);
    }
    for (block, size) in live.into_iter().filter(|(block, _)| !block.is_null()) {
        from.dealloc(block, layout(size));
    }
}

/// Vectors that double, as `Vec::push` does.
unsafe fn vectors(from: &dyn GlobalAlloc) {
    for _ in 0..3000 {
        let mut size = 32;
        let mut block = from.alloc(layout(size));
        while size < 1 << 20 {
            block.add(size - 1).write(1);
            block = from.realloc(block, layout(size), size * 2);
            size *= 2;
        }
        from.dealloc(block, layout(size));
    }
}

fn time(work: unsafe fn(&dyn GlobalAlloc), from: &dyn GlobalAlloc) -> Duration {
    let start = Instant::now();
    unsafe { work(from) };
    start.elapsed()
}

fn told(mut times: Vec<Duration>) -> (f64, String) {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let median = ms(times[times.len() / 2]);
    (median, format!("{:7.1} ({:.1} to {:.1})", median, ms(times[0]), ms(*times.last().unwrap())))
}

fn main() {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    let loads: [(&str, unsafe fn(&dyn GlobalAlloc)); 2] = [("boxes", boxes), ("vectors", vectors)];
    println!("ms: median (least to most)");
    for (name, work) in loads {
        let (mut system, mut strata) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            system.push(time(work, &Glibc));
            strata.push(time(work, &Strata));
        }
        let ((theirs, their_text), (ours, our_text)) = (told(system), told(strata));
        println!("{name:8} glibc {their_text}   strata {our_text}   ratio {:.2}", ours / theirs);
    }
}
