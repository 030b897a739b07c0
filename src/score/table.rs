//! The table of `docs/protocols.md`, made of the protocols themselves.

use crate::benchmark::BenchmarkKind;
use crate::protocol::{
    AnnotationForm, Average, DistanceFrame, DistanceTest, EVALUATORS, Measure, Protocol, Refusal,
    Threshold, TransferDirection, TruthPlacement,
};

/// Every evaluator on every benchmark as Markdown: what decides, how it was verified, and what is
/// refused.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::new();
    for kind in BenchmarkKind::ALL {
        let info = kind.info();
        text += &format!(
            "### {} (`{}`)\n\n| `--protocol` | transfers | measures by | in | truth | right if | mean over \
             | α | verified |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
            info.title, info.name
        );
        for evaluator in &EVALUATORS {
            text.extend(info.protocol(evaluator.name).map(row));
        }
        text += "\nRefused:\n\n";
        for refused in info.refused {
            let (what, why) = match refused.why {
                Refusal::NotDefined(why) => ("not defined", why),
                Refusal::Lacking(why) => ("lacking in hpflow", why),
            };
            text += &format!("- `{}`: {what}; {why}.\n", refused.evaluators.join("`, `"));
        }
        text += "\n";
    }
    text += "### Whose code\n\n| `--protocol` | follows | code |\n| --- | --- | --- |\n";
    for evaluator in &EVALUATORS {
        text += &format!("| `{}` | {} | {} |\n", evaluator.name, evaluator.origin, evaluator.code);
    }
    text
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
        TransferDirection::SourceToTarget => "s → t",
        TransferDirection::TargetToSource => "t → s",
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
        DistanceFrame::Original => "original pixels".to_owned(),
        DistanceFrame::Warped(side) => format!("{side}², by {side} / W"),
        DistanceFrame::WarpedCorners(side) => format!("{side}², by {} / (W − 1)", side - 1),
    };
    let truth = match truth {
        TruthPlacement::Annotated => "as annotated",
        TruthPlacement::Clamped => "clamped",
        TruthPlacement::FlooredAndClamped => "floored, clamped",
    };
    let right = match comparison {
        DistanceTest::AtMost => "d ≤ α·t",
        DistanceTest::RatioAtMost => "d / t ≤ α",
        DistanceTest::Below => "d < α·t",
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
    let verified = match protocol.annotations {
        AnnotationForm::Any => verified.to_owned(),
        AnnotationForm::Ap10k => {
            format!("{verified}; AP-10K alone, without keypoints of visibility 1")
        }
    };
    format!(
        "| `{name}` | {transfers} | {measures} | {frame} | {truth} | {right} | {mean} | {alphas} | {verified} |\n"
    )
}
