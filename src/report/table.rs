//! Tables of percentages.

/// A table of percentages.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// What the table shows.
    pub title: String,
    /// Heading of the columns that name a row.
    pub labels: Vec<String>,
    /// The columns, in groups.
    pub groups: Vec<ColumnGroup>,
    /// The rows.
    pub rows: Vec<TableRow>,
    /// What a reader has to know, a sentence each.
    pub notes: Vec<String>,
}

/// Columns under one heading.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ColumnGroup {
    /// The heading; empty for columns that stand alone.
    pub heading: String,
    /// The columns' own headings.
    pub columns: Vec<String>,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableRow {
    /// What names the row, one for each of [`Table::labels`].
    pub labels: Vec<String>,
    /// Percent, one for each column; `None` where there is no value.
    pub cells: Vec<Option<f64>>,
    /// Rows are ranked against those with the same number; `None` for rows that are not ranked.
    pub contest: Option<usize>,
    /// Whether a line divides this row from the one above.
    pub ruled: bool,
}

/// A row's place in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Second,
    Third,
}

impl Table {
    /// Headings of single columns, with their group's where there is one.
    pub(super) fn flat_headings(&self) -> Vec<String> {
        let flat = |group: &ColumnGroup| {
            let heading = group.heading.clone();
            let join = move |column: &String| format!("{heading} {column}").trim().to_owned();
            group.columns.iter().map(join).collect::<Vec<_>>()
        };
        self.groups.iter().flat_map(flat).collect()
    }

    /// For every row and column whether it is the best, second or third of the column. Values
    /// that read the same share a place; a row without rivals has none.
    pub(super) fn places(&self) -> Vec<Vec<Option<Place>>> {
        let place = |row: &TableRow, column: usize| {
            let value = tenths(row.cells[column]?);
            let contest = row.contest?;
            let rivals = || self.rows.iter().filter(|other| other.contest == Some(contest));
            let better =
                rivals().filter_map(|other| other.cells[column]).filter(|&o| tenths(o) > value);
            match better.count() {
                _ if rivals().count() < 2 => None,
                0 => Some(Place::First),
                1 => Some(Place::Second),
                2 => Some(Place::Third),
                _ => None,
            }
        };
        let places =
            |row: &TableRow| (0..row.cells.len()).map(|column| place(row, column)).collect();
        self.rows.iter().map(places).collect()
    }
}

/// A percentage as it is shown: one decimal, a dash where there is none.
#[must_use]
pub fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"))
}

/// The shown value as an integer, so that equal texts are equal.
fn tenths(value: f64) -> i64 {
    let shown = format!("{value:.1}").replace('.', "");
    shown.parse().expect("percentages are finite")
}
