//! Scores as JSON.

use serde_json::{Map, Value, json};

use super::{Contrast, FileScores, Scope, notes};
use crate::benchmark::Factor;
use crate::score::bootstrap::{Bootstrap, ResamplingUnit};
use crate::score::published::{PublishedRow, table_3, table_4, table_5};
use crate::score::{Breakdown, Levels, Measure, Measured, Score};

/// The scores as JSON, percent in full precision; `null` where there is no pair to speak of, and for
/// the ends of an interval where there are too few.
#[must_use]
pub fn json(scope: Scope<'_>, files: &[FileScores], contrasts: &[Contrast]) -> Value {
    let one = |file: &FileScores, score: &Score| {
        let pck: Map<String, Value> =
            score.pck.iter().map(|one| (one.alpha.to_string(), measured(one))).collect();
        json!({
            "file": file.file,
            "method": file.method,
            "benchmark": scope.benchmark,
            "split": scope.split,
            "protocol": score.protocol.name,
            "pairs": score.pairs,
            "pairs_of_split": scope.pairs,
            "keypoints": score.keypoints,
            "unanswered": score.unanswered,
            "pck": pck,
            "warnings": file.warnings,
        })
    };
    let files_json: Vec<Value> =
        files.iter().flat_map(|file| file.scores.iter().map(|score| one(file, score))).collect();
    let mut result = json!({ "files": files_json, "notes": notes(scope, files, contrasts) });
    if let Some(Bootstrap { resamples, seed, unit }) = scope.bootstrap {
        let unit = if unit == ResamplingUnit::Images { "images" } else { "pairs" };
        result["bootstrap"] = json!({ "resamples": resamples, "seed": seed, "resample": unit });
        result["differences"] = contrasts.iter().map(contrast).collect();
    }
    if scope.published {
        result["published"] = json!({
            "category": table_3().iter().map(published).collect::<Vec<_>>(),
            "factor": table_4().iter().map(published).collect::<Vec<_>>(),
            "controlled": table_5().iter().map(published).collect::<Vec<_>>(),
        });
    }
    result
}

fn contrast(contrast: &Contrast) -> Value {
    let paired = contrast.paired;
    json!({
        "methods": contrast.names,
        "protocol": contrast.protocol,
        "alpha": contrast.alpha.to_string(),
        "pairs": paired.pairs,
        "all": paired.difference,
        "interval_95": paired.certainty.map(|sure| json!({ "low": sure.low, "high": sure.high })),
        "p": paired.certainty.map(|sure| sure.p),
    })
}

/// A row of the paper, under the column names of its own tables.
fn published(row: &PublishedRow) -> Value {
    let values: Map<String, Value> = row
        .columns
        .iter()
        .map(|&name| name.to_owned())
        .zip(row.values.iter().map(|v| json!(v)))
        .collect();
    json!({ "name": row.name, "group": row.group, "all": row.all, "pck": values })
}

/// The scores as one flat object, `name/protocol/pck@α/…` to percent, as experiment trackers take
/// it. Means over no pairs are left out.
#[must_use]
pub fn metrics(files: &[FileScores]) -> Value {
    let mut all = Map::new();
    for file in files {
        for score in &file.scores {
            let prefix = format!("{}/{}", file.name, score.protocol.name);
            all.insert(format!("{prefix}/pairs"), score.pairs.into());
            all.insert(format!("{prefix}/keypoints"), score.keypoints.into());
            all.insert(format!("{prefix}/unanswered"), score.unanswered.into());
            for one in &score.pck {
                let name = match score.protocol.measure {
                    Measure::Keypoints => format!("pck@{}", one.alpha),
                    masks => masks.name().to_lowercase(),
                };
                flatten(&format!("{prefix}/{name}"), &measured(one), &mut all);
            }
        }
    }
    all.into()
}

fn flatten(prefix: &str, value: &Value, into: &mut Map<String, Value>) {
    match value {
        Value::Object(inside) => {
            for (name, value) in inside {
                flatten(&format!("{prefix}/{name}"), value, into);
            }
        }
        Value::Null => {}
        value => {
            into.insert(prefix.to_owned(), value.clone());
        }
    }
}

fn measured(measured: &Measured) -> Value {
    let mut value = breakdown(&measured.pck);
    if let Some(interval) = &measured.interval {
        value["interval_95"] =
            json!({ "low": breakdown(&interval.low), "high": breakdown(&interval.high) });
    }
    value
}

fn breakdown(pck: &Breakdown) -> Value {
    let category: Map<String, Value> =
        pck.category.iter().map(|(name, pck)| (name.clone(), json!(pck))).collect();
    let mut value = Map::new();
    value.insert("all".to_owned(), json!(pck.all));
    value.insert("category".to_owned(), category.into());
    value.extend(pck.factors.as_ref().map(levels).into_iter().flatten());
    if let Some(controlled) = &pck.controlled {
        value.insert("controlled".to_owned(), levels(controlled).into());
    }
    value.into()
}

fn levels(levels: &Levels) -> Map<String, Value> {
    let factor = |(factor, pck): (Factor, &Vec<Option<f64>>)| {
        let names = factor.levels().iter().map(|&name| name.to_owned());
        let levels: Map<String, Value> = names.zip(pck.iter().map(|pck| json!(pck))).collect();
        (factor.name().to_owned(), levels.into())
    };
    Factor::ALL.into_iter().zip(levels).map(factor).collect()
}
