//! Figures of a benchmark as SVG: the shares of the levels of variation and the headings of the
//! objects (figures 1 and 2 of the SPair-71k paper).

use std::fmt::Write as _;

use crate::benchmark::Counts;
use crate::benchmark::Factor;
use crate::benchmark::stats::Stats;
use crate::files::FIGURE_MARK;

/// Levels from the first (easy, none) to the last; readable without colour by their order.
const COLOURS: [&str; 4] = ["#4c78a8", "#9ecae9", "#f2b56b", "#d6604d"];
const BAR: usize = 560;
const LEFT: usize = 90;

/// A bar for each factor, divided by the shares of its levels over all splits.
#[must_use]
pub fn variation_shares(counts: &Counts) -> String {
    let mut body = String::new();
    for (row, (factor, levels)) in Factor::ALL.into_iter().zip(&counts.levels).enumerate() {
        let top = 24 + row * 80;
        let text = capitalised(factor.name());
        let y = top + 24;
        push(
            &mut body,
            format!(r#"<text x="{}" y="{y}" text-anchor="end">{text}</text>"#, LEFT - 10),
        );
        let total: usize = levels.iter().sum();
        let mut before = 0;
        for (level, &count) in levels.iter().enumerate() {
            // Edges are rounded, not widths, so that a bar is whole.
            let edge = |count: usize| LEFT as f64 + (BAR * count) as f64 / total.max(1) as f64;
            let (from, to) = (edge(before), edge(before + count));
            before += count;
            let (colour, name) = (COLOURS[level], factor.levels()[level]);
            let share = 100.0 * count as f64 / total.max(1) as f64;
            push(
                &mut body,
                format!(
                    r#"<rect x="{from:.1}" y="{top}" width="{:.1}" height="36" fill="{colour}"><title>{name}: {count} pairs, {share:.1} %</title></rect>"#,
                    to - from
                ),
            );
            let number = format!("{share:.0} %");
            let characters = name.len().max(number.len());
            if to - from > 6.5 * characters as f64 {
                let x = f64::midpoint(from, to);
                for (line, y) in [(name, top + 50), (number.as_str(), top + 63)] {
                    push(
                        &mut body,
                        format!(
                            r#"<text x="{x:.1}" y="{y}" text-anchor="middle" font-size="11">{line}</text>"#
                        ),
                    );
                }
            }
        }
    }
    let title = format!("Levels of variation of {} pairs", counts.pairs);
    document(LEFT + BAR + 20, 16 + 4 * 80, &title, &body)
}

/// For each category a rose of eight wedges, whose areas are the shares of its images that head there:
/// `azimuth_id` 0 to the right, then counter-clockwise. The circle is the most frequent heading.
#[must_use]
pub fn azimuths(stats: &Stats) -> String {
    const CELL: usize = 130;
    const COLUMNS: usize = 6;
    const RADIUS: f64 = 46.0;
    let mut body = String::new();
    for (index, (category, counts)) in stats.azimuths.iter().enumerate() {
        let x = (CELL * (index % COLUMNS) + CELL / 2) as f64;
        let y = (CELL * (index / COLUMNS) + 60) as f64;
        let most = counts.iter().copied().max().unwrap_or(0) as f64;
        push(
            &mut body,
            format!(r##"<circle cx="{x}" cy="{y}" r="{RADIUS}" fill="none" stroke="#ccc"/>"##),
        );
        for (heading, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let radius = RADIUS * (count as f64 / most).sqrt();
            let corner = |eighths: f64| {
                let angle = eighths * std::f64::consts::FRAC_PI_4;
                (x + radius * angle.cos(), y - radius * angle.sin())
            };
            let ((x1, y1), (x2, y2)) = (corner(heading as f64 - 0.5), corner(heading as f64 + 0.5));
            push(
                &mut body,
                format!(
                    r##"<path d="M{x} {y}L{x1:.2} {y1:.2}A{radius:.2} {radius:.2} 0 0 0 {x2:.2} {y2:.2}Z" fill="{}" stroke="#fff" stroke-width="0.5"><title>azimuth_id {heading}: {count} images</title></path>"##,
                    COLOURS[0]
                ),
            );
        }
        let label = format!("{} ({})", escaped(category), counts.iter().sum::<usize>());
        push(
            &mut body,
            format!(r#"<text x="{x}" y="{}" text-anchor="middle">{label}</text>"#, y + 64.0),
        );
    }
    let rows = stats.azimuths.len().div_ceil(COLUMNS).max(1);
    document(CELL * COLUMNS, CELL * rows + 10, "Headings of the objects", &body)
}

pub(super) fn document(width: usize, height: usize, title: &str, body: &str) -> String {
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"{FIGURE_MARK}
<title>{title}</title>
<rect width="{width}" height="{height}" fill="#fff"/>
{body}</svg>
"##
    )
}

pub(super) fn push(body: &mut String, element: String) {
    // Writing to a string cannot fail.
    let _ = writeln!(body, "{element}");
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
