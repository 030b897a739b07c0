//! A report in one HTML file that needs no network: tables, charts, and a browser of pairs.
//!
//! `page.html` is the frame, `page.css` its looks, and `page.js` draws charts and pairs from one
//! JSON object that this module writes into the page.

mod photographs;
mod table;

use serde_json::{Map, Value, json};

use super::scores::FileScores;
use super::table::Table;
use crate::benchmark::{Benchmark, Factor, Pair};
use crate::score::{
    Alpha, Answers, Breakdown, Measured, Protocol, ScoreError, Verdict, abbreviation, judge, radius,
};

pub use photographs::{Photographs, load};

/// The alphas of the curves: 0.01 to 0.2.
#[must_use]
pub fn curve_alphas() -> Vec<Alpha> {
    (1..=20).map(Alpha::hundredths).collect()
}

/// One method of a report.
#[derive(Debug, Clone, Copy)]
pub struct ReportedMethod<'a> {
    /// Its file with the scores at the report's α.
    pub file: &'a FileScores,
    /// Its predictions.
    pub answers: &'a Answers,
    /// Its scores at [`curve_alphas`].
    pub curve: &'a [Measured],
}

/// Writes the page.
///
/// Points are rounded to hundredths of a pixel for drawing; which of them are right is decided
/// before that.
///
/// # Errors
/// Those of [`judge`]: a benchmark that the protocol does not fit.
pub fn page(
    benchmark: &Benchmark,
    methods: &[ReportedMethod<'_>],
    protocol: &Protocol,
    alpha: Alpha,
    tables: &[Table],
    photographs: &Photographs,
) -> Result<String, ScoreError> {
    let verdicts = methods
        .iter()
        .map(|method| judge(benchmark, method.answers, protocol, alpha))
        .collect::<Result<Vec<_>, _>>()?;
    let data = data(benchmark, methods, &verdicts, protocol, alpha, photographs)?;
    let title = format!("Semantic correspondence on {} {}", benchmark.name(), benchmark.split);
    let tables: String = tables.iter().map(table::render).collect();
    // The data last, so that nothing in them is replaced again.
    Ok(include_str!("page.html")
        .replace("{{title}}", &table::escaped(&title))
        .replace("{{style}}", include_str!("page.css"))
        .replace("{{script}}", include_str!("page.js"))
        .replace("{{tables}}", &tables)
        .replace("{{data}}", &embedded(&data)))
}

/// JSON that may stand in a script element: it cannot end it.
fn embedded(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c")
}

fn data(
    benchmark: &Benchmark,
    methods: &[ReportedMethod<'_>],
    verdicts: &[Vec<Verdict>],
    protocol: &Protocol,
    alpha: Alpha,
    photographs: &Photographs,
) -> Result<Value, ScoreError> {
    let mut categories: Vec<&str> =
        benchmark.pairs.iter().map(|pair| pair.category.as_str()).collect();
    categories.sort_unstable();
    categories.dedup();
    let labelled = benchmark.pairs.iter().any(|pair| pair.variation.is_some());
    let factors: Vec<Value> = Factor::ALL
        .iter()
        .filter(|_| labelled)
        .map(|factor| json!({ "name": factor.name(), "levels": factor.levels() }))
        .collect();
    // By pair, as pairs that lack predictions have no verdict.
    let mut right: Vec<Vec<Option<&Verdict>>> =
        vec![vec![None; methods.len()]; benchmark.pairs.len()];
    for (method, verdicts) in verdicts.iter().enumerate() {
        for verdict in verdicts {
            right[verdict.pair][method] = Some(verdict);
        }
    }
    let pairs = benchmark
        .pairs
        .iter()
        .enumerate()
        .map(|(at, pair)| {
            let category = categories.binary_search(&pair.category.as_str());
            let category = category.expect("every pair's category is among the categories");
            let reach = radius(benchmark, pair, protocol, Alpha::hundredths(100))?;
            let predicted: Vec<Value> =
                methods.iter().map(|method| predicted(method.answers, at)).collect();
            let verdicts: Vec<Value> = right[at].iter().map(|verdict| marks(*verdict)).collect();
            Ok(json!([
                pair.id,
                category,
                pair.source,
                pair.target,
                levels(pair),
                rounded(reach),
                points(sample(&pair.source_keypoints)),
                points(sample(&pair.target_keypoints)),
                predicted,
                verdicts,
            ]))
        })
        .collect::<Result<Vec<Value>, ScoreError>>()?;
    Ok(json!({
        "alpha": alpha.value(),
        "curve_alphas": curve_alphas().iter().map(|alpha| alpha.value()).collect::<Vec<_>>(),
        "category_names": categories.iter().map(|name| abbreviation(name)).collect::<Vec<_>>(),
        "factors": factors,
        "methods": methods.iter().map(|method| summary(method, alpha)).collect::<Vec<_>>(),
        "images": photographs.json(benchmark),
        "pairs": pairs,
    }))
}

fn summary(method: &ReportedMethod<'_>, alpha: Alpha) -> Value {
    let scores = method.file.scores.iter().flat_map(|score| &score.pck);
    let pck = scores.into_iter().find(|one| one.alpha == alpha).map(|one| &one.pck);
    json!({
        "name": method.file.name,
        "curve": method.curve.iter().map(|one| one.pck.all).collect::<Vec<_>>(),
        "category": pck.map(|pck| pck.category.iter().map(|(_, pck)| *pck).collect::<Vec<_>>()),
        "factors": pck.map(by_factor),
    })
}

fn by_factor(pck: &Breakdown) -> Map<String, Value> {
    let levels = pck.factors.iter().flatten();
    Factor::ALL
        .iter()
        .zip(levels)
        .map(|(factor, pck)| (factor.name().to_owned(), json!(pck)))
        .collect()
}

fn levels(pair: &Pair) -> Value {
    json!(pair.variation.map(|variation| Factor::ALL.map(|factor| factor.level(variation))))
}

/// The most keypoints of a pair that the page holds: a flow's pixels are too many for it.
const MOST_KEYPOINTS: usize = 200;

/// All keypoints of a pair, or every n-th of many.
fn sample<T>(of_keypoints: &[T]) -> impl Iterator<Item = &T> {
    of_keypoints.iter().step_by(of_keypoints.len().div_ceil(MOST_KEYPOINTS).max(1))
}

/// x and y by turns.
fn points<'a>(points: impl Iterator<Item = &'a crate::Point>) -> Vec<f64> {
    points.flatten().map(|&side| rounded(f64::from(side))).collect()
}

fn predicted(answers: &Answers, pair: usize) -> Value {
    let point = |point: &Option<crate::Point>| match point {
        Some(point) => point.map(|side| json!(rounded(f64::from(side)))),
        None => [Value::Null, Value::Null],
    };
    json!(answers.get(pair).map(|points| sample(points).flat_map(point).collect::<Vec<_>>()))
}

/// "1" for each keypoint that is right, "0" for each that is wrong.
fn marks(verdict: Option<&Verdict>) -> Value {
    json!(
        verdict
            .map(|one| sample(&one.right).map(|&r| if r { '1' } else { '0' }).collect::<String>())
    )
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_data_ends_the_script_element() {
        let text = embedded(&json!({ "name": "</script><script>alert(1)</script>" }));
        assert!(!text.contains('<'), "{text}");
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["name"], "</script><script>alert(1)</script>");
    }

    #[test]
    fn the_page_asks_nothing_of_a_network() {
        for part in [include_str!("page.html"), include_str!("page.css"), include_str!("page.js")] {
            let part = part.replace("http://www.w3.org/2000/svg", "");
            assert!(!part.contains("://") && !part.contains("url("), "{part}");
        }
    }
}
