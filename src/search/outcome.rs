//! What a search found, and how sure the choice is.

use serde_json::{Value, json};

use super::{SetEvaluator, State};
use crate::hyperpixel::LayerSet;
use crate::score::Verdict;
use crate::score::bootstrap::{Bootstrap, ResamplingUnit, compare, interval};

/// Resamples of the bootstrap over images.
pub const RESAMPLES: usize = 10_000;

/// One of the best sets of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Finalist {
    /// Its layers, ascending.
    pub layers: Vec<usize>,
    /// PCK in percent.
    pub pck: f64,
    /// 95 % interval of the PCK, by a bootstrap over images.
    pub interval: Option<[f64; 2]>,
    /// The share of resamples in which it is better than the best set; none for that set itself.
    pub chance: Option<f64>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOutcome {
    /// The best sets of all depths, best first.
    pub finalists: Vec<Finalist>,
}

impl SearchOutcome {
    /// The best sets of a state with their intervals.
    #[must_use]
    pub fn new(evaluator: &SetEvaluator, state: &State) -> Self {
        let how = Bootstrap { resamples: RESAMPLES, seed: 0, unit: ResamplingUnit::Images };
        let (benchmark, protocol) = (evaluator.benchmark, evaluator.protocol);
        let verdicts: Vec<Vec<Verdict>> =
            state.best.iter().map(|kept| evaluator.verdicts(&kept.right.0)).collect();
        let finalists = state.best.iter().zip(&verdicts).enumerate().map(|(at, (kept, own))| {
            let ends = interval(benchmark, own, protocol, how);
            let versus = (at > 0).then(|| compare(benchmark, [&verdicts[0], own], protocol, how));
            Finalist {
                layers: kept.layers.clone(),
                pck: evaluator.pck(&kept.right.0),
                interval: ends.low.all.zip(ends.high.all).map(|(low, high)| [low, high]),
                chance: versus
                    .flatten()
                    .and_then(|paired| paired.certainty)
                    .map(|sure| sure.second_ahead),
            }
        });
        Self { finalists: finalists.collect() }
    }

    /// The best set; `None` where no pair has keypoints.
    #[must_use]
    pub fn best(&self) -> Option<LayerSet> {
        LayerSet::new(self.finalists.first()?.layers.clone()).ok()
    }

    /// The outcome for the file of the search.
    #[must_use]
    pub fn json(&self) -> Value {
        let finalists = self.finalists.iter().map(|one| {
            json!({
                "layers": one.layers,
                "pck": one.pck,
                "interval": one.interval,
                "chance_of_being_better": one.chance,
            })
        });
        json!({
            "finalists": finalists.collect::<Vec<_>>(),
            "bootstrap": { "resamples": RESAMPLES, "seed": 0, "unit": "images" },
        })
    }
}
