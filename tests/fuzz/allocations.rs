//! Counts allocations: what decoding an input asks for at most, in this thread.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The system's allocator, with an eye on sizes.
pub(crate) struct Counting;

/// Largest allocations since the last look, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Largest {
    /// Of memory that is written to.
    pub(crate) written: usize,
    /// Of memory that is asked for as zeros: a large block costs nothing until something is written there.
    pub(crate) zeroed: usize,
}

thread_local! {
    static LARGEST: Cell<Largest> = const { Cell::new(Largest { written: 0, zeroed: 0 }) };
}

/// The largest ones of this thread since the last call.
pub(crate) fn take() -> Largest {
    LARGEST.take()
}

fn note(change: impl FnOnce(&mut Largest)) {
    // Fails only while a thread ends.
    let _ = LARGEST.try_with(|cell| {
        let mut largest = cell.get();
        change(&mut largest);
        cell.set(largest);
    });
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(|largest| largest.written = largest.written.max(layout.size()));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(|largest| largest.zeroed = largest.zeroed.max(layout.size()));
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(|largest| largest.written = largest.written.max(size));
        // SAFETY: as the caller promises.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }
}
