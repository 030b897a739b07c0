//! Results on standard output, and whether files can be written.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::benchmark::Unreadable;

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

/// Which pairs could not be read, a line each.
pub fn left_out(unreadable: &[Unreadable]) -> String {
    let reasons: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    format!(
        "{} could not be read and {} left out:\n  {}",
        counted(unreadable.len(), "pair"),
        if unreadable.len() == 1 { "is" } else { "are" },
        reasons.join("\n  ")
    )
}

/// Prints a result. A reader that has seen enough (`hpflow score … | head`) is no failure.
///
/// # Errors
/// Standard output cannot be written, for example because the disk is full.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(anyhow::Error::new(error)
            .context(
                "cannot write the result to standard output; send it to a file on a disk with room",
            )),
        _ => Ok(()),
    }
}

/// Whether a file can be written, found out before the work whose result it is to hold. A file that
/// is there already stays as it is.
///
/// # Errors
/// A folder, or a path in a folder that is missing or cannot be written.
pub fn check_writable(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        bail!("{}: is a folder; give the name of a file", path.display());
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // A device such as /dev/null takes what it is given; its folder does not.
    let there =
        path.exists().then(|| std::fs::OpenOptions::new().append(true).open(path).map(drop));
    there.unwrap_or_else(|| tempfile::tempfile_in(folder).map(drop)).with_context(|| {
        format!(
            "{}: cannot be written; give a file in a folder that exists and can be written",
            path.display()
        )
    })
}
