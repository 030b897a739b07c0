//! Lists of pairs as CSV: columns by their headings, rows as they are, none lost and none added.
//!
//! The published lists have a heading, and the published code takes columns by their places. Here the
//! heading says what a column is; a list without one is taken by the published places, if its rows have
//! as many cells as a published list.

use std::collections::HashMap;
use std::path::Path;

use super::error::BenchmarkError;
use super::faults::{Faults, Listed};
use super::files::{is_photograph, read};
use crate::records::{self, Records};
use crate::text;

/// What a column of a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Column {
    Source,
    Target,
    Class,
    Flip,
    SourceX,
    SourceY,
    TargetX,
    TargetY,
}

impl Column {
    /// What the published lists call it.
    fn name(self) -> &'static str {
        match self {
            Self::Source => "source_image",
            Self::Target => "target_image",
            Self::Class => "class",
            Self::Flip => "flip",
            Self::SourceX => "XA",
            Self::SourceY => "YA",
            Self::TargetX => "XB",
            Self::TargetY => "YB",
        }
    }

    /// The column of that heading.
    fn of(heading: &str) -> Option<Self> {
        let words = words(heading);
        // What says no more than that it is one of a photograph, or of a class.
        let fillers = [
            "image",
            "img",
            "im",
            "imname",
            "imagename",
            "photograph",
            "photo",
            "picture",
            "file",
            "filename",
            "name",
            "path",
            "fn",
            "is",
            "id",
            "idx",
            "index",
            "number",
            "coords",
            "kps",
        ];
        if let Some(is_flip) = says_flip(heading) {
            return is_flip.then_some(Self::Flip);
        }
        let said: Vec<&str> =
            words.iter().map(String::as_str).filter(|word| !fillers.contains(word)).collect();
        let is_numbered = words.len() > 1; // a number alone is no heading
        Some(match said[..] {
            ["source" | "src" | "a"] => Self::Source,
            ["target" | "trg" | "tgt" | "b"] => Self::Target,
            ["1"] if is_numbered => Self::Source,
            ["2"] if is_numbered => Self::Target,
            ["class" | "cls" | "category" | "label"] => Self::Class,
            ["xa"] | ["x", "a" | "source" | "src"] | ["a" | "source" | "src", "x"] => Self::SourceX,
            ["ya"] | ["y", "a" | "source" | "src"] | ["a" | "source" | "src", "y"] => Self::SourceY,
            ["xb"] | ["x", "b" | "target" | "trg"] | ["b" | "target" | "trg", "x"] => Self::TargetX,
            ["yb"] | ["y", "b" | "target" | "trg"] | ["b" | "target" | "trg", "y"] => Self::TargetY,
            _ => return None,
        })
    }
}

/// Whether a heading says that its cells tell mirrored rows, such as `flip_lr` or `is_mirrored_pair`;
/// `Some(false)` where it says the contrary, such as `not_flipped`, and `None` where it says neither.
fn says_flip(heading: &str) -> Option<bool> {
    let lower = heading.to_lowercase();
    if !FLIPS.iter().any(|flip| lower.contains(flip)) {
        return None;
    }
    let denies = |word: &str| {
        ["not", "no", "non", "without", "never", "isnt"].contains(&word)
            || FLIPS.iter().any(|flip| {
                let before = word.split_once(flip).map(|(before, _)| before);
                before.is_some_and(|before| ["un", "not", "no", "non"].contains(&before))
            })
    };
    let of_letters = lower.split(|character: char| !character.is_alphabetic());
    let denied = of_letters.into_iter().any(denies) || words(heading).iter().any(|w| denies(w));
    Some(!denied)
}

/// What words for mirrored photographs have in them.
const FLIPS: [&str; 2] = ["flip", "mirror"];

/// The words of a heading in lower case: `source_image`, `imageA` and `Image 1` have two.
fn words(heading: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for character in heading.chars() {
        let begins = !before.is_alphanumeric()
            || (before.is_lowercase() && character.is_uppercase())
            || (before.is_alphabetic() && character.is_numeric());
        if character.is_alphanumeric() {
            if begins {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(character.to_lowercase());
            }
        }
        before = character;
    }
    words
}

/// A form of list: which columns it has, and which it must have.
pub(super) struct Form {
    /// The columns in their published places, for lists without a heading: for each number of cells.
    pub(super) places: &'static [&'static [Column]],
    /// Those that must be there.
    pub(super) needed: &'static [Column],
    /// Whether a heading that names none of the columns is one of the published form.
    pub(super) takes_any_heading: bool,
    /// The most bytes of the file, and of a row.
    pub(super) limits: (u64, usize),
}

/// What the cells of a column that is not known say so far.
#[derive(Clone)]
struct Unknown {
    /// Whether all are yes or no.
    all: bool,
    /// The first line with a yes.
    yes: Option<usize>,
    /// The first line with a word for mirrored photographs, and the cell.
    flip: Option<(usize, String)>,
}

impl Unknown {
    fn see(&mut self, line: usize, cell: &str) {
        let answer = yes_or_no(cell);
        self.all &= answer.is_some();
        if answer == Some(true) {
            self.yes.get_or_insert(line);
        }
        let lower = cell.to_lowercase();
        if FLIPS.iter().any(|flip| {
            lower.starts_with(flip) || lower[..].get(1..).is_some_and(|rest| rest.starts_with(flip))
        }) {
            self.flip.get_or_insert_with(|| (line, cell.chars().take(40).collect()));
        }
    }

    /// What is wrong, with its line, where the cells may tell mirrored rows.
    fn fault(self, place: usize, heading: &str) -> Option<(usize, String)> {
        let column = match heading {
            "" => format!("column {}, which has no name,", place + 1),
            heading => format!("the column {:?}", heading.chars().take(40).collect::<String>()),
        };
        let (line, holds) = match self {
            Self { flip: Some((line, cell)), .. } => (line, format!("holds {cell:?}")),
            Self { all: true, yes: Some(line), .. } => (line, "holds only yes and no".to_owned()),
            _ => return None,
        };
        Some((
            line,
            format!(
                "{column} {holds} and may tell which rows are mirrored: name it flip, with 1 where \
                 the photographs are mirrored and 0 where not, or remove it"
            ),
        ))
    }
}

/// The folders of photographs, which are known by less than their whole path.
#[derive(Default)]
pub(super) struct Folders(HashMap<Vec<String>, Vec<String>>);

impl Folders {
    /// Enters a path, of which the last `kept` parts make the photograph.
    ///
    /// # Errors
    /// The same photograph was entered in another folder: what is wrong.
    pub(super) fn enter(&mut self, path: &str, kept: usize) -> Result<(), String> {
        let parts = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "."));
        let mut folder: Vec<String> = parts.map(str::to_owned).collect();
        let name = folder.split_off(folder.len().saturating_sub(kept));
        let mut stem = name.clone();
        if let Some(last) = stem.last_mut()
            && let Some((before, _)) = last.rsplit_once('.')
        {
            *last = before.to_owned(); // as annotations are named
        }
        if folder.is_empty() {
            return Ok(()); // a name alone contradicts no folder
        }
        let before = self.0.entry(stem).or_insert_with(|| folder.clone());
        if *before == folder {
            return Ok(());
        }
        Err(format!(
            "{} stands in {:?} here and in {:?} above, and would be one photograph: give each photograph its \
             own name, or every row the same folder",
            name.join("/"),
            folder.join("/"),
            before.join("/")
        ))
    }
}

/// A row of a list.
pub(super) struct Row {
    /// Its line, from 1.
    pub(super) line: usize,
    cells: Vec<(Column, String)>,
    whole: String,
}

impl Row {
    /// The cell of a column; empty where the list has no such column.
    pub(super) fn get(&self, column: Column) -> &str {
        self.cells.iter().find(|(at, _)| *at == column).map_or("", |(_, cell)| cell)
    }

    /// The row as it stands, cut where it is long.
    pub(super) fn shown(&self) -> String {
        self.whole.chars().take(80).collect()
    }
}

/// Reads a list's rows. Where faults are set aside, a row that cannot be read hides no other: of a list
/// that is not whole each line is read for itself, so that a quotation mark that is not closed ends with
/// its line.
///
/// # Errors
/// A list without rows, a column that is missing or twice there, a column that may tell mirrored rows,
/// and what is no CSV, with the line; a row with other cells than the heading names, unless faults are
/// set aside.
pub(super) fn read_rows(
    list: &Path,
    form: &Form,
    faults: &Faults,
) -> Result<Vec<Listed<Row>>, BenchmarkError> {
    let bytes = read(list, form.limits.0, "the split")?;
    let unread = |source| BenchmarkError::Read { file: list.to_owned(), source };
    let mut records = Records::new(bytes.as_slice(), form.limits.1).map_err(unread)?;
    let mut read = Vec::new();
    let mut is_whole = true;
    while let Some(record) = records.next_record().transpose() {
        is_whole &= record.as_ref().is_ok_and(|(_, record)| !goes_on(record));
        read.push(match record {
            Ok((line, record)) => (line, Ok(record)),
            Err(fault) => (fault.line, Err(fault)),
        });
        if !is_whole && read.last().is_some_and(|(_, record)| record.is_err()) {
            break; // what comes behind a fault may be part of it
        }
    }
    if faults.go_on() && !is_whole {
        let bytes = text::utf8(bytes).map_err(|what| BenchmarkError::Contradiction {
            file: list.to_owned(),
            what: what.to_string(),
        })?;
        read = records::lines(&bytes, form.limits.1).collect();
    }
    let mut table = Table { list, form, columns: None, headings: Vec::new(), unknown: Vec::new() };
    let mut rows = Vec::new();
    for (line, record) in read {
        // What is wrong before it is known what the columns are is wrong with the whole list.
        let has_columns = table.columns.is_some();
        let record = record.map_err(|fault| table.fault(fault.line, fault.what()));
        match record.and_then(|record| table.row(line, &record)).transpose() {
            None => {}
            Some(Err(error)) if !has_columns => return Err(error),
            Some(read) => rows.push(faults.listed(String::new, read)?),
        }
    }
    if rows.is_empty() {
        return Err(BenchmarkError::Empty { file: list.to_owned() });
    }
    table.check_unknown()?;
    Ok(rows)
}

/// Whether a cell of a record goes on in the next line: rows after it may be part of it.
fn goes_on(record: &csv::StringRecord) -> bool {
    record.iter().any(|cell| cell.trim().contains('\n'))
}

/// What is known of a list while its rows are read.
struct Table<'a> {
    list: &'a Path,
    form: &'a Form,
    /// What each column is, once the first row was seen.
    columns: Option<Vec<Option<Column>>>,
    headings: Vec<String>,
    /// What the cells of columns say that are not known.
    unknown: Vec<Unknown>,
}

impl Table<'_> {
    fn fault(&self, line: usize, what: String) -> BenchmarkError {
        BenchmarkError::Line { file: self.list.to_owned(), line, what }
    }

    /// The row of a record; `None` where it is the heading or blank.
    fn row(
        &mut self,
        line: usize,
        record: &csv::StringRecord,
    ) -> Result<Option<Row>, BenchmarkError> {
        let whole = record.iter().collect::<Vec<_>>().join(",");
        let cells = cells(record).map_err(|what| self.fault(line, what))?;
        if cells.iter().all(String::is_empty) && cells.len() == 1 {
            return Ok(None); // a line of blanks
        }
        if self.columns.is_none() {
            let found = self.form.columns(&cells);
            let (found, is_heading) = found.map_err(|what| self.fault(line, what))?;
            self.unknown = vec![Unknown { all: true, yes: None, flip: None }; found.len()];
            self.columns = Some(found);
            if is_heading {
                self.headings = cells;
                return Ok(None);
            }
        }
        let columns = self.columns.as_deref().unwrap_or_default();
        let (named, beyond) = cells.split_at(cells.len().min(columns.len()));
        if named.len() < columns.len() || !beyond.iter().all(String::is_empty) {
            let (found, expected) = (cells.len(), columns.len());
            let whole: String = whole.chars().take(80).collect();
            let what =
                format!("found {whole:?} with {found} columns, expected {expected} as above it");
            return Err(self.fault(line, what));
        }
        for ((column, cell), unknown) in columns.iter().zip(named).zip(&mut self.unknown) {
            if column.is_none() {
                unknown.see(line, cell);
            } else if *column == Some(Column::Flip)
                && !self.form.has(Column::Flip)
                && yes_or_no(cell) != Some(false)
            {
                let cell: String = cell.chars().take(40).collect();
                let what = format!(
                    "flip is {cell:?}: pairs of mirrored photographs are not read here, remove such \
                     rows and write 0 in the others"
                );
                return Err(BenchmarkError::Line { file: self.list.to_owned(), line, what });
            }
        }
        let named = columns.iter().zip(named);
        let cells = named.filter_map(|(column, cell)| Some(((*column)?, cell.clone()))).collect();
        Ok(Some(Row { line, cells, whole }))
    }

    /// Refuses a column that is not known and may tell mirrored rows.
    fn check_unknown(self) -> Result<(), BenchmarkError> {
        let Self { list, headings, unknown, .. } = self;
        for (place, (unknown, heading)) in unknown.into_iter().zip(&headings).enumerate() {
            if let Some((line, what)) = unknown.fault(place, heading) {
                return Err(BenchmarkError::Line { file: list.to_owned(), line, what });
            }
        }
        Ok(())
    }
}

/// The cells without blanks around them, and without quotation marks that blanks come before.
fn cells(record: &csv::StringRecord) -> Result<Vec<String>, String> {
    let cell = |cell: &str| {
        let cell = cell.trim();
        let inside = cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(cell);
        let shown: String = inside.chars().take(40).collect();
        if inside.contains('\n') {
            // Rows after it would be part of it.
            return Err(format!(
                "found {shown:?}, which goes on in the next line: is a quotation mark not closed?"
            ));
        }
        if inside.contains('"') {
            return Err(format!("found {shown:?} with a quotation mark in it: remove the mark"));
        }
        Ok(inside.trim().to_owned())
    };
    record.iter().map(cell).collect()
}

/// Whether a cell is a number, or a list of which a part is one.
fn has_number(cell: &str) -> bool {
    cell.split(',').any(|part| part.trim().parse::<f64>().is_ok())
}

/// Whether cells count the columns, from 0 or 1: the heading of a table that had none.
fn counts_columns(cells: &[String]) -> bool {
    [0, 1].iter().any(|first| {
        cells.iter().enumerate().all(|(place, cell)| cell.parse() == Ok(place + first))
    })
}

impl Form {
    /// Whether a published list of this form has the column.
    fn has(&self, column: Column) -> bool {
        self.places.iter().any(|columns| columns.contains(&column))
    }

    /// Whether cells in the published places are a row: a heading names no photographs and has no
    /// numbers where coordinates or the number of a class are.
    fn is_row(&self, published: Option<&[Column]>, cells: &[String]) -> bool {
        let two = |is: fn(&str) -> bool| cells.len() > 1 && cells[..2].iter().all(|cell| is(cell));
        if two(is_photograph) {
            return true;
        }
        let Some(columns) = published.filter(|_| self.takes_any_heading) else { return false };
        let is_number = |(column, cell): (&Column, &String)| {
            !matches!(column, Column::Source | Column::Target) && has_number(cell)
        };
        two(|cell| cell.contains(['/', '\\']))
            || (columns.iter().zip(cells).any(is_number) && !counts_columns(cells))
    }

    /// What each column is, and whether these cells of the first row are a heading.
    fn columns(&self, cells: &[String]) -> Result<(Vec<Option<Column>>, bool), String> {
        let found: Vec<Option<Column>> = cells.iter().map(|cell| Column::of(cell)).collect();
        let shown: String = cells.join(",").chars().take(120).collect();
        let expected: Vec<&str> = self.needed.iter().map(|column| column.name()).collect();
        let expected = expected.join(",");
        let published = self.places.iter().copied().find(|columns| columns.len() == cells.len());
        let is_row = self.is_row(published, cells);
        if is_row || found.iter().all(Option::is_none) {
            return match published {
                Some(columns) if is_row || self.takes_any_heading => {
                    Ok((columns.iter().copied().map(Some).collect(), !is_row))
                }
                _ if is_row => Err(format!(
                    "found {shown:?} without a heading above it, and no list is published with {} \
                     columns: put the heading {expected} above it, with a name for every column",
                    cells.len()
                )),
                _ => Err(format!("found the heading {shown:?}, expected {expected}")),
            };
        }
        if let Some(denied) = cells.iter().find(|cell| says_flip(cell) == Some(false)) {
            return Err(format!(
                "the column {denied:?} may tell which rows are not mirrored: put a column flip in its \
                 place, with 1 where the photographs are mirrored and 0 where not"
            ));
        }
        for (place, column) in found.iter().enumerate() {
            if let Some(column) = column
                && let Some(before) = found[..place].iter().position(|one| one == &Some(*column))
            {
                let remedy = match column {
                    Column::Flip => "make one of them",
                    _ => "name one otherwise",
                };
                return Err(format!(
                    "the columns {:?} and {:?} may both be {}: {remedy}",
                    cells[before],
                    cells[place],
                    column.name()
                ));
            }
        }
        match self.needed.iter().find(|column| !found.contains(&Some(**column))) {
            Some(missing) => Err(format!(
                "found the heading {shown:?}, in which no column is {}: expected {expected}",
                missing.name()
            )),
            None => Ok((found, true)),
        }
    }
}

/// Yes or no in a cell, in any usual spelling; an empty one is no.
pub(super) fn yes_or_no(cell: &str) -> Option<bool> {
    match cell.to_ascii_lowercase().as_str() {
        "" | "false" | "f" | "no" | "n" => Some(false),
        "true" | "t" | "yes" | "y" => Some(true),
        number => match number.parse::<f64>() {
            Ok(0.0) => Some(false),
            Ok(1.0) => Some(true),
            _ => None,
        },
    }
}

/// The last part of a path with slashes of either kind.
pub(super) fn last_part(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_known_by_what_they_say() {
        for (column, headings) in [
            (
                Column::Source,
                &[
                    "source_image",
                    "source",
                    "src",
                    "imageA",
                    "image_A",
                    "Image 1",
                    "src_imname",
                    "\u{feff}img1",
                    "A",
                    "source image path",
                ][..],
            ),
            (
                Column::Target,
                &["target_image", "Target", "trg_imname", "imageB", "image_2", "tgt-img"],
            ),
            (Column::Class, &["class", "Class", "category", "cls_id", "class_number"]),
            (
                Column::Flip,
                &[
                    "flip",
                    "FLIP",
                    "is_flipped",
                    "mirror",
                    "flip_lr",
                    "fliplr",
                    "horizontal_flip",
                    "flipped_target",
                    "hflip_flag",
                    "HFlip",
                    "vflip?",
                    "is_mirrored_pair",
                    "lr-flip",
                    "1flip",
                ],
            ),
            (Column::SourceX, &["XA", "x_a", "source_x"]),
            (Column::TargetY, &["YB", "y_target"]),
        ] {
            for heading in headings {
                assert_eq!(Column::of(heading), Some(column), "{heading}");
            }
        }
        for other in [
            "",
            "not_flipped",
            "unmirrored",
            "Unnamed: 0",
            "x",
            "1",
            "2",
            "source_class",
            "JPEGImages/a.jpg",
            "1.0",
            "im0.jpg",
        ] {
            assert_eq!(Column::of(other), None, "{other}");
        }
    }

    #[test]
    fn yes_and_no_have_their_usual_spellings() {
        for no in ["0", "0.0", "0.", "00", "-0", "False", "false", "FALSE", "no", "N", "f", ""] {
            assert_eq!(yes_or_no(no), Some(false), "{no}");
        }
        for yes in ["1", "1.0", "1.", "+1", "1e0", "True", "true", "TRUE", "yes", "Y", "t"] {
            assert_eq!(yes_or_no(yes), Some(true), "{yes}");
        }
        for neither in ["2", "-1", "0.5", "nan", "NA", "x", "none", "1 0", "0,0"] {
            assert_eq!(yes_or_no(neither), None, "{neither}");
        }
    }
}
