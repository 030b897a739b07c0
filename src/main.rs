//! The `hpflow` command: parse, dispatch, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    hpflow::cli::main()
}
