//! What commands that score predictions files share.

use hpflow::low_level::benchmark::LayoutSize;
use hpflow::task::FilesError;

use super::error::Usage;

/// Which of SPair-71k's lists of pairs.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Layout {
    Large,
    Small,
}

impl From<Layout> for LayoutSize {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::Large => Self::Large,
            Layout::Small => Self::Small,
        }
    }
}

/// An error of files with the option that it is about, and wrong usage as such.
pub(super) fn in_words(error: FilesError) -> anyhow::Error {
    match error {
        error @ (FilesError::Twice { .. } | FilesError::None) => Usage(error.to_string()).into(),
        FilesError::Elsewhere { what } => anyhow::anyhow!("{what} with --root"),
        error @ FilesError::Layout { .. } => anyhow::anyhow!("{error} with --layout"),
        error => error.into(),
    }
}
