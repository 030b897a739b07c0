//! Pairs that are listed but cannot be read.

use super::BenchmarkError;

/// A pair that is listed but cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("pair {pair}: {error}")]
pub struct Unreadable {
    /// The pair's id.
    pub pair: String,
    /// What is wrong.
    pub error: BenchmarkError,
}

/// What becomes of pairs that cannot be read: the first one stops the reading, or all are set aside.
#[derive(Debug, Default)]
pub(super) struct Faults {
    set_aside: bool,
    unreadable: Vec<Unreadable>,
}

impl Faults {
    /// Pairs that cannot be read are set aside.
    pub(super) fn set_aside() -> Self {
        Self { set_aside: true, unreadable: Vec::new() }
    }

    /// Whether pairs that cannot be read are set aside.
    pub(super) fn go_on(&self) -> bool {
        self.set_aside
    }

    /// What was read for a pair; `None` where it is set aside.
    ///
    /// # Errors
    /// A pair that could not be read, unless it is set aside.
    pub(super) fn pass<T>(
        &mut self,
        pair: impl FnOnce() -> String,
        read: Result<T, BenchmarkError>,
    ) -> Result<Option<T>, BenchmarkError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if self.set_aside => {
                self.unreadable.push(Unreadable { pair: pair(), error });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The pairs that were set aside, in the order in which they are listed.
    pub(super) fn into_unreadable(self) -> Vec<Unreadable> {
        self.unreadable
    }
}
