//! The table of `docs/protocols.md`, made of the protocols themselves.

use super::{
    Average, Comparison, Direction, EVALUATORS, Frame, Measure, Protocol, Rule, Threshold, Truth,
};
use crate::benchmark::Kind;

/// Every evaluator on every benchmark as Markdown: what decides, how it was verified, and what is
/// refused.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        text += &format!(
            "### {}\n\n| `--protocol` | transfers | measures by | in | truth | right if | mean over \
             | α | verified |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
            heading(kind)
        );
        let mut refused = Vec::new();
        for evaluator in &EVALUATORS {
            match evaluator.rules.on(kind) {
                Rule::Defined(protocol) => text += &row(protocol),
                Rule::NotDefined(why) => refused.push(("not defined", evaluator.name, *why)),
                Rule::NotBuilt(why) => refused.push(("lacking in hpflow", evaluator.name, *why)),
            }
        }
        text += "\nRefused:\n\n";
        let mut reasons: Vec<(&str, &str, Vec<&str>)> = Vec::new();
        for (what, name, why) in refused {
            match reasons.iter_mut().find(|(_, other, _)| *other == why) {
                Some((.., names)) => names.push(name),
                None => reasons.push((what, why, vec![name])),
            }
        }
        for (what, why, names) in reasons {
            text += &format!("- `{}`: {what}; {why}.\n", names.join("`, `"));
        }
        text += "\n";
    }
    text += "### Whose code\n\n| `--protocol` | follows | code |\n| --- | --- | --- |\n";
    for evaluator in &EVALUATORS {
        text += &format!("| `{}` | {} | {} |\n", evaluator.name, evaluator.origin, evaluator.code);
    }
    text
}

fn heading(kind: Kind) -> &'static str {
    match kind {
        Kind::Spair => "SPair-71k (`spair`)",
        Kind::PfWillow => "PF-WILLOW (`pf-willow`)",
        Kind::PfPascal => "PF-PASCAL (`pf-pascal`)",
        Kind::Caltech101 => "Caltech-101 (`caltech-101`)",
        Kind::Tss => "TSS (`tss`)",
        Kind::SpairJson => "Others in SPair-71k's JSON (`spair-json`)",
    }
}

fn row(protocol: &Protocol) -> String {
    let Protocol { name, direction, frame, truth, comparison, average, verified, .. } = *protocol;
    if protocol.measure != Measure::Keypoints {
        let what = protocol.measure.name();
        return format!(
            "| `{name}` | s → t | masks: {what} | long side 300 | as annotated | – | pairs | – | {verified} |\n"
        );
    }
    let transfers = match direction {
        Direction::SourceToTarget => "s → t",
        Direction::TargetToSource => "t → s",
    };
    let measures = match protocol.threshold {
        Threshold::Box => "box".to_owned(),
        Threshold::Image => "image".to_owned(),
        Threshold::Keypoints => "keypoints' box".to_owned(),
        Threshold::PaddedKeypoints(padding) => {
            format!("keypoints' box with (−{padding}, −{padding})")
        }
    };
    let frame = match frame {
        Frame::Original => "original pixels".to_owned(),
        Frame::Warped(side) => format!("{side}², by {side} / W"),
        Frame::WarpedCorners(side) => format!("{side}², by {} / (W − 1)", side - 1),
    };
    let truth = match truth {
        Truth::Annotated => "as annotated",
        Truth::Clamped => "clamped",
        Truth::FlooredAndClamped => "floored, clamped",
    };
    let right = match comparison {
        Comparison::AtMost => "d ≤ α·t",
        Comparison::RatioAtMost => "d / t ≤ α",
        Comparison::Below => "d < α·t",
    };
    let mean = match average {
        Average::Pair => "pairs",
        Average::Point => "keypoints",
        Average::CategoryOfPairs => "subsets, of pairs",
        Average::Category => "categories, of keypoints",
        Average::CategoryByPairs => "categories by pairs, of keypoints",
        Average::KeypointIndex => "keypoint indices",
    };
    let alphas: Vec<String> = protocol
        .alphas
        .iter()
        .map(|alpha| alpha.to_string().trim_start_matches('0').to_owned())
        .collect();
    let alphas = alphas.join(" ");
    format!(
        "| `{name}` | {transfers} | {measures} | {frame} | {truth} | {right} | {mean} | {alphas} | {verified} |\n"
    )
}
