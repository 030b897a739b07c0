//! Scores as the paper's tables.

use super::published::add_published;
use super::{Contrast, FileScores, Scope, own_notes};
use crate::benchmark::{Factor, TEST_PAIRS};
use crate::report::{ColumnGroup, Table, TableRow};
use crate::score::bootstrap::{Bootstrap, Interval, Paired, ResamplingUnit, TOO_FEW};
use crate::score::published::{PublishedRow, table_3, table_4, table_5};
use crate::score::{Alpha, Breakdown, Levels, Measure, Score, abbreviation};

/// A row to be: a file's breakdown under one protocol at one α.
struct Entry<'a> {
    file: &'a FileScores,
    score: &'a Score,
    alpha: Alpha,
    pck: &'a Breakdown,
    interval: Option<&'a Interval>,
}

impl Entry<'_> {
    /// The ends of the interval, where there is one.
    fn ends(&self) -> impl Iterator<Item = (&'static str, &Breakdown)> {
        self.interval.into_iter().flat_map(|one| [("from", &one.low), ("to", &one.high)])
    }

    /// Whether two rows measure the same.
    fn rivals(&self, other: &Self) -> bool {
        self.score.protocol == other.score.protocol && self.alpha == other.alpha
    }
}

/// The paper's tables for reading: what was scored, by category (its table 3), by variation
/// factor (4) and by controlled factor (5).
#[must_use]
pub fn tables(scope: Scope<'_>, files: &[FileScores], contrasts: &[Contrast]) -> Vec<Table> {
    let entries = entries(files);
    let labels = Labels::new(&entries);
    let mut tables = vec![overview(scope, files, contrasts)];
    let Some(first) = entries.first() else { return tables };
    let title =
        |what: &str| format!("{} {}, {what}", measured(&entries), labels.title(scope, first));
    let table = |what: &str,
                 groups: Vec<ColumnGroup>,
                 cells: &dyn Fn(&Breakdown) -> Vec<Option<f64>>| Table {
        title: title(what),
        labels: labels.headings(),
        groups,
        rows: labels.rows(&entries, cells),
        notes: Vec::new(),
    };
    // The paper's rows measure as the first entry of protocol `spair` at α = 0.1 does.
    let paper = entries.iter().position(|entry| scope.published && like_the_paper(entry));
    let paper = paper
        .map(|place| entries[..place].iter().map(|entry| 1 + entry.ends().count()).sum::<usize>());
    let beside = |mut table: Table, rows: &[PublishedRow], names: &[String]| {
        if let Some(paper) = paper {
            add_published(&mut table, paper, scope.comparable, rows, names);
        }
        table
    };
    let categories = categories(first.pck);
    let names = categories.columns.clone();
    let by_category = table("by category", vec![categories, all()], &category_cells);
    tables.push(beside(by_category, &table_3(), &names));
    if first.pck.factors.is_some() {
        let by_factor = table("by variation factor", factors(), &|pck| {
            level_cells(pck.factors.as_ref(), pck.all)
        });
        let controlled =
            table("by factor with the others at easy, easy, none, none", factors(), &|pck| {
                level_cells(pck.controlled.as_ref(), pck.all)
            });
        tables.push(beside(by_factor, &table_4(), &level_names()));
        tables.push(beside(controlled, &table_5(), &level_names()));
    }
    if !contrasts.is_empty() {
        tables.push(differences(contrasts));
    }
    tables
}

/// Paired tests between files.
fn differences(contrasts: &[Contrast]) -> Table {
    let row = |contrast: &Contrast| {
        let Paired { difference, pairs, certainty } = contrast.paired;
        let [one, other] = &contrast.names;
        TableRow {
            labels: vec![
                format!("{one} − {other}"),
                contrast.protocol.to_owned(),
                contrast.alpha.to_string(),
                pairs.to_string(),
                certainty.map_or_else(|| TOO_FEW.to_owned(), |sure| format!("{:.4}", sure.p)),
            ],
            cells: vec![
                Some(difference),
                certainty.map(|sure| sure.low),
                certainty.map(|sure| sure.high),
            ],
            contest: None,
            ruled: false,
        }
    };
    Table {
        title: "Differences of All in percentage points".to_owned(),
        labels: ["methods", "protocol", "α", "pairs", "p"].map(str::to_owned).into(),
        groups: vec![ColumnGroup {
            heading: String::new(),
            columns: ["difference", "95 % from", "to"].map(str::to_owned).into(),
        }],
        rows: contrasts.iter().map(row).collect(),
        notes: Vec::new(),
    }
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
    groups.extend(scope.bootstrap.map(|_| ColumnGroup {
        heading: "All 95 %".to_owned(),
        columns: ["from", "to"].map(str::to_owned).into(),
    }));
    let mut names = Vec::new();
    if let Some(first) = entries.first() {
        groups.push(categories(first.pck));
        names = categories(first.pck).columns;
        if first.pck.factors.is_some() {
            groups.extend(factors().into_iter().take(4));
            groups.extend(factors().into_iter().take(4).map(|group| ColumnGroup {
                heading: format!("controlled {}", group.heading),
                ..group
            }));
        }
    }
    let row = |entry: &Entry<'_>| TableRow {
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
            .chain(entry.ends().map(|(_, pck)| pck.all))
            .chain(entry.pck.category.iter().map(|(_, pck)| *pck))
            .chain(entry.pck.factors.iter().flatten().flatten().copied())
            .chain(entry.pck.controlled.iter().flatten().flatten().copied())
            .collect(),
        contest: None,
        ruled: false,
    };
    let mut rows: Vec<TableRow> = entries.iter().map(row).collect();
    if scope.published {
        let ends = if scope.bootstrap.is_some() { 2 } else { 0 };
        let factors = entries.first().is_some_and(|first| first.pck.factors.is_some());
        rows.extend(published(&names, ends, factors));
    }
    Table { labels: labels.map(str::to_owned).into(), groups, rows, ..Table::default() }
}

/// The paper's rows under [`flat`]'s headings: those of a table fill its columns alone.
fn published(categories: &[String], ends: usize, factors: bool) -> Vec<TableRow> {
    let levels = if factors { level_names() } else { Vec::new() };
    let tables = [(3, table_3()), (4, table_4()), (5, table_5())];
    let tables = tables.iter().filter(|(number, _)| factors || *number == 3);
    let row = |number: i32, row: &PublishedRow| {
        let columns = |of: i32, names: &[String]| {
            let cell = |name: &String| row.get(name).filter(|_| of == number);
            names.iter().map(cell).collect::<Vec<_>>()
        };
        let mut cells = vec![Some(row.all)];
        cells.extend(vec![None; ends]);
        cells.extend([columns(3, categories), columns(4, &levels), columns(5, &levels)].concat());
        let labels = [
            &format!("table {number} of the SPair-71k paper"),
            &row.name,
            "spair",
            "test",
            "spair",
            "0.1",
            &TEST_PAIRS.to_string(),
            &TEST_PAIRS.to_string(),
            "",
            "",
        ];
        let labels = labels.map(str::to_owned).into();
        TableRow { labels, cells, contest: None, ruled: false }
    };
    tables.flat_map(|(number, rows)| rows.iter().map(|one| row(*number, one))).collect()
}

fn entries(files: &[FileScores]) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = files
        .iter()
        .flat_map(|file| file.scores.iter().map(move |score| (file, score)))
        .flat_map(|(file, score)| {
            score.pck.iter().map(move |one| Entry {
                file,
                score,
                alpha: one.alpha,
                pck: &one.pck,
                interval: one.interval.as_ref(),
            })
        })
        .collect();
    // Rows to compare stand together: protocols and α in the order asked for, then files.
    let order: Vec<_> =
        files.iter().take(1).flat_map(|file| &file.scores).map(|one| one.protocol.name).collect();
    let place = |score: &Score| order.iter().position(|&name| name == score.protocol.name);
    let alpha_place =
        |entry: &Entry<'_>| entry.score.pck.iter().position(|one| one.alpha == entry.alpha);
    entries.sort_by_key(|entry| (place(entry.score), alpha_place(entry)));
    entries
}

/// Which columns name a row: protocol and α only where they differ.
struct Labels {
    protocol: bool,
    alpha: bool,
    /// Masks alone, which have no α.
    masks: bool,
}

impl Labels {
    fn new(entries: &[Entry<'_>]) -> Self {
        let differ = |differ: &dyn Fn(&Entry<'_>, &Entry<'_>) -> bool| {
            entries.windows(2).any(|two| differ(&two[0], &two[1]))
        };
        Self {
            protocol: differ(&|one, other| one.score.protocol != other.score.protocol),
            alpha: differ(&|one, other| one.alpha != other.alpha),
            masks: !entries.iter().any(|entry| entry.score.protocol.measure == Measure::Keypoints),
        }
    }

    fn title(&self, scope: Scope<'_>, first: &Entry<'_>) -> String {
        let mut title = format!("on {} {}", scope.benchmark, scope.split);
        if !self.protocol {
            title.push_str(&format!(", protocol {}", first.score.protocol.name));
        }
        if !self.alpha && !self.masks {
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
    ) -> Vec<TableRow> {
        let mut contest = 0;
        let mut rows = Vec::with_capacity(entries.len());
        // Rows that stand alone need no lines between them.
        let lines = entries.windows(2).any(|two| two[0].rivals(&two[1]))
            || entries.iter().any(|entry| entry.interval.is_some());
        for (at, entry) in entries.iter().enumerate() {
            let ruled = at > 0 && !entries[at - 1].rivals(entry);
            contest += usize::from(ruled);
            let mut labels = vec![entry.file.name.clone()];
            labels.extend(self.protocol.then(|| entry.score.protocol.name.to_owned()));
            labels.extend(self.alpha.then(|| entry.alpha.to_string()));
            rows.push(TableRow {
                labels: labels.clone(),
                cells: cells(entry.pck),
                contest: Some(contest),
                ruled: ruled && lines,
            });
            for (end, pck) in entry.ends() {
                labels[0] = format!("  95 % {end}");
                let (labels, cells) = (labels.clone(), cells(pck));
                rows.push(TableRow { labels, cells, contest: None, ruled: false });
            }
        }
        rows
    }
}

/// All at every α, and over what it speaks.
fn overview(scope: Scope<'_>, files: &[FileScores], contrasts: &[Contrast]) -> Table {
    let mut alphas: Vec<Alpha> = Vec::new();
    for one in files.iter().flat_map(|file| &file.scores).flat_map(|score| &score.pck) {
        if !alphas.contains(&one.alpha) {
            alphas.push(one.alpha);
        }
    }
    // The order asked for, unless protocols have others of their own.
    let same = |score: &Score| score.pck.iter().map(|one| one.alpha).eq(alphas.iter().copied());
    if !files.iter().flat_map(|file| &file.scores).all(same) {
        alphas.sort_by(|one, other| one.value().total_cmp(&other.value()));
    }
    let at = |score: &Score, alpha: Alpha| {
        score.pck.iter().find(|one| one.alpha == alpha).and_then(|one| one.pck.all)
    };
    let row = |file: &FileScores, score: &Score, contest| TableRow {
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
        contest: Some(contest),
        ruled: files.len() > 1 && std::ptr::eq(file, &files[0]),
    };
    let masks = Labels::new(&entries(files)).masks;
    let heading = |alpha: &Alpha| {
        if masks { "mean".to_owned() } else { format!("α = {alpha}") }
    };
    let protocols = files.first().map_or(0, |file| file.scores.len());
    let rows = (0..protocols)
        .flat_map(|at| files.iter().map(move |file| (at, file)))
        .map(|(at, file)| row(file, &file.scores[at], at))
        .collect();
    let mut notes: Vec<String> = files.iter().flat_map(|file| notes(scope, file)).collect();
    notes.extend(own_notes(files, contrasts));
    notes.extend(scope.bootstrap.map(how_drawn));
    if scope.published && !scope.comparable {
        notes.push(format!(
            "The paper's rows speak over the {TEST_PAIRS} pairs of SPair-71k's test split, the \
             files over {} pairs of another benchmark: they are not comparable, and not \
             ranked together.",
            scope.pairs
        ));
    }
    Table {
        title: format!("{} on {} {}", measured(&entries(files)), scope.benchmark, scope.split),
        labels: [
            "method",
            "protocol",
            "pairs",
            if masks { "points" } else { "keypoints" },
            "without prediction",
        ]
        .map(str::to_owned)
        .into(),
        groups: vec![ColumnGroup {
            heading: String::new(),
            columns: alphas.iter().map(heading).collect(),
        }],
        rows,
        notes,
    }
}

/// What the percentages are, for a title.
fn measured(entries: &[Entry<'_>]) -> String {
    let mut names: Vec<&str> =
        entries.iter().map(|entry| entry.score.protocol.measure.name()).collect();
    names.dedup();
    format!("{} (%)", names.join(" and "))
}

fn how_drawn(bootstrap: Bootstrap) -> String {
    let Bootstrap { resamples, seed, unit } = bootstrap;
    let unit = match unit {
        ResamplingUnit::Images => "images",
        ResamplingUnit::Pairs => {
            "pairs as if they were independent, which is too narrow where they share images"
        }
    };
    format!("95 % intervals: bootstrap over {unit}; {resamples} resamples, seed {seed}.")
}

/// What a reader of the means has to know.
fn notes(scope: Scope<'_>, file: &FileScores) -> Vec<String> {
    let mut notes = file.warnings.clone();
    for score in &file.scores {
        if score.pairs < scope.pairs {
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

fn all() -> ColumnGroup {
    ColumnGroup { heading: String::new(), columns: vec!["All".to_owned()] }
}

fn categories(pck: &Breakdown) -> ColumnGroup {
    let columns = pck.category.iter().map(|(name, _)| abbreviation(name).to_owned()).collect();
    ColumnGroup { heading: String::new(), columns }
}

fn category_cells(pck: &Breakdown) -> Vec<Option<f64>> {
    pck.category.iter().map(|(_, pck)| *pck).chain([pck.all]).collect()
}

/// The four factors' columns, then All.
fn factors() -> Vec<ColumnGroup> {
    let group = |factor: Factor| ColumnGroup {
        heading: factor.name().to_owned(),
        columns: factor.levels().iter().map(|&level| level.to_owned()).collect(),
    };
    Factor::ALL.into_iter().map(group).chain([all()]).collect()
}

/// The levels as the paper's tables name their columns here.
fn level_names() -> Vec<String> {
    let names = |factor: Factor| {
        factor.levels().iter().map(move |level| format!("{}_{level}", factor.name()))
    };
    Factor::ALL.into_iter().flat_map(names).collect()
}

/// Whether an entry measures what the paper's tables do.
fn like_the_paper(entry: &Entry<'_>) -> bool {
    entry.score.protocol.name == "spair" && entry.alpha == Alpha::hundredths(10)
}

fn level_cells(levels: Option<&Levels>, all: Option<f64>) -> Vec<Option<f64>> {
    levels.into_iter().flatten().flatten().copied().chain([all]).collect()
}
