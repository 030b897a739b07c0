//! All that is scored of one method under one protocol.

use super::answers::Answers;
use super::bootstrap::{Bootstrap, Interval, interval};
use super::breakdown::breakdown;
use super::cells::Breakdown;
use super::error::ScoreError;
use super::judge::judge;
use super::verdict::Verdict;
use crate::benchmark::Benchmark;
use crate::protocol::{Alpha, Protocol};

/// One method's predictions, scored under one protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The protocol.
    pub protocol: &'static Protocol,
    /// The number of pairs that the means count.
    pub pairs: usize,
    /// The number of keypoints of the counted pairs.
    pub keypoints: usize,
    /// The number of those keypoints without prediction.
    pub unanswered: usize,
    /// PCK at each α, in the order asked for.
    pub pck: Vec<Measured>,
}

/// PCK at one α.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The α.
    pub alpha: Alpha,
    /// The means.
    pub pck: Breakdown,
    /// How sure they are, where that was asked for.
    pub interval: Option<Interval>,
}

/// Scores predictions under a protocol, with intervals where a bootstrap is asked for.
///
/// # Errors
/// Those of [`judge()`].
pub fn score(
    benchmark: &Benchmark,
    answers: &Answers,
    protocol: &'static Protocol,
    alphas: &[Alpha],
    bootstrap: Option<Bootstrap>,
) -> Result<Score, ScoreError> {
    let mut score = Score { protocol, pairs: 0, keypoints: 0, unanswered: 0, pck: Vec::new() };
    for &alpha in alphas {
        let verdicts = judge(benchmark, answers, protocol, alpha)?;
        score.pairs = verdicts.len();
        let keypoints =
            |one: &Verdict| answers.get(one.judged).expect("what was judged is answered").len();
        score.keypoints = verdicts.iter().map(keypoints).sum();
        score.unanswered = verdicts.iter().map(|one| one.unanswered).sum();
        score.pck.push(Measured {
            alpha,
            pck: breakdown(benchmark, &verdicts, protocol),
            interval: bootstrap.map(|how| interval(benchmark, &verdicts, protocol, how)),
        });
    }
    Ok(score)
}
