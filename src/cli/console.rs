//! What a command says beside its results: progress, notes, warnings, all on standard error.

use std::borrow::Cow;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::benchmark::Benchmark;

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
            eprintln!("{}", text.as_ref());
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
}
