//! Caltech-101 with the pairs of Hyperpixel Flow: object masks to be transferred.
//!
//! Distributed as `101_ObjectCategories/<category>/<image>.jpg` with a list of pairs,
//! `test_pairs_caltech_with_category.csv`: source, target, number of the category, and the outlines
//! of both objects as polygons (x of the source, y of the source, x and y of the target, each a
//! quoted list). What is predicted is where the source's outline is in the target; the two outlines
//! have different numbers of points and no correspondence. Scoring compares the masks that they
//! enclose (HPF's published code, `data/caltech.py` and `model/evaluation.py`).

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::error::BenchmarkError;
use super::faults::{Faults, Listed};
use super::files::is_plain_name;
use super::info::{BenchmarkInfo, BenchmarkReader, FileCheck, GroundTruth, SplitPairs, Visibility};
use super::list::{self, Column, Folders, Form, read_rows};
use super::pair::Pair;
use super::select::{
    BenchmarkOptions, Images, check_only_split, find_root, only_split, say_where, select_listed,
};
use crate::Point;
use crate::protocol::evaluators::{SPAIR, TSS_OWN, WILLOWS_OWN, alphas};
use crate::protocol::{Measure, Protocol, Refusal, Refused};

/// What Caltech-101 is.
pub(super) static INFO: BenchmarkInfo = BenchmarkInfo {
    name: NAME,
    title: "Caltech-101",
    about: "",
    first_pixel: 1,
    truth: GroundTruth::Outlines,
    archive: None,
    protocols: &PROTOCOLS,
    own: &["caltech-lt-acc", "caltech-iou"],
    refused: &REFUSED,
    reader: BenchmarkReader {
        folder,
        is_telling: true,
        splits: only_split,
        read: open,
        headings: None,
        check: FileCheck::ByReading,
    },
};

const NAME: &str = "caltech-101";

/// Masks are not compared by distance: most choices do not matter.
static PROTOCOLS: [Protocol; 2] = Protocol::all_on(
    NAME,
    [
        Protocol {
            name: "caltech-lt-acc",
            measure: Measure::LabelTransfer,
            alphas: &alphas([100]),
            verified: "run against the code: 57 of 58 drawn pairs equal, one 0.007 points off before \
                       ratios were computed as HPF does",
            ..SPAIR
        },
        Protocol {
            name: "caltech-iou",
            measure: Measure::Overlap,
            alphas: &alphas([100]),
            verified: "run against the code: 57 of 58 drawn pairs equal, one 0.043 points off before \
                       ratios were computed as HPF does",
            ..SPAIR
        },
    ],
);

static REFUSED: [Refused; 7] = [
    Refused {
        evaluators: &["spair"],
        why: Refusal::NotDefined(
            "HPF's code compares masks there, which are protocols caltech-lt-acc and caltech-iou",
        ),
    },
    Refused {
        evaluators: &["dhpf-240"],
        why: Refusal::Lacking(
            "its authors' eval_mask_transfer compares masks of 240 × 240 pixels, and counts a \
             target's corners by x above zero",
        ),
    },
    Refused {
        evaluators: &[
            "chm-240",
            "cats-256",
            "sd-dino-class",
            "sd-dino-weighted",
            "geoaware-image",
            "geoaware-point",
            "dift-image",
            "dift-point",
            "sd4match-image",
            "sd4match-point",
            "visual-ai-image",
            "visual-ai-point",
            "pascal",
        ],
        why: Refusal::NotDefined("its code has no Caltech-101, whose masks it does not compare"),
    },
    Refused {
        evaluators: &["scnet-224"],
        why: Refusal::Lacking("CNNGeo's eval.py warps the source's mask there"),
    },
    WILLOWS_OWN,
    TSS_OWN,
    Refused {
        evaluators: &["mmpose"],
        why: Refusal::NotDefined("it measures by the object's box, which the benchmark lacks"),
    },
];

/// What the list may be called.
const LISTS: [&str; 2] = ["test_pairs_caltech_with_category.csv", "test_pairs.csv"];
const PHOTOGRAPHS: &str = "101_ObjectCategories";

/// The distributed list has some 10 MB, an outline some hundred points.
const FORM: Form = {
    use Column::{Class, Source, SourceX, SourceY, Target, TargetX, TargetY};
    Form {
        places: &[&[Source, Target, Class, SourceX, SourceY, TargetX, TargetY]],
        needed: &[Source, Target, SourceX, SourceY, TargetX, TargetY],
        takes_any_heading: true,
        limits: (256 << 20, 16 << 20),
    }
};

/// Reads the pairs of the only split, `test`.
fn open(
    root: &Path,
    options: &BenchmarkOptions,
    faults: &mut Faults,
) -> Result<SplitPairs, BenchmarkError> {
    let given = root;
    let root = folder(given)?;
    say_where(given, &root);
    check_only_split(&root, &options.split)?;
    let list = LISTS.iter().map(|name| root.join(name)).find(|path| path.exists());
    let list = list.ok_or_else(|| BenchmarkError::NoList {
        root: root.clone(),
        split: options.split.clone(),
        names: LISTS.join(" or "),
    })?;
    let rows = rows(&list, faults)?;
    let categories = rows.iter().map(|listed| listed.row().map(|row| row.category.as_str()));
    let selected = select_listed(categories, options)?;
    let mut images = Images::of(root.join(PHOTOGRAPHS));
    let mut pairs = Vec::new();
    for (index, listed) in rows.into_iter().enumerate() {
        if selected.binary_search(&index).is_err() {
            continue;
        }
        let Some(row) = faults.row(listed) else { continue };
        let error = |what| BenchmarkError::Line { file: list.clone(), line: row.line, what };
        let read = row.pair(&root, &mut images).map_err(error);
        pairs.extend(faults.pass(|| row.id(), read)?);
    }
    Ok(SplitPairs { images: images.into_vec(), pairs, visibility: Visibility::Unsaid })
}

/// The benchmark's folder: `root`, or the one in it.
fn folder(root: &Path) -> Result<PathBuf, BenchmarkError> {
    let holds = |folder: &Path| folder.join(PHOTOGRAPHS).is_dir();
    find_root(root, &["Caltech-101", "caltech-101"], holds).ok_or_else(|| BenchmarkError::Root {
        root: root.to_owned(),
        benchmark: "Caltech-101",
        expected: "the folder 101_ObjectCategories and the list of pairs",
        looks_like: None,
    })
}

struct Row {
    line: usize,
    category: String,
    source: Vec<String>,
    target: Vec<String>,
    outlines: [Vec<Point>; 2],
}

fn rows(list: &Path, faults: &Faults) -> Result<Vec<Listed<Row>>, BenchmarkError> {
    let mut rows = Vec::new();
    let mut seen = HashSet::new();
    let mut folders = Folders::default();
    for one in read_rows(list, &FORM, faults)? {
        let listed = match one {
            Listed::Row(row) => row,
            Listed::Fault(fault) => {
                rows.push(Listed::Fault(fault));
                continue;
            }
        };
        let mut pair = String::new();
        let read = row(&listed, &mut pair, &mut folders, &mut seen);
        let error = |what| BenchmarkError::Line { file: list.to_owned(), line: listed.line, what };
        rows.push(faults.listed(|| pair, read.map_err(error))?);
    }
    Ok(rows)
}

/// Reads a row, of which `pair` becomes the pair's id as soon as it is known and no other row has it.
fn row(
    listed: &list::Row,
    pair: &mut String,
    folders: &mut Folders,
    seen: &mut HashSet<[Vec<String>; 2]>,
) -> Result<Row, String> {
    let get = |column| listed.get(column);
    let (source, target) = (photograph(get(Column::Source))?, photograph(get(Column::Target))?);
    if source[0] != target[0] {
        return Err(format!("{} and {} are of two categories", source.join("/"), target.join("/")));
    }
    if !seen.insert([source.clone(), target.clone()]) {
        return Err("the pair is listed a second time; remove one".to_owned());
    }
    *pair = id(&source, &target);
    for column in [Column::Source, Column::Target] {
        folders.enter(get(column), 2)?;
    }
    Ok(Row {
        line: listed.line,
        category: source[0].clone(),
        source,
        target,
        outlines: [
            outline(get(Column::SourceX), get(Column::SourceY))?,
            outline(get(Column::TargetX), get(Column::TargetY))?,
        ],
    })
}

/// Category and file name, of a path that begins with the folder of all photographs.
fn photograph(path: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = path.split(['/', '\\']).collect();
    match parts[..] {
        [_, category, file] if is_plain_name(category) && is_plain_name(file) => {
            Ok(vec![category.to_owned(), file.to_owned()])
        }
        _ => {
            let shown: String = path.chars().take(80).collect();
            Err(format!("found {shown:?}, expected {PHOTOGRAPHS}/<category>/<image>"))
        }
    }
}

fn outline(xs: &str, ys: &str) -> Result<Vec<Point>, String> {
    let numbers = |text: &str| {
        let number = |part: &str| match part.trim().parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => {
                let shown: String = part.trim().chars().take(40).collect();
                Err(format!("found {shown:?} in an outline, expected pixels"))
            }
        };
        text.split(',').map(number).collect::<Result<Vec<f32>, String>>()
    };
    let (xs, ys) = (numbers(xs)?, numbers(ys)?);
    if xs.len() != ys.len() || xs.len() < 3 {
        return Err(format!(
            "an outline has {} x and {} y: expected as many of each, three or more",
            xs.len(),
            ys.len()
        ));
    }
    Ok(xs.into_iter().zip(ys).map(|(x, y)| [x, y]).collect())
}

/// The id of the pair of two photographs of one category.
fn id(source: &[String], target: &[String]) -> String {
    let stem = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
    format!("{}/{}-{}", source[0], stem(&source[1]), stem(&target[1]))
}

impl Row {
    fn id(&self) -> String {
        id(&self.source, &self.target)
    }

    fn pair(&self, root: &Path, images: &mut Images) -> Result<Pair, String> {
        let mut image = |parts: &[String]| {
            let path = parts.iter().fold(root.join(PHOTOGRAPHS), |path, part| path.join(part));
            images.index(path, None)
        };
        let [source_outline, target_outline] = self.outlines.clone();
        Ok(Pair {
            id: self.id(),
            category: self.category.clone(),
            source: image(&self.source)?,
            target: image(&self.target)?,
            keypoint_ids: (0..source_outline.len()).map(|index| index.to_string()).collect(),
            source_keypoints: source_outline,
            target_keypoints: target_outline,
            source_box: None,
            target_box: None,
            variation: None,
        })
    }
}
