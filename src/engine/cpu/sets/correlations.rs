//! Correlations of coarse maps, each computed once for both directions and all sets.

use std::collections::HashMap;

use super::super::correlate::{Correlate, MapCorrelation};
use super::super::simd::InstructionSet;
use super::set::SetWork;
use crate::hyperpixel::LayerStack;

/// Correlations of maps at their native resolution, by position and by whether from the second to
/// the first.
#[derive(Default)]
pub(super) struct Correlations(HashMap<(usize, bool), MapCorrelation>);

impl Correlations {
    /// Adds those that the coarse layers of sets need.
    pub(super) fn complete(
        &mut self,
        instructions: InstructionSet,
        stacks: [&LayerStack; 2],
        backward: bool,
        sets: &[SetWork],
    ) {
        for &at in sets.iter().flat_map(|set| set.coarse.iter().flatten()) {
            if self.0.contains_key(&(at, backward)) {
                continue;
            }
            let [source, target] = stacks.map(|stack| &stack.maps[at]);
            let correlation = match self.0.get(&(at, !backward)) {
                Some(other) => other.transposed(source.rows * source.columns),
                None => instructions.run(Correlate { source, target }),
            };
            self.0.insert((at, backward), correlation);
        }
    }

    /// The correlation of a coarse group: the sum of its layers', one after the other.
    pub(super) fn sum(&self, group: &[usize], backward: bool) -> MapCorrelation {
        let mut all = group.iter().map(|&at| &self.0[&(at, backward)]);
        let first = all.next().expect("a group has a layer");
        let mut sum = MapCorrelation { stride: first.stride, data: first.data.clone() };
        all.for_each(|other| sum.add(other));
        sum
    }
}
