//! A LaTeX table for the booktabs package: best bold, second and third underlined, as the paper
//! does.

use super::table::{Place, Table, percent};

pub(super) fn render(table: &Table) -> String {
    let numbers: usize = table.groups.iter().map(|group| group.columns.len()).sum();
    let mut lines = vec!["% Needs \\usepackage{booktabs,graphicx}.".to_owned()];
    lines.extend(["\\begin{table}", "\\centering"].map(str::to_owned));
    lines.push(format!("\\caption{{{}.}}", escaped(&table.title)));
    lines.push("\\resizebox{\\linewidth}{!}{%".to_owned());
    lines.push(format!(
        "\\begin{{tabular}}{{{}{}}}",
        "l".repeat(table.labels.len()),
        "r".repeat(numbers)
    ));
    lines.push("\\toprule".to_owned());
    if table.groups.iter().any(|group| !group.heading.is_empty()) {
        lines.extend(group_headings(table));
    }
    let columns = table.groups.iter().flat_map(|group| &group.columns);
    let headings = table.labels.iter().chain(columns).map(|heading| escaped(heading));
    lines.push(line(headings));
    lines.push("\\midrule".to_owned());
    for (at, (row, places)) in table.rows.iter().zip(table.places()).enumerate() {
        if at > 0 && row.ruled {
            lines.push("\\midrule".to_owned());
        }
        let labels = row.labels.iter().map(|label| escaped(label));
        let cells = row.cells.iter().zip(places).map(|(&cell, place)| {
            let text = percent(cell).replace('–', "--");
            match place {
                Some(Place::First) => format!("\\textbf{{{text}}}"),
                Some(Place::Second | Place::Third) => format!("\\underline{{{text}}}"),
                None => text,
            }
        });
        lines.push(line(labels.chain(cells)));
    }
    lines.extend(["\\bottomrule", "\\end{tabular}}"].map(str::to_owned));
    // Not in the caption, which LaTeX sets in one line first to see whether it fits.
    if !table.notes.is_empty() {
        let notes: Vec<String> = table.notes.iter().map(|note| escaped(note)).collect();
        lines.push(format!("\\par\\smallskip\\footnotesize\\raggedright {}", notes.join(" ")));
    }
    lines.push("\\end{table}".to_owned());
    lines.join("\n") + "\n"
}

/// The line of group headings and the rules under them.
fn group_headings(table: &Table) -> [String; 2] {
    let mut at = table.labels.len();
    let mut cells = vec![String::new(); at];
    let mut rules = String::new();
    for group in &table.groups {
        let columns = group.columns.len();
        cells.push(format!("\\multicolumn{{{columns}}}{{c}}{{{}}}", escaped(&group.heading)));
        if !group.heading.is_empty() {
            rules.push_str(&format!("\\cmidrule(lr){{{}-{}}}", at + 1, at + columns));
        }
        at += columns;
    }
    [line(cells.into_iter()), rules]
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("{} \\\\", cells.collect::<Vec<_>>().join(" & "))
}

/// Text whose characters LaTeX prints as they are.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', character]),
            '\\' => out.push_str("\\textbackslash{}"),
            // After a line's end these would be its options.
            '[' | ']' | '*' => out.extend(['{', character, '}']),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '|' => out.push_str("\\textbar{}"),
            '"' => out.push_str("''"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            'α' => out.push_str("$\\alpha$"),
            '≤' => out.push_str("$\\le$"),
            '→' => out.push_str("$\\to$"),
            '–' => out.push_str("--"),
            '−' => out.push_str("$-$"),
            '\n' | '\r' => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}
