//! Strata's allocator for Rust programs.
//!
//! ```
//! #[global_allocator]
//! static STRATA: strata_alloc::Strata = strata_alloc::Strata;
//!
//! let numbers: Vec<u64> = (0..1000).collect();
//! assert!(strata_alloc::usable_size(numbers.as_ptr()) >= 8000);
//! ```
//!
//! A program that links the library has Strata's `malloc` throughout, in its C parts as well. This crate
//! adds what Rust's side can use of it: the global allocator, usable sizes, heaps that are
//! destroyed whole, figures, and giving memory back.
#![no_std]
#![warn(missing_docs)]

extern crate alloc;

use alloc::{string::String, vec::Vec};
use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::ptr::NonNull;

#[repr(C)]
struct RawHeap {
    _private: [u8; 0],
}

extern "C" {
    fn strata_malloc(size: usize) -> *mut c_void;
    fn strata_calloc(count: usize, size: usize) -> *mut c_void;
    fn strata_realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn strata_aligned_alloc(alignment: usize, size: usize) -> *mut c_void;
    fn strata_free(block: *mut c_void);
    fn strata_usable_size(block: *const c_void) -> usize;
    fn strata_trim(keep_bytes: usize) -> usize;
    fn strata_stats_json(buffer: *mut u8, capacity: usize) -> usize;
    fn strata_heap_create() -> *mut RawHeap;
    fn strata_heap_destroy(heap: *mut RawHeap);
    fn strata_heap_aligned_alloc(heap: *mut RawHeap, alignment: usize, size: usize) -> *mut c_void;
}

/// What `malloc` aligns to, but for blocks that are shorter.
const MALLOC_ALIGNMENT: usize = 16;

/// Whether `malloc` aligns a block of this layout by itself.
#[inline]
const fn is_ordinary(layout: &Layout) -> bool {
    layout.align() <= MALLOC_ALIGNMENT && layout.align() <= layout.size()
}

/// Strata as an allocator. Stateless: all values are the same one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Strata;

// SAFETY: Strata's functions meet the contract of malloc, calloc, realloc and free: a block is aligned
// as is_ordinary tells or as asked, lives until it is freed, and overlaps no other; exhaustion is null. None
// of them unwinds.
unsafe impl GlobalAlloc for Strata {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = if is_ordinary(&layout) {
            strata_malloc(layout.size())
        } else {
            strata_aligned_alloc(layout.align(), layout.size())
        };
        block.cast()
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        strata_free(block.cast());
    }

    // Pages that come fresh from the system are not cleared again.
    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_ordinary(&layout) {
            return strata_calloc(1, layout.size()).cast();
        }
        let block = self.alloc(layout);
        if !block.is_null() {
            block.write_bytes(0, layout.size());
        }
        block
    }

    // Large blocks grow in place or by moving their pages.
    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if is_ordinary(&layout) && layout.align() <= size {
            return strata_realloc(block.cast(), size).cast();
        }
        let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
        if !moved.is_null() {
            moved.copy_from_nonoverlapping(block, layout.size().min(size));
            self.dealloc(block, layout);
        }
        moved
    }
}

/// The bytes that a block really has: at least what was asked for. `block` is live and from
/// [`Strata`], or null, for which it is 0. Anything else stops the process.
pub fn usable_size<T>(block: *const T) -> usize {
    // SAFETY: Strata finds out whether this is a block of its own before it looks at it.
    unsafe { strata_usable_size(block.cast()) }
}

/// Gives free memory back to the system now and keeps at most `keep_bytes` of it. Returns the bytes
/// given back.
pub fn trim(keep_bytes: usize) -> usize {
    // SAFETY: takes any number.
    unsafe { strata_trim(keep_bytes) }
}

/// The process's figures as JSON: `docs/statistics.md` explains each.
pub fn statistics() -> String {
    let mut text: Vec<u8> = Vec::new();
    loop {
        let capacity = text.len();
        // SAFETY: writes at most `capacity` bytes.
        let length = unsafe { strata_stats_json(text.as_mut_ptr(), capacity) };
        if length < capacity {
            text.truncate(length);
            return String::from_utf8(text).unwrap_or_default();
        }
        text.resize(length + 256, 0); // figures may have become longer meanwhile
    }
}

/// Memory that is given back all at once, when the heap is dropped. Allocation takes a lock.
///
/// ```
/// use core::alloc::Layout;
/// let heap = strata_alloc::Heap::new().expect("memory");
/// let block = heap.alloc(Layout::new::<[u64; 100]>()).expect("memory");
/// unsafe { block.cast::<u64>().as_ptr().write(7) };
/// ```
#[derive(Debug)]
pub struct Heap(NonNull<RawHeap>);

// SAFETY: a heap has a lock of its own, and belongs to no thread.
unsafe impl Send for Heap {}
unsafe impl Sync for Heap {}

impl Heap {
    /// An empty heap; `None` when there is no memory.
    pub fn new() -> Option<Heap> {
        // SAFETY: takes nothing.
        NonNull::new(unsafe { strata_heap_create() }).map(Heap)
    }

    /// A block that lives as long as the heap, uninitialised; `None` when there is no memory. No
    /// destructor runs for what is put there.
    pub fn alloc(&self, layout: Layout) -> Option<NonNull<u8>> {
        let alignment = layout.align().max(MALLOC_ALIGNMENT);
        // SAFETY: the heap is live, the alignment a power of two.
        let block = unsafe { strata_heap_aligned_alloc(self.0.as_ptr(), alignment, layout.size()) };
        NonNull::new(block.cast())
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: nobody else has it.
        unsafe { strata_heap_destroy(self.0.as_ptr()) }
    }
}
