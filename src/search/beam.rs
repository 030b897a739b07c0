//! The search itself: which layer sets are tried, in which order, and which go on (HPF, section 3.4,
//! and its published code, `beamsearch.py`).

use std::collections::HashSet;

use crate::hyperpixel::LayerSet;

/// What is searched, and how widely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPlan {
    /// Layers that are tried as base, in this order.
    pub bases: Vec<usize>,
    /// Layers that extend a set, in this order.
    pub candidates: Vec<usize>,
    /// Sets that go on to the next depth.
    pub beam: usize,
    /// Whether the published code's quirk is kept: see [`SearchPlan::extensions`].
    pub as_published: bool,
}

/// A layer set and its score, PCK in percent.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredSet {
    /// The set.
    pub layers: LayerSet,
    /// Its score.
    pub pck: f64,
}

impl SearchPlan {
    /// The sets of the first depth, in the order of their evaluation: each base alone.
    #[must_use]
    pub fn first(&self) -> Vec<LayerSet> {
        self.bases.iter().map(|&base| LayerSet::of(base)).collect()
    }

    /// The sets of the next depth in the order of their evaluation: every set of the beam with every
    /// candidate above its base that is not in it. A set that comes up again is passed over.
    ///
    /// The published code then leaves its loop over candidates where it should go on with the next
    /// one, so the rest of that beam's set's candidates are not tried. With
    /// [`SearchPlan::as_published`] this does the same.
    #[must_use]
    pub fn extensions(&self, beam: &[ScoredSet]) -> Vec<LayerSet> {
        let (mut sets, mut seen) = (Vec::new(), HashSet::new());
        for ScoredSet { layers, .. } in beam {
            for set in self.candidates.iter().filter_map(|&layer| layers.extended(layer)) {
                if seen.insert(set.clone()) {
                    sets.push(set);
                } else if self.as_published {
                    break;
                }
            }
        }
        sets
    }

    /// The best sets of a depth, best first; of equals the one that was evaluated first.
    #[must_use]
    pub fn best(&self, evaluated: &[ScoredSet]) -> Vec<ScoredSet> {
        best(evaluated, self.beam)
    }
}

/// The best of some scored sets, best first; of equals the first.
#[must_use]
pub fn best(scored: &[ScoredSet], count: usize) -> Vec<ScoredSet> {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|one, other| other.pck.total_cmp(&one.pck));
    sorted.truncate(count);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(layers: &[usize]) -> LayerSet {
        LayerSet::new(layers.to_vec()).unwrap()
    }

    fn beam(sets: &[&[usize]]) -> Vec<ScoredSet> {
        sets.iter().map(|layers| ScoredSet { layers: set(layers), pck: 0.0 }).collect()
    }

    fn plan(as_published: bool) -> SearchPlan {
        SearchPlan { bases: vec![0, 1], candidates: (0..5).collect(), beam: 2, as_published }
    }

    #[test]
    fn only_layers_above_the_base_extend_a_set() {
        let found = plan(false).extensions(&beam(&[&[1, 3]]));
        assert_eq!(found, [set(&[1, 2, 3]), set(&[1, 3, 4])]);
    }

    #[test]
    fn a_set_that_comes_up_again_is_passed_over_and_the_rest_is_tried() {
        let found = plan(false).extensions(&beam(&[&[0, 1], &[0, 3]]));
        let expected = [&[0, 1, 2][..], &[0, 1, 3], &[0, 1, 4], &[0, 2, 3], &[0, 3, 4]].map(set);
        assert_eq!(found, expected);
    }

    #[test]
    fn as_published_the_rest_of_that_sets_candidates_is_dropped() {
        // 0,3 with 1 is 0,1,3 again: 0,2,3 and 0,3,4 are never tried.
        let found = plan(true).extensions(&beam(&[&[0, 1], &[0, 3]]));
        assert_eq!(found, [&[0, 1, 2][..], &[0, 1, 3], &[0, 1, 4]].map(set));
    }

    #[test]
    fn of_equals_the_one_that_was_evaluated_first_is_better() {
        let scored = |base, pck| ScoredSet { layers: set(&[base]), pck };
        let all = [scored(3, 1.0), scored(2, 2.0), scored(1, 2.0), scored(0, 1.0)];
        let bases: Vec<usize> = best(&all, 3).iter().map(|one| one.layers.base()).collect();
        assert_eq!(bases, [2, 1, 3]);
    }
}
