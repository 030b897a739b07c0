//! The `hpflow` command: parse, dispatch, exit code.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    silence_device_selection();
    ExitCode::from(cli::run(std::env::args_os()))
}

/// Mesa's device-selection layer complains on standard error where there is no desktop session.
/// hpflow selects adapters itself.
fn silence_device_selection() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: no other thread has started yet.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}
