//! Results on standard output, and whether files can be written.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;

use super::console::{flagged, say};
use hpflow::low_level::files::{self, Destination};

use hpflow::low_level::benchmark::Unreadable;

/// Prints a line of a result, in a function that returns `anyhow::Result`.
macro_rules! print_line {
    ($($part:tt)*) => {
        $crate::cli::output::print(&(format!($($part)*) + "\n"))?
    };
}

/// Prints a line about a result that is in a file.
macro_rules! mention_line {
    ($($part:tt)*) => {
        $crate::cli::output::mention(&(format!($($part)*) + "\n"))
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
    write(text).map_err(|error| {
        let remedy = "send it to a file on a disk with room";
        failed("cannot write the result to standard output", &error, remedy)
    })
}

/// What failed, why, and what to do, in this order.
pub fn failed(what: impl Display, why: &dyn Display, remedy: &str) -> anyhow::Error {
    anyhow::anyhow!("{what}: {why}; {remedy}")
}

/// Prints what is known of a result that is in a file: where it cannot be printed the work is done
/// all the same, and a warning says so.
pub fn mention(text: &str) {
    static WARNED: std::sync::Once = std::sync::Once::new();
    if let Err(error) = write(text) {
        WARNED.call_once(|| {
            say(format!("hpflow: cannot write to standard output, the work is done: {error}"));
        });
    }
}

fn write(text: &str) -> io::Result<()> {
    if closed::is_closed() {
        return Err(io::Error::new(ErrorKind::NotConnected, "it is closed"));
    }
    let mut out = io::stdout().lock();
    match out.write_all(flagged(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Whether standard output is closed. Rust opens `/dev/null` in its place before `main` begins, where
/// results would be lost and every write would succeed, so this looks before that.
#[cfg(unix)]
mod closed {
    use std::sync::atomic::{AtomicBool, Ordering};

    static IS_CLOSED: AtomicBool = AtomicBool::new(false);

    extern "C" fn look() {
        // SAFETY: this asks for the flags of a descriptor and changes nothing.
        let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        IS_CLOSED.store(flags == -1, Ordering::Relaxed);
    }

    // SAFETY: what is listed in this section is called once, before anything of Rust's is set up, and
    // `look` needs nothing of that.
    #[used]
    #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
    #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
    static LOOK: extern "C" fn() = look;

    pub fn is_closed() -> bool {
        IS_CLOSED.load(Ordering::Relaxed)
    }
}

#[cfg(not(unix))]
mod closed {
    pub const fn is_closed() -> bool {
        false
    }
}

/// Whether an output can be written, found out before the work whose result it is to hold, and where
/// it goes. A file that is there already stays as it is.
///
/// # Errors
/// A folder, or a path in a folder that is missing or cannot be written.
pub fn check_writable(path: &Path) -> anyhow::Result<Destination> {
    let checked = files::check(path).and_then(|destination| match destination {
        Destination::Standard if closed::is_closed() => {
            Err(io::Error::new(ErrorKind::NotConnected, "standard output is closed"))
        }
        destination => Ok(destination),
    });
    checked.map_err(|error| {
        let remedy = "give a file in a folder that exists and can be written";
        failed(format_args!("{}: cannot be written", path.display()), &error, remedy)
    })
}

/// [`check_writable`] for a result that only a regular file can hold.
///
/// # Errors
/// As [`check_writable`], and a device, a pipe or standard output.
pub fn check_file(path: &Path) -> anyhow::Result<()> {
    check_writable(path)?;
    files::regular(path).map(drop).with_context(|| format!("{}", path.display()))
}
