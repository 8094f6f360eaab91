//! How glibc's allocator is to keep memory: in few arenas, and not longer than needed.
//!
//! By default each thread gets an arena of its own, up to eight a core. A batch is allocated by one
//! thread and freed by another, so each arena keeps its peak: a third more memory, measured in
//! `docs/benchmarks.md`. Other allocators are left as they are.

/// Fewest arenas. With one, threads wait for each other.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS_MIN: usize = 2;

/// Limits the arenas to one a core. To be called before there are threads, which keep the arena that
/// they have.
pub(crate) fn limit() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let arenas = i32::try_from(cores.max(ARENAS_MIN)).unwrap_or(i32::MAX);
        // Refused only for a parameter that this libc does not know; then nothing has changed.
        let _taken = glibc::mallopt(glibc::M_ARENA_MAX, arenas);
    }
}

/// Gives free memory back to the operating system. Takes milliseconds, and what is used again must be
/// asked for again: to be called when there is nothing to do.
pub(crate) fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    let _trimmed = glibc::malloc_trim(0);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    /// From glibc's `malloc.h`.
    pub(super) const M_ARENA_MAX: i32 = -8;

    #[expect(
        unsafe_code,
        reason = "declares two functions of glibc that take and give numbers"
    )]
    unsafe extern "C" {
        /// Sets a parameter of the allocator; 0 if it is refused.
        pub(super) safe fn mallopt(parameter: i32, value: i32) -> i32;
        /// Gives back all free memory but `pad` bytes at each arena's end; 1 if there was any.
        pub(super) safe fn malloc_trim(pad: usize) -> i32;
    }
}
