//! The search for layer sets: beam search on a validation split, all sets of a depth scored at once
//! (HPF, section 3.4; docs/method.md, "Many layer sets").
//!
//! ```text
//! features, once a photograph ─► layer stacks
//! beam ─► sets of the next depth ─► engine: maps correlated once a pair, summed for each set
//!      ─► keypoints ─► PCK ─► beam
//! ```
//!
//! The score of a set is, digit for digit, that of `hpflow predict` and `hpflow score` with it.

mod beam;
mod error;
mod evaluate;
mod inputs;
mod outcome;
mod paths;
mod state;

use crate::hyperpixel::LayerSet;

pub use beam::{ScoredSet, SearchPlan, best};
pub use error::{EvaluationError, StateError};
pub use evaluate::{Evaluation, PAIR_BLOCK, SetEvaluator};
pub use inputs::{check_inputs, write_inputs};
pub use outcome::{Finalist, RESAMPLES, SearchOutcome};
pub use paths::inputs_path;
pub use state::{ARITHMETIC_KEY, Bits, State, StoredBits, StoredScore, Unfinished};

/// What a search tells while it runs.
#[derive(Debug)]
pub enum EvaluationEvent<'a> {
    /// Sets are about to be evaluated: how many pairs × sets are done, and about how many there are
    /// in all.
    Begun {
        /// Pairs × sets evaluated, of all depths.
        done: usize,
        /// Pairs × sets of all depths; those of depths to come are estimated.
        total: usize,
        /// The depth, from 1.
        depth: usize,
        /// Sets of this evaluation.
        sets: usize,
    },
    /// A block of pairs was evaluated: pairs × sets.
    Advanced(usize),
    /// The state has changed and wants to be written; not all such changes need be.
    Changed(&'a State),
    /// A depth is complete: its number from 1, the sets evaluated, the beam.
    Depth(usize, usize, &'a [ScoredSet]),
}

/// Takes events.
pub type Listener<'a> = dyn FnMut(EvaluationEvent) -> Result<(), EvaluationError> + 'a;

/// A beam search.
pub struct Search<'a> {
    /// What sets are evaluated on.
    pub evaluator: SetEvaluator<'a>,
    /// What is searched.
    pub plan: SearchPlan,
    /// Layers of the largest sets.
    pub depth: usize,
}

impl Search<'_> {
    /// Searches from `state` on, which is kept up to date, and says how sure the choice is. `listener`
    /// is told of complete depths too that were evaluated before.
    ///
    /// # Errors
    /// Those of [`SetEvaluator::evaluate`], and whatever `listener` says.
    pub fn run(
        &mut self,
        state: &mut State,
        listener: &mut Listener,
    ) -> Result<SearchOutcome, EvaluationError> {
        let mut told = 0;
        loop {
            while let Some(entries) = state.depths.get(told).filter(|_| told < self.depth) {
                told += 1;
                let beam = self.plan.best(&scored(entries));
                listener(EvaluationEvent::Depth(told, entries.len(), &beam))?;
            }
            let sets = self.wanted(state);
            if sets.is_empty() {
                break;
            }
            let right = self.evaluate(&sets, state, listener)?;
            self.enter(&sets, &right, state);
            listener(EvaluationEvent::Changed(state))?;
        }
        let outcome = SearchOutcome::new(&self.evaluator, state);
        state.result = Some(outcome.json());
        Ok(outcome)
    }

    /// The sets to be evaluated next; none where the search is complete. Where every base goes on to
    /// the second depth whatever its score, that depth's sets are evaluated along with the bases.
    pub(crate) fn wanted(&self, state: &State) -> Vec<LayerSet> {
        if state.depths.len() >= self.depth {
            return Vec::new();
        }
        match state.depths.last() {
            Some(entries) => self.plan.extensions(&self.plan.best(&scored(entries))),
            None => {
                let mut sets = self.plan.first();
                if self.depth > 1 && sets.len() <= self.plan.beam {
                    let alone = |layers: &LayerSet| ScoredSet { layers: layers.clone(), pck: 0.0 };
                    let bases: Vec<ScoredSet> = sets.iter().map(alone).collect();
                    sets.extend(self.plan.extensions(&bases));
                }
                sets
            }
        }
    }

    /// Evaluates sets, from where the state has them.
    fn evaluate(
        &mut self,
        sets: &[LayerSet],
        state: &mut State,
        listener: &mut Listener,
    ) -> Result<Vec<Vec<bool>>, EvaluationError> {
        let layers = |kept: &StoredBits| kept.layers.clone();
        let same = |unfinished: &Unfinished| {
            let of_state = unfinished.sets.iter().map(layers);
            of_state.eq(sets.iter().map(|set| set.layers().to_vec()))
        };
        let so_far = match state.unfinished.take().filter(same) {
            Some(Unfinished { pairs, sets }) => {
                Evaluation { pairs, right: sets.into_iter().map(|kept| kept.right.0).collect() }
            }
            None => Evaluation::default(),
        };
        let evaluated: usize = state.depths.iter().map(Vec::len).sum();
        let pairs = self.evaluator.benchmark.pairs.len();
        let begun = EvaluationEvent::Begun {
            done: evaluated * pairs + so_far.pairs * sets.len(),
            total: (evaluated + sets.len() + self.to_come(sets)) * pairs,
            depth: state.depths.len() + 1,
            sets: sets.len(),
        };
        listener(begun)?;
        let mut before = so_far.pairs;
        let evaluation = self.evaluator.evaluate(sets, so_far, &mut |so_far| {
            listener(EvaluationEvent::Advanced((so_far.pairs - before) * sets.len()))?;
            before = so_far.pairs;
            let kept = sets.iter().zip(&so_far.right).map(|(set, right)| kept(set, right));
            state.unfinished = Some(Unfinished { pairs: so_far.pairs, sets: kept.collect() });
            listener(EvaluationEvent::Changed(state))
        })?;
        state.unfinished = None;
        Ok(evaluation.right)
    }

    /// About how many sets the depths after `sets` will have: as many as extend a full beam of the
    /// largest of `sets`, one less for each layer more.
    fn to_come(&self, sets: &[LayerSet]) -> usize {
        let largest = sets.last().map_or(0, |set| set.layers().len());
        let layers = self.plan.candidates.len();
        (largest..self.depth).map(|size| self.plan.beam * layers.saturating_sub(size + 1)).sum()
    }

    /// Enters what was evaluated: complete depths, and which keypoints the best sets get right.
    pub(crate) fn enter(&self, sets: &[LayerSet], right: &[Vec<bool>], state: &mut State) {
        let score = |(set, right): (&LayerSet, &Vec<bool>)| ScoredSet {
            layers: set.clone(),
            pck: self.evaluator.pck(right),
        };
        let all: Vec<ScoredSet> = sets.iter().zip(right).map(score).collect();
        let mut rest: &[ScoredSet] = &all;
        while !rest.is_empty() {
            let size = rest[0].layers.layers().len();
            let (depth, after) =
                rest.split_at(rest.partition_point(|one| one.layers.layers().len() == size));
            rest = after;
            let order = match state.depths.last() {
                Some(entries) => self.plan.extensions(&self.plan.best(&scored(entries))),
                None => self.plan.first(),
            };
            let entry =
                |set: &LayerSet| depth.iter().find(|one| one.layers == *set).map(StoredScore::new);
            state.depths.push(order.iter().filter_map(entry).collect());
        }
        let everything: Vec<ScoredSet> =
            state.depths.iter().flat_map(|depth| scored(depth)).collect();
        let finalists = best(&everything, self.plan.beam).into_iter().filter_map(|one| {
            let layers = one.layers.layers();
            let before = state.best.iter().find(|kept| kept.layers == layers).cloned();
            let new = || sets.iter().zip(right).find(|(set, _)| **set == one.layers);
            before.or_else(|| new().map(|(set, right)| kept(set, right)))
        });
        state.best = finalists.collect();
    }
}

fn scored(entries: &[StoredScore]) -> Vec<ScoredSet> {
    entries.iter().filter_map(StoredScore::scored).collect()
}

fn kept(set: &LayerSet, right: &[bool]) -> StoredBits {
    StoredBits { layers: set.layers().to_vec(), right: Bits(right.to_vec()) }
}
