//! The paper's own rows in a table of scores.

use crate::report::{Row, Table};
use crate::score::published::PublishedRow;

/// Puts published rows above the row `at`, ranked with it if `comparable`, and divided from it by a
/// line.
/// `columns` are the published names of the table's columns but for the last, which is All.
pub(super) fn add_published(
    table: &mut Table,
    at: usize,
    comparable: bool,
    rows: &[PublishedRow],
    columns: &[String],
) {
    let Some(below) = table.rows.get(at).cloned() else { return };
    let row = |place: usize, row: &PublishedRow| {
        let mut labels = below.labels.clone();
        labels[0] = match comparable {
            true => format!("{} (paper)", row.name),
            false => format!("{} (paper, SPair-71k)", row.name),
        };
        let cells = columns.iter().map(|column| row.get(column)).chain([Some(row.all)]);
        Row {
            labels,
            cells: cells.collect(),
            contest: below.contest.filter(|_| comparable),
            ruled: if place == 0 { below.ruled } else { row.group != rows[place - 1].group },
        }
    };
    let rows: Vec<Row> = rows.iter().enumerate().map(|(place, one)| row(place, one)).collect();
    table.rows[at].ruled = true;
    table.rows.splice(at..at, rows);
}
