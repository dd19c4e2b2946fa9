//! The heap of a process that lives long and wants to be small.

#![allow(unsafe_code)]

use nix::libc;

/// All threads share one heap. The C library would give each its own, to spare them waiting for
/// each other, and what one thread frees in another's heap leaves holes that nobody fills: with a
/// thousand programs a megabyte of them. Ours are few and seldom busy at once.
///
/// To be called before there are threads. Where the C library has no such choice, nothing happens.
pub fn share_one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a number of the allocator's, under its own lock; no pointers.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn threads_that_share_a_heap_keep_what_is_theirs() {
        super::share_one_heap();
        let fill = |byte: u8| std::thread::spawn(move || vec![byte; 100_000]);
        let threads: Vec<_> = (0..4).map(fill).collect();
        for (byte, thread) in (0..).zip(threads) {
            let bytes = thread.join().expect("it does not fail");
            assert!(bytes.iter().all(|&found| found == byte));
        }
    }
}
