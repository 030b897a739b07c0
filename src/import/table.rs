//! CSV: a line a predicted keypoint.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use super::error::ImportError;
use super::found::{ImportedPairs, point};
use crate::Point;
use crate::benchmark::spair::annotation::keypoint_name;
use crate::records::Records;
use crate::text::{counted, shortened};

/// The longest record that is read, in bytes.
const MAX_RECORD: usize = 1 << 16;

const COLUMNS: [&str; 4] = ["pair", "keypoint", "x", "y"];

pub(super) fn read(path: &Path, found: &mut ImportedPairs<'_>) -> Result<(), ImportError> {
    let file = File::open(path).map_err(|source| found.unread(source))?;
    let mut records = Records::new(file, MAX_RECORD).map_err(|source| found.unread(source))?;
    let expected = "expected lines of pair,keypoint,x,y";
    let mut next =
        || records.next_record().map_err(|fault| found.malformed(format!("{fault}; {expected}")));
    let (first, heading) = next()?.unwrap_or((1, csv::StringRecord::new()));
    let is_named = |heading: &str, name: &str| heading.trim().eq_ignore_ascii_case(name);
    let mut columns = [0; 4];
    for (column, name) in columns.iter_mut().zip(COLUMNS) {
        let place = heading.iter().position(|heading| is_named(heading, name));
        *column = place.ok_or_else(|| {
            found.malformed(format!(
                "line {first}: there is no column {name} in `{}`; expected a heading \
                 pair,keypoint,x,y with commas, semicolons or tabs between",
                shortened(&heading.iter().collect::<Vec<_>>().join(","))
            ))
        })?;
        let mut named = heading.iter().filter(|heading| is_named(heading, name));
        if let (Some(one), Some(other)) = (named.next(), named.next()) {
            return Err(found.malformed(format!(
                "line {first}: the columns {:?} and {:?} may both be {name}: name one otherwise",
                shortened(one.trim()),
                shortened(other.trim())
            )));
        }
    }
    let mut points: BTreeMap<usize, BTreeMap<usize, Option<Point>>> = BTreeMap::new();
    while let Some((line, record)) = next()? {
        let place = format!("line {line}");
        if record.len() != heading.len() {
            let (fields, columns) = (counted(record.len(), "field"), heading.len());
            let what = format!("{fields}, but the heading has {columns}; {expected}");
            return Err(found.misfit(&place, what));
        }
        let [id, keypoint, x, y] =
            columns.map(|column| record.get(column).unwrap_or_default().trim());
        let pair = found.pair(id, &place)?;
        let pair_of = &found.benchmark.pairs[pair];
        // A column of numbers with a gap in it becomes one of floats on its way.
        let whole = || pair_of.keypoint(&keypoint_name(keypoint.to_owned()));
        let Some(at) = pair_of.keypoint(keypoint).or_else(whole) else {
            let known = match pair_of.keypoint_ids.as_slice() {
                [] => format!("0 to {}", pair_of.answers() - 1),
                names => names.join(", "),
            };
            let what = format!("pair {id} has no keypoint `{}`, only {known}", shortened(keypoint));
            return Err(found.misfit(&place, what));
        };
        let coordinate = |text: &str| {
            // R has NA where nothing is known, and other programs have other words.
            let none = ["", "na", "n/a", "null", "none"];
            if none.iter().any(|none| text.eq_ignore_ascii_case(none)) {
                return Ok(f64::NAN);
            }
            let comma = text.contains(',');
            let hint = if comma { "; write decimals with a point, as 1.5" } else { "" };
            let what = || format!("`{}` is not a number{hint}", shortened(text));
            text.parse().map_err(|_| found.misfit(&place, what()))
        };
        let one =
            point(coordinate(x)?, coordinate(y)?).map_err(|what| found.misfit(&place, what))?;
        if points.entry(pair).or_default().insert(at, one).is_some() {
            let what = format!("keypoint {keypoint} of pair {id} came before");
            return Err(found.misfit(&place, what));
        }
    }
    for (pair, mut points) in points {
        let keypoints = 0..found.benchmark.pairs[pair].answers();
        let points = keypoints.map(|keypoint| points.remove(&keypoint).flatten()).collect();
        found.keep(pair, points, "the table")?;
    }
    Ok(())
}
