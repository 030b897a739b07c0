//! Requests that have been checked, which is all that an engine is given.

use std::ops::Deref;

use super::error::EngineError;

/// Requests that were all found to be what every engine relies on. Only the provided methods of the
/// engines' traits make one, so that no engine has to check a request itself.
#[derive(Debug)]
pub struct Checked<'a, T>(&'a [T]);

impl<'a, T> Checked<'a, T> {
    /// Checks every request.
    ///
    /// # Errors
    /// The first that `check` gives.
    pub(in crate::engine) fn all(
        requests: &'a [T],
        check: impl FnMut(&T) -> Result<(), EngineError>,
    ) -> Result<Self, EngineError> {
        requests.iter().try_for_each(check)?;
        Ok(Self(requests))
    }
}

impl<T> Deref for Checked<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0
    }
}
