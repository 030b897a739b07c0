//! Comma-separated values (RFC 4180): one heading line, percentages in full precision, empty
//! where there is none. Title and notes are left out, so that the file is a table and no more.

use super::table::Table;

pub(super) fn render(table: &Table) -> String {
    let headings = table.labels.iter().cloned().chain(table.flat_headings());
    let mut out = line(headings);
    for row in &table.rows {
        let cells = row.cells.iter().map(|cell| cell.map_or_else(String::new, |c| c.to_string()));
        out.push_str(&line(row.labels.iter().cloned().chain(cells)));
    }
    out
}

fn line(fields: impl Iterator<Item = String>) -> String {
    fields.map(|text| field(&text)).collect::<Vec<_>>().join(",") + "\n"
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
