//! A table in HTML: best bold, second and third underlined, as the paper does.

use std::fmt::Write as _;

use crate::report::table::{Place, Table, percent};

pub(super) fn render(table: &Table) -> String {
    let mut out = format!(
        "<div class=\"scroll\"><table><caption><span>{}</span></caption><thead>",
        escaped(&table.title)
    );
    if table.groups.iter().any(|group| !group.heading.is_empty()) {
        out += "<tr>";
        out += &"<th class=\"label\"></th>".repeat(table.labels.len());
        for group in &table.groups {
            let (columns, heading) = (group.columns.len(), escaped(&group.heading));
            // Writing to a text cannot fail.
            let _ = write!(out, "<th colspan=\"{columns}\" scope=\"colgroup\">{heading}</th>");
        }
        out += "</tr>";
    }
    out += "<tr>";
    for label in &table.labels {
        let _ = write!(out, "<th class=\"label\" scope=\"col\">{}</th>", escaped(label));
    }
    for column in table.groups.iter().flat_map(|group| &group.columns) {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(column));
    }
    out += "</tr></thead><tbody>";
    for (row, places) in table.rows.iter().zip(table.places()) {
        out += if row.ruled { "<tr class=\"ruled\">" } else { "<tr>" };
        for label in &row.labels {
            let _ = write!(out, "<td class=\"label\">{}</td>", escaped(label));
        }
        for (&cell, place) in row.cells.iter().zip(places) {
            let class = match place {
                Some(Place::First) => " class=\"first\"",
                Some(Place::Second) => " class=\"second\"",
                Some(Place::Third) => " class=\"third\"",
                None => "",
            };
            let _ = write!(out, "<td{class}>{}</td>", percent(cell));
        }
        out += "</tr>";
    }
    out += "</tbody></table></div>\n";
    for note in &table.notes {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", escaped(note));
    }
    out
}

/// Text whose characters HTML takes as they are.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ColumnGroup, TableRow};

    #[test]
    fn marks_and_escapes() {
        let row = |name: &str, value| TableRow {
            labels: vec![name.to_owned()],
            cells: vec![value],
            contest: Some(0),
            ruled: name == "b",
        };
        let table = Table {
            title: "<PCK>".to_owned(),
            labels: vec!["method".to_owned()],
            groups: vec![ColumnGroup { heading: String::new(), columns: vec!["All".to_owned()] }],
            rows: vec![row("a&a", Some(1.0)), row("b", Some(2.0))],
            notes: vec!["1 < 2".to_owned()],
        };
        let html = render(&table);
        assert!(html.contains("<caption><span>&lt;PCK&gt;</span></caption>"), "{html}");
        assert!(html.contains("<td class=\"label\">a&amp;a</td><td class=\"second\">1.0</td>"));
        assert!(html.contains(
            "<tr class=\"ruled\"><td class=\"label\">b</td><td class=\"first\">2.0</td>"
        ));
        assert!(html.ends_with("<p class=\"note\">1 &lt; 2</p>\n"), "{html}");
    }
}
