//! How far work has come where no bar can be drawn: a line a minute, for the logs of batch jobs.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::console::{Console, say};

/// How often a line is said.
const EVERY: Duration = Duration::from_secs(60);

/// Says lines until it is dropped.
#[derive(Debug)]
pub struct LogLines(#[expect(dead_code, reason = "dropped, not read")] Option<Sender<()>>);

impl LogLines {
    /// Says how far a bar has come where it is not seen, unless the command is to be quiet.
    #[must_use]
    pub fn of(bar: &ProgressBar, console: Console) -> Self {
        if console.quiet || !bar.is_hidden() {
            return Self(None);
        }
        Self::every(EVERY, bar.clone(), say)
    }

    fn every(
        pause: Duration,
        bar: ProgressBar,
        mut say: impl FnMut(String) + Send + 'static,
    ) -> Self {
        let (dropped, until) = channel::<()>();
        std::thread::spawn(move || {
            let begun = Instant::now();
            while until.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let (done, total) = (bar.position(), bar.length().unwrap_or(0));
                say(line(&bar.message(), [done, total], begun.elapsed(), bar.eta()));
            }
        });
        Self(Some(dropped))
    }
}

/// How far work has come, in words.
fn line(what: &str, [done, total]: [u64; 2], since: Duration, left: Duration) -> String {
    let minutes = |time: Duration| time.as_secs().div_ceil(60);
    let left = match minutes(left) {
        0 => String::new(),
        minutes => format!(", about {minutes} to go"),
    };
    format!("{what}: {done} of {total}, {} min{left}", since.as_secs() / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_work_has_come() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let said = line("pairs", [420, 690], minutes(12), minutes(8));
        assert_eq!(said, "pairs: 420 of 690, 12 min, about 8 to go");
        assert_eq!(line("pairs", [0, 690], minutes(1), Duration::ZERO), "pairs: 0 of 690, 1 min");
    }

    #[test]
    fn lines_are_said_until_the_work_ends() {
        let bar = ProgressBar::hidden();
        bar.set_length(9);
        bar.set_position(4);
        bar.set_message("pairs");
        let (said, heard) = channel();
        let lines = LogLines::every(Duration::from_millis(1), bar, move |text| {
            let _ = said.send(text);
        });
        assert!(heard.recv().unwrap().starts_with("pairs: 4 of 9, 0 min"));
        drop(lines);
        // The thread ends, and with it what it says.
        while heard.recv().is_ok() {}
    }
}
