//! A Markdown pipe table: best bold, second and third underlined, as the paper does.

use super::table::{Place, Table, percent};

pub(super) fn render(table: &Table) -> String {
    let mut lines = vec![escaped(&table.title), String::new()];
    let headings = table.labels.iter().cloned().chain(table.flat_headings());
    lines.push(line(headings.map(|heading| escaped(&heading))));
    let numbers = table.flat_headings().len();
    let rules = table.labels.iter().map(|_| "---").chain((0..numbers).map(|_| "---:"));
    lines.push(line(rules.map(str::to_owned)));
    for (row, places) in table.rows.iter().zip(table.places()) {
        let labels = row.labels.iter().map(|label| escaped(label));
        let cells = row.cells.iter().zip(places).map(|(&cell, place)| {
            let text = percent(cell);
            match place {
                Some(Place::First) => format!("**{text}**"),
                Some(Place::Second | Place::Third) => format!("<u>{text}</u>"),
                None => text,
            }
        });
        lines.push(line(labels.chain(cells)));
    }
    for note in &table.notes {
        lines.extend([String::new(), escaped(note)]);
    }
    lines.join("\n") + "\n"
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

/// Text whose characters a Markdown reader takes as they are.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '*' | '_' | '`' | '<' | '[' | '\\' => out.extend(['\\', character]),
            '\n' | '\r' => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}
