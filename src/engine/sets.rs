//! One pair matched under many layer sets: what a layer search asks of an engine.

use std::sync::Arc;

use super::{Engine, EngineError, Matches, PairRequest, check_grid, check_layers, check_precision};
use crate::hyperpixel::{LayerStack, Precision, View};

/// One pair's work under many layer sets.
#[derive(Debug, Clone)]
pub struct SetsRequest {
    /// The source's maps of all candidate layers.
    pub source: Arc<LayerStack>,
    /// The target's, of the same layers.
    pub target: Arc<LayerStack>,
    /// The sets.
    pub sets: Vec<SetRequest>,
}

/// One layer set of a [`SetsRequest`].
#[derive(Debug, Clone)]
pub struct SetRequest {
    /// Positions of the set's layers in the stacks, ascending; the first is the base.
    pub positions: Arc<[usize]>,
    /// The source's hyperpixels.
    pub source: Arc<View>,
    /// The target's hyperpixels.
    pub target: Arc<View>,
    /// Source hyperpixels to match (row-major indices over the source's grid), ascending, each once.
    pub rows: Arc<[u32]>,
}

impl SetsRequest {
    /// Checks what an engine relies on: hyperpixels on both sides under every set, maps of the same
    /// layers, in single precision as stacks have them.
    ///
    /// # Errors
    /// A photograph without hyperpixels, stacks of different layers, or an engine of another
    /// precision.
    pub(super) fn check(&self, precision: Precision) -> Result<(), EngineError> {
        for set in &self.sets {
            check_grid(&set.source.grid, self.source.width, self.source.height)?;
            check_grid(&set.target.grid, self.target.width, self.target.height)?;
        }
        check_layers([&self.source.maps, &self.target.maps])?;
        check_precision([Precision::F32; 2], precision)
    }

    /// One set as any engine matches it.
    #[must_use]
    pub fn pair(&self, set: &SetRequest) -> PairRequest {
        PairRequest {
            source: Arc::new(self.source.hyperimage(&set.positions, &set.source)),
            target: Arc::new(self.target.hyperimage(&set.positions, &set.target)),
            rows: set.rows.to_vec(),
        }
    }

    /// Matches the sets' hyperimages as so many pairs, handed over in batches of about `memory`
    /// bytes; nothing is shared between sets.
    pub(super) fn as_pairs<E: Engine + ?Sized>(
        &self,
        engine: &mut E,
        memory: usize,
    ) -> Result<Vec<Matches>, EngineError> {
        let mut matches = Vec::with_capacity(self.sets.len());
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for set in &self.sets {
            let pair = self.pair(set);
            let own = pair.source.bytes() + pair.target.bytes();
            if bytes + own > memory && !batch.is_empty() {
                matches.extend(engine.match_pairs(&batch)?);
                batch.clear();
                bytes = 0;
            }
            batch.push(pair);
            bytes += own;
        }
        matches.extend(engine.match_pairs(&batch)?);
        Ok(matches)
    }
}
