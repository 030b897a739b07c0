//! What an engine is asked: one pair under one layer set, or under many as in a layer search. Requests
//! are checked here, once and for every engine.

use std::sync::Arc;

use super::error::EngineError;
use crate::hyperpixel::{Grid, Group, Hyperimage, LayerStack, Precision, View};

/// One pair's work: match some hyperpixels of `source` against all of `target`.
#[derive(Debug, Clone)]
pub struct PairRequest {
    /// The source hyperimage.
    pub source: Arc<Hyperimage>,
    /// The target hyperimage.
    pub target: Arc<Hyperimage>,
    /// Source hyperpixels to match (row-major indices over the source's grid), ascending, each once.
    pub rows: Vec<u32>,
}

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

impl PairRequest {
    /// Checks what every engine relies on: hyperpixels on both sides, finite, of the same layers and one
    /// precision (that of the engine, where it has one), and rows of the source in ascending order.
    pub(super) fn check(&self, precision: Option<Precision>) -> Result<(), EngineError> {
        for image in [&self.source, &self.target] {
            check_grid(&image.grid, image.width, image.height)?;
            check_finite(image.finite, image.width, image.height)?;
        }
        check_layers([&self.source.groups, &self.target.groups])?;
        let found = [self.source.precision(), self.target.precision()];
        check_precision(found, found[0])?;
        check_precision(found, precision.unwrap_or(found[0]))?;
        check_rows(&self.rows, &self.source.grid)
    }
}

impl SetsRequest {
    /// Checks what every engine relies on: layer sets of the stacks, with hyperpixels on both sides,
    /// maps of the same layers, in single precision as stacks have them, and rows of the source in
    /// ascending order.
    pub(super) fn check(&self, precision: Option<Precision>) -> Result<(), EngineError> {
        for stack in [&self.source, &self.target] {
            check_finite(stack.finite, stack.width, stack.height)?;
        }
        for set in &self.sets {
            check_grid(&set.source.grid, self.source.width, self.source.height)?;
            check_grid(&set.target.grid, self.target.width, self.target.height)?;
        }
        check_layers([&self.source.maps, &self.target.maps])?;
        check_precision([Precision::F32; 2], precision.unwrap_or(Precision::F32))?;
        for set in &self.sets {
            check_positions(&set.positions, self.source.maps.len())?;
            check_rows(&set.rows, &set.source.grid)?;
        }
        Ok(())
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
}

/// Checks that a photograph has hyperpixels.
fn check_grid(grid: &Grid, width: u32, height: u32) -> Result<(), EngineError> {
    let receptive_field = grid.geometry.receptive_field;
    match grid.is_empty() {
        true => Err(EngineError::NoHyperpixels { width, height, receptive_field }),
        false => Ok(()),
    }
}

/// Checks that a photograph's maps are of finite numbers: what the largest of others is depends on the
/// device.
fn check_finite(finite: bool, width: u32, height: u32) -> Result<(), EngineError> {
    match finite {
        true => Ok(()),
        false => Err(EngineError::NotFinite { width, height }),
    }
}

/// Checks that the maps of both sides are of the same layers.
fn check_layers(sides: [&[Group]; 2]) -> Result<(), EngineError> {
    let layers = |groups: &[Group]| -> Vec<(usize, usize)> {
        let strides = groups.iter().flat_map(|group| group.layers.iter().map(|_| group.stride));
        strides.zip(groups.iter().flat_map(|group| group.layers.iter().copied())).collect()
    };
    let [source_layers, target_layers] = sides.map(layers);
    match source_layers == target_layers {
        true => Ok(()),
        false => Err(EngineError::DifferentLayers { source_layers, target_layers }),
    }
}

/// Checks that both sides are of a precision.
fn check_precision(found: [Precision; 2], expected: Precision) -> Result<(), EngineError> {
    match found == [expected; 2] {
        true => Ok(()),
        false => Err(EngineError::DifferentPrecision { found, expected }),
    }
}

/// Checks that positions are those of a layer set among `layers` layers.
fn check_positions(positions: &[usize], layers: usize) -> Result<(), EngineError> {
    let ascending = positions.is_sorted_by(|before, after| before < after);
    match positions.last() {
        Some(&last) if ascending && last < layers => Ok(()),
        _ => Err(EngineError::LayerPositions { positions: positions.to_vec(), layers }),
    }
}

/// Checks that rows are those of a grid, in ascending order and each once.
fn check_rows(asked: &[u32], grid: &Grid) -> Result<(), EngineError> {
    let rows = grid.len();
    if let Some(&row) = asked.iter().find(|&&row| row as usize >= rows) {
        return Err(EngineError::NoSuchRow { row, rows });
    }
    match asked.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(EngineError::RowOrder { row: pair[1], before: pair[0] }),
        None => Ok(()),
    }
}
