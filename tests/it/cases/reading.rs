//! Lists, annotations, tables and weights as other programs write them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hpflow::testing::benchmark::{Benchmark, BenchmarkError, BenchmarkKind, BenchmarkOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Case;
use crate::cli::{fails, text};

/// Pairs, keypoints and PCK at α = 0.1 that a score has.
#[track_caller]
fn scored(case: &Case, file: &str, root: &str) -> (u64, u64, f64) {
    let arguments = ["score", file, "--root", root, "--format", "json"];
    let scores: Value = serde_json::from_str(&case.prints(&arguments)).expect("JSON");
    let one = &scores["files"][0];
    let all = one["pck"]["0.1"]["all"].as_f64().expect("a percentage");
    (one["pairs"].as_u64().expect("a count"), one["keypoints"].as_u64().expect("a count"), all)
}

/// The ids of predicted pairs.
#[track_caller]
fn predicted(case: &Case, benchmark: &str, root: &str) -> Vec<String> {
    let predict = ["predict", "--benchmark", benchmark, "--root", root, "--method", "identity"];
    case.prints(&[&predict[..], &["--out", "o.jsonl"]].concat());
    let line = |line: String| -> Value { serde_json::from_str(&line).expect("JSON") };
    let ids = case.predictions("o.jsonl").into_iter().map(line);
    let ids = ids.map(|line| line["pair"].as_str().expect("an id").to_owned()).collect();
    fs::remove_file(case.path("o.jsonl")).expect("it was written");
    ids
}

fn open(case: &Case, kind: BenchmarkKind, root: &str) -> Result<Benchmark, BenchmarkError> {
    Benchmark::open(kind, &case.path(root), &BenchmarkOptions::default())
}

#[track_caller]
fn refused(case: &Case, kind: BenchmarkKind, root: &str, parts: &[&str]) {
    let error = open(case, kind, root).expect_err("a refusal").to_string();
    assert!(parts.iter().all(|part| error.contains(part)), "{parts:?}: {error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

fn utf_16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

const HEADING: &str = "source_image,target_image,class,flip";

#[test]
fn a_mirrored_row_is_left_out_however_yes_is_spelled() {
    let case = Case::new("list-flip-as-float");
    for root in ["PF-PASCAL", "PF-PASCAL-bool"] {
        assert_eq!(predicted(&case, "pf-pascal", root), ["aeroplane/im0-im1"], "{root}");
    }
    let list = |no: &str, yes: &str| {
        let rows = format!("im0.jpg,im1.jpg,1,{no}\nim1.jpg,im2.jpg,1,{yes}\n");
        fs::write(case.path("PF-PASCAL/test_pairs.csv"), format!("{HEADING}\n{rows}")).unwrap();
    };
    for (no, yes) in [("FALSE", "TRUE"), ("", "1"), ("no", "Yes"), ("0.00", "1.0"), ("f", " t ")] {
        list(no, yes);
        let read = open(&case, BenchmarkKind::PfPascal, "PF-PASCAL").unwrap();
        assert_eq!(read.pairs.len(), 1, "{no:?} and {yes:?}");
    }
    for neither in ["2", "nan", "maybe", "0.5", "-1"] {
        list("0", neither);
        let flip = format!("flip is \"{neither}\"");
        refused(
            &case,
            BenchmarkKind::PfPascal,
            "PF-PASCAL",
            &["test_pairs.csv:3: ", &flip, "True"],
        );
    }
    // What is left out is said.
    list("0", "True");
    let check = ["dataset", "check", "--benchmark", "pf-pascal", "--root", "PF-PASCAL"];
    let said = text(&case.hpflow(&check).stderr);
    assert!(said.contains("1 of 2 rows mirror the photographs"), "{said}");
}

#[test]
fn a_list_is_read_as_r_windows_and_spreadsheets_write_it() {
    let case = Case::new("list-quoted");
    let both = ["aeroplane/im0-im1", "aeroplane/im1-im2"];
    for root in ["PF-PASCAL", "PF-PASCAL-backslash"] {
        assert_eq!(predicted(&case, "pf-pascal", root), both, "{root}");
    }
    let plain = "source_image,target_image,class\nJPEGImages/im0.jpg,JPEGImages/im1.jpg,1\n\
                 JPEGImages/im1.jpg,JPEGImages/im2.jpg,1\n";
    let (heading, rows) = plain.split_once('\n').unwrap();
    for list in [
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        format!("\u{feff}{plain}"),
        plain.replace('\n', "\n\n \n"),
        plain.replace(',', ";"),
        plain.replace(',', "\t"),
        plain.replace(',', ", "),
        plain.replace('\n', "\"\n").replace(',', "\" , \"").replace("source", "\"source").replace("\nJ", "\n \"J"),
        rows.to_owned(),
        rows.replace(",1\n", ",aeroplane\n").replace('/', "\\"),
        rows.replace(",1\n", ",1.0,0\n"),
        plain.replace("source_image,target_image", "imageA,imageB"),
        plain.replace('\n', ",,\n"),
        // Row names of R and the index of pandas.
        format!("\"\",{heading}\n{}", rows.replace("JPEGImages/im0.jpg,", "\"1\",JPEGImages/im0.jpg,").replace("\nJPEG", "\n\"2\",JPEG")),
        "class,note,trg_imname,src_imname\n1,\"a, b\",im1.jpg,im0.jpg\n1.0,,C:\\x\\im2.jpg,/x/im1.jpg\n".to_owned(),
    ] {
        fs::write(case.path("PF-PASCAL/test_pairs.csv"), &list).unwrap();
        let read = open(&case, BenchmarkKind::PfPascal, "PF-PASCAL").unwrap_or_else(|e| panic!("{list:?}: {e}"));
        let ids: Vec<&str> = read.pairs.iter().map(|pair| pair.id.as_str()).collect();
        assert_eq!(ids, both, "{list:?}");
    }
    fs::write(case.path("PF-PASCAL/test_pairs.csv"), utf_16(plain)).unwrap();
    assert_eq!(open(&case, BenchmarkKind::PfPascal, "PF-PASCAL").unwrap().pairs.len(), 2);
}

#[test]
fn a_list_that_may_mean_something_else_is_refused_with_its_line() {
    let case = Case::new("list-quoted");
    for (list, parts) in [
        (
            "source,target\na.jpg,b.jpg\n",
            &["csv:1: ", "no column is class", "\"source,target\""][..],
        ),
        ("left,right,class\na.jpg,b.jpg,1\n", &["csv:1: ", "no column is source_image"]),
        ("x,y,z\na.jpg,b.jpg,1\n", &["csv:1: ", "found the heading \"x,y,z\""]),
        ("src,source,target,class\na.jpg,b.jpg,c.jpg,1\n", &["\"src\" and \"source\" may both be"]),
        ("im0.jpg,im1.jpg,1,0,5\n", &["csv:1: ", "without a heading", "5 columns"]),
        ("source,target,class\nim0.jpg,im1.jpg,1,0\n", &["csv:2: ", "4 columns, expected 3"]),
        ("source,target,class,flip\nim0.jpg,im1.jpg,1\n", &["csv:2: ", "3 columns, expected 4"]),
        // Rows would be part of a cell.
        (
            "source,target,class,note\nim0.jpg,im1.jpg,1,\"x\nim1.jpg,im2.jpg,1,x\n",
            &["csv:2: a quotation mark is not closed"],
        ),
        (
            "source,target,class,note\nim0.jpg,im1.jpg,1,\"x\nim1.jpg,im2.jpg,1,y\"\n",
            &["csv:2: ", "goes on in the next line"],
        ),
        ("source,target,class\n\"im0.jpg\"x\",im1.jpg,1\n", &["csv:2: ", "a quotation mark in it"]),
        ("source,target,class\nim0.jpg,im1.jpg,1\n,,\n", &["csv:3: class is \"\""]),
        ("source,target,class\nim0.jpg,im1.jpg,1.5\n", &["csv:2: class is \"1.5\""]),
    ] {
        fs::write(case.path("PF-PASCAL/test_pairs.csv"), list).unwrap();
        refused(&case, BenchmarkKind::PfPascal, "PF-PASCAL", parts);
    }
}

#[test]
fn a_column_that_tells_mirrored_rows_is_never_skipped() {
    let case = Case::new("list-quoted");
    let list = |heading: &str, cells: [&str; 2]| {
        let [one, other] = cells;
        let rows = format!("im0.jpg,im1.jpg,1,{one}\nim1.jpg,im2.jpg,1,{other}\n");
        let text = format!("source_image,target_image,class,{heading}\n{rows}");
        fs::write(case.path("PF-PASCAL/test_pairs.csv"), text).unwrap();
    };
    for heading in [
        "flip_lr",
        "horizontal_flip",
        "flipped_target",
        "hflip_flag",
        "is_mirrored_pair",
        "isFlipped",
        "vflip?",
        "Mirror image",
        "lr-flip",
    ] {
        list(heading, ["0", "1"]);
        let read = open(&case, BenchmarkKind::PfPascal, "PF-PASCAL").unwrap();
        assert_eq!(read.pairs.len(), 1, "{heading}");
        list(heading, ["0", "2"]);
        refused(&case, BenchmarkKind::PfPascal, "PF-PASCAL", &["csv:3: flip is \"2\""]);
    }
    for heading in ["", "aug", "Unnamed: 3", "reversed"] {
        for cells in [["0", "1"], ["0.0", "1.0"], ["", "True"], ["false", "TRUE"], ["yes", "no"]] {
            list(heading, cells);
            let parts = [heading, "may tell which rows are mirrored", "name it flip", "remove it"];
            refused(&case, BenchmarkKind::PfPascal, "PF-PASCAL", &parts);
        }
        list(heading, ["original", "flipped"]);
        refused(&case, BenchmarkKind::PfPascal, "PF-PASCAL", &["csv:3: ", "holds \"flipped\""]);
        for cells in [["0", "0"], ["", ""], ["0", "7"], ["1", "x"], ["0.5", "1"]] {
            list(heading, cells);
            assert_eq!(open(&case, BenchmarkKind::PfPascal, "PF-PASCAL").unwrap().pairs.len(), 2);
        }
    }
    for heading in ["not_flipped", "unmirrored"] {
        list(heading, ["0", "0"]);
        refused(&case, BenchmarkKind::PfPascal, "PF-PASCAL", &[heading, "not mirrored"]);
    }
    list("hflip,vflip", ["0,1", "1,0"]);
    refused(
        &case,
        BenchmarkKind::PfPascal,
        "PF-PASCAL",
        &["\"hflip\" and \"vflip\" may both be flip"],
    );
}

#[test]
fn photographs_of_one_name_in_two_folders_are_not_one() {
    let case = Case::new("list-quoted");
    let heading = "source_image,target_image,class\n";
    for (rows, parts) in [
        ("a/im0.jpg,a/im1.jpg,1\na/im2.jpg,b/im0.jpg,1\n", ["csv:3: ", "\"b\"", "\"a\""]),
        ("a/b/im0.jpg,a\\c\\im0.jpg,1\n", ["csv:2: ", "\"a/c\"", "\"a/b\""]),
        (
            "x/im0.jpg,im1.jpg,1\nim0.jpg,im2.jpg,1\nim1.jpg,y/im0.jpg,1\n",
            ["csv:4: ", "\"x\"", "\"y\""],
        ),
    ] {
        let list = format!("{heading}{rows}");
        fs::write(case.path("PF-PASCAL/test_pairs.csv"), list).unwrap();
        refused(&case, BenchmarkKind::PfPascal, "PF-PASCAL", &parts);
        refused(
            &case,
            BenchmarkKind::PfPascal,
            "PF-PASCAL",
            &["give each photograph its own name"],
        );
    }
    let list = format!("{heading}./a/im0.jpg,a//im1.jpg,1\na\\im1.jpg,a/im2.jpg,1\n");
    fs::write(case.path("PF-PASCAL/test_pairs.csv"), list).unwrap();
    assert_eq!(open(&case, BenchmarkKind::PfPascal, "PF-PASCAL").unwrap().pairs.len(), 2);

    let root = case.path("caltech");
    fs::create_dir_all(root.join("101_ObjectCategories")).unwrap();
    let outlines = "8,\"2,6,6\",\"2,2,6\",\"1,5,5\",\"1,1,5\"";
    let row = |one: &str, other: &str| format!("{one},{other},{outlines}\n");
    fs::write(root.join("test_pairs.csv"), row("a/ant/1.jpg", "b/ant/1.jpg")).unwrap();
    refused(
        &case,
        BenchmarkKind::Caltech101,
        "caltech",
        &["csv:1: ", "ant/1.jpg", "\"a\"", "\"b\""],
    );
    let rows = row("a/ant/1.jpg", "a/ant/2.jpg") + &row("a/bee/1.jpg", "a/bee/2.jpg");
    fs::write(root.join("test_pairs.csv"), rows).unwrap();
    assert_eq!(open(&case, BenchmarkKind::Caltech101, "caltech").unwrap().pairs.len(), 2);
}

/// A cell as some program quotes it.
fn quoted(cell: &str, style: u8) -> String {
    match style % 3 {
        0 => cell.to_owned(),
        1 => format!("\"{cell}\""),
        _ => format!("\"{cell}\" "),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_row_of_a_list_is_lost_or_added(
        rows in Just((0..9).filter(|at| at / 3 != at % 3).collect::<Vec<usize>>()).prop_shuffle(),
        count in 1..6_usize,
        flips in prop::collection::vec(0..10_usize, 6),
        columns in Just(vec![0, 1, 2, 3, 4]).prop_shuffle(),
        styles in prop::collection::vec(0..6_u8, 40),
        separator in prop::sample::select(vec![",", ";", "\t"]),
        line_break in prop::sample::select(vec!["\n", "\r\n", "\r", "\n\n", "\r\n \r\n"]),
        encoding in 0..4_u8,
        ends in any::<bool>(),
    ) {
        let case = Case::new("list-quoted");
        let spelled = ["0", "1", "0.0", "1.0", "False", "True", "", "TRUE", "no", "yes"];
        let heading = ["source_image", "target_image", "class", "flip", "note"];
        let mut styles = styles.into_iter().cycle();
        let mut line = |cells: [String; 5]| {
            let cells = columns.iter().map(|&at| quoted(&cells[at], styles.next().unwrap_or(0)));
            cells.collect::<Vec<_>>().join(separator)
        };
        let mut lines = vec![line(heading.map(str::to_owned))];
        let mut expected = Vec::new();
        for (&row, &flip) in rows[..count].iter().zip(&flips) {
            let (source, target) = (row / 3, row % 3);
            let slash = if row % 2 == 0 { "/" } else { "\\" };
            let photograph = |at: usize| format!("JPEGImages{slash}im{at}.jpg");
            let note = format!("row {row}");
            lines.push(line([photograph(source), photograph(target), "1".into(), spelled[flip].into(), note]));
            if flip % 2 == 0 {
                expected.push(format!("aeroplane/im{source}-im{target}"));
            }
        }
        let list = lines.join(line_break) + if ends { line_break } else { "" };
        let bytes = match encoding {
            0 => list.clone().into_bytes(),
            1 => format!("\u{feff}{list}").into_bytes(),
            2 => utf_16(&list),
            _ => list.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        };
        fs::write(case.path("PF-PASCAL/test_pairs.csv"), bytes).unwrap();
        let found = match open(&case, BenchmarkKind::PfPascal, "PF-PASCAL") {
            Ok(read) => read.pairs.into_iter().map(|pair| pair.id).collect(),
            Err(BenchmarkError::Empty { .. }) => Vec::new(),
            Err(error) => panic!("{list:?}: {error}"),
        };
        prop_assert_eq!(found, expected, "{:?}", list);
    }

    /// Whatever it holds, a list of n lines is of n pairs at the most, or refused.
    #[test]
    fn no_text_makes_more_pairs_than_lines(list in "(im[0-2]\\.jpg,?|[\",;\t\r\n1]|source|target|class){0,60}") {
        let case = Case::new("list-quoted");
        fs::write(case.path("PF-PASCAL/test_pairs.csv"), &list).unwrap();
        if let Ok(read) = open(&case, BenchmarkKind::PfPascal, "PF-PASCAL") {
            prop_assert!(read.pairs.len() <= list.split(['\r', '\n']).count());
        }
    }
}

#[test]
fn caltech_101s_list_needs_no_heading_and_loses_no_row() {
    let case = Case::new("list-quoted");
    let root = case.path("caltech");
    fs::create_dir_all(root.join("101_ObjectCategories")).unwrap();
    let row = |one: u8, other: u8, slash: &str| {
        let photograph = |at| format!("101_ObjectCategories{slash}ant{slash}{at}.jpg");
        format!(
            "{},{},8,\"2,6,6\",\"2,2,6\",\"1,5,5\",\"1,1,5\"",
            photograph(one),
            photograph(other)
        )
    };
    let (first, second) = (row(1, 2, "/"), row(2, 1, "\\"));
    let rows = format!("{first}\n{second}\n");
    for list in [
        rows.clone(),
        format!("source_image,target_image,class,XA,YA,XB,YB\n{rows}"),
        format!(
            "\u{feff}\"p\",\"q\",\"r\",\"s\",\"t\",\"u\",\"v\"\r\n{}",
            rows.replace('\n', "\r\n")
        ),
        format!("one,two,three,four,five,six,seven\n\n{rows}"),
    ] {
        fs::write(root.join("test_pairs.csv"), &list).unwrap();
        let read = open(&case, BenchmarkKind::Caltech101, "caltech")
            .unwrap_or_else(|e| panic!("{list}: {e}"));
        let ids: Vec<&str> = read.pairs.iter().map(|pair| pair.id.as_str()).collect();
        assert_eq!(ids, ["ant/1-2", "ant/2-1"], "{list}");
        assert_eq!(read.pairs[0].target_keypoints[1], [5.0, 1.0]);
    }
    // Any ending, and none that is known; a heading that counts the columns is one.
    for ending in [".tif", ".TIFF", ".gif", ".webp", ".jpg", ".heic", ""] {
        for heading in ["", "0,1,2,3,4,5,6\n", "1,2,3,4,5,6,7\n"] {
            let list = format!("{heading}{}", rows.replace(".jpg", ending));
            fs::write(root.join("test_pairs.csv"), &list).unwrap();
            let read = open(&case, BenchmarkKind::Caltech101, "caltech").unwrap();
            assert_eq!(read.pairs.len(), 2, "{list}");
        }
    }
    // What has coordinates is no heading, even where it is no good row.
    let bad = rows.replacen("101_ObjectCategories/ant/1.jpg", "1", 1);
    fs::write(root.join("test_pairs.csv"), bad).unwrap();
    refused(&case, BenchmarkKind::Caltech101, "caltech", &["csv:1: ", "found \"1\""]);
    // Mirrored pairs are not read as plain ones.
    let flipped = rows.replace("\"\n", "\",1\n");
    let list = format!("source_image,target_image,class,XA,YA,XB,YB,hflip\n{flipped}");
    fs::write(root.join("test_pairs.csv"), list).unwrap();
    refused(&case, BenchmarkKind::Caltech101, "caltech", &["csv:2: ", "flip is \"1\""]);
    fs::write(root.join("test_pairs.csv"), format!("a,b\n{rows}")).unwrap();
    refused(&case, BenchmarkKind::Caltech101, "caltech", &["csv:1: ", "no column is XA"]);
}

#[test]
fn of_two_sizes_of_a_photograph_its_header_says_which_is_wrong() {
    for (layout, kind) in [(true, BenchmarkKind::Spair), (false, BenchmarkKind::SpairJson)] {
        let case = Case::new("triples");
        let root = case.path("sizes");
        let folder = root.join("PairAnnotation/test");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(root.join("JPEGImages/cat")).unwrap();
        let ids: Vec<String> = (0..10).map(|at| format!("{at:06}-a-b{at}:cat")).collect();
        if layout {
            fs::create_dir_all(root.join("Layout/large")).unwrap();
            fs::write(root.join("Layout/large/test.txt"), ids.join("\n")).unwrap();
        }
        let write = |wrong: usize| {
            for (at, id) in ids.iter().enumerate() {
                let width = if at == wrong { 81 } else { 80 };
                let pair = json!({
                    "filename": id, "pair_id": at, "category": "cat", "src_pose": "Left", "trg_pose": "Left", "src_imname": "a.png",
                    "trg_imname": format!("b{at}.png"), "src_imsize": [width, 60, 3],
                    "trg_imsize": [80, 60, 3], "src_bndbox": [1, 1, 50, 50],
                    "trg_bndbox": [1, 1, 50, 50], "src_kps": [[5, 5]], "trg_kps": [[6, 6]],
                    "kps_ids": ["0"], "viewpoint_variation": 0, "scale_variation": 0,
                    "truncation": 0, "occlusion": 0, "mirror": 0,
                });
                fs::write(folder.join(format!("{id}.json")), pair.to_string()).unwrap();
            }
        };
        let readable =
            || Benchmark::open_readable(kind, &root, &BenchmarkOptions::default()).unwrap();
        write(0);
        // Without the photograph, the first one is taken for right.
        assert_eq!(readable().0.pairs.len(), 1, "{kind}");
        image::RgbImage::new(80, 60).save(root.join("JPEGImages/cat/a.png")).unwrap();
        for wrong in [0, 1, 9] {
            write(wrong);
            let (read, aside) = readable();
            assert_eq!(read.pairs.len(), 9, "{kind} {wrong}");
            assert_eq!(aside.len(), 1);
            assert_eq!(aside[0].pair, ids[wrong]);
            assert!(aside[0].to_string().contains("81 × 60 pixels here and 80 × 60 in"));
            let source = &read.images[read.pairs[0].source];
            assert_eq!(source.size, Some([80, 60]));
            // Not asked to go on, it stops and says both.
            refused(&case, kind, "sizes", &["a.png is", "80 × 60", "81 × 60", "in another pair"]);
        }
        // A header that agrees with neither settles nothing.
        image::RgbImage::new(8, 6).save(root.join("JPEGImages/cat/a.png")).unwrap();
        write(0);
        assert_eq!(readable().0.pairs.len(), 1, "{kind}");
    }
}

#[test]
fn byte_order_marks_and_utf_16_are_no_part_of_annotations_and_layouts() {
    let case = Case::new("bom-annotation");
    for root in ["bench", "bench-layout"] {
        assert_eq!(scored(&case, "perfect.jsonl", root), (2, 8, 100.0), "{root}");
    }
    // The layout of an editor in UTF-16, with line breaks of old Macs.
    fs::write(
        case.path("bench-layout/Layout/large/test.txt"),
        utf_16("000000-a-b:cat\r000001-b-a:cat\r"),
    )
    .unwrap();
    assert_eq!(scored(&case, "perfect.jsonl", "bench-layout"), (2, 8, 100.0));
    let file = case.path("bench/PairAnnotation/test/000001-b-a:cat.json");
    let annotation = fs::read_to_string(&file).unwrap();
    fs::write(&file, utf_16(annotation.trim_start_matches('\u{feff}'))).unwrap();
    let predictions = fs::read_to_string(case.path("perfect.jsonl")).unwrap();
    fs::write(case.path("utf16.jsonl"), utf_16(&predictions)).unwrap();
    assert_eq!(scored(&case, "utf16.jsonl", "bench"), (2, 8, 100.0));
    // Keypoint files: text and JSON, as editors store them.
    for (keypoints, printed) in [
        ("\u{feff}20,18\r\n60.5,30\r\n".as_bytes().to_vec(), 2),
        ("\u{feff}[[20,18]]".as_bytes().to_vec(), 1),
        (utf_16("# x,y\n20,18\n"), 1),
        (utf_16("[[20,18],[30,50]]"), 2),
    ] {
        fs::write(case.path("keypoints"), keypoints).unwrap();
        let photograph = "bench/JPEGImages/cat/a.png";
        let arguments = ["match", photograph, photograph, "--keypoints", "keypoints"];
        let found =
            case.prints(&[&arguments[..], &["--backbone", "hog", "--engine", "cpu"]].concat());
        assert_eq!(found.lines().count(), printed, "{found}");
    }
}

/// What systems leave beside data, in every folder below.
fn litter(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        if entry.path().is_dir() {
            litter(&entry.path());
        } else {
            let name = entry.file_name();
            fs::write(folder.join(format!("._{}", name.to_string_lossy())), b"\0\x05\x16\x07")
                .unwrap();
        }
    }
    for name in [".DS_Store", "Thumbs.db", "desktop.ini", "._.DS_Store"] {
        fs::write(folder.join(name), b"\0\0\0\x01Bud1").unwrap();
    }
    fs::create_dir_all(folder.join("__MACOSX/x")).unwrap();
    fs::write(folder.join("__MACOSX/x/._im0.mat"), b"\0").unwrap();
    fs::write(folder.join("__MACOSX/._im0.json"), b"\0").unwrap();
}

#[test]
fn what_systems_leave_beside_data_is_no_data() {
    let case = Case::new("willow-mac-files");
    let ids = predicted(&case, "pf-willow", "WILLOW");
    assert_eq!(ids.len(), 6);
    let asked = |action: &str, benchmark: &str, root: &str| {
        case.prints(&["dataset", action, "--benchmark", benchmark, "--root", root])
    };
    let before = asked("stats", "pf-willow", "WILLOW");
    assert!(before.contains("duck(S)"), "{before}");
    let check = ["dataset", "check", "--benchmark", "pf-willow", "--root", "WILLOW"];
    let checked = case.hpflow(&check);
    assert!(!text(&checked.stdout).contains("._"), "{}", text(&checked.stdout));
    litter(&case.path("WILLOW"));
    assert_eq!(predicted(&case, "pf-willow", "WILLOW"), ids);
    assert_eq!(asked("stats", "pf-willow", "WILLOW"), before);
    assert_eq!(case.hpflow(&check).stdout, checked.stdout);

    // The same in SPair-71k's form, with a layout and without one.
    for (name, root) in [("bom-annotation", "bench-layout"), ("bom-annotation", "bench")] {
        let case = Case::new(name);
        let asked = |action: &str| {
            case.prints(&["dataset", action, "--benchmark", "spair-json", "--root", root])
        };
        let before = (asked("stats"), asked("check"), predicted(&case, "spair-json", root));
        litter(&case.path(root));
        assert_eq!((asked("stats"), asked("check"), predicted(&case, "spair-json", root)), before);
        assert_eq!(scored(&case, "perfect.jsonl", root), (2, 8, 100.0));
    }
    let case = Case::new("ap10k-file-name");
    litter(&case.path("ap-10k"));
    assert_eq!(predicted(&case, "spair-json", "ap-10k").len(), 1);
}

#[test]
fn ap_10ks_photograph_is_the_one_that_its_annotation_names() {
    let case = Case::new("ap10k-file-name");
    let arguments = ["predict", "--benchmark", "spair-json", "--root", "ap-10k"];
    let more = ["--backbone", "hog", "--engine", "cpu", "--out", "o.jsonl"];
    case.prints(&[&arguments[..], &more].concat());
    let line: Value = serde_json::from_str(&case.predictions("o.jsonl")[0]).unwrap();
    assert_eq!(line["keypoints"].as_array().unwrap().len(), 17);

    let names = |case: &Case| -> Vec<String> {
        let read = open(case, BenchmarkKind::SpairJson, "ap-10k").unwrap();
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        read.images.iter().map(|image| name(&image.path)).collect()
    };
    let folder = "ap-10k/ImageAnnotation/Bovidae/argali sheep";
    let photographs = "ap-10k/JPEGImages/Bovidae/argali sheep";
    let set = |field: &str, value: Value| {
        let path = case.path(&format!("{folder}/000000000001.json"));
        let mut annotation: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for name in ["file_name", "filename"] {
            annotation.as_object_mut().unwrap().shift_remove(name);
        }
        annotation[field] = value;
        fs::write(path, annotation.to_string()).unwrap();
    };
    assert_eq!(names(&case), ["000000000001.png", "000000000002.jpeg"]);
    // Without a name it is the one of the annotation's name.
    set("other", json!(1));
    assert_eq!(names(&case), ["000000000001.png", "000000000002.jpeg"]);
    // A name of its own, under the other field, with folders.
    let from = case.path(&format!("{photographs}/000000000001.png"));
    fs::copy(&from, case.path(&format!("{photographs}/sheep.PNG"))).unwrap();
    set("filename", json!("C:\\data\\sheep.PNG"));
    assert_eq!(names(&case), ["sheep.PNG", "000000000002.jpeg"]);
    // Two that may be it.
    set("other", json!(1));
    fs::copy(&from, case.path(&format!("{photographs}/000000000001.JPG"))).unwrap();
    let parts = ["000000000001.JPG or 000000000001.png", "000000000001.json", "file_name"];
    refused(&case, BenchmarkKind::SpairJson, "ap-10k", &parts);
}

#[test]
fn names_without_colons_are_read_under_the_usual_ids() {
    let usual = ["000000-a-b:cat", "000001-b-a:cat"];
    for instead in ["_", "-", "%3A", "\u{f03a}", "\u{ff1a}", "", "="] {
        for (kind, with_layout) in [
            (BenchmarkKind::SpairJson, true),
            (BenchmarkKind::SpairJson, false),
            (BenchmarkKind::Spair, true),
        ] {
            let case = Case::new("colon-replaced");
            let folder = case.path("bench/PairAnnotation/test");
            for id in usual {
                let old = folder.join(format!("{}.json", id.replace(':', "_")));
                let mut annotation: Value =
                    serde_json::from_slice(&fs::read(&old).unwrap()).unwrap();
                fs::remove_file(old).unwrap();
                if kind == BenchmarkKind::Spair || instead.is_empty() || instead == "=" {
                    annotation["filename"] = json!(id);
                }
                for (field, value) in [
                    ("pair_id", json!(0)),
                    ("src_pose", json!("Left")),
                    ("trg_pose", json!("Left")),
                    ("mirror", json!(0)),
                    ("viewpoint_variation", json!(0)),
                    ("scale_variation", json!(0)),
                    ("truncation", json!(0)),
                    ("occlusion", json!(0)),
                ] {
                    annotation[field] = value;
                }
                let new = folder.join(format!("{}.json", id.replace(':', instead)));
                fs::write(new, annotation.to_string()).unwrap();
            }
            if !with_layout {
                fs::remove_dir_all(case.path("bench/Layout")).unwrap();
            }
            let read = open(&case, kind, "bench");
            let read = read.unwrap_or_else(|error| panic!("{kind} {instead:?}: {error}"));
            let ids: Vec<&str> = read.pairs.iter().map(|pair| pair.id.as_str()).collect();
            assert_eq!(ids, usual, "{kind} {instead:?}");
            assert_eq!(read.pairs[0].category, "cat");
            let predictions = fs::read_to_string(case.path("perfect.jsonl")).unwrap();
            let predictions = predictions.replace("spair-json", kind.name());
            fs::write(case.path("perfect.jsonl"), predictions).unwrap();
            let score = scored(&case, "perfect.jsonl", "bench");
            assert_eq!(score, (2, 8, 100.0), "{kind} {instead:?}");
            let check = ["dataset", "check", "--benchmark", kind.name(), "--root", "bench"];
            let check = case.prints(&check);
            assert!(check.contains("test: 2 pairs"), "{check}");
        }
    }
}

#[test]
fn a_name_without_its_colon_that_may_be_two_pairs_is_refused() {
    let case = Case::new("colon-replaced");
    let folder = case.path("bench/PairAnnotation/test");
    let file = |name: &str| folder.join(format!("{name}.json"));
    fs::copy(file("000000-a-b_cat"), file("000000-a-b-cat")).unwrap();
    let parts = ["000000-a-b-cat.json and 000000-a-b_cat.json", "remove one"];
    refused(&case, BenchmarkKind::SpairJson, "bench", &parts);
    fs::remove_dir_all(case.path("bench/Layout")).unwrap();
    refused(&case, BenchmarkKind::SpairJson, "bench", &["of pair 000000-a-b:cat", "remove one"]);

    // Names that Windows cut, and one that is another's.
    let case = Case::new("colon-replaced");
    let folder = case.path("bench/PairAnnotation/test");
    fs::remove_file(folder.join("000000-a-b_cat.json")).unwrap();
    refused(&case, BenchmarkKind::SpairJson, "bench", &["000000-a-b:cat.json is missing"]);
    fs::write(folder.join("000000-a-bx_cat.json"), "{}").unwrap();
    refused(&case, BenchmarkKind::SpairJson, "bench", &["000000-a-b:cat.json is missing"]);
    fs::write(folder.join("000000-a-b"), "").unwrap();
    refused(&case, BenchmarkKind::SpairJson, "bench", &["only 000000-a-b", "cut at the colon"]);
}

#[test]
fn points_with_a_third_number_are_named() {
    let case = Case::new("triples");
    for (root, count) in [("bench", 3), ("bench-columns", 4), ("bench-plain", 3)] {
        let found = format!("found a list of {count} numbers where one of 2, x and y, is expected");
        let output = case.hpflow(&["score", "scores.jsonl", "--root", root]);
        fails(&output, 1, &[&found]);
        assert_eq!(text(&output.stderr).matches("found").count(), 1, "it is said once");
    }
    for (keypoints, parts) in [
        ("[[1,2,1]]", &["a list of 3 numbers where one of 2, x and y"][..]),
        ("1,2,3", &["'1,2,3' has 3 numbers"]),
        ("[[1,NaN]]", &["one coordinate of a point is null or NaN"]),
        ("[[1,2],null]", &["keypoint 2 is null or NaN"]),
    ] {
        let photograph = "bench/JPEGImages/cat/a.png";
        let arguments = ["match", photograph, photograph, "--backbone", "hog", "--keypoints"];
        fails(&case.hpflow(&[&arguments[..], &[keypoints]].concat()), 2, parts);
    }
}

#[test]
fn a_coordinate_that_is_too_large_is_told_as_it_was_typed() {
    let case = Case::new("triples");
    let photograph = "bench/JPEGImages/cat/a.png";
    for (keypoints, parts) in [
        ("1e40,3", &["--keypoints: 1e40 is too large"][..]),
        ("3,-9e99", &["-9e99 is too large"]),
        (
            "3,1000000000000000000000000000000000000000",
            &["1000000000000000000000000000000000000000 is too"],
        ),
        ("[[1e40,3]]", &["1e40 is too large"]),
        ("[[3,2],[1e400,3]]", &["a number is too large"]),
        ("inf,3", &["'inf,3' is not a keypoint"]),
        ("3,nan", &["'3,nan' is not a keypoint"]),
        ("[[Infinity,3]]", &["found Infinity"]),
    ] {
        let arguments = ["match", photograph, photograph, "--backbone", "hog", "--keypoints"];
        let output = case.hpflow(&[&arguments[..], &[keypoints]].concat());
        fails(&output, 2, parts);
        assert!(!text(&output.stderr).contains("(inf"), "{}", text(&output.stderr));
    }
}

#[test]
fn nan_is_read_as_null() {
    let case = Case::new("nan-in-json");
    assert_eq!(scored(&case, "nan.jsonl", "bench-plain"), (2, 8, 87.5));
    // Of the annotation with NaN, the pair has three keypoints, as with null.
    let read = open(&case, BenchmarkKind::SpairJson, "bench").unwrap();
    assert_eq!(read.pairs[0].keypoint_ids, ["1", "2", "3"]);
    assert_eq!(read.pairs[1].keypoint_ids.len(), 4);
    let said = case.hpflow(&["score", "nan.jsonl", "--root", "bench"]);
    let replace = |file: &str, old: &str, new: &str| {
        let text = fs::read_to_string(case.path(file)).unwrap();
        assert!(text.contains(old), "{file}");
        fs::write(case.path(file), text.replace(old, new)).unwrap();
    };
    let annotation = "bench/PairAnnotation/test/000000-a-b:cat.json";
    replace(annotation, "[NaN, NaN]", "null");
    let with_null = case.hpflow(&["score", "nan.jsonl", "--root", "bench"]);
    assert_eq!((said.status, said.stderr), (with_null.status, with_null.stderr));
    replace("nan.jsonl", "[NaN,NaN]", "null");
    assert_eq!(scored(&case, "nan.jsonl", "bench-plain"), (2, 8, 87.5));
    // What is not plain is refused by its name.
    for (point, part) in [
        ("[Infinity, 1.0]", "found Infinity"),
        ("[1.0, -Infinity]", "found -Infinity"),
        ("[NaN, 5.0]", "one coordinate of a point is null or NaN"),
    ] {
        let before = fs::read_to_string(case.path("nan.jsonl")).unwrap();
        replace("nan.jsonl", "null", point);
        let output = case.hpflow(&["score", "nan.jsonl", "--root", "bench-plain"]);
        fails(&output, 1, &["nan.jsonl:2: ", part]);
        fs::write(case.path("nan.jsonl"), before).unwrap();
        replace(annotation, "null", point);
        refused(&case, BenchmarkKind::SpairJson, "bench", &["000000-a-b:cat.json: line 1", part]);
        replace(annotation, point, "null");
    }
    replace(annotation, "[5, 5, 90, 68]", "[NaN, 5, 90, 68]");
    refused(&case, BenchmarkKind::SpairJson, "bench", &["found null or NaN where"]);
}

#[test]
fn names_of_keypoints_that_became_floats_are_the_whole_numbers() {
    let case = Case::new("nan-in-json");
    let file = "bench-plain/PairAnnotation/test/000000-a-b:cat.json";
    let annotation = fs::read_to_string(case.path(file)).unwrap();
    let with = |names: &str| {
        let old = "[\"0\", \"1\", \"2\", \"3\"]";
        assert!(annotation.contains(old));
        fs::write(case.path(file), annotation.replace(old, names)).unwrap();
    };
    for names in ["[\"0.0\", \"1.0\", \"2.0\", \"3.0\"]", "[0.0, 1.0, 2, 3.00]", "[0, 1, 2, 3]"] {
        with(names);
        let read = open(&case, BenchmarkKind::SpairJson, "bench-plain").unwrap();
        assert_eq!(read.pairs[0].keypoint_ids, ["0", "1", "2", "3"], "{names}");
    }
    with("[\"0.5\", \"left.0\", \"a\", \"3\"]");
    let read = open(&case, BenchmarkKind::SpairJson, "bench-plain").unwrap();
    assert_eq!(read.pairs[0].keypoint_ids, ["0.5", "left.0", "a", "3"]);
    with("[\"1\", \"1.0\", \"2\", \"3\"]");
    refused(
        &case,
        BenchmarkKind::SpairJson,
        "bench-plain",
        &["\"1\" and \"1.0\" are names of one keypoint"],
    );
    with("[[0], 1, 2, 3]");
    refused(&case, BenchmarkKind::SpairJson, "bench-plain", &["neither a text nor a number"]);

    // A table, as pandas and a German Excel write it.
    let table = "pair;keypoint;x;y\n000001-b-a:cat;3.0;30.0;50.0\n000001-b-a:cat;0;20.0;18.0\n";
    for bytes in [table.as_bytes().to_vec(), utf_16(table), utf_16(&table.replace(';', "\t"))] {
        fs::write(case.path("table.csv"), bytes).unwrap();
        with("[0, 1, 2, 3]");
        let import = ["import", "table.csv", "--benchmark", "spair-json", "--root", "bench-plain"];
        case.prints(&[&import[..], &["--out", "t.jsonl"]].concat());
        let line: Value = serde_json::from_str(&case.predictions("t.jsonl")[0]).unwrap();
        assert_eq!(line["keypoints"], json!([[20, 18], null, null, [30, 50]]));
        // Another program's numbers are not of this hpflow's arithmetic.
        let header = fs::read_to_string(case.path("t.jsonl")).unwrap();
        let header: Value = serde_json::from_str(header.lines().next().unwrap()).unwrap();
        assert_eq!(header.get("arithmetic"), None);
        assert!(header["created_by"].as_str().unwrap().starts_with("hpflow "));
    }
    fs::write(case.path("table.csv"), table.replace("30.0", "30,0")).unwrap();
    let import = ["import", "table.csv", "--benchmark", "spair-json", "--root", "bench-plain"];
    let output = case.hpflow(&[&import[..], &["--out", "u.jsonl"]].concat());
    fails(&output, 1, &["line 2: `30,0` is not a number; write decimals with a point"]);
}

#[test]
fn published_tables_are_read_in_every_form() {
    let case = Case::new("triples");
    let table = include_str!("../../../src/score/published/table4_pck_by_factor.csv");
    let table = &table.replace('\r', "");
    fs::write(case.path("table.csv"), table).unwrap();
    let expected = case.prints(&["audit", "table.csv"]);
    for bytes in [
        utf_16(table),
        utf_16(&table.replace(',', "\t")),
        format!("\u{feff}{}", table.replace(',', ";").replace('\n', "\r\n")).into_bytes(),
    ] {
        fs::write(case.path("table.csv"), bytes).unwrap();
        assert_eq!(case.prints(&["audit", "table.csv"]), expected);
    }
    fs::write(case.path("table.csv"), b"\xff\xfe\0\0a\0\0\0").unwrap();
    fails(&case.hpflow(&["audit", "table.csv"]), 1, &["table.csv: line 1", "UTF-32"]);
}

/// Names and shapes of a safetensors file, and one tensor's bytes.
fn names_in(path: &Path) -> BTreeSet<String> {
    let bytes = fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    file.names().into_iter().map(str::to_owned).collect()
}

#[test]
fn a_prefix_comes_off_a_safetensors_file() {
    let case = Case::new("prefix-safetensors");
    let command =
        "hpflow weights convert fcn.safetensors --prefix backbone. --out fcn-backbone.safetensors";
    let check = case.hpflow(&["weights", "check", "fcn.safetensors"]);
    fails(&check, 1, &["begin with 'backbone.'", command]);
    // The command as it is said.
    let arguments: Vec<&str> = command.split(' ').skip(1).collect();
    let said = case.prints(&arguments);
    for part in ["tensors   2 of 13504 values", "classifier.0.weight", "1 tensor", "safetensors"] {
        assert!(said.contains(part), "no {part} in {said}");
    }
    let names = names_in(&case.path("fcn-backbone.safetensors"));
    assert_eq!(names, ["conv1.weight", "layer1.0.conv1.weight"].map(str::to_owned).into());
    let (old, new) = ("fcn.safetensors", "fcn-backbone.safetensors");
    let [old, new] = [old, new].map(|name| fs::read(case.path(name)).unwrap());
    let tensor = |bytes: &[u8], name: &str| {
        let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
        file.tensor(name).unwrap().data().to_vec()
    };
    for name in ["conv1.weight", "layer1.0.conv1.weight"] {
        assert_eq!(tensor(&new, name), tensor(&old, &format!("backbone.{name}")), "{name}");
    }
    // The same without the dot, over the file that is there.
    case.prints(&[
        "weights",
        "convert",
        "fcn.safetensors",
        "--prefix",
        "backbone",
        "--force",
        "--out",
        "fcn-backbone.safetensors",
    ]);
    assert_eq!(names_in(&case.path("fcn-backbone.safetensors")), names);
    for (more, part) in [
        (&["--prefix", "nothing."][..], "no tensor's name begins with 'nothing.'"),
        (&["--prefix", "backbone.", "--key", "x"], "leave out --key"),
        (&[], "--prefix"),
    ] {
        let arguments = ["weights", "convert", "fcn.safetensors", "--out", "x.safetensors"];
        fails(&case.hpflow(&[&arguments[..], more].concat()), 1, &["fcn.safetensors", part]);
        assert!(!case.path("x.safetensors").exists());
    }
    // A file that ends too early, and one whose folder's name needs quotation marks.
    fs::write(case.path("cut.safetensors"), &old[..old.len() - 9]).unwrap();
    let cut = ["weights", "convert", "cut.safetensors", "--prefix", "backbone.", "--out", "x"];
    fails(&case.hpflow(&cut), 1, &["cut.safetensors", "incomplete"]);
    fs::create_dir(case.path("my nets")).unwrap();
    fs::write(case.path("my nets/fcn.safetensors"), &old).unwrap();
    let check = case.hpflow(&["weights", "check", "my nets/fcn.safetensors"]);
    fails(
        &check,
        1,
        &["convert 'my nets/fcn.safetensors'", "--out 'my nets/fcn-backbone.safetensors'"],
    );
}

/// A safetensors file of small tensors of these names.
fn tensors(names: &[&str]) -> Vec<u8> {
    let data = [0_u8; 4];
    let view = || safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &data);
    safetensors::serialize(names.iter().map(|name| (name, view().unwrap())), None).unwrap()
}

#[test]
fn of_several_networks_in_a_file_all_are_named() {
    let case = Case::new("two-encoders");
    let check = ["weights", "check", "moco.safetensors"];
    let parts = [
        "2 ResNets",
        "'encoder_k.' (usually MoCo's moving average of its encoder_q)",
        "'encoder_q.' (usually the encoder that MoCo trained",
        "hpflow weights convert moco.safetensors --prefix PREFIX",
    ];
    fails(&case.hpflow(&check), 1, &parts);
    fails(&case.hpflow(&[&check[..], &["--backbone", "resnet50"]].concat()), 1, &parts);
    let whole = ["weights", "convert", "moco.safetensors", "--out", "x.safetensors"];
    fails(&case.hpflow(&whole), 1, &parts);
    let convert = ["weights", "convert", "moco.safetensors", "--prefix", "encoder_q."];
    let said = case.prints(&[&convert[..], &["--out", "q.safetensors"]].concat());
    assert!(said.contains("2 tensors, the first 'encoder_k.conv1.weight'"), "{said}");
    for (names, parts) in [
        (
            &["student.backbone.layer1.0.conv1.weight", "teacher.backbone.layer1.0.conv1.weight"][..],
            &["'student.backbone.' (usually", "'teacher.backbone.' (usually"][..],
        ),
        (
            &[
                "online_network.layer1.0.conv1.weight",
                "target_network.layer1.0.conv1.weight",
                "module.x.layer1.0.conv1.weight",
            ],
            &[
                "3 ResNets",
                "'online_network.' (usually",
                "'target_network.' (usually",
                "'module.x.'",
            ],
        ),
        (&["module.layer1.0.conv1.weight"], &["'module.' (usually", "--prefix module. --out"]),
    ] {
        fs::write(case.path("of.safetensors"), tensors(names)).unwrap();
        fails(&case.hpflow(&["weights", "check", "of.safetensors"]), 1, parts);
    }
    // The prefix that all names have can be asked for.
    let convert = ["weights", "convert", "of.safetensors", "--prefix", "module."];
    case.prints(&[&convert[..], &["--out", "m.safetensors"]].concat());
    assert_eq!(names_in(&case.path("m.safetensors")).len(), 1);
}
