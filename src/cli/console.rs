//! What a command says beside its results: progress, notes, warnings, all on standard error. What
//! cannot be written there is dropped: it must not stop the work.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use hpflow::task::{Advance, ProgressUnit};
use hpflow::{Benchmark, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is drawn of a transfer.
pub const TRANSFER: &str = "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

/// Standard error as something that always takes what it is given, whether it is closed, a pipe that
/// nobody reads, or a file on a full disk.
#[derive(Debug, Clone, Copy)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says a line on standard error, however quiet the command is to be.
pub fn say(text: impl AsRef<str>) {
    // One write a line, so that those of several processes do not mix.
    let _ = Stderr.write_all(format!("{}\n", flagged(text.as_ref())).as_bytes());
}

/// A sentence of the library, which names options as its own functions have them (``option `keep_going` ``,
/// ``option `engine` = `cpu` ``), with the command line's flags instead (`--keep-going`, `--engine cpu`).
pub fn flagged(text: &str) -> Cow<'_, str> {
    const OPTION: &str = "option `";
    const VALUE: &str = " = `";
    let (mut said, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(OPTION) {
        let is_name = |name: &&str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let Some((name, after)) = after.split_once('`').filter(|(name, _)| is_name(name)) else {
            said += &rest[..before.len() + OPTION.len()];
            rest = after;
            continue;
        };
        said += before;
        said += "--";
        said += &name.replace('_', "-");
        rest = after;
        let value = after.strip_prefix(VALUE).and_then(|value| value.split_once('`'));
        if let Some((value, after)) = value {
            said += " ";
            said += value;
            rest = after;
        }
    }
    if said.is_empty() { text.into() } else { (said + rest).into() }
}

/// How much is said.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    /// Results and errors only.
    pub quiet: bool,
}

impl Console {
    /// A line about what is done or was chosen.
    pub fn note(self, text: impl AsRef<str>) {
        if !self.quiet {
            say(text);
        }
    }

    /// A sentence about what is doubtful in a benchmark's annotations and photographs, if anything is.
    pub fn doubts(self, benchmark: &Benchmark) -> Option<String> {
        let doubts = benchmark.doubts().sentence()?;
        self.note(&doubts);
        Some(doubts)
    }

    /// A progress bar over `total` of something; hidden when quiet or where standard error is not a
    /// terminal.
    #[must_use]
    pub fn progress(self, total: usize, what: impl Into<Cow<'static, str>>) -> ProgressBar {
        let target =
            if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target).with_message(what);
        let template = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Draws a bar for each file that comes down; nothing when quiet or where standard error is not a
    /// terminal.
    #[must_use]
    pub fn transfers(self) -> Progress {
        let (progress, bar) = self.told(TRANSFER);
        if self.quiet {
            return Progress::default();
        }
        Progress::new(move |advance| {
            progress(advance);
            if advance.total == Some(advance.done) {
                bar.finish_and_clear();
            }
        })
    }

    /// A bar that shows what work tells, by a template where items are counted; it is there until it is
    /// cleared. Hidden when quiet or where standard error is not a terminal.
    #[must_use]
    pub fn work(self, template: &'static str) -> (Progress, ProgressBar) {
        let (tell, bar) = self.told(template);
        (Progress::new(tell), bar)
    }

    fn told(self, template: &'static str) -> (impl Fn(&Advance) + Send + Sync, ProgressBar) {
        let bar = ProgressBar::no_length();
        if self.quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let shown = bar.clone();
        let tell = move |advance: &Advance| {
            if bar.message() != advance.what {
                let template = match advance.unit {
                    ProgressUnit::Bytes => TRANSFER,
                    _ => template,
                };
                // The template is a constant: if it were malformed, the plain bar would do.
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                bar.set_message(advance.what.clone());
            }
            bar.set_length(advance.total.unwrap_or(advance.done));
            bar.set_position(advance.done);
        };
        (tell, shown)
    }
}

#[cfg(test)]
mod tests {
    use super::flagged;

    #[test]
    fn options_of_the_library_are_said_as_flags() {
        for (library, command) in [
            ("nothing of the kind", "nothing of the kind"),
            ("use option `keep_going`, or mend it", "use --keep-going, or mend it"),
            ("option `engine` = `cpu`", "--engine cpu"),
            (
                "a (option `engine` = `cpu` or gpu; option `adapter`)",
                "a (--engine cpu or gpu; --adapter)",
            ),
            (
                "option `Not a name` and option `unfinished",
                "option `Not a name` and option `unfinished",
            ),
            ("option `root` = `half", "--root = `half"),
        ] {
            assert_eq!(flagged(library), command);
        }
    }
}
