use super::table::Place;
use super::*;

fn table() -> Table {
    let group = |heading: &str, columns: &[&str]| ColumnGroup {
        heading: heading.to_owned(),
        columns: columns.iter().map(|&column| column.to_owned()).collect(),
    };
    let row = |name: &str, cells: [Option<f64>; 4], contest| TableRow {
        labels: vec![name.to_owned()],
        cells: cells.to_vec(),
        contest: Some(contest),
        ruled: name == "c",
    };
    Table {
        title: "PCK (%) at α = 0.1".to_owned(),
        labels: vec!["method".to_owned()],
        groups: vec![group("viewpoint", &["easy", "hard"]), group("", &["tv", "All"])],
        rows: vec![
            row("a_b", [Some(1.25), Some(10.0), None, Some(30.04)], 0),
            row("c", [Some(2.5), Some(20.0), Some(5.0), Some(30.0)], 1),
            row("d", [Some(3.0), Some(30.0), Some(4.0), Some(29.9)], 1),
            row("e", [Some(4.0), Some(40.0), Some(3.0), Some(0.0)], 1),
        ],
        notes: vec!["4 of 5 pairs.".to_owned()],
    }
}

#[test]
fn text_is_aligned_and_marks_the_best_three() {
    insta::assert_snapshot!(table().render(Format::Text), @r#"
    PCK (%) at α = 0.1

             viewpoint
    method  easy   hard    tv    All
    a_b      1.2   10.0     –   30.0
    ─────────────────────────────────
    c        2.5³  20.0³  5.0¹  30.0¹
    d        3.0²  30.0²  4.0²  29.9²
    e        4.0¹  40.0¹  3.0³   0.0³

    4 of 5 pairs.
    "#);
}

#[test]
fn markdown_marks_the_best_bold_and_the_next_two_underlined() {
    insta::assert_snapshot!(table().render(Format::Markdown), @r#"
    PCK (%) at α = 0.1

    | method | viewpoint easy | viewpoint hard | tv | All |
    | --- | ---: | ---: | ---: | ---: |
    | a\_b | 1.2 | 10.0 | – | 30.0 |
    | c | <u>2.5</u> | <u>20.0</u> | **5.0** | **30.0** |
    | d | <u>3.0</u> | <u>30.0</u> | <u>4.0</u> | <u>29.9</u> |
    | e | **4.0** | **40.0** | <u>3.0</u> | <u>0.0</u> |

    4 of 5 pairs.
    "#);
}

#[test]
fn latex_is_for_booktabs() {
    insta::assert_snapshot!(table().render(Format::Latex), @r#"
    % Needs \usepackage{booktabs,graphicx}.
    \begin{table}
    \centering
    \caption{PCK (\%) at $\alpha$ = 0.1.}
    \resizebox{\linewidth}{!}{%
    \begin{tabular}{lrrrr}
    \toprule
     & \multicolumn{2}{c}{viewpoint} & \multicolumn{2}{c}{} \\
    \cmidrule(lr){2-3}
    method & easy & hard & tv & All \\
    \midrule
    a\_b & 1.2 & 10.0 & -- & 30.0 \\
    \midrule
    c & \underline{2.5} & \underline{20.0} & \textbf{5.0} & \textbf{30.0} \\
    d & \underline{3.0} & \underline{30.0} & \underline{4.0} & \underline{29.9} \\
    e & \textbf{4.0} & \textbf{40.0} & \underline{3.0} & \underline{0.0} \\
    \bottomrule
    \end{tabular}}
    \par\smallskip\footnotesize\raggedright 4 of 5 pairs.
    \end{table}
    "#);
}

#[test]
fn latex_takes_no_name_for_an_instruction() {
    // After the end of a row, [1] would be the space to leave and * would forbid a page break.
    let mut table = table();
    table.rows[0].labels[0] = "[1] a\"<b>|*".to_owned();
    let latex = table.render(Format::Latex);
    let name = r"{[}1{]} a''\textless{}b\textgreater{}\textbar{}{*} & ";
    assert!(latex.contains(name), "{latex}");
}

#[test]
fn csv_has_every_digit_and_quotes_what_needs_it() {
    let mut table = table();
    table.rows[0].labels[0] = "a, \"b\"".to_owned();
    insta::assert_snapshot!(table.render(Format::Csv), @r#"
    method,viewpoint easy,viewpoint hard,tv,All
    "a, ""b""",1.25,10,,30.04
    c,2.5,20,5,30
    d,3,30,4,29.9
    e,4,40,3,0
    "#);
}

#[test]
fn one_row_has_no_marks() {
    let mut table = table();
    table.rows.truncate(1);
    assert!(table.places().iter().flatten().all(Option::is_none));
}

#[test]
fn values_that_read_the_same_share_a_place() {
    // 30.04 and 30.0 both read 30.0: both are first, and 29.9 is third.
    let mut table = table();
    table.rows[0].contest = Some(1);
    let places = table.places();
    let last: Vec<_> = places.iter().map(|row| row[3]).collect();
    assert_eq!(last, [Some(Place::First), Some(Place::First), Some(Place::Third), None]);
}
