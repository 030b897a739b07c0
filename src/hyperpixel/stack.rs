//! All candidate maps of a photograph, each layer apart: what layer sets are chosen from
//! (docs/method.md, "Many layer sets": the correlation of a layer set is the sum of its layers').

use std::collections::HashMap;

use super::hyperimage::{are_finite, next_id};
use super::map::FeatureMap;
use super::norms::{Gram, add, inverse_roots};
use super::{Geometry, Grid, Group, Hyperimage, Precision};

/// A photograph's maps of all candidate layers.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerStack {
    /// A number no other stack or hyperimage of this process has.
    pub id: u64,
    /// Width of the photograph in resized pixels.
    pub width: u32,
    /// Height of the photograph in resized pixels.
    pub height: u32,
    /// Resized over original pixels along x and y.
    pub ratio: [f32; 2],
    /// Numbers of the layers, ascending.
    pub layers: Vec<usize>,
    /// The map of each layer, a group of its own.
    pub maps: Vec<Group>,
    /// Whether every number of the maps is finite: no engine matches others.
    pub finite: bool,
    grams: Vec<Gram>,
}

/// A photograph's hyperpixels as one layer set makes them.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The hyperpixels: a rectangle of the base layer's cells.
    pub grid: Grid,
    /// 1 / norm of every hyperpixel (row-major over `grid`); 0 where the norm is 0.
    pub inverse_norms: Vec<f32>,
}

impl LayerStack {
    /// Maps with their inner products. `width` and `height` are the photograph's, in resized pixels.
    #[must_use]
    pub fn new(width: u32, height: u32, ratio: [f32; 2], maps: Vec<FeatureMap>) -> Self {
        let layers = maps.iter().map(|map| map.layer).collect();
        let finite = are_finite(&maps);
        let maps: Vec<Group> = maps.iter().map(|map| Group::of(map, Precision::F32, 1.0)).collect();
        let grams = maps.iter().map(|map| Gram::new(map, map.data.view())).collect();
        Self { id: next_id(), width, height, ratio, layers, maps, finite, grams }
    }

    /// Bytes of memory that the maps take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.maps.iter().map(|map| map.data.bytes()).sum()
    }

    /// The views of layer sets, each the positions of its layers in [`Self::maps`] (ascending) and
    /// the geometry of the first. What sets have in common is computed once.
    ///
    /// # Panics
    /// If a set is empty or names a position that there is not.
    #[must_use]
    pub fn views(&self, sets: &[(&[usize], Geometry)]) -> Vec<View> {
        let mut squares: HashMap<[usize; 2], Vec<f64>> = HashMap::new();
        let view = |&(positions, geometry): &(&[usize], Geometry)| {
            let base = &self.maps[positions[0]];
            let grid = Grid::new(geometry, base.rows, base.columns, self.width, self.height);
            let mut sum = vec![0.0; grid.len()];
            for at in self.by_group(positions).concat() {
                let of_map = squares
                    .entry([positions[0], at])
                    .or_insert_with(|| self.grams[at].squares(&grid, base));
                add(&mut sum, of_map);
            }
            View { grid, inverse_norms: inverse_roots(&sum) }
        };
        sets.iter().map(view).collect()
    }

    /// The positions of a layer set's maps by stride; groups stand in the order of their first
    /// layer, as in a [`Hyperimage`].
    #[must_use]
    pub fn by_group(&self, positions: &[usize]) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for &at in positions {
            let stride = self.maps[at].stride;
            match groups.iter_mut().find(|group| self.maps[group[0]].stride == stride) {
                Some(group) => group.push(at),
                None => groups.push(vec![at]),
            }
        }
        groups
    }

    /// The hyperimage of a layer set: what an engine matches that knows no sets.
    #[must_use]
    pub fn hyperimage(&self, positions: &[usize], view: &View) -> Hyperimage {
        let groups = self.by_group(positions).into_iter();
        let groups = groups.map(|group| group.into_iter().map(|at| self.maps[at].clone()));
        Hyperimage {
            id: next_id(),
            width: self.width,
            height: self.height,
            ratio: self.ratio,
            grid: view.grid,
            groups: groups.filter_map(|maps| maps.reduce(Group::and)).collect(),
            inverse_norms: view.inverse_norms.clone(),
            finite: self.finite,
        }
    }
}
