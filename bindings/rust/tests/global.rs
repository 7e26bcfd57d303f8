//! A program whose global allocator is Strata.

use std::alloc::{alloc, alloc_zeroed, dealloc, realloc, Layout};
use std::collections::HashMap;
use std::thread;

use strata_alloc::{statistics, trim, usable_size, Heap, Strata};

#[global_allocator]
static STRATA: Strata = Strata;

/// A figure of the statistics.
fn figure(name: &str) -> u64 {
    let text = statistics();
    let from = text.find(&format!("\"{name}\":")).expect(name) + name.len() + 3;
    text[from..].chars().skip_while(|c| *c == ' ').take_while(char::is_ascii_digit).collect::<String>()
        .parse().expect(name)
}

#[test]
fn collections_live_in_strata() {
    let text = String::from("a text that is long enough to be somewhere");
    assert!(usable_size(text.as_ptr()) >= text.capacity());
    let mut counts = HashMap::new();
    for word in text.split(' ') {
        *counts.entry(word.to_owned()).or_insert(0) += 1;
    }
    assert_eq!(counts["that"], 1);
    assert_eq!(usable_size(std::ptr::null::<u8>()), 0);
}

#[test]
fn every_layout_is_kept() {
    for power in 0..=16 {
        for size in [1_usize, 8, 24, 100, 1000, 5000, 70_000, 3_000_000] {
            let layout = Layout::from_size_align(size, 1 << power).unwrap();
            unsafe {
                let block = alloc(layout);
                assert!(!block.is_null() && block as usize % layout.align() == 0);
                block.write_bytes(7, size);
                let block = realloc(block, layout, 2 * size);
                assert!(!block.is_null() && block as usize % layout.align() == 0);
                assert!((0..size).all(|at| *block.add(at) == 7), "{layout:?}");
                let layout = Layout::from_size_align(2 * size, layout.align()).unwrap();
                dealloc(block, layout);
                let block = alloc_zeroed(layout);
                assert!((0..2 * size).all(|at| *block.add(at) == 0), "{layout:?}");
                dealloc(block, layout);
            }
        }
    }
}

#[test]
fn exhaustion_is_null() {
    let layout = Layout::from_size_align(isize::MAX as usize - 4096, 16).unwrap();
    assert!(unsafe { alloc(layout) }.is_null());
    let mut numbers: Vec<u8> = Vec::new();
    assert!(numbers.try_reserve_exact(isize::MAX as usize - 4096).is_err());
}

#[test]
fn threads_pass_what_they_own() {
    let threads: Vec<_> = (0..4_u64)
        .map(|id| thread::spawn(move || (0..10_000).map(|i| Box::new(id * i)).collect::<Vec<_>>()))
        .collect();
    let sum: u64 = threads.into_iter().flat_map(|each| each.join().unwrap()).map(|number| *number).sum();
    assert_eq!(sum, 6 * (0..10_000).sum::<u64>());
}

#[test]
fn heaps_go_as_a_whole() {
    let before = figure("live_bytes");
    let heap = Heap::new().unwrap();
    for size in 1..5000 {
        let layout = Layout::from_size_align(size, 64).unwrap();
        let block = heap.alloc(layout).unwrap();
        assert_eq!(block.as_ptr() as usize % 64, 0);
        unsafe { block.as_ptr().write_bytes(1, size) };
    }
    assert!(figure("live_bytes") > before + 10_000_000);
    drop(heap);
    assert!(figure("live_bytes") < before + 10_000_000);
}

#[test]
fn memory_goes_back_on_request() {
    drop(vec![1_u8; 64 << 20]);
    trim(0);
    assert!(statistics().starts_with('{'));
}
