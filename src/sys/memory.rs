//! The heap of a process that lives long and wants to be small.

#![allow(unsafe_code)]

use nix::libc;

/// What is at least so big, in bytes, is taken from the system for itself and given back when it
/// is freed. What is written again and again, as a piece of an answer or of a log, is smaller.
#[cfg(target_env = "gnu")]
const BIG: libc::c_int = 1 << 20;

/// Sets how the heap is kept. To be called before there are threads. Where the C library has no
/// such choice, nothing happens.
///
/// All threads share one heap. The C library would give each its own, to spare them waiting for
/// each other, and what one thread frees in another's heap leaves holes that nobody fills: with a
/// thousand programs a megabyte of them. Ours are few and seldom busy at once.
///
/// What is big goes back at once. The C library would learn from the first answer of twenty
/// megabytes that such are freed again, and from then on keep so much (`mallopt(3)`,
/// `M_MMAP_THRESHOLD`).
pub fn keep_small() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets numbers of the allocator's, under its own lock; no pointers.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, BIG);
        libc::mallopt(libc::M_TRIM_THRESHOLD, BIG);
    }
}

/// Gives the system back what is free within the heap: by itself the C library gives back its end
/// alone, and after a thousand programs there is always something at the end. It takes about a
/// millisecond for some megabytes, during which no thread gets memory.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it works on free memory alone, under the allocator's lock; no pointers.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn threads_that_share_a_heap_keep_what_is_theirs() {
        super::keep_small();
        let fill = |byte: u8| std::thread::spawn(move || vec![byte; 100_000]);
        let threads: Vec<_> = (0..4).map(fill).collect();
        super::give_back();
        for (byte, thread) in (0..).zip(threads) {
            let bytes = thread.join().expect("it does not fail");
            assert!(bytes.iter().all(|&found| found == byte));
        }
    }
}
