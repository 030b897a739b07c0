//! Which keypoints two protocols judge differently, and which of their choices makes the
//! difference.

use super::answers::Answers;
use super::error::ScoreError;
use super::judge::{Ruler, is_for, mirrors};
use crate::benchmark::Benchmark;
use crate::protocol::{Alpha, Protocol, TransferDirection};

/// A keypoint that is right under one protocol and wrong under another.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The pair: index in [`Benchmark::pairs`].
    pub pair: usize,
    /// The keypoint's name.
    pub keypoint: String,
    /// What the first and the second protocol say.
    pub verdicts: [Judgement; 2],
    /// The choices of the second protocol each of which alone turns the first one's verdict;
    /// where none does, all in which the two differ.
    pub because: Vec<Choice>,
    /// Whether only several choices together turn it.
    pub together: bool,
}

/// One protocol's view of one keypoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Whether it is right.
    pub right: bool,
    /// Distance between prediction and truth, in pixels of the protocol's frame; `None` without
    /// prediction.
    pub distance: Option<f64>,
    /// The distance that α allows, in the same pixels.
    pub allowed: f64,
}

/// A choice in which protocols differ and that decides about single keypoints. The average decides
/// about none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// [`Protocol::direction`].
    Direction,
    /// [`Protocol::threshold`].
    Threshold,
    /// [`Protocol::frame`].
    Frame,
    /// [`Protocol::truth`].
    Truth,
    /// [`Protocol::comparison`].
    Comparison,
}

impl Choice {
    const ALL: [Self; 5] =
        [Self::Direction, Self::Threshold, Self::Frame, Self::Truth, Self::Comparison];

    /// The choice in a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direction => "direction",
            Self::Threshold => "threshold",
            Self::Frame => "frame",
            Self::Truth => "truth",
            Self::Comparison => "comparison",
        }
    }

    fn differs(self, one: &Protocol, other: &Protocol) -> bool {
        match self {
            Self::Direction => one.direction != other.direction,
            Self::Threshold => one.threshold != other.threshold,
            Self::Frame => one.frame != other.frame,
            Self::Truth => one.truth != other.truth,
            Self::Comparison => one.comparison != other.comparison,
        }
    }

    /// The first protocol with this choice of the second.
    fn taken(self, one: &Protocol, from: &Protocol) -> Protocol {
        let mut mixed = *one;
        match self {
            Self::Direction => mixed.direction = from.direction,
            Self::Threshold => mixed.threshold = from.threshold,
            Self::Frame => mixed.frame = from.frame,
            Self::Truth => mixed.truth = from.truth,
            Self::Comparison => mixed.comparison = from.comparison,
        }
        mixed
    }
}

/// Whether two protocols can judge a keypoint differently.
#[must_use]
pub fn judge_differently(one: &Protocol, other: &Protocol) -> bool {
    Choice::ALL.into_iter().any(|choice| choice.differs(one, other))
}

/// Lists the keypoints that two protocols judge differently at one α, in layout order. Pairs that
/// one of them cannot judge for want of predictions are left out.
///
/// # Errors
/// Those of [`super::judge()`].
pub fn explain(
    benchmark: &Benchmark,
    answers: &Answers,
    protocols: [&Protocol; 2],
    alpha: Alpha,
) -> Result<Vec<Difference>, ScoreError> {
    protocols.iter().try_for_each(|one| is_for(one, benchmark))?;
    if benchmark.has_outlines() {
        return Ok(Vec::new()); // no single point is right or wrong
    }
    let turned = protocols.iter().find(|one| one.direction == TransferDirection::TargetToSource);
    let mirrors = turned.map(|protocol| mirrors(benchmark, protocol)).transpose()?;
    let judge = Judge { benchmark, answers, mirrors: mirrors.as_deref(), alpha };
    let choices: Vec<Choice> = Choice::ALL
        .into_iter()
        .filter(|choice| choice.differs(protocols[0], protocols[1]))
        .collect();
    let mut differences = Vec::new();
    for (pair, annotated) in benchmark.pairs.iter().enumerate() {
        for at in 0..annotated.answers() {
            let name = annotated.keypoint_ids.get(at).cloned().unwrap_or_else(|| at.to_string());
            let keypoint = &name;
            let views = [
                judge.view(protocols[0], pair, keypoint)?,
                judge.view(protocols[1], pair, keypoint)?,
            ];
            let [Some(one), Some(other)] = views else { continue };
            if one.right == other.right {
                continue;
            }
            let mut because = Vec::new();
            for &choice in &choices {
                let mixed = choice.taken(protocols[0], protocols[1]);
                if judge.view(&mixed, pair, keypoint)?.is_some_and(|view| view.right == other.right)
                {
                    because.push(choice);
                }
            }
            let together = because.is_empty();
            if together {
                because.clone_from(&choices);
            }
            let (keypoint, verdicts) = (keypoint.clone(), [one, other]);
            differences.push(Difference { pair, keypoint, verdicts, because, together });
        }
    }
    Ok(differences)
}

struct Judge<'a> {
    benchmark: &'a Benchmark,
    answers: &'a Answers,
    mirrors: Option<&'a [usize]>,
    alpha: Alpha,
}

impl Judge<'_> {
    /// What a protocol says of a keypoint; `None` where its pair has no predictions.
    fn view(
        &self,
        protocol: &Protocol,
        pair: usize,
        keypoint: &str,
    ) -> Result<Option<Judgement>, ScoreError> {
        let judged = match protocol.direction {
            TransferDirection::SourceToTarget => pair,
            TransferDirection::TargetToSource => self
                .mirrors
                .expect("mirrors are sought where one of the protocols needs them")[pair],
        };
        let annotated = &self.benchmark.pairs[judged];
        // The mirror has the same keypoints, but nothing says that they come in the same order.
        let place = annotated.keypoint(keypoint);
        let (Some(predicted), Some(place)) = (self.answers.get(judged), place) else {
            return Ok(None);
        };
        let ruler = Ruler::new(self.benchmark, annotated, protocol)?;
        let truth = annotated.target_keypoints[place];
        let predicted = predicted[place];
        Ok(Some(Judgement {
            right: predicted.is_some_and(|predicted| ruler.right(predicted, truth, self.alpha)),
            distance: predicted.map(|predicted| ruler.distance(predicted, truth)),
            allowed: ruler.allowed(self.alpha),
        }))
    }
}
