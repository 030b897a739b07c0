//! Results on standard output.

use std::io::{ErrorKind, Write as _};

/// Prints a line of a result, in a function that returns `anyhow::Result`.
macro_rules! print_line {
    ($($part:tt)*) => {
        $crate::cli::output::print(&(format!($($part)*) + "\n"))?
    };
}

/// A number of things: `1 pair`, `2 pairs`.
pub fn counted(number: usize, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// Prints a result. A reader that has seen enough (`hpflow score … | head`) is no failure.
///
/// # Errors
/// Standard output cannot be written, for example because the disk is full.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write the result to standard output"))
        }
        _ => Ok(()),
    }
}
