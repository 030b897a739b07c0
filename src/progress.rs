//! How far work has come, told to whoever asked for it.

use std::fmt;
use std::sync::Arc;

/// How far some work has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advance {
    /// What is counted, such as `pairs`, or the file that comes down.
    pub what: String,
    /// What is done, in [`Advance::unit`]s.
    pub done: u64,
    /// What there is to do, where that is known.
    pub total: Option<u64>,
    /// What `done` and `total` count.
    pub unit: ProgressUnit,
}

/// What work is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgressUnit {
    /// Bytes of a transfer.
    Bytes,
    /// Photographs, pairs, files.
    Items,
}

/// A callback that is told how far work has come, from whichever thread does it; nothing by default.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Callback>>);

type Callback = dyn Fn(&Advance) + Send + Sync;

impl Progress {
    /// Tells `callback`. It is called often and must return soon.
    #[must_use]
    pub fn new(callback: impl Fn(&Advance) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    /// Tells it.
    pub(crate) fn tell(&self, what: &str, done: u64, total: Option<u64>, unit: ProgressUnit) {
        if let Some(callback) = &self.0 {
            callback(&Advance { what: what.to_owned(), done, total, unit });
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Progress(callback)" } else { "Progress(none)" })
    }
}
