//! The paper's own rows in a table of scores.

use crate::report::{Table, TableRow};
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
        TableRow {
            labels,
            cells: cells.collect(),
            contest: below.contest.filter(|_| comparable),
            ruled: if place == 0 { below.ruled } else { row.group != rows[place - 1].group },
        }
    };
    let rows: Vec<TableRow> = rows.iter().enumerate().map(|(place, one)| row(place, one)).collect();
    table.rows[at].ruled = true;
    table.rows.splice(at..at, rows);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ColumnGroup, Format};
    use crate::score::published::table_3;

    #[test]
    fn published_rows_are_ranked_with_a_file_of_the_same_pairs_alone() {
        let columns: Vec<String> = ["aero", "All"].map(str::to_owned).into();
        let row = TableRow {
            labels: vec!["mine".to_owned()],
            cells: vec![Some(99.0), Some(1.0)],
            contest: Some(0),
            ruled: false,
        };
        let table = Table {
            labels: vec!["method".to_owned()],
            groups: vec![ColumnGroup { heading: String::new(), columns: columns.clone() }],
            rows: vec![row],
            ..Table::default()
        };
        let rendered = |comparable| {
            let mut table = table.clone();
            add_published(&mut table, 0, comparable, &table_3(), &columns[..1]);
            table.render(Format::Markdown)
        };
        assert!(rendered(true).contains("| mine | **99.0** | 1.0 |"), "{}", rendered(true));
        assert!(rendered(true).contains("| HPF ResNet-101 (paper) | <u>25.2</u> | **28.2** |"));
        assert!(rendered(false).contains("| mine | 99.0 | 1.0 |"), "{}", rendered(false));
        assert!(rendered(false).contains("| HPF ResNet-101 (paper, SPair-71k) | 25.2 | 28.2 |"));
    }
}
