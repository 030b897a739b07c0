//! Whether a published table can be true: does its All follow from its columns.
//!
//! A table per category or per variation factor and the numbers of pairs behind its columns leave
//! All little freedom: the mean over pairs is the mean of the columns weighted by their pairs. A
//! column printed with d decimals is off by at most half a unit of the last, the weighted mean by at most
//! the weighted mean of that, and All by half a unit of its own. What is off by no more than both together
//! follows. If columns or All were cut off instead of rounded, they are too low by up to a whole unit:
//! what that explains nearly follows, and what is further off does not.
//!
//! Published tables use three means ([`Over`]), and a row is accused where none of them fits: over
//! pairs, over categories (sd-dino's "Average"), and over keypoints (DIFT, SD4Match and Visual-AI
//! "point", GeoAware-SC with its switch). The last weighs columns by keypoints, whose numbers are not
//! published; pairs of a category have some 4 to 11 on average ([`KEYPOINTS`]), so All has a range. At
//! its ends that range needs the hardest categories to have all the keypoints, and it would excuse
//! most mistakes: where another row of the same table is a mean over pairs or categories, so that this
//! one is the exception, the middle of it is asked for ([`KEYPOINTS_OF_AN_EXCEPTION`]).
//!
//! What `hpflow score --format csv` writes says by which protocol and over how many pairs its rows are.
//! Only the mean of that protocol is asked for then, and pairs are counted as SPair-71k's test split has
//! them only if it is that; otherwise their numbers are not known, and All must lie between the columns
//! ([`Over::Unknown`]).
//!
//! The paper's table 5 has the columns of its table 4 and other numbers in them: those of pairs
//! whose three other factors are held at easy, easy, none and none ([`FactorCells::Controlled`]). How many
//! these are is not published, and All is of other pairs too, so it cannot follow. But the first
//! cell of every factor is of the same pairs, and must be one and the same number.

use super::abbreviations::abbreviation;
use crate::benchmark::{BenchmarkKind, Factor, TEST_PAIRS, pairs_by_category, pairs_by_level};
use crate::protocol::{Average, find};

/// Of which pairs the cells of variation factors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorCells {
    /// All pairs of a level, as in the paper's table 4.
    Plain,
    /// Those of a level whose three other factors are at easy, easy, none and none, as in its
    /// table 5.
    Controlled,
}

/// What was found in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// How cells of variation factors were read.
    pub cells: FactorCells,
    /// A finding for each row.
    pub findings: Vec<AuditedRow>,
}

/// A row of the audited table with what can be checked of it.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditedRow {
    /// The line in the file, from 1.
    pub line: usize,
    /// What names the row.
    pub name: String,
    /// What must hold of its numbers.
    pub claim: Claim,
}

/// Something that must hold of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// All is the mean of the columns.
    Mean {
        /// All as printed.
        all: f64,
        /// The most that roundings explain of any mean below.
        tolerance: f64,
        /// What the columns imply under each mean.
        implied: Vec<Implied>,
    },
    /// Nothing that can be checked.
    Unchecked {
        /// The reason, as a sentence without a full stop.
        why: String,
    },
    /// The first cells of controlled factors are one number.
    OneNumber {
        /// The first cell of each factor that the table has: its column and what is printed.
        cells: Vec<(String, f64)>,
        /// The most that roundings explain: nothing, unless decimals differ.
        tolerance: f64,
        /// Whether they are.
        verdict: Consistency,
    },
}

/// The All that columns imply.
#[derive(Debug, Clone, PartialEq)]
pub struct Implied {
    /// What All is a mean over.
    pub over: Over,
    /// The factor whose levels the columns are; `None` for categories.
    pub factor: Option<Factor>,
    /// The least All.
    pub low: f64,
    /// The most; the same where the weights are known.
    pub high: f64,
    /// How far off All may be for roundings of columns and All.
    pub tolerance: f64,
    /// Whether the printed All follows from it.
    pub verdict: Consistency,
}

impl Implied {
    /// The mean, in words: `pairs by viewpoint`.
    #[must_use]
    pub fn average(&self) -> String {
        let over = self.over.name();
        self.factor.map_or_else(|| over.to_owned(), |factor| format!("{over} by {}", factor.name()))
    }
}

/// What All is a mean over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Over {
    /// Pairs: columns count as often as they have pairs.
    Pairs,
    /// Categories: each counts once.
    Categories,
    /// Keypoints: columns count as often as they have pairs, times keypoints a pair between these.
    Keypoints([f64; 2]),
    /// Pairs or keypoints whose numbers are not known.
    Unknown,
}

impl Over {
    /// In a word or some.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pairs => "pairs",
            Self::Categories => "categories",
            Self::Keypoints(_) => "keypoints",
            Self::Unknown => "unknown numbers",
        }
    }
}

/// Keypoints a pair that SPair-71k's categories and levels have on average, from and to.
pub const KEYPOINTS: [f64; 2] = [4.0, 11.0];

/// The same for a row of a table of which another row is a mean over pairs or categories.
pub const KEYPOINTS_OF_AN_EXCEPTION: [f64; 2] = [5.0, 10.0];

/// Whether what must hold does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consistency {
    /// No further off than roundings explain.
    Follows,
    /// No further off than explained if some numbers were cut off instead of rounded.
    Nearly,
    /// Further off.
    Contradicts,
}

impl AuditedRow {
    /// Whether what must hold of the row does, under the mean that fits best. Every factor divides the
    /// same pairs, so that a mean fits as its worst group of columns does.
    #[must_use]
    pub fn verdict(&self) -> Consistency {
        match &self.claim {
            Claim::OneNumber { verdict, .. } => *verdict,
            Claim::Unchecked { .. } => Consistency::Follows,
            Claim::Mean { .. } => self.best().expect("columns imply some mean").1,
        }
    }

    /// The mean that fits best, if one fits or nearly does.
    #[must_use]
    pub fn mean(&self) -> Option<Over> {
        self.best()
            .filter(|(_, verdict)| *verdict != Consistency::Contradicts)
            .map(|(over, _)| over)
    }

    fn best(&self) -> Option<(Over, Consistency)> {
        self.claim.best()
    }
}

impl Claim {
    /// The mean that fits best, and how well.
    fn best(&self) -> Option<(Over, Consistency)> {
        let Self::Mean { implied, .. } = self else { return None };
        let mut means: Vec<(Over, Consistency)> = Vec::new();
        for one in implied {
            match means.iter_mut().find(|(over, _)| over.name() == one.over.name()) {
                Some((_, verdict)) => *verdict = one.verdict.max(*verdict),
                None => means.push((one.over, one.verdict)),
            }
        }
        // Where other rows are means over pairs or categories, one that nearly is so too.
        let is_exception = |over| over == Over::Keypoints(KEYPOINTS_OF_AN_EXCEPTION);
        let weak = |(over, verdict): &(Over, Consistency)| match verdict {
            Consistency::Contradicts => (true, *verdict),
            Consistency::Follows | Consistency::Nearly => (is_exception(*over), *verdict),
        };
        means.into_iter().min_by_key(weak) // the first of several
    }

    fn contradicts(&self) -> bool {
        self.best().is_some_and(|(_, verdict)| verdict == Consistency::Contradicts)
    }
}

impl Audit {
    /// How many rows contradict themselves.
    #[must_use]
    pub fn contradictions(&self) -> usize {
        let verdicts = self.findings.iter().map(AuditedRow::verdict);
        verdicts.filter(|&verdict| verdict == Consistency::Contradicts).count()
    }
}

/// Why a table cannot be audited.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum AuditError {
    /// The heading lacks the column of the mean.
    #[error(
        "the heading has no column All; name the column of the mean so (only controlled cells, as in \
         the paper's table 5, need none)"
    )]
    NoAll,
    /// The columns are neither all categories nor the levels of a factor.
    #[error(
        "the heading has neither SPair-71k's 18 categories nor all levels of a variation \
         factor{missing}; name them as the paper does (aero, …, tv) or viewpoint_easy, …"
    )]
    Columns {
        /// The first column that is missing, with a leading separator, or nothing.
        missing: String,
    },
    /// Controlled cells are asked for, and there are no two factors to compare.
    #[error(
        "the heading has all levels of fewer than two variation factors, so that nothing can be \
         checked of controlled cells; add the others' columns (viewpoint_easy, …)"
    )]
    NothingToCompare,
    /// Two columns of the same category, level or mean.
    #[error("the columns {first} and {second} are both of {what}; leave one of them out")]
    Repeated {
        /// The first one's heading.
        first: String,
        /// The second one's.
        second: String,
        /// What both are of.
        what: String,
    },
    /// A field that is no percentage.
    #[error("line {line}: `{found}` in column {column} is not a percentage between 0 and 100")]
    Number {
        /// The line, from 1.
        line: usize,
        /// The column's heading.
        column: String,
        /// What stands there.
        found: String,
    },
    /// A line with another number of fields than the heading.
    #[error("line {line}: {}, but the heading has {expected}", crate::text::counted(*found, "field"))]
    Fields {
        /// The line, from 1.
        line: usize,
        /// Fields of the line.
        found: usize,
        /// Fields of the heading.
        expected: usize,
    },
    /// A table without rows.
    #[error("the table has no row below the heading")]
    Empty,
}

/// Audits a table: a heading and rows, each a line number and fields. Columns other than
/// categories, levels and All name the rows. The counts are those of SPair-71k's test split, unless a
/// row says that it is of something else.
///
/// Without `cells`, a table of variation factors is taken for one of controlled cells if the first
/// cells of its factors are equal in at least half of the rows and All contradicts the columns
/// somewhere or is not there. In a table of plain cells these are means over different pairs, and
/// never equal but by chance.
///
/// # Errors
/// Missing columns, fields that are no percentages, lines of another length.
pub fn audit(
    heading: &[String],
    rows: &[(usize, Vec<String>)],
    cells: Option<FactorCells>,
) -> Result<Audit, AuditError> {
    let names: Vec<String> = heading.iter().map(|name| normal(name)).collect();
    let scored = Scored::of(&names);
    let table = Table { heading, names, rows };
    table.check_columns(scored.as_ref())?;
    let groups = table.groups(scored.as_ref())?;
    if rows.is_empty() {
        return Err(AuditError::Empty);
    }
    if let Some((line, fields)) = rows.iter().find(|(_, fields)| fields.len() != heading.len()) {
        let (line, found, expected) = (*line, fields.len(), heading.len());
        return Err(AuditError::Fields { line, found, expected });
    }
    let plain = || {
        Ok(Audit { cells: FactorCells::Plain, findings: table.plain(&groups, scored.as_ref())? })
    };
    let controlled =
        || Ok(Audit { cells: FactorCells::Controlled, findings: table.controlled(&groups)? });
    match cells {
        Some(FactorCells::Plain) => plain(),
        Some(FactorCells::Controlled) => controlled(),
        // A program says what its columns are.
        None if scored.is_some() => plain(),
        None => {
            let Ok(controlled) = controlled() else { return plain() };
            let verdicts = controlled.findings.iter().map(AuditedRow::verdict);
            let same = verdicts.filter(|&verdict| verdict == Consistency::Follows).count();
            match plain() {
                Ok(plain) if plain.contradictions() == 0 => Ok(plain),
                _ if 2 * same >= rows.len() => Ok(controlled),
                plain => plain,
            }
        }
    }
}

struct Table<'a> {
    heading: &'a [String],
    /// The heading without what spelling differs by.
    names: Vec<String>,
    rows: &'a [(usize, Vec<String>)],
}

/// Columns that divide the pairs: the categories, or the levels of a factor.
struct Group {
    factor: Option<Factor>,
    /// The columns' places, and how many pairs of SPair-71k's test split they are of, where it has
    /// them.
    columns: Vec<(usize, Option<f64>)>,
}

/// Where the columns are in which `hpflow score --format csv` says what its rows are.
struct Scored {
    benchmark: usize,
    split: usize,
    protocol: usize,
    pairs: usize,
    pairs_of_split: usize,
    /// Rows of the paper, which stand below with `--with-published`, have no number of keypoints.
    keypoints: usize,
    /// The categories' columns.
    categories: std::ops::Range<usize>,
}

impl Scored {
    /// Of a heading without what spelling differs by.
    fn of(names: &[String]) -> Option<Self> {
        let place = |wanted: &str| names.iter().position(|name| *name == normal(wanted));
        let all = place("All")?;
        let ends = names[all + 1..].iter().take_while(|name| name.starts_with("all95%")).count();
        let first = all + 1 + ends;
        let end = place("viewpoint easy").unwrap_or(names.len());
        Some(Self {
            benchmark: place("benchmark")?,
            split: place("split")?,
            protocol: place("protocol")?,
            pairs: place("pairs")?,
            pairs_of_split: place("pairs of split")?,
            keypoints: place("keypoints")?,
            categories: first..end.max(first),
        })
    }

    /// Whether a row is of SPair-71k's test split, as far as it says.
    fn is_test_split(&self, fields: &[String]) -> bool {
        let pairs = TEST_PAIRS.to_string();
        let field = |place: usize| fields[place].trim();
        field(self.benchmark) == BenchmarkKind::Spair.name()
            && field(self.split) == "test"
            && [self.pairs, self.pairs_of_split].map(field) == [pairs.as_str(); 2]
    }

    /// What the row's protocol takes the mean over.
    fn average(&self, fields: &[String]) -> Option<Average> {
        let kind: BenchmarkKind = fields[self.benchmark].trim().parse().ok()?;
        Some(find(fields[self.protocol].trim())?.on(kind).ok()?.average)
    }
}

impl Table<'_> {
    fn place(&self, wanted: &str) -> Option<usize> {
        self.names.iter().position(|name| *name == normal(wanted))
    }

    /// That no two columns are of the same category, level or mean.
    fn check_columns(&self, scored: Option<&Scored>) -> Result<(), AuditError> {
        let mut seen: Vec<(String, usize)> = Vec::new();
        for (column, name) in self.names.iter().enumerate() {
            let is_category = scored.is_some_and(|scored| scored.categories.contains(&column));
            let Some(what) = percentages_of(name).or_else(|| is_category.then(|| name.clone()))
            else {
                continue;
            };
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == what) {
                let [first, second] =
                    [*first, column].map(|column| self.heading[column].trim().to_owned());
                return Err(AuditError::Repeated { first, second, what });
            }
            seen.push((what, column));
        }
        Ok(())
    }

    /// The groups of columns that the heading has.
    fn groups(&self, scored: Option<&Scored>) -> Result<Vec<Group>, AuditError> {
        let mut missing: Option<String> = None;
        let mut known = Vec::new();
        for (category, pairs) in pairs_by_category("test") {
            match self.place(&category).or_else(|| self.place(abbreviation(&category))) {
                Some(column) => known.push((column, Some(pairs as f64))),
                None => missing = missing.or_else(|| Some(abbreviation(&category).to_owned())),
            }
        }
        let complain = |missing: Option<String>| AuditError::Columns {
            missing: missing.map_or_else(String::new, |name| format!(": {name} is missing")),
        };
        let mut groups = Vec::new();
        if let Some(scored) = scored {
            let pairs = |column: usize| {
                known.iter().find(|(known, _)| *known == column).and_then(|(_, pairs)| *pairs)
            };
            let columns: Vec<_> =
                scored.categories.clone().map(|column| (column, pairs(column))).collect();
            groups.extend((!columns.is_empty()).then_some(Group { factor: None, columns }));
        } else if !known.is_empty() {
            if missing.is_some() {
                return Err(complain(missing));
            }
            groups.push(Group { factor: None, columns: known });
        }
        let levels = pairs_by_level("test");
        for factor in Factor::ALL {
            let wanted = levels.iter().filter(|(level, _)| level.starts_with(factor.name()));
            let columns: Option<Vec<_>> = wanted
                .map(|(level, pairs)| Some((self.place(level)?, Some(*pairs as f64))))
                .collect();
            groups.extend(columns.map(|columns| Group { factor: Some(factor), columns }));
        }
        if groups.is_empty() { Err(complain(None)) } else { Ok(groups) }
    }

    /// Whether All is the mean of the columns, row by row.
    fn plain(
        &self,
        groups: &[Group],
        scored: Option<&Scored>,
    ) -> Result<Vec<AuditedRow>, AuditError> {
        let place = self.place("all").ok_or(AuditError::NoAll)?;
        let find = |row: &(usize, Vec<String>), keypoints: [f64; 2]| {
            let claim = match scored {
                Some(scored) => self.scored_claim(row, place, groups, scored)?,
                None => {
                    let means = [Over::Pairs, Over::Categories, Over::Keypoints(keypoints)];
                    let groups: Vec<&Group> = groups.iter().collect();
                    self.mean_claim(row, place, &groups, &means, false)?
                }
            };
            Ok(self.finding(row, claim))
        };
        let mut findings = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            findings.push(find(row, KEYPOINTS)?);
        }
        let is_plain = |finding: &AuditedRow| {
            let fits = matches!(finding.mean(), Some(Over::Pairs | Over::Categories));
            fits && finding.verdict() == Consistency::Follows
        };
        if scored.is_none() && findings.iter().any(is_plain) {
            for (finding, row) in findings.iter_mut().zip(self.rows) {
                *finding = find(row, KEYPOINTS_OF_AN_EXCEPTION)?;
            }
        }
        Ok(findings)
    }

    /// What must hold of a row that says by which protocol it was scored.
    fn scored_claim(
        &self,
        row: &(usize, Vec<String>),
        all: usize,
        groups: &[Group],
        scored: &Scored,
    ) -> Result<Claim, AuditError> {
        let (_, fields) = row;
        let filled = |column: usize| !fields[column].trim().is_empty();
        let unchecked = |why: &str| Ok(Claim::Unchecked { why: why.to_owned() });
        if !filled(all) {
            return unchecked("there is no All");
        }
        // Columns without a mean have no pairs, but for rows of a published table.
        let groups: Vec<Group> = groups
            .iter()
            .map(|group| Group {
                factor: group.factor,
                columns: group.columns.iter().copied().filter(|(at, _)| filled(*at)).collect(),
            })
            .filter(|group| !group.columns.is_empty())
            .collect();
        let known = scored.is_test_split(fields);
        let all_categories = pairs_by_category("test").len();
        // Of SPair-71k's test split All is a mean over all its categories, whatever columns there are.
        let is_whole = |group: &&Group| {
            group.factor.is_some() || !known || group.columns.len() == all_categories
        };
        let groups: Vec<&Group> = groups.iter().filter(is_whole).collect();
        let categories: Vec<&Group> =
            groups.iter().copied().filter(|group| group.factor.is_none()).collect();
        let claim = |groups: &[&Group], over| self.mean_claim(row, all, groups, &[over], true);
        let (groups, over) = match scored.average(fields) {
            None => {
                return unchecked("hpflow does not know its benchmark or its protocol there");
            }
            Some(Average::Pair) => (groups, Over::Pairs),
            Some(Average::Point) => (groups, Over::Keypoints(KEYPOINTS)),
            // Cells of factors are means over categories too, and All is a mean of none of them.
            Some(Average::CategoryByPairs) => (categories.clone(), Over::Pairs),
            Some(Average::Category | Average::CategoryOfPairs) => {
                (categories.clone(), Over::Categories)
            }
            Some(Average::KeypointIndex) => {
                return unchecked("its protocol takes the mean over keypoint indices, not columns");
            }
        };
        if groups.is_empty() {
            return unchecked("it has no columns that All could follow from");
        }
        if over == Over::Categories {
            return claim(&groups, over);
        }
        if !known {
            return claim(&groups, Over::Unknown);
        }
        let strict = claim(&groups, over)?;
        // A drawn benchmark of SPair-71k's size has its categories' pairs, but others at each level and
        // other keypoints.
        let is_published = !filled(scored.keypoints);
        let wrong_by_category = over == Over::Pairs && claim(&categories, over)?.contradicts();
        if !strict.contradicts() || is_published || wrong_by_category {
            return Ok(strict);
        }
        claim(&groups, Over::Unknown)
    }

    /// What groups of columns imply under some means. `in_full` are numbers as programs write them.
    fn mean_claim(
        &self,
        row: &(usize, Vec<String>),
        all: usize,
        groups: &[&Group],
        means: &[Over],
        in_full: bool,
    ) -> Result<Claim, AuditError> {
        let (all, decimals) = self.number(row, all)?;
        let mut groups_of_cells = Vec::with_capacity(groups.len());
        for group in groups {
            let cells = group.columns.iter().map(|&(column, pairs)| {
                let (value, decimals) = self.number(row, column)?;
                Ok(Cell { value, decimals, pairs })
            });
            groups_of_cells.push(cells.collect::<Result<Vec<_>, AuditError>>()?);
        }
        // A number in full has as many decimals as it needs: 7 is 7.0 where others have more.
        let cells = groups_of_cells.iter().flatten();
        let most = cells.map(|cell| cell.decimals).fold(decimals, i32::max);
        let half = |decimals: i32| unit(if in_full { most } else { decimals }) / 2.0;
        let mut found = Vec::new();
        for (group, cells) in groups.iter().zip(&groups_of_cells) {
            for &over in means {
                // A factor's levels are no categories.
                if group.factor.is_some() && over == Over::Categories {
                    continue;
                }
                // The mean where every column is off by so many half units.
                let at = |halves: f64| {
                    let value = |cell: &Cell| cell.value + halves * half(cell.decimals);
                    range(&cells.iter().map(|c| (value(c), c.pairs)).collect::<Vec<_>>(), over)
                };
                let (Some([low, high]), Some([least, _]), Some([_, most]), Some([_, cut])) =
                    (at(0.0), at(-1.0), at(1.0), at(2.0))
                else {
                    continue;
                };
                // Whether All, between so many half units of it, can be such a mean.
                let fits = |most: f64, halves: f64| {
                    all - half(decimals) <= most + 1e-9
                        && all + halves * half(decimals) >= least - 1e-9
                };
                let verdict = if fits(most, 1.0) {
                    Consistency::Follows
                } else if fits(cut, 2.0) {
                    Consistency::Nearly
                } else {
                    Consistency::Contradicts
                };
                let (factor, tolerance) = (group.factor, low - least + half(decimals));
                found.push(Implied { over, factor, low, high, tolerance, verdict });
            }
        }
        if found.is_empty() {
            let why = "how many pairs its columns are of is not known".to_owned();
            return Ok(Claim::Unchecked { why });
        }
        // One mean after the other, each with the categories first.
        found.sort_by_key(|one| means.iter().position(|over| *over == one.over));
        let tolerance = found.iter().map(|one| one.tolerance).fold(0.0, f64::max);
        Ok(Claim::Mean { all, tolerance, implied: found })
    }

    /// Whether the first cells of factors are one number, row by row.
    fn controlled(&self, groups: &[Group]) -> Result<Vec<AuditedRow>, AuditError> {
        let factors = groups.iter().filter(|group| group.factor.is_some());
        let first = factors.map(|group| group.columns[0].0);
        let first: Vec<usize> = first.collect();
        if first.len() < 2 {
            return Err(AuditError::NothingToCompare);
        }
        let row = |row: &(usize, Vec<String>)| {
            let numbers: Vec<(f64, i32)> =
                first.iter().map(|&column| self.number(row, column)).collect::<Result<_, _>>()?;
            let values = || numbers.iter().map(|(value, _)| *value);
            let spread = values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min);
            let decimals = || numbers.iter().map(|(_, decimals)| *decimals);
            let (fewest, most) =
                (decimals().fold(i32::MAX, i32::min), decimals().fold(0, i32::max));
            // A number and itself with fewer decimals are half a unit apart at the most.
            let tolerance = if fewest == most { 0.0 } else { unit(fewest) / 2.0 };
            let verdict = match spread {
                spread if spread <= tolerance + 1e-9 => Consistency::Follows,
                spread if spread <= unit(fewest) + 1e-9 => Consistency::Nearly,
                _ => Consistency::Contradicts,
            };
            let column = |&column: &usize| self.heading[column].trim().to_owned();
            let cells = first.iter().map(column).zip(numbers.iter().map(|(n, _)| *n)).collect();
            Ok(self.finding(row, Claim::OneNumber { cells, tolerance, verdict }))
        };
        self.rows.iter().map(row).collect()
    }

    fn finding(&self, (line, fields): &(usize, Vec<String>), claim: Claim) -> AuditedRow {
        let labels =
            fields.iter().zip(&self.names).filter(|(_, name)| percentages_of(name).is_none());
        let labels: Vec<&str> =
            labels.map(|(field, _)| field.trim()).filter(|text| !text.is_empty()).collect();
        AuditedRow { line: *line, name: labels.join(" "), claim }
    }

    /// The percentage in a column of a row and the number of its decimals.
    fn number(
        &self,
        (line, fields): &(usize, Vec<String>),
        column: usize,
    ) -> Result<(f64, i32), AuditError> {
        percentage(&fields[column]).ok_or_else(|| AuditError::Number {
            line: *line,
            column: self.heading[column].trim().to_owned(),
            found: fields[column].chars().take(40).collect(),
        })
    }
}

/// A cell of a table, and how many pairs it is of, where that is known.
struct Cell {
    value: f64,
    decimals: i32,
    pairs: Option<f64>,
}

/// From and to which All can be, given columns and how many pairs each has; nothing where a mean needs
/// numbers of pairs that are not known.
fn range(columns: &[(f64, Option<f64>)], over: Over) -> Option<[f64; 2]> {
    let weighted = |weight: &dyn Fn(f64) -> f64| -> Option<Vec<(f64, f64)>> {
        columns.iter().map(|(value, pairs)| Some((*value, weight((*pairs)?)))).collect()
    };
    let mean = |columns: &[(f64, f64)]| {
        let sum: f64 = columns.iter().map(|(value, weight)| value * weight).sum();
        sum / columns.iter().map(|(_, weight)| weight).sum::<f64>()
    };
    match over {
        Over::Pairs => weighted(&|pairs| pairs).map(|columns| [mean(&columns); 2]),
        Over::Categories => {
            let columns: Vec<_> = columns.iter().map(|(value, _)| (*value, 1.0)).collect();
            Some([mean(&columns); 2])
        }
        Over::Keypoints([fewest, most]) => {
            let mut columns = weighted(&|pairs| pairs)?;
            columns.sort_by(|one, other| one.0.total_cmp(&other.0));
            // The least mean gives the most keypoints to the lowest columns, up to some column, and
            // the fewest to the others; the highest mean likewise from the other end.
            let split = |at: usize, below: f64, above: f64| {
                let weight = |(place, (value, pairs)): (usize, &(f64, f64))| {
                    (*value, pairs * if place < at { below } else { above })
                };
                mean(&columns.iter().enumerate().map(weight).collect::<Vec<_>>())
            };
            let places = || 0..=columns.len();
            let low = places().map(|at| split(at, most, fewest)).fold(f64::MAX, f64::min);
            let high = places().map(|at| split(at, fewest, most)).fold(f64::MIN, f64::max);
            Some([low, high])
        }
        Over::Unknown => {
            let values = || columns.iter().map(|(value, _)| *value);
            Some([values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max)])
        }
    }
}

/// A unit of the last of so many decimals; what is printed in full is only as good as floats are.
fn unit(decimals: i32) -> f64 {
    0.1_f64.powi(decimals.min(9))
}

/// What a column of percentages is of, by its name as [`normal`] has it; nothing where it is none.
/// `hpflow score --format csv` puts controlled cells beside plain ones.
fn percentages_of(name: &str) -> Option<String> {
    let (controlled, plain) = match name.strip_prefix("controlled") {
        Some(plain) => ("controlled ", plain),
        None => ("", name),
    };
    let of_level = || {
        let levels = pairs_by_level("test");
        levels.into_iter().map(|(level, _)| level.to_owned()).find(|level| normal(level) == plain)
    };
    let of_category = || {
        let categories = pairs_by_category("test").into_iter().map(|(category, _)| category);
        let is_it = |category: &String| category == plain || abbreviation(category) == plain;
        categories.into_iter().find(is_it)
    };
    let what =
        if plain == "all" { Some("All".to_owned()) } else { of_level().or_else(of_category) };
    what.map(|what| format!("{controlled}{what}"))
}

/// A heading without case, spaces, underscores and slashes.
fn normal(heading: &str) -> String {
    let kept = heading.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '/' | '-'));
    kept.collect::<String>().to_lowercase()
}

/// A percentage and the number of its decimals.
fn percentage(field: &str) -> Option<(f64, i32)> {
    let text = field.trim().trim_end_matches('%');
    let decimals = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = text.parse().ok().filter(|value| plain && (0.0..=100.0).contains(value))?;
    Some((value, i32::try_from(decimals).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> (Vec<String>, Vec<(usize, Vec<String>)>) {
        let mut lines =
            text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        let heading = lines.next().unwrap();
        (heading, lines.enumerate().map(|(at, fields)| (at + 2, fields)).collect())
    }

    fn read(text: &str, cells: Option<FactorCells>) -> Result<Audit, AuditError> {
        let (heading, rows) = table(text);
        audit(&heading, &rows, cells)
    }

    fn audited(text: &str) -> Result<Vec<AuditedRow>, AuditError> {
        read(text, None).map(|audit| audit.findings)
    }

    fn implied(finding: &AuditedRow) -> &[Implied] {
        match &finding.claim {
            Claim::Mean { implied, .. } => implied,
            other => panic!("no mean: {other:?}"),
        }
    }

    #[test]
    fn table_3_of_the_paper_passes_nc_net_and_hpf_and_flags_image_alignment() {
        let findings = audited(include_str!("published/table3_pck_by_category.csv")).unwrap();
        assert_eq!(findings.len(), 10);
        for finding in &findings {
            let matching = finding.name.contains("NC-Net") || finding.name.contains("HPF");
            let expected = if matching { Consistency::Follows } else { Consistency::Contradicts };
            assert_eq!(finding.verdict(), expected, "{finding:?}");
            assert_eq!(implied(finding)[0].verdict, expected, "{finding:?}");
            let by_category = &implied(finding)[1];
            assert_eq!(by_category.over, Over::Categories);
            assert_ne!(by_category.verdict, Consistency::Follows, "not by category: {finding:?}");
            assert_eq!(finding.mean(), matching.then_some(Over::Pairs));
        }
        // CNNGeo's columns imply 21.3, and 18.1 is printed.
        let Claim::Mean { all, .. } = findings[0].claim else { panic!("no mean") };
        assert_eq!(format!("{:.1} {all}", implied(&findings[0])[0].low), "21.3 18.1");
    }

    #[test]
    fn table_4_of_the_paper_follows_and_nearly_so_for_one_factor_of_one_row() {
        // HPF ResNet-101 by scale implies 28.07 and by truncation 28.12, where 28.2 is printed:
        // 0.126 off, a little more than roundings explain.
        let findings = audited(include_str!("published/table4_pck_by_factor.csv")).unwrap();
        let off: Vec<_> = findings
            .iter()
            .flat_map(|finding| implied(finding).iter().map(move |one| (&finding.name, one)))
            .filter(|(_, one)| one.verdict != Consistency::Follows)
            .map(|(name, one)| (name.as_str(), one.average(), one.verdict))
            .collect();
        let scale = "pairs by scale".to_owned();
        assert_eq!(off, [("original HPF ResNet-101", scale, Consistency::Nearly)]);
        // A mean over keypoints fits that row, but it would fit almost any.
        let hpf = &findings[6];
        assert_eq!((hpf.verdict(), hpf.mean()), (Consistency::Nearly, Some(Over::Pairs)));
    }

    const TABLE_5: &str = include_str!("published/table5_pck_by_controlled_factor.csv");

    #[test]
    fn table_5_of_the_paper_is_read_as_controlled_cells_and_is_in_order() {
        let whole = read(TABLE_5, None).unwrap();
        assert_eq!((whole.cells, whole.findings.len()), (FactorCells::Controlled, 6));
        for finding in &whole.findings {
            assert_eq!(finding.verdict(), Consistency::Follows, "{finding:?}");
        }
        let Claim::OneNumber { cells, .. } = &whole.findings[0].claim else { panic!("no cells") };
        assert_eq!(cells[3], ("occlusion_none".to_owned(), 44.3));
        // It needs no All, and a single row is enough.
        let lines = TABLE_5.lines().take(2).map(|line| line.rsplit_once(',').unwrap().0);
        let without: Vec<&str> = lines.collect();
        assert_eq!(read(&without.join("\n"), None).unwrap().cells, FactorCells::Controlled);
        // Nobody must take it for table 4 unless they insist.
        assert_eq!(read(TABLE_5, Some(FactorCells::Plain)).unwrap().contradictions(), 6);
    }

    #[test]
    fn controlled_cells_that_are_not_one_number_are_flagged() {
        let wrong = TABLE_5.replace("44.3,28.4", "44.8,28.4");
        let found = read(&wrong, None).unwrap();
        assert_eq!((found.cells, found.contradictions()), (FactorCells::Controlled, 1));
        assert_eq!(found.findings[0].verdict(), Consistency::Contradicts);
        let cells = |line: &str| {
            let text = format!(
                "viewpoint_easy,viewpoint_medium,viewpoint_hard,scale_easy,scale_medium,scale_hard\n{line}"
            );
            read(&text, Some(FactorCells::Controlled)).unwrap().findings[0].verdict()
        };
        assert_eq!(cells("44.3,1,2,44.4,3,4"), Consistency::Nearly);
        assert_eq!(cells("44.3,1,2,44.34,3,4"), Consistency::Follows);
        assert_eq!(cells("44.3,1,2,44.5,3,4"), Consistency::Contradicts);
    }

    #[test]
    fn plain_cells_stay_plain_whatever_is_wrong_with_them() {
        let table_4 = include_str!("published/table4_pck_by_factor.csv");
        assert_eq!(read(table_4, None).unwrap().cells, FactorCells::Plain);
        let wrong = table_4.replace(",28.2", ",31.2");
        let found = read(&wrong, None).unwrap();
        assert_eq!((found.cells, found.contradictions()), (FactorCells::Plain, 1));
        // A method that is always right has equal cells, and All follows from them.
        let heading = TABLE_5.lines().next().unwrap();
        let right = format!("{heading}\na,b{}", ",100.0".repeat(15));
        assert_eq!(read(&right, None).unwrap().cells, FactorCells::Plain);
        let asked = read(
            "viewpoint_easy,viewpoint_medium,viewpoint_hard,All\n1,2,3,2",
            Some(FactorCells::Controlled),
        );
        assert_eq!(asked, Err(AuditError::NothingToCompare));
    }

    #[test]
    fn a_table_of_categories_and_levels_is_held_to_both() {
        let categories = include_str!("published/table3_pck_by_category.csv");
        let factors = include_str!("published/table4_pck_by_factor.csv");
        let hpf = |table: &str, row: usize| {
            let at = |line: usize| table.lines().nth(line).unwrap().split(',').collect::<Vec<_>>();
            [at(0), at(row)].map(|fields| fields[2..fields.len() - 1].join(","))
        };
        let ([names, cells], [levels, level_cells]) = (hpf(categories, 5), hpf(factors, 6));
        let heading = format!("method,{names},All,{levels},controlled viewpoint easy");
        let both = |all: &str| {
            audited(&format!("{heading}\nHPF,{cells},{all},{level_cells},1.0")).unwrap().remove(0)
        };
        assert_eq!(
            (both("27.2").verdict(), both("27.2").name.as_str()),
            (Consistency::Follows, "HPF")
        );
        let averages: Vec<String> = implied(&both("27.2")).iter().map(Implied::average).collect();
        assert_eq!(averages.len(), 5 + 1 + 5);
        assert_eq!(averages[..2], ["pairs", "pairs by viewpoint"]);
        assert_eq!((averages[5].as_str(), averages[6].as_str()), ("categories", "keypoints"));
        // Levels of truncation leave a mean over keypoints from 25.8 to 28.5.
        assert_eq!(both("28.7").verdict(), Consistency::Contradicts);
        assert!(matches!(both("28.2").mean(), Some(Over::Keypoints(_))));
    }

    #[test]
    fn numbers_in_full_follow_as_far_as_floats_do() {
        let counts = pairs_by_level("test");
        let sum: usize = counts[..3].iter().map(|(_, pairs)| pairs).sum();
        let mean = counts[..3].iter().zip([10.0, 20.0, 31.0]);
        let mean: f64 = mean.map(|((_, pairs), pck)| *pairs as f64 * pck).sum();
        let text = format!(
            "viewpoint_easy,viewpoint_medium,viewpoint_hard,All\n10.000000000000002,20.0000000000000003,31.0000000000000,{:.14}",
            mean / sum as f64
        );
        assert_eq!(audited(&text).unwrap()[0].verdict(), Consistency::Follows);
    }

    /// Categories all at one number, and All.
    fn flat(cell: &str, all: &str) -> Consistency {
        let published = crate::score::published::table_3();
        let columns = &published[0].columns;
        let cells = vec![cell; columns.len()].join(",");
        let text = format!("method,{},All\nx,{cells},{all}", columns.join(","));
        audited(&text).unwrap()[0].verdict()
    }

    #[test]
    fn roundings_explain_no_more_than_their_own_size() {
        use Consistency::{Contradicts, Follows, Nearly};
        // Every column is between 9.5 and 10.5, and 11 may be 10.5; cut off, up to 11, and 11 at least
        // 10.5.
        for (cell, all, verdict) in [
            ("10", "10", Follows),
            ("10", "11", Follows),
            ("10", "9", Follows),
            ("10", "12", Contradicts),
            ("10", "8", Contradicts),
            ("10", "10.5", Follows),
            ("10", "10.6", Nearly),
            ("10", "11.0", Nearly),
            ("10", "11.1", Contradicts),
            ("10.0", "10.1", Follows),
            ("10.0", "9.9", Follows),
            ("10.0", "10.2", Contradicts),
            ("10.0", "9.8", Contradicts),
            ("10.0", "10", Follows),
            ("10.0", "11", Contradicts),
            ("10.4", "10", Follows),
            ("10.6", "10", Nearly),
            ("11.1", "10", Contradicts),
        ] {
            assert_eq!(flat(cell, all), verdict, "{cell} {all}");
        }
    }

    #[test]
    fn a_column_that_is_there_twice_is_refused() {
        let published = crate::score::published::table_3();
        let columns = published[0].columns.join(",");
        let cells = vec!["10.0"; 18].join(",");
        for (more, what) in [
            ("aero", "the columns aero and aero are both of aeroplane"),
            ("Aeroplane", "the columns aero and Aeroplane are both of aeroplane"),
            ("TV/monitor", "the columns tv and TV/monitor are both of tvmonitor"),
            ("all", "the columns All and all are both of All"),
            ("Viewpoint easy,viewpoint_easy", "both of viewpoint_easy"),
            (
                "controlled viewpoint easy,Controlled_viewpoint_easy",
                "both of controlled viewpoint_easy",
            ),
        ] {
            let values = vec!["99.0"; more.split(',').count()].join(",");
            let text = format!("{columns},All,{more}\n{cells},10.0,{values}");
            let error = audited(&text).unwrap_err();
            assert!(matches!(error, AuditError::Repeated { .. }), "{error}");
            assert!(error.to_string().contains(what), "{error}");
        }
        // Levels beside their controlled cells are not the same.
        let text =
            format!("method,method,{columns},All,controlled viewpoint easy\na,b,{cells},10.0,1.0");
        assert_eq!(audited(&text).unwrap()[0].verdict(), Consistency::Follows);
    }

    #[test]
    fn a_table_that_cannot_be_audited_says_why() {
        for (text, sentence) in [
            ("viewpoint_easy,viewpoint_medium,viewpoint_hard\n1,2,3", "no column All"),
            ("method,aero,All\nx,1,2", "bike is missing"),
            ("method,rabbit,All\nx,1,2", "neither"),
            (
                "viewpoint_easy,viewpoint medium,Viewpoint hard,all\n1,2,3,101",
                "line 2: `101` in column all is not a percentage",
            ),
            ("viewpoint_easy,viewpoint_medium,viewpoint_hard,all\n1,2,3", "3 fields"),
            ("viewpoint_easy,viewpoint_medium,viewpoint_hard,all", "no row"),
            ("viewpoint_easy,viewpoint_medium,viewpoint_hard,all\n1,NaN,3,2", "`NaN`"),
        ] {
            let error = audited(text).unwrap_err().to_string();
            assert!(error.contains(sentence), "{error}");
        }
    }
}
