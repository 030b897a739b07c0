//! Scores as JSON.

use serde_json::{Map, Value, json};

use super::{FileScores, Scope};
use crate::score::published::{PublishedRow, table_3, table_4, table_5};
use crate::score::{Breakdown, Factor, Levels, Score};

/// The scores as JSON, percent in full precision; `null` where there is no pair to speak of.
#[must_use]
pub fn json(scope: Scope<'_>, files: &[FileScores]) -> Value {
    let one = |file: &FileScores, score: &Score| {
        let pck: Map<String, Value> =
            score.pck.iter().map(|(alpha, pck)| (alpha.to_string(), breakdown(pck))).collect();
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
    let files: Vec<Value> =
        files.iter().flat_map(|file| file.scores.iter().map(|score| one(file, score))).collect();
    let mut result = json!({ "files": files });
    if scope.published {
        result["published"] = json!({
            "category": table_3().iter().map(published).collect::<Vec<_>>(),
            "factor": table_4().iter().map(published).collect::<Vec<_>>(),
            "controlled": table_5().iter().map(published).collect::<Vec<_>>(),
        });
    }
    result
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
