//! Aligned columns for a terminal.

use super::table::{Place, Table, percent};

/// Superscripts mark the places: they are one column wide, and read without colour.
const fn mark(place: Option<Place>) -> char {
    match place {
        Some(Place::First) => '¹',
        Some(Place::Second) => '²',
        Some(Place::Third) => '³',
        None => ' ',
    }
}

pub(super) fn render(table: &Table) -> String {
    let places = table.places();
    let marked = places.iter().flatten().any(Option::is_some);
    let columns = table.groups.iter().flat_map(|group| &group.columns);
    let mut lines: Vec<Vec<String>> =
        vec![table.labels.iter().cloned().chain(columns.map(|name| pad(name, marked))).collect()];
    for (row, places) in table.rows.iter().zip(&places) {
        let cells = row.cells.iter().zip(places).map(|(&cell, &place)| {
            let mut text = percent(cell);
            if marked {
                text.push(mark(place));
            }
            text
        });
        lines.push(row.labels.iter().cloned().chain(cells).collect());
    }
    let mut widths = widths(&lines);
    widen_for_headings(table, &mut widths);

    let mut out = vec![table.title.clone(), String::new()];
    if table.groups.iter().any(|group| !group.heading.is_empty()) {
        out.push(group_headings(table, &widths));
    }
    for (at, line) in lines.iter().enumerate() {
        if at > 1 && table.rows[at - 1].ruled {
            out.push("─".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1)));
        }
        out.push(aligned(line, &widths, table.labels.len()));
    }
    if !table.notes.is_empty() {
        out.push(String::new());
        out.extend(table.notes.iter().cloned());
    }
    let lines: Vec<&str> = out.iter().map(|line| line.trim_end()).collect();
    lines.join("\n") + "\n"
}

/// A heading is right-aligned with the digits, not with the marks after them.
fn pad(name: &str, marked: bool) -> String {
    if marked { format!("{name} ") } else { name.to_owned() }
}

fn widths(lines: &[Vec<String>]) -> Vec<usize> {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| length(&line[column])).max().unwrap_or(0);
    (0..columns).map(width).collect()
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Gives a group's last column the room that its heading needs.
fn widen_for_headings(table: &Table, widths: &mut [usize]) {
    let mut at = table.labels.len();
    for group in &table.groups {
        let end = at + group.columns.len();
        let room =
            widths[at..end].iter().sum::<usize>() + 2 * group.columns.len().saturating_sub(1);
        if let Some(last) = widths[at..end].last_mut() {
            *last += length(&group.heading).saturating_sub(room);
        }
        at = end;
    }
}

fn group_headings(table: &Table, widths: &[usize]) -> String {
    let labels = &widths[..table.labels.len()];
    let mut line = " ".repeat(labels.iter().sum::<usize>() + 2 * labels.len());
    let mut at = table.labels.len();
    for group in &table.groups {
        let end = at + group.columns.len();
        let room =
            widths[at..end].iter().sum::<usize>() + 2 * group.columns.len().saturating_sub(1);
        let side = room.saturating_sub(length(&group.heading)) / 2;
        let text = format!("{}{}", " ".repeat(side), group.heading);
        line.push_str(&format!("{text:<room$}  "));
        at = end;
    }
    line
}

/// Labels to the left, numbers to the right.
fn aligned(line: &[String], widths: &[usize], labels: usize) -> String {
    let cells = line.iter().zip(widths).enumerate().map(|(at, (text, &width))| {
        if at < labels { format!("{text:<width$}") } else { format!("{text:>width$}") }
    });
    cells.collect::<Vec<_>>().join("  ")
}
