//! Whether a published table can be true: does its All follow from its columns.
//!
//! A table per category or per variation factor and the numbers of pairs behind its columns leave
//! All little freedom: the mean over pairs is the mean of the columns weighted by their pairs. A
//! column printed with d decimals is off by at most half a unit of the last, so is the weighted
//! mean, and so is All: together at most one unit. Up to twice that a number may have been rounded
//! twice or cut off; what is further off does not follow.
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
//! whose three other factors are held at easy, easy, none and none ([`Cells::Controlled`]). How many
//! these are is not published, and All is of other pairs too, so it cannot follow. But the first
//! cell of every factor is of the same pairs, and must be one and the same number.

use super::published::{pairs_by_category, pairs_by_level};
use super::{Average, Factor, abbreviation};

/// Of which pairs the cells of variation factors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cells {
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
    pub cells: Cells,
    /// A finding for each row.
    pub findings: Vec<Finding>,
}

/// A row of the audited table with what can be checked of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
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
        /// The most that roundings explain.
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
        verdict: Verdict,
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
    /// Whether the printed All follows from it.
    pub verdict: Verdict,
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
pub enum Verdict {
    /// No further off than roundings explain.
    Follows,
    /// Up to twice that; of numbers that should be the same, up to one unit of the last decimal.
    Nearly,
    /// Further off.
    Contradicts,
}

impl Finding {
    /// Whether what must hold of the row does, under the mean that fits best. Every factor divides the
    /// same pairs, so that a mean fits as its worst group of columns does.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match &self.claim {
            Claim::OneNumber { verdict, .. } => *verdict,
            Claim::Unchecked { .. } => Verdict::Follows,
            Claim::Mean { .. } => self.best().map_or(Verdict::Contradicts, |(_, verdict)| verdict),
        }
    }

    /// The mean that fits best, if one fits or nearly does.
    #[must_use]
    pub fn mean(&self) -> Option<Over> {
        self.best().filter(|(_, verdict)| *verdict != Verdict::Contradicts).map(|(over, _)| over)
    }

    fn best(&self) -> Option<(Over, Verdict)> {
        self.claim.best()
    }
}

impl Claim {
    /// The mean that fits best, and how well.
    fn best(&self) -> Option<(Over, Verdict)> {
        let Self::Mean { implied, .. } = self else { return None };
        let mut means: Vec<(Over, Verdict)> = Vec::new();
        for one in implied {
            match means.iter_mut().find(|(over, _)| over.name() == one.over.name()) {
                Some((_, verdict)) => *verdict = one.verdict.max(*verdict),
                None => means.push((one.over, one.verdict)),
            }
        }
        // Where other rows are means over pairs or categories, one that nearly is so too.
        let is_exception = |over| over == Over::Keypoints(KEYPOINTS_OF_AN_EXCEPTION);
        let weak = |(over, verdict): &(Over, Verdict)| match verdict {
            Verdict::Contradicts => (true, *verdict),
            Verdict::Follows | Verdict::Nearly => (is_exception(*over), *verdict),
        };
        means.into_iter().min_by_key(weak) // the first of several
    }

    fn contradicts(&self) -> bool {
        self.best().is_none_or(|(_, verdict)| verdict == Verdict::Contradicts)
    }
}

impl Audit {
    /// How many rows contradict themselves.
    #[must_use]
    pub fn contradictions(&self) -> usize {
        let verdicts = self.findings.iter().map(Finding::verdict);
        verdicts.filter(|&verdict| verdict == Verdict::Contradicts).count()
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
    #[error("line {line}: {found} fields, but the heading has {expected}")]
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
    cells: Option<Cells>,
) -> Result<Audit, AuditError> {
    let names: Vec<String> = heading.iter().map(|name| normal(name)).collect();
    let scored = Scored::of(&names);
    let table = Table { heading, names, rows };
    let groups = table.groups(scored.as_ref())?;
    if rows.is_empty() {
        return Err(AuditError::Empty);
    }
    if let Some((line, fields)) = rows.iter().find(|(_, fields)| fields.len() != heading.len()) {
        let (line, found, expected) = (*line, fields.len(), heading.len());
        return Err(AuditError::Fields { line, found, expected });
    }
    let plain =
        || Ok(Audit { cells: Cells::Plain, findings: table.plain(&groups, scored.as_ref())? });
    let controlled =
        || Ok(Audit { cells: Cells::Controlled, findings: table.controlled(&groups)? });
    match cells {
        Some(Cells::Plain) => plain(),
        Some(Cells::Controlled) => controlled(),
        // A program says what its columns are.
        None if scored.is_some() => plain(),
        None => {
            let Ok(controlled) = controlled() else { return plain() };
            let verdicts = controlled.findings.iter().map(Finding::verdict);
            let same = verdicts.filter(|&verdict| verdict == Verdict::Follows).count();
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
        let pairs = super::published::TEST_PAIRS.to_string();
        let field = |place: usize| fields[place].trim();
        field(self.benchmark) == "spair"
            && field(self.split) == "test"
            && [self.pairs, self.pairs_of_split].map(field) == [pairs.as_str(); 2]
    }

    /// What the row's protocol takes the mean over.
    fn average(&self, fields: &[String]) -> Option<Average> {
        let kind = fields[self.benchmark].trim().parse().ok()?;
        Some(super::find(fields[self.protocol].trim())?.on(kind).ok()?.average)
    }
}

impl Table<'_> {
    fn place(&self, wanted: &str) -> Option<usize> {
        self.names.iter().position(|name| *name == normal(wanted))
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
    fn plain(&self, groups: &[Group], scored: Option<&Scored>) -> Result<Vec<Finding>, AuditError> {
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
        let is_plain = |finding: &Finding| {
            let fits = matches!(finding.mean(), Some(Over::Pairs | Over::Categories));
            fits && finding.verdict() == Verdict::Follows
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
            Some(Average::Pair) | None => (groups, Over::Pairs),
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
        let (all, mut decimals) = self.number(row, all)?;
        // A number in full has as many as it needs: 7 is 7.0 where others have more.
        let worse = if in_full { i32::max } else { i32::min };
        let mut ranges = Vec::new();
        for group in groups {
            let mut columns = Vec::with_capacity(group.columns.len());
            for &(column, pairs) in &group.columns {
                let (value, digits) = self.number(row, column)?;
                decimals = worse(decimals, digits);
                columns.push((value, pairs));
            }
            for &over in means {
                // A factor's levels are no categories.
                if group.factor.is_none() || over != Over::Categories {
                    let range = range(&columns, over);
                    ranges.extend(range.map(|ends| (over, group.factor, ends)));
                }
            }
        }
        let tolerance = unit(decimals);
        let verdict =
            |[low, high]: [f64; 2]| match f64::max(low - all, all - high).max(0.0) / tolerance {
                units if units <= 1.0 + 1e-9 => Verdict::Follows,
                units if units <= 2.0 + 1e-9 => Verdict::Nearly,
                _ => Verdict::Contradicts,
            };
        let implied = |(over, factor, ends): (Over, Option<Factor>, [f64; 2])| Implied {
            over,
            factor,
            low: ends[0],
            high: ends[1],
            verdict: verdict(ends),
        };
        // One mean after the other, each with the categories first.
        ranges.sort_by_key(|(over, ..)| means.iter().position(|one| one == over));
        Ok(Claim::Mean { all, tolerance, implied: ranges.into_iter().map(implied).collect() })
    }

    /// Whether the first cells of factors are one number, row by row.
    fn controlled(&self, groups: &[Group]) -> Result<Vec<Finding>, AuditError> {
        let factors = groups.iter().filter(|group| group.factor.is_some());
        let first = factors.map(|group| group.columns[0].0);
        let first: Vec<usize> = first.collect();
        if first.len() < 2 {
            return Err(AuditError::NothingToCompare);
        }
        let row = |row: &(usize, Vec<String>)| {
            let numbers: Vec<(f64, i32)> =
                first.iter().map(|&column| self.number(row, column)).collect::<Result<_, _>>()?;
            let ends = |end: fn(f64, f64) -> f64| numbers.iter().map(|(n, _)| *n).reduce(end);
            let spread = ends(f64::max).unwrap_or_default() - ends(f64::min).unwrap_or_default();
            let decimals = || numbers.iter().map(|(_, digits)| *digits);
            let (fewest, most) = (decimals().min().unwrap_or(0), decimals().max().unwrap_or(0));
            // A number and itself with fewer decimals are half a unit apart at the most.
            let tolerance = if fewest == most { 0.0 } else { unit(fewest) / 2.0 };
            let verdict = match spread {
                spread if spread <= tolerance + 1e-9 => Verdict::Follows,
                spread if spread <= unit(fewest) + 1e-9 => Verdict::Nearly,
                _ => Verdict::Contradicts,
            };
            let column = |&column: &usize| self.heading[column].trim().to_owned();
            let cells = first.iter().map(column).zip(numbers.iter().map(|(n, _)| *n)).collect();
            Ok(self.finding(row, Claim::OneNumber { cells, tolerance, verdict }))
        };
        self.rows.iter().map(row).collect()
    }

    fn finding(&self, (line, fields): &(usize, Vec<String>), claim: Claim) -> Finding {
        let labels = fields.iter().zip(&self.names).filter(|(_, name)| !holds_numbers(name));
        let labels: Vec<&str> =
            labels.map(|(field, _)| field.trim()).filter(|text| !text.is_empty()).collect();
        Finding { line: *line, name: labels.join(" "), claim }
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

/// Whether a column's name, as [`normal`] has it, is of percentages. `hpflow score --format csv` puts
/// controlled cells beside plain ones.
fn holds_numbers(name: &str) -> bool {
    let name = name.strip_prefix("controlled").unwrap_or(name);
    name == "all"
        || pairs_by_level("test").iter().any(|(level, _)| normal(level) == name)
        || pairs_by_category("test")
            .iter()
            .any(|(category, _)| category == name || abbreviation(category) == name)
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

    fn read(text: &str, cells: Option<Cells>) -> Result<Audit, AuditError> {
        let (heading, rows) = table(text);
        audit(&heading, &rows, cells)
    }

    fn audited(text: &str) -> Result<Vec<Finding>, AuditError> {
        read(text, None).map(|audit| audit.findings)
    }

    fn implied(finding: &Finding) -> &[Implied] {
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
            let expected = if matching { Verdict::Follows } else { Verdict::Contradicts };
            assert_eq!(finding.verdict(), expected, "{finding:?}");
            assert_eq!(implied(finding)[0].verdict, expected, "{finding:?}");
            let by_category = &implied(finding)[1];
            assert_eq!(by_category.over, Over::Categories);
            assert_ne!(by_category.verdict, Verdict::Follows, "not by category: {finding:?}");
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
            .filter(|(_, one)| one.verdict != Verdict::Follows)
            .map(|(name, one)| (name.as_str(), one.average(), one.verdict))
            .collect();
        let scale = "pairs by scale".to_owned();
        assert_eq!(off, [("original HPF ResNet-101", scale, Verdict::Nearly)]);
        // A mean over keypoints fits that row, but it would fit almost any.
        let hpf = &findings[6];
        assert_eq!((hpf.verdict(), hpf.mean()), (Verdict::Nearly, Some(Over::Pairs)));
    }

    const TABLE_5: &str = include_str!("published/table5_pck_by_controlled_factor.csv");

    #[test]
    fn table_5_of_the_paper_is_read_as_controlled_cells_and_is_in_order() {
        let whole = read(TABLE_5, None).unwrap();
        assert_eq!((whole.cells, whole.findings.len()), (Cells::Controlled, 6));
        for finding in &whole.findings {
            assert_eq!(finding.verdict(), Verdict::Follows, "{finding:?}");
        }
        let Claim::OneNumber { cells, .. } = &whole.findings[0].claim else { panic!("no cells") };
        assert_eq!(cells[3], ("occlusion_none".to_owned(), 44.3));
        // It needs no All, and a single row is enough.
        let lines = TABLE_5.lines().take(2).map(|line| line.rsplit_once(',').unwrap().0);
        let without: Vec<&str> = lines.collect();
        assert_eq!(read(&without.join("\n"), None).unwrap().cells, Cells::Controlled);
        // Nobody must take it for table 4 unless they insist.
        assert_eq!(read(TABLE_5, Some(Cells::Plain)).unwrap().contradictions(), 6);
    }

    #[test]
    fn controlled_cells_that_are_not_one_number_are_flagged() {
        let wrong = TABLE_5.replace("44.3,28.4", "44.8,28.4");
        let found = read(&wrong, None).unwrap();
        assert_eq!((found.cells, found.contradictions()), (Cells::Controlled, 1));
        assert_eq!(found.findings[0].verdict(), Verdict::Contradicts);
        let cells = |line: &str| {
            let text = format!(
                "viewpoint_easy,viewpoint_medium,viewpoint_hard,scale_easy,scale_medium,scale_hard\n{line}"
            );
            read(&text, Some(Cells::Controlled)).unwrap().findings[0].verdict()
        };
        assert_eq!(cells("44.3,1,2,44.4,3,4"), Verdict::Nearly);
        assert_eq!(cells("44.3,1,2,44.34,3,4"), Verdict::Follows);
        assert_eq!(cells("44.3,1,2,44.5,3,4"), Verdict::Contradicts);
    }

    #[test]
    fn plain_cells_stay_plain_whatever_is_wrong_with_them() {
        let table_4 = include_str!("published/table4_pck_by_factor.csv");
        assert_eq!(read(table_4, None).unwrap().cells, Cells::Plain);
        let wrong = table_4.replace(",28.2", ",31.2");
        let found = read(&wrong, None).unwrap();
        assert_eq!((found.cells, found.contradictions()), (Cells::Plain, 1));
        // A method that is always right has equal cells, and All follows from them.
        let heading = TABLE_5.lines().next().unwrap();
        let right = format!("{heading}\na,b{}", ",100.0".repeat(15));
        assert_eq!(read(&right, None).unwrap().cells, Cells::Plain);
        let asked = read(
            "viewpoint_easy,viewpoint_medium,viewpoint_hard,All\n1,2,3,2",
            Some(Cells::Controlled),
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
        assert_eq!((both("27.2").verdict(), both("27.2").name.as_str()), (Verdict::Follows, "HPF"));
        let averages: Vec<String> = implied(&both("27.2")).iter().map(Implied::average).collect();
        assert_eq!(averages.len(), 5 + 1 + 5);
        assert_eq!(averages[..2], ["pairs", "pairs by viewpoint"]);
        assert_eq!((averages[5].as_str(), averages[6].as_str()), ("categories", "keypoints"));
        // Levels of truncation leave a mean over keypoints from 25.8 to 28.5.
        assert_eq!(both("28.7").verdict(), Verdict::Contradicts);
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
        assert_eq!(audited(&text).unwrap()[0].verdict(), Verdict::Follows);
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
