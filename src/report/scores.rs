//! Scores of predictions files as the paper's tables and as JSON.

use serde_json::{Map, Value, json};

use super::{Group, Row, Table};
use crate::score::{Alpha, Breakdown, Factor, Levels, Score, abbreviation};

/// One predictions file with its scores, one per protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct FileScores {
    /// The file's name as it was given.
    pub file: String,
    /// The header's `method`.
    pub method: Map<String, Value>,
    /// The name that tables give to its rows.
    pub name: String,
    /// The scores.
    pub scores: Vec<Score>,
}

/// What the files were predicted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The benchmark's name.
    pub benchmark: &'a str,
    /// Its split.
    pub split: &'a str,
    /// The number of pairs of the split.
    pub pairs: usize,
}

/// A row to be: a file's breakdown under one protocol at one α.
struct Entry<'a> {
    file: &'a FileScores,
    score: &'a Score,
    alpha: Alpha,
    pck: &'a Breakdown,
}

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
        })
    };
    let files: Vec<Value> =
        files.iter().flat_map(|file| file.scores.iter().map(|score| one(file, score))).collect();
    json!({ "files": files })
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

/// The paper's tables for reading: what was scored, by category (its table 3), by variation
/// factor (4) and by controlled factor (5).
#[must_use]
pub fn tables(scope: Scope<'_>, files: &[FileScores]) -> Vec<Table> {
    let entries = entries(files);
    let labels = Labels::new(&entries);
    let mut tables = vec![overview(scope, files)];
    let Some(first) = entries.first() else { return tables };
    let title = |what: &str| format!("PCK (%) {}, {what}", labels.title(scope, first));
    let table =
        |what: &str, groups: Vec<Group>, cells: &dyn Fn(&Breakdown) -> Vec<Option<f64>>| Table {
            title: title(what),
            labels: labels.headings(),
            groups,
            rows: labels.rows(&entries, cells),
            notes: Vec::new(),
        };
    tables.push(table("by category", vec![categories(first.pck), all()], &category_cells));
    if first.pck.factors.is_some() {
        tables.push(table("by variation factor", factors(), &|pck| {
            level_cells(pck.factors.as_ref(), pck.all)
        }));
        tables.push(table(
            "by factor with the others at easy, easy, none, none",
            factors(),
            &|pck| level_cells(pck.controlled.as_ref(), pck.all),
        ));
    }
    tables
}

/// Everything in one table for programs: a row for each file, protocol and α.
#[must_use]
pub fn flat(scope: Scope<'_>, files: &[FileScores]) -> Table {
    let entries = entries(files);
    let labels = [
        "file",
        "method",
        "benchmark",
        "split",
        "protocol",
        "alpha",
        "pairs",
        "pairs of split",
        "keypoints",
        "unanswered",
    ];
    let mut groups = vec![all()];
    if let Some(first) = entries.first() {
        groups.push(categories(first.pck));
        if first.pck.factors.is_some() {
            groups.extend(factors().into_iter().take(4));
            groups.extend(
                factors().into_iter().take(4).map(|group| Group {
                    heading: format!("controlled {}", group.heading),
                    ..group
                }),
            );
        }
    }
    let row = |entry: &Entry<'_>| Row {
        labels: vec![
            entry.file.file.clone(),
            entry.file.name.clone(),
            scope.benchmark.to_owned(),
            scope.split.to_owned(),
            entry.score.protocol.name.to_owned(),
            entry.alpha.to_string(),
            entry.score.pairs.to_string(),
            scope.pairs.to_string(),
            entry.score.keypoints.to_string(),
            entry.score.unanswered.to_string(),
        ],
        cells: std::iter::once(entry.pck.all)
            .chain(entry.pck.category.iter().map(|(_, pck)| *pck))
            .chain(entry.pck.factors.iter().flatten().flatten().copied())
            .chain(entry.pck.controlled.iter().flatten().flatten().copied())
            .collect(),
        contest: 0,
    };
    Table {
        labels: labels.map(str::to_owned).into(),
        groups,
        rows: entries.iter().map(row).collect(),
        ..Table::default()
    }
}

/// Names for rows: the method and backbone, and the file where that does not tell files apart.
#[must_use]
pub fn names(files: &[(&str, &Map<String, Value>)]) -> Vec<String> {
    let text = |method: &Map<String, Value>, key: &str| {
        method.get(key).and_then(Value::as_str).map(str::to_owned)
    };
    let method = |file: &str, header: &Map<String, Value>| {
        let known: Vec<String> =
            ["method", "backbone"].iter().filter_map(|key| text(header, key)).collect();
        if known.is_empty() { file.to_owned() } else { known.join(" ") }
    };
    let plain: Vec<String> = files.iter().map(|(file, header)| method(file, header)).collect();
    let alone = |name: &String| plain.iter().filter(|&other| other == name).count() == 1;
    let named = plain.iter().zip(files);
    named
        .map(
            |(name, (file, _))| {
                if alone(name) || name == file { name.clone() } else { format!("{name} ({file})") }
            },
        )
        .collect()
}

fn entries(files: &[FileScores]) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = files
        .iter()
        .flat_map(|file| file.scores.iter().map(move |score| (file, score)))
        .flat_map(|(file, score)| {
            score.pck.iter().map(move |(alpha, pck)| Entry { file, score, alpha: *alpha, pck })
        })
        .collect();
    // Rows to compare stand together: protocols and α in the order asked for, then files.
    let order: Vec<_> =
        files.iter().take(1).flat_map(|file| &file.scores).map(|one| one.protocol.name).collect();
    let place = |score: &Score| order.iter().position(|&name| name == score.protocol.name);
    let alpha_place =
        |entry: &Entry<'_>| entry.score.pck.iter().position(|(alpha, _)| *alpha == entry.alpha);
    entries.sort_by_key(|entry| (place(entry.score), alpha_place(entry)));
    entries
}

/// Which columns name a row: protocol and α only where they differ.
struct Labels {
    protocol: bool,
    alpha: bool,
}

impl Labels {
    fn new(entries: &[Entry<'_>]) -> Self {
        let differ = |differ: &dyn Fn(&Entry<'_>, &Entry<'_>) -> bool| {
            entries.windows(2).any(|two| differ(&two[0], &two[1]))
        };
        Self {
            protocol: differ(&|one, other| one.score.protocol != other.score.protocol),
            alpha: differ(&|one, other| one.alpha != other.alpha),
        }
    }

    fn title(&self, scope: Scope<'_>, first: &Entry<'_>) -> String {
        let mut title = format!("on {} {}", scope.benchmark, scope.split);
        if !self.protocol {
            title.push_str(&format!(", protocol {}", first.score.protocol.name));
        }
        if !self.alpha {
            title.push_str(&format!(", α = {}", first.alpha));
        }
        title
    }

    fn headings(&self) -> Vec<String> {
        let mut headings = vec!["method".to_owned()];
        headings.extend(self.protocol.then(|| "protocol".to_owned()));
        headings.extend(self.alpha.then(|| "α".to_owned()));
        headings
    }

    fn rows(
        &self,
        entries: &[Entry<'_>],
        cells: &dyn Fn(&Breakdown) -> Vec<Option<f64>>,
    ) -> Vec<Row> {
        let mut contest = 0;
        let mut rows = Vec::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            if at > 0 {
                let before = &entries[at - 1];
                let same =
                    before.score.protocol == entry.score.protocol && before.alpha == entry.alpha;
                contest += usize::from(!same);
            }
            let mut labels = vec![entry.file.name.clone()];
            labels.extend(self.protocol.then(|| entry.score.protocol.name.to_owned()));
            labels.extend(self.alpha.then(|| entry.alpha.to_string()));
            rows.push(Row { labels, cells: cells(entry.pck), contest });
        }
        rows
    }
}

/// All at every α, and over what it speaks.
fn overview(scope: Scope<'_>, files: &[FileScores]) -> Table {
    let mut alphas: Vec<Alpha> = Vec::new();
    for (alpha, _) in files.iter().flat_map(|file| &file.scores).flat_map(|score| &score.pck) {
        if !alphas.contains(alpha) {
            alphas.push(*alpha);
        }
    }
    let at = |score: &Score, alpha: Alpha| {
        score.pck.iter().find(|(found, _)| *found == alpha).and_then(|(_, pck)| pck.all)
    };
    let row = |file: &FileScores, score: &Score, contest| Row {
        labels: vec![
            file.name.clone(),
            score.protocol.name.to_owned(),
            if score.pairs == scope.pairs {
                score.pairs.to_string()
            } else {
                format!("{} of {}", score.pairs, scope.pairs)
            },
            score.keypoints.to_string(),
            score.unanswered.to_string(),
        ],
        cells: alphas.iter().map(|&alpha| at(score, alpha)).collect(),
        contest,
    };
    let protocols = files.first().map_or(0, |file| file.scores.len());
    let rows = (0..protocols)
        .flat_map(|at| files.iter().map(move |file| (at, file)))
        .map(|(at, file)| row(file, &file.scores[at], at))
        .collect();
    let notes = files.iter().flat_map(|file| notes(scope, file)).collect();
    Table {
        title: format!("PCK (%) on {} {}", scope.benchmark, scope.split),
        labels: ["method", "protocol", "pairs", "keypoints", "without prediction"]
            .map(str::to_owned)
            .into(),
        groups: vec![Group {
            heading: String::new(),
            columns: alphas.iter().map(|alpha| format!("α = {alpha}")).collect(),
        }],
        rows,
        notes,
    }
}

/// What a reader of the means has to know.
fn notes(scope: Scope<'_>, file: &FileScores) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for score in &file.scores {
        if score.dropped > 0 {
            notes.push(format!(
                "{}: protocol {} leaves out {} pairs without a single prediction.",
                file.name, score.protocol.name, score.dropped
            ));
        }
        if score.pairs + score.dropped < scope.pairs {
            notes.push(format!(
                "{}: speaks over {} of the {} pairs of {} {} only; compare it with nothing that \
                 was scored on all.",
                file.name, score.pairs, scope.pairs, scope.benchmark, scope.split
            ));
        }
    }
    notes.dedup();
    notes
}

fn all() -> Group {
    Group { heading: String::new(), columns: vec!["All".to_owned()] }
}

fn categories(pck: &Breakdown) -> Group {
    let columns = pck.category.iter().map(|(name, _)| abbreviation(name).to_owned()).collect();
    Group { heading: String::new(), columns }
}

fn category_cells(pck: &Breakdown) -> Vec<Option<f64>> {
    pck.category.iter().map(|(_, pck)| *pck).chain([pck.all]).collect()
}

/// The four factors' columns, then All.
fn factors() -> Vec<Group> {
    let group = |factor: Factor| Group {
        heading: factor.name().to_owned(),
        columns: factor.levels().iter().map(|&level| level.to_owned()).collect(),
    };
    Factor::ALL.into_iter().map(group).chain([all()]).collect()
}

fn level_cells(levels: Option<&Levels>, all: Option<f64>) -> Vec<Option<f64>> {
    levels.into_iter().flatten().flatten().copied().chain([all]).collect()
}
