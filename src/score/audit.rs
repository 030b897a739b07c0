//! Whether the All of a published table follows from its columns.
//!
//! A table per category or per variation factor and the numbers of pairs behind its columns leave
//! All little freedom: the mean over pairs is the mean of the columns weighted by their pairs. A
//! column printed with d decimals is off by at most half a unit of the last, so is the weighted
//! mean, and so is All: together at most one unit. Up to twice that a number may have been rounded
//! twice or cut off; what is further off does not follow.

use super::Factor;
use super::abbreviation;
use super::published::{pairs_by_category, pairs_by_level};

/// A row of the audited table with what its columns imply.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The line in the file, from 1.
    pub line: usize,
    /// What names the row.
    pub name: String,
    /// All as printed.
    pub all: f64,
    /// The most that roundings explain.
    pub tolerance: f64,
    /// What the columns imply under each average.
    pub implied: Vec<Implied>,
}

/// The All that columns imply.
#[derive(Debug, Clone, PartialEq)]
pub struct Implied {
    /// The average, in words.
    pub average: String,
    /// All under it.
    pub all: f64,
    /// Whether the printed All follows from it.
    pub verdict: Verdict,
}

/// Whether a printed All follows from the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No further off than roundings explain.
    Follows,
    /// Up to twice that.
    Nearly,
    /// Further off.
    Contradicts,
}

impl Finding {
    /// Whether All follows from the columns: for categories under the average that fits best, for
    /// factors under the one that fits least, as every factor divides the same pairs.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.implied.iter().map(|one| one.verdict);
        let by_factor = self.implied.iter().any(|one| one.average.starts_with(FACTOR));
        let verdict = if by_factor { verdicts.max() } else { verdicts.min() };
        verdict.unwrap_or(Verdict::Contradicts)
    }
}

const FACTOR: &str = "pairs by ";

/// Why a table cannot be audited.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum AuditError {
    /// The heading lacks the column of the mean.
    #[error("line 1: there is no column All; name the column of the mean so")]
    NoAll,
    /// The columns are neither all categories nor the levels of a factor.
    #[error(
        "line 1: the columns are neither SPair-71k's 18 categories nor all levels of a variation \
         factor{missing}; name them as the paper does (aero, …, tv) or viewpoint_easy, …"
    )]
    Columns {
        /// The first column that is missing, with a leading separator, or nothing.
        missing: String,
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
    #[error("there is no row below the heading")]
    Empty,
}

/// Audits a table: a heading and rows, each a line number and fields. Columns other than
/// categories, levels and All name the rows. The counts are those of SPair-71k's test split.
///
/// # Errors
/// Missing columns, fields that are no percentages, lines of another length.
pub fn audit(
    heading: &[String],
    rows: &[(usize, Vec<String>)],
) -> Result<Vec<Finding>, AuditError> {
    let names: Vec<String> = heading.iter().map(|name| normal(name)).collect();
    let all = names.iter().position(|name| name == "all").ok_or(AuditError::NoAll)?;
    let means = means(&names)?;
    let used = |column: &usize| {
        *column == all || means.iter().any(|mean| mean.columns.iter().any(|(c, _)| c == column))
    };
    if rows.is_empty() {
        return Err(AuditError::Empty);
    }
    rows.iter()
        .map(|(line, fields)| {
            if fields.len() != heading.len() {
                let (found, expected) = (fields.len(), heading.len());
                return Err(AuditError::Fields { line: *line, found, expected });
            }
            let number = |column: usize| {
                percentage(&fields[column]).ok_or_else(|| AuditError::Number {
                    line: *line,
                    column: heading[column].trim().to_owned(),
                    found: fields[column].clone(),
                })
            };
            let (printed, mut decimals) = number(all)?;
            let mut implied = Vec::with_capacity(means.len());
            for mean in &means {
                let (mut sum, mut weights) = (0.0, 0.0);
                for &(column, weight) in &mean.columns {
                    let (value, digits) = number(column)?;
                    decimals = decimals.min(digits);
                    sum += value * weight;
                    weights += weight;
                }
                implied.push((mean.average.clone(), sum / weights));
            }
            let tolerance = 0.1_f64.powi(decimals);
            let verdict = |all: f64| match (all - printed).abs() / tolerance {
                units if units <= 1.0 + 1e-9 => Verdict::Follows,
                units if units <= 2.0 + 1e-9 => Verdict::Nearly,
                _ => Verdict::Contradicts,
            };
            let label = (0..heading.len()).filter(|column| !used(column));
            let label: Vec<&str> =
                label.map(|column| fields[column].trim()).filter(|text| !text.is_empty()).collect();
            Ok(Finding {
                line: *line,
                name: label.join(" "),
                all: printed,
                tolerance,
                implied: implied
                    .into_iter()
                    .map(|(average, all)| Implied { average, all, verdict: verdict(all) })
                    .collect(),
            })
        })
        .collect()
}

/// A way to make All of columns: their places and weights.
struct Mean {
    average: String,
    columns: Vec<(usize, f64)>,
}

/// The ways that the columns allow.
fn means(names: &[String]) -> Result<Vec<Mean>, AuditError> {
    let place = |wanted: &str| names.iter().position(|name| *name == normal(wanted));
    let mut missing: Option<String> = None;
    let mut found_any = 0;
    let mut weighted = Vec::new();
    for (category, pairs) in pairs_by_category("test") {
        match place(&category).or_else(|| place(abbreviation(&category))) {
            Some(column) => {
                found_any += 1;
                weighted.push((column, pairs as f64));
            }
            None => missing = missing.or_else(|| Some(abbreviation(&category).to_owned())),
        }
    }
    let complain = |missing: Option<String>| AuditError::Columns {
        missing: missing.map_or_else(String::new, |name| format!(": {name} is missing")),
    };
    if found_any > 0 {
        if missing.is_some() {
            return Err(complain(missing));
        }
        let unweighted = weighted.iter().map(|(column, _)| (*column, 1.0)).collect();
        return Ok(vec![
            Mean { average: "pairs".to_owned(), columns: weighted },
            Mean { average: "categories".to_owned(), columns: unweighted },
        ]);
    }
    let levels = pairs_by_level("test");
    let mut means = Vec::new();
    for factor in Factor::ALL {
        let wanted = levels.iter().filter(|(level, _)| level.starts_with(factor.name()));
        let columns: Option<Vec<_>> =
            wanted.map(|(level, pairs)| Some((place(level)?, *pairs as f64))).collect();
        means.extend(
            columns.map(|columns| Mean { average: format!("{FACTOR}{}", factor.name()), columns }),
        );
    }
    if means.is_empty() { Err(complain(None)) } else { Ok(means) }
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

    fn audited(text: &str) -> Result<Vec<Finding>, AuditError> {
        let (heading, rows) = table(text);
        audit(&heading, &rows)
    }

    #[test]
    fn table_3_of_the_paper_passes_nc_net_and_hpf_and_flags_image_alignment() {
        let findings = audited(include_str!("published/table3_pck_by_category.csv")).unwrap();
        assert_eq!(findings.len(), 10);
        for finding in &findings {
            let matching = finding.name.contains("NC-Net") || finding.name.contains("HPF");
            let expected = if matching { Verdict::Follows } else { Verdict::Contradicts };
            assert_eq!(finding.verdict(), expected, "{finding:?}");
            assert_eq!(finding.implied[0].verdict, expected, "{finding:?}");
            assert_ne!(
                finding.implied[1].verdict,
                Verdict::Follows,
                "not by category: {finding:?}"
            );
        }
        // CNNGeo's columns imply 21.3, and 18.1 is printed.
        assert_eq!(format!("{:.1} {}", findings[0].implied[0].all, findings[0].all), "21.3 18.1");
    }

    #[test]
    fn table_4_of_the_paper_follows_and_nearly_so_for_one_factor_of_one_row() {
        // HPF ResNet-101 by scale implies 28.07 and by truncation 28.12, where 28.2 is printed:
        // 0.126 off, a little more than roundings explain.
        let findings = audited(include_str!("published/table4_pck_by_factor.csv")).unwrap();
        let off: Vec<_> = findings
            .iter()
            .flat_map(|finding| finding.implied.iter().map(move |one| (&finding.name, one)))
            .filter(|(_, one)| one.verdict != Verdict::Follows)
            .map(|(name, one)| (name.as_str(), one.average.as_str(), one.verdict))
            .collect();
        assert_eq!(off, [("original HPF ResNet-101", "pairs by scale", Verdict::Nearly)]);
    }

    #[test]
    fn a_table_that_cannot_be_audited_says_why() {
        for (text, sentence) in [
            ("method,aero", "no column All"),
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
