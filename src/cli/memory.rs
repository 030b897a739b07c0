//! The allocator's settings, which are the process's and so the command's affair.

/// Keeps what one pair frees for the next: glibc would give the larger blocks back to the system, and
/// getting them again costs more than some of the work done in them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_freed() {
    const MIB: libc::c_int = 1 << 20;
    let settings = [
        // The largest threshold that there is: half of a thread's arena.
        (libc::M_MMAP_THRESHOLD, 32 * MIB),
        (libc::M_TRIM_THRESHOLD, 256 * MIB),
        (libc::M_TOP_PAD, 8 * MIB),
    ];
    for (parameter, value) in settings {
        // SAFETY: `mallopt` may be called at any time. One that refuses leaves things as they are.
        unsafe { libc::mallopt(parameter, value) };
    }
}

/// Other allocators keep memory by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_freed() {}
