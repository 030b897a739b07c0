//! What protocols judge differently, keypoint by keypoint, as text and as JSON.

use serde_json::{Value, json};

use crate::benchmark::Benchmark;
use crate::score::explain::{Difference, Judgement};
use crate::score::{Alpha, Average, Protocol};

/// The differences of one file between two protocols at one α.
#[derive(Debug, Clone, PartialEq)]
pub struct ProtocolComparison {
    /// The name that the file's rows have.
    pub file: String,
    /// The two protocols.
    pub protocols: [&'static Protocol; 2],
    /// The α that both are applied at.
    pub alpha: Alpha,
    /// The keypoints that they judge differently.
    pub differences: Vec<Difference>,
}

/// A paragraph for each comparison: a summary, then a line for each keypoint.
#[must_use]
pub fn text(benchmark: &Benchmark, comparisons: &[ProtocolComparison]) -> String {
    let paragraphs = comparisons.iter().map(|comparison| paragraph(benchmark, comparison));
    paragraphs.collect::<Vec<_>>().join("\n")
}

fn paragraph(benchmark: &Benchmark, comparison: &ProtocolComparison) -> String {
    let ProtocolComparison { file, protocols: [one, other], alpha, differences } = comparison;
    let first = differences.iter().filter(|difference| difference.verdicts[0].right).count();
    let mut text = format!(
        "{file} at α = {alpha}: {} keypoints are right under {} alone, {} under {} alone.\n",
        first,
        one.name,
        differences.len() - first,
        other.name
    );
    if one.average != other.average {
        text += &format!(
            "The means differ too: {} takes the mean over {}, {} over {}.\n",
            one.name,
            over(one.average),
            other.name,
            over(other.average)
        );
    }
    for difference in differences {
        let [a, b] = &difference.verdicts;
        text += &format!(
            "  {} keypoint {}: {} {}, {} {}; because of the {}\n",
            benchmark.pairs[difference.pair].id,
            difference.keypoint,
            one.name,
            judged(a),
            other.name,
            judged(b),
            because(difference)
        );
    }
    text
}

fn over(average: Average) -> &'static str {
    match average {
        Average::Pair => "pairs",
        Average::Point => "keypoints",
        Average::CategoryOfPairs => "categories of pairs",
        Average::Category => "categories",
        Average::CategoryByPairs => "categories weighted by their pairs",
        Average::KeypointIndex => "keypoint indices",
    }
}

fn judged(view: &Judgement) -> String {
    let verdict = if view.right { "right" } else { "wrong" };
    match view.distance {
        Some(distance) => format!("{verdict} ({distance:.2} of {:.2} px)", view.allowed),
        None => format!("{verdict} (no prediction)"),
    }
}

fn because(difference: &Difference) -> String {
    let choices: Vec<&str> = difference.because.iter().map(|choice| choice.name()).collect();
    if difference.together {
        format!("{} together", choices.join(" and "))
    } else {
        choices.join(", or of the ")
    }
}

/// The comparisons as JSON.
#[must_use]
pub fn json(benchmark: &Benchmark, comparisons: &[ProtocolComparison]) -> Value {
    let view = |view: &Judgement| json!({ "right": view.right, "distance": view.distance, "allowed": view.allowed });
    let difference = |difference: &Difference, protocols: &[&Protocol; 2]| {
        let because: Vec<&str> = difference.because.iter().map(|choice| choice.name()).collect();
        json!({
            "pair": benchmark.pairs[difference.pair].id,
            "keypoint": difference.keypoint,
            protocols[0].name: view(&difference.verdicts[0]),
            protocols[1].name: view(&difference.verdicts[1]),
            "because": because,
            "together": difference.together,
        })
    };
    let comparison = |comparison: &ProtocolComparison| {
        let ProtocolComparison { file, protocols, alpha, differences } = comparison;
        let differences: Vec<Value> =
            differences.iter().map(|one| difference(one, protocols)).collect();
        json!({
            "method": file,
            "protocols": protocols.map(|protocol| protocol.name),
            "alpha": alpha.to_string(),
            "differences": differences,
        })
    };
    json!({ "comparisons": comparisons.iter().map(comparison).collect::<Vec<_>>() })
}
