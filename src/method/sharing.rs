//! What learned methods do once for several pairs.

/// Pairs that go through the networks at a time.
const PAIR_BATCH: usize = 16;

/// Of which pairs work is shared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Each photograph is read and mapped once, and pairs go through the networks in batches.
    #[default]
    PerPhotograph,
    /// Nothing is shared: everything anew for every pair, as the published code has it.
    PerPair,
}

impl Sharing {
    /// Pairs that go through the networks together.
    #[must_use]
    pub fn batch(self) -> usize {
        match self {
            Self::PerPhotograph => PAIR_BATCH,
            Self::PerPair => 1,
        }
    }
}
