//! The protocols of a benchmark.

use super::error::ScoreError;
use crate::benchmark::BenchmarkKind;
use crate::protocol::{EVALUATORS, Evaluator, Protocol, Refusal};

impl Evaluator {
    /// What this evaluator does on a benchmark.
    ///
    /// # Errors
    /// Its code does not score the benchmark, or does and hpflow lacks it.
    pub fn on(&self, kind: BenchmarkKind) -> Result<&'static Protocol, ScoreError> {
        let (protocol, benchmark) = (self.name, kind.name());
        let others = || names(kind, |_| true);
        kind.info().protocol(protocol).map_err(|refusal| match refusal {
            Refusal::NotDefined(why) => {
                ScoreError::NotDefined { protocol, benchmark, why, others: others() }
            }
            Refusal::Lacking(why) => {
                ScoreError::NotBuilt { protocol, benchmark, why, others: others() }
            }
        })
    }
}

/// The names of the protocols that are defined for a benchmark, of those that are asked for.
pub(super) fn names(kind: BenchmarkKind, wanted: impl Fn(&Protocol) -> bool) -> String {
    let names = defined(kind).filter(|one| wanted(one)).map(|one| one.name);
    names.collect::<Vec<_>>().join(", ")
}

/// The protocols of a benchmark's own paper: one, or two where it has two measures.
#[must_use]
pub fn defaults_for(kind: BenchmarkKind) -> Vec<&'static Protocol> {
    kind.info().own_protocols().collect()
}

/// The first of [`defaults_for`].
#[must_use]
pub fn default_for(kind: BenchmarkKind) -> &'static Protocol {
    defaults_for(kind)[0]
}

/// The protocols that are defined for a benchmark, in the order of [`EVALUATORS`].
pub fn defined(kind: BenchmarkKind) -> impl Iterator<Item = &'static Protocol> {
    EVALUATORS.iter().filter_map(move |evaluator| kind.info().protocol(evaluator.name).ok())
}
