//! The `hpflow` command: parse, dispatch, exit code.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    silence_device_selection();
    keep_freed_memory();
    ExitCode::from(cli::run(std::env::args_os()))
}

/// Keeps what one pair frees for the next: glibc would give the larger blocks back to the system, and
/// getting them again costs more than some of the work done in them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_freed_memory() {
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
fn keep_freed_memory() {}

/// Mesa's device-selection layer complains on standard error where there is no desktop session.
/// hpflow selects adapters itself.
fn silence_device_selection() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: no other thread has started yet.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}
