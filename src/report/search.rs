//! Pictures of a layer search as SVG, and the page that shows them: gain by depth, the layers of
//! every beam, and the best score with every two layers.

use super::figures::{document, escaped, push};
use crate::search::{Finalist, RESAMPLES, ScoredSet, SearchOutcome};

/// What a search evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Searched {
    /// What was searched, in a line.
    pub title: String,
    /// The layers that sets are made of, ascending.
    pub layers: Vec<usize>,
    /// Every set that was evaluated, depth by depth.
    pub depths: Vec<Vec<ScoredSet>>,
    /// The sets of each depth that went on, best first.
    pub beams: Vec<Vec<ScoredSet>>,
}

/// The three pictures, by the name of their file.
#[must_use]
pub fn pictures(searched: &Searched) -> [(&'static str, String); 3] {
    [("gain.svg", gain(searched)), ("layers.svg", chosen(searched)), ("pairs.svg", pairs(searched))]
}

/// The best score of each depth as a line, with every set that was evaluated as a dot.
#[must_use]
pub fn gain(searched: &Searched) -> String {
    const LEFT: f64 = 60.0;
    const TOP: f64 = 20.0;
    const HEIGHT: f64 = 240.0;
    const STEP: f64 = 70.0;
    let all = searched.depths.iter().flatten().map(|one| one.pck);
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(a, b), pck| (a.min(pck), b.max(pck)));
    let range = (high - low).max(1e-9);
    let x = |depth: usize| LEFT + STEP * (depth as f64 + 0.5);
    let y = |pck: f64| TOP + HEIGHT * (high - pck) / range;
    let mut body = String::new();
    let right = LEFT + STEP * searched.depths.len() as f64;
    for fifth in 0..=4 {
        let pck = low + range * f64::from(fifth) / 4.0;
        push(
            &mut body,
            format!(
                r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#ddd"/><text x="{}" y="{:.1}" text-anchor="end">{pck:.1}</text>"##,
                LEFT - 8.0,
                y(pck) + 4.0,
                y = y(pck)
            ),
        );
    }
    for (depth, sets) in searched.depths.iter().enumerate() {
        for ScoredSet { layers, pck } in sets {
            push(
                &mut body,
                format!(
                    r##"<circle cx="{:.1}" cy="{:.1}" r="2.5" fill="#9ecae9"><title>{layers}: {pck:.2}</title></circle>"##,
                    x(depth),
                    y(*pck)
                ),
            );
        }
        push(
            &mut body,
            format!(
                r#"<text x="{:.1}" y="{}" text-anchor="middle">{}</text>"#,
                x(depth),
                TOP + HEIGHT + 24.0,
                depth + 1
            ),
        );
    }
    let best = searched.beams.iter().enumerate().filter_map(|(at, beam)| Some((at, beam.first()?)));
    let best: Vec<(usize, &ScoredSet)> = best.collect();
    let line: Vec<String> =
        best.iter().map(|&(depth, one)| format!("{:.1} {:.1}", x(depth), y(one.pck))).collect();
    push(
        &mut body,
        format!(
            r##"<path d="M{}" fill="none" stroke="#4c78a8" stroke-width="2"/>"##,
            line.join("L")
        ),
    );
    for (depth, ScoredSet { layers, pck }) in best {
        push(
            &mut body,
            format!(
                r##"<circle cx="{:.1}" cy="{:.1}" r="4" fill="#4c78a8"><title>{layers}: {pck:.2}</title></circle><text x="{:.1}" y="{:.1}" text-anchor="middle" font-size="11">{pck:.1}</text>"##,
                x(depth),
                y(*pck),
                x(depth),
                y(*pck) - 8.0
            ),
        );
    }
    push(
        &mut body,
        format!(
            r#"<text x="{LEFT}" y="{}">layers in a set; line: the best, dots: all that were evaluated; PCK in percent</text>"#,
            TOP + HEIGHT + 46.0
        ),
    );
    let width = (right + 20.0).max(560.0) as usize;
    document(width, (TOP + HEIGHT + 60.0) as usize, "Gain by depth", &body)
}

/// Side of a cell of the pictures with a column a layer, in pixels.
const CELL: usize = 22;

/// A row for each set of each beam, with its layers filled: the base dark.
#[must_use]
pub fn chosen(searched: &Searched) -> String {
    const LEFT: usize = 110;
    let mut body = String::new();
    headings(&mut body, searched, LEFT, 16);
    let mut top = 26;
    for (depth, beam) in searched.beams.iter().enumerate() {
        push(&mut body, format!(r#"<text x="6" y="{}">depth {}</text>"#, top + 16, depth + 1));
        for ScoredSet { layers, pck } in beam {
            push(
                &mut body,
                format!(
                    r#"<text x="{}" y="{}" text-anchor="end" font-size="11">{pck:.2}</text>"#,
                    LEFT - 8,
                    top + 15
                ),
            );
            for (column, layer) in searched.layers.iter().enumerate() {
                let colour = match layers.layers() {
                    [base, ..] if base == layer => "#4c78a8",
                    all if all.contains(layer) => "#9ecae9",
                    _ => "#f4f4f4",
                };
                push(
                    &mut body,
                    format!(
                        r#"<rect x="{}" y="{top}" width="{}" height="{}" fill="{colour}"/>"#,
                        LEFT + column * CELL,
                        CELL - 2,
                        CELL - 2
                    ),
                );
            }
            top += CELL;
        }
        top += 8;
    }
    let width = LEFT + searched.layers.len() * CELL + 20;
    document(width.max(300), top + 10, "Layers of the beams", &body)
}

/// For every two layers the best score of a set with both, and on the diagonal with one.
#[must_use]
pub fn pairs(searched: &Searched) -> String {
    const LEFT: usize = 40;
    let sets = || searched.depths.iter().flatten();
    let best = |one: usize, other: usize| {
        let with = |set: &&ScoredSet| [one, other].iter().all(|l| set.layers.layers().contains(l));
        sets().filter(with).max_by(|a, b| a.pck.total_cmp(&b.pck))
    };
    let all = sets().map(|one| one.pck);
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(a, b), pck| (a.min(pck), b.max(pck)));
    let mut body = String::new();
    headings(&mut body, searched, LEFT, 16);
    for (row, &one) in searched.layers.iter().enumerate() {
        let y = 26 + row * CELL;
        push(
            &mut body,
            format!(
                r#"<text x="{}" y="{}" text-anchor="end" font-size="11">{one}</text>"#,
                LEFT - 6,
                y + 15
            ),
        );
        for (column, &other) in searched.layers.iter().enumerate() {
            let (colour, title) = match best(one, other) {
                None => ("#f4f4f4".to_owned(), "no set was evaluated".to_owned()),
                Some(ScoredSet { layers, pck }) => {
                    (shade((pck - low) / (high - low).max(1e-9)), format!("{layers}: {pck:.2}"))
                }
            };
            push(
                &mut body,
                format!(
                    r#"<rect x="{}" y="{y}" width="{CELL}" height="{CELL}" fill="{colour}"><title>{one} and {other}, best set {title}</title></rect>"#,
                    LEFT + column * CELL
                ),
            );
        }
    }
    let bottom = 26 + searched.layers.len() * CELL + 24;
    push(
        &mut body,
        format!(
            r#"<text x="{LEFT}" y="{bottom}">best PCK of a set with both layers: {low:.1} (light) to {high:.1} (dark) percent</text>"#
        ),
    );
    let width = (LEFT + searched.layers.len() * CELL + 20).max(480);
    document(width, bottom + 16, "Layers together", &body)
}

fn headings(body: &mut String, searched: &Searched, left: usize, y: usize) {
    for (column, layer) in searched.layers.iter().enumerate() {
        let x = left + column * CELL + CELL / 2;
        push(
            body,
            format!(r#"<text x="{x}" y="{y}" text-anchor="middle" font-size="11">{layer}</text>"#),
        );
    }
}

/// From light to dark blue.
fn shade(share: f64) -> String {
    let mix = |light: f64, dark: f64| (light + (dark - light) * share.clamp(0.0, 1.0)) as u8;
    format!("#{:02x}{:02x}{:02x}", mix(230.0, 8.0), mix(240.0, 48.0), mix(250.0, 107.0))
}

/// One HTML file that needs no network: the best sets with their intervals, and the pictures.
#[must_use]
pub fn page(searched: &Searched, outcome: &SearchOutcome, command: &str) -> String {
    let rows: String = outcome.finalists.iter().map(row).collect();
    let figures: String = pictures(searched)
        .iter()
        .zip(["Gain by depth", "Layers of the beams", "Layers together"])
        .map(|((_, picture), title)| {
            format!("<figure><figcaption>{title}</figcaption>\n{picture}</figure>\n")
        })
        .collect();
    let (title, command) = (escaped(&searched.title), escaped(command));
    let style = include_str!("html/page.css");
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
figure svg text {{ fill: #222; }}
</style>
</head>
<body>
<header><h1>{title}</h1></header>
<main>
<h2>Best sets</h2>
<div class="scroll"><table>
<tr><th class="label">layers</th><th>PCK</th><th>95 %</th><th>chance of being better than the first</th></tr>
{rows}</table></div>
<p class="note">PCK in percent. Intervals and chances are of a bootstrap over photographs with {RESAMPLES} resamples. The best of many sets owes some of its score to luck on this split.</p>
<pre class="scroll">{command}</pre>
<h2>The search</h2>
<div class="charts">
{figures}</div>
</main>
</body>
</html>
"#
    )
}

fn row(one: &Finalist) -> String {
    let layers: Vec<String> = one.layers.iter().map(ToString::to_string).collect();
    let interval =
        one.interval.map_or_else(String::new, |[low, high]| format!("{low:.2} to {high:.2}"));
    let chance = one.chance.map_or_else(String::new, |chance| format!("{:.0} %", 100.0 * chance));
    format!(
        "<tr><td class=\"label\">{}</td><td>{:.2}</td><td>{interval}</td><td>{chance}</td></tr>\n",
        layers.join(","),
        one.pck
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched() -> Searched {
        let scored =
            |layers: &str, pck| ScoredSet { layers: layers.parse().expect("a layer set"), pck };
        let depths = vec![
            vec![scored("0", 10.0), scored("2", 20.0)],
            vec![scored("2,5", 30.0), scored("0,5", 25.0)],
        ];
        let beams = vec![vec![scored("2", 20.0)], vec![scored("2,5", 30.0)]];
        Searched { title: "a <search>".to_owned(), layers: vec![0, 2, 5], depths, beams }
    }

    #[test]
    fn two_layers_are_as_dark_as_the_best_set_with_both() {
        let picture = pairs(&searched());
        let cell = |title: &str| {
            let line = picture.lines().find(|line| line.contains(title));
            line.unwrap_or_else(|| panic!("{title} in {picture}")).to_owned()
        };
        assert!(cell("2 and 5, best set 2,5: 30.00").contains(&shade(1.0)));
        assert!(cell("5 and 0, best set 0,5: 25.00").contains(&shade(0.75)));
        assert!(cell("0 and 2, best set no set").contains("#f4f4f4"));
        assert!(cell("2 and 2, best set 2,5").contains(&shade(1.0)));
    }

    #[test]
    fn the_base_is_dark_and_the_line_runs_through_the_best() {
        let picture = chosen(&searched());
        assert_eq!(picture.matches("#4c78a8").count(), 2, "a base a set");
        assert_eq!(picture.matches("#9ecae9").count(), 1, "one other layer");
        let line = gain(&searched());
        assert!(line.contains("M95.0 140.0L165.0 20.0"), "{line}");
    }

    #[test]
    fn the_page_asks_nothing_of_a_network_and_escapes_what_it_is_given() {
        let finalist =
            Finalist { layers: vec![2, 5], pck: 30.0, interval: None, chance: Some(0.25) };
        let page = page(&searched(), &SearchOutcome { finalists: vec![finalist] }, "hpflow 'a&b'");
        let own = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!own.contains("://") && !own.contains("url("));
        assert!(page.contains("a &lt;search&gt;") && page.contains("a&amp;b"));
        assert!(page.contains("2,5</td><td>30.00</td><td></td><td>25 %"));
    }
}
