//! Pairs that are listed but cannot be read.

use std::collections::HashMap;
use std::path::PathBuf;

use super::error::BenchmarkError;
use super::select::{Images, SettledSizes};

/// A pair that is listed but cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}{error}", of_pair(pair))]
pub struct Unreadable {
    /// The pair's id; empty where the row that lists it does not say which pair it is.
    pub pair: String,
    /// What is wrong.
    pub error: BenchmarkError,
}

/// `pair <id>: `, or nothing of a pair without an id.
fn of_pair(id: &str) -> String {
    if id.is_empty() { String::new() } else { format!("pair {id}: ") }
}

/// A row of a list of pairs.
#[derive(Debug)]
pub(super) enum Listed<T> {
    /// It can be read.
    Row(T),
    /// It cannot, and is set aside.
    Fault(Unreadable),
}

impl<T> Listed<T> {
    /// What the row says; `None` where it cannot be read.
    pub(super) fn row(&self) -> Option<&T> {
        match self {
            Self::Row(row) => Some(row),
            Self::Fault(_) => None,
        }
    }
}

/// What becomes of pairs that cannot be read: the first one stops the reading, or all are set aside.
#[derive(Debug, Default)]
pub(super) struct Faults {
    set_aside: bool,
    unreadable: Vec<Unreadable>,
    /// Sizes that photographs' headers settled, in a reading before and in this one.
    settled: HashMap<PathBuf, [u32; 2]>,
    newly_settled: HashMap<PathBuf, [u32; 2]>,
}

impl Faults {
    /// Pairs that cannot be read are set aside.
    pub(super) fn set_aside() -> Self {
        Self { set_aside: true, ..Self::default() }
    }

    /// Whether pairs that cannot be read are set aside.
    pub(super) fn go_on(&self) -> bool {
        self.set_aside
    }

    /// No photographs yet, of those in and below a folder.
    pub(super) fn images(&self, folder: PathBuf) -> Images {
        Images::sized(folder, SettledSizes::new(self.set_aside, self.settled.clone()))
    }

    /// Enters which sizes the reading of these photographs settled.
    pub(super) fn learn(&mut self, images: &mut Images) {
        self.newly_settled.extend(images.take_settled());
    }

    /// The faults of another reading, where this one learned that it took a wrong size for right.
    pub(super) fn again(&self) -> Option<Self> {
        let mut settled = self.newly_settled.clone();
        if settled.is_empty() {
            return None;
        }
        settled.extend(self.settled.clone());
        Some(Self { settled, ..Self::set_aside() })
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

    /// A row that was read, or why it could not be; `pair` is its pair's id, empty where it says none.
    ///
    /// # Errors
    /// A row that could not be read, unless it is set aside.
    pub(super) fn listed<T>(
        &self,
        pair: impl FnOnce() -> String,
        read: Result<T, BenchmarkError>,
    ) -> Result<Listed<T>, BenchmarkError> {
        match read {
            Ok(row) => Ok(Listed::Row(row)),
            Err(error) if self.set_aside => Ok(Listed::Fault(Unreadable { pair: pair(), error })),
            Err(error) => Err(error),
        }
    }

    /// The row, if it could be read; one that could not is among the unreadable pairs from now on.
    pub(super) fn row<T>(&mut self, listed: Listed<T>) -> Option<T> {
        match listed {
            Listed::Row(row) => Some(row),
            Listed::Fault(unreadable) => {
                self.unreadable.push(unreadable);
                None
            }
        }
    }

    /// The pairs that were set aside, in the order in which they are listed.
    pub(super) fn into_unreadable(self) -> Vec<Unreadable> {
        self.unreadable
    }
}
