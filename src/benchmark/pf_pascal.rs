//! PF-PASCAL: photographs of PASCAL VOC with keypoints (Ham et al., "Proposal Flow: Semantic
//! Correspondences from Object Proposals", TPAMI 2018).
//!
//! Distributed as `JPEGImages/<image>.jpg` and `Annotations/<class>/<image>.mat` with `kps`
//! (keypoints × 2, NaN where not visible) and `bbox`. The pairs come apart from it, as
//! `<split>_pairs.csv` (Hyperpixel Flow and its line) or `<split>_pairs_pf_pascal.csv` (CNNGeo,
//! NC-Net): source, target, number of the class. As in the published code a pair's keypoints are
//! those visible in both images, with coordinates as they stand in the file.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::files::{is_plain_name, read};
use super::matlab::{self, MatlabError, Numbers};
use super::open::{Images, find_root, say_where, select};
use super::{Benchmark, BenchmarkError, Options, Pair};
use crate::Point;

/// An annotation has some 500 bytes.
const MAX_ANNOTATION: u64 = 1 << 20;
/// A list has some 3,000 lines.
const MAX_LIST: u64 = 64 << 20;

/// The classes of PASCAL VOC; lists of pairs give their number, from 1.
const CLASSES: [&str; 20] = [
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
];

/// The splits, and what their lists may be called.
const LISTS: [(&str, &[&str]); 3] = [
    ("trn", &["trn_pairs.csv", "trn_pairs_pf_pascal.csv", "train_pairs_pf_pascal.csv"]),
    ("val", &["val_pairs.csv", "val_pairs_pf_pascal.csv"]),
    ("test", &["test_pairs.csv", "test_pairs_pf_pascal.csv"]),
];

/// Reads a split's pairs. Of the training list, rows that mirror the photographs are left out.
pub(super) fn open(root: &Path, options: &Options) -> Result<Benchmark, BenchmarkError> {
    let given = root;
    let root = folder(given)?;
    say_where(given, &root);
    let list = list(&root, &options.split)?;
    let rows = rows(&list)?;
    let categories: Vec<&str> = rows.iter().map(|row| row.class).collect();
    let mut annotations = HashMap::new();
    let mut images = Images::default();
    let mut pairs = Vec::new();
    for index in select(&categories, options)? {
        let row = &rows[index];
        for image in [&row.source, &row.target] {
            let file = annotation_path(&root, row.class, image);
            if let Entry::Vacant(entry) = annotations.entry(file) {
                let annotation = annotation(entry.key(), &list)?;
                entry.insert(annotation);
            }
        }
        let at = |image: &str| annotation_path(&root, row.class, image);
        let (source, target) = (&annotations[&at(&row.source)], &annotations[&at(&row.target)]);
        let pair = pair(&root, &mut images, row, source, target);
        pairs.push(pair.map_err(|what| BenchmarkError::Line {
            file: list.clone(),
            line: row.line,
            what,
        })?);
    }
    Ok(Benchmark {
        name: "pf-pascal".to_owned(),
        split: options.split.clone(),
        images: images.into_vec(),
        pairs,
    })
}

/// The benchmark's folder: `root`, or the one in it.
pub(super) fn folder(root: &Path) -> Result<PathBuf, BenchmarkError> {
    let found = find_root(root, &["PF-dataset-PASCAL", "PF-PASCAL"], |folder| {
        folder.join("Annotations").is_dir() && folder.join("JPEGImages").is_dir()
    });
    found.ok_or_else(|| BenchmarkError::Root {
        root: root.to_owned(),
        benchmark: "PF-PASCAL",
        expected: "the folders Annotations and JPEGImages",
        looks_like: None,
    })
}

/// The splits whose lists are there.
pub(super) fn splits(root: &Path) -> Vec<String> {
    let there = |names: &[&str]| names.iter().any(|name| root.join(name).is_file());
    let splits = LISTS.iter().filter(|(_, names)| there(names));
    splits.map(|(split, _)| (*split).to_owned()).collect()
}

fn list(root: &Path, split: &str) -> Result<PathBuf, BenchmarkError> {
    let Some((_, names)) = LISTS.iter().find(|(name, _)| *name == split) else {
        let known = LISTS.map(|(name, _)| name).join(", ");
        return Err(BenchmarkError::UnknownSplit {
            root: root.to_owned(),
            found: split.to_owned(),
            known,
        });
    };
    let paths = names.iter().map(|name| root.join(name));
    paths.into_iter().find(|path| path.is_file()).ok_or_else(|| BenchmarkError::NoList {
        root: root.to_owned(),
        split: split.to_owned(),
        names: names.join(" or "),
    })
}

struct Row {
    line: usize,
    source: String,
    target: String,
    class: &'static str,
}

/// The rows of a list that do not mirror the photographs.
fn rows(list: &Path) -> Result<Vec<Row>, BenchmarkError> {
    let bytes = read(list, MAX_LIST, "the split")?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let heading = lines.next().map(|(_, line)| line.to_lowercase()).unwrap_or_default();
    let flip = heading.split(',').position(|column| column.trim() == "flip");
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for (index, line) in lines {
        let error =
            |what: String| BenchmarkError::Line { file: list.to_owned(), line: index + 1, what };
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let shown = || line.chars().take(80).collect::<String>();
        let [source, target, class, ..] = cells[..] else {
            return Err(error(format!("found {:?}, expected source,target,class", shown())));
        };
        if flip.and_then(|column| cells.get(column)).is_some_and(|&flip| flip == "1") {
            continue;
        }
        let number = class.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let Some(&class) = number.and_then(|index| CLASSES.get(index)) else {
            return Err(error(format!("class is {class:?}: expected 1 to {}", CLASSES.len())));
        };
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let (source, target) = (name(source), name(target));
        if !is_plain_name(&source) || !is_plain_name(&target) {
            return Err(error(format!("found {:?}, expected photographs", shown())));
        }
        if !seen.insert((source.clone(), target.clone(), class)) {
            return Err(error("the pair is listed a second time; remove one".to_owned()));
        }
        rows.push(Row { line: index + 1, source, target, class });
    }
    if rows.is_empty() {
        return Err(BenchmarkError::Empty { file: list.to_owned() });
    }
    Ok(rows)
}

fn stem(filename: &str) -> &str {
    filename.rsplit_once('.').map_or(filename, |(stem, _)| stem)
}

fn annotation_path(root: &Path, class: &str, image: &str) -> PathBuf {
    root.join("Annotations").join(class).join(format!("{}.mat", stem(image)))
}

/// Keypoints (`None` where not visible) and box of an image.
struct Annotation {
    keypoints: Vec<Option<Point>>,
    bounds: [f32; 4],
}

fn annotation(file: &Path, list: &Path) -> Result<Annotation, BenchmarkError> {
    let error = |source| BenchmarkError::Matlab { file: file.to_owned(), source };
    let bytes = read(file, MAX_ANNOTATION, &list.display().to_string())?;
    let variables = matlab::parse(&bytes).map_err(error)?;
    let keypoints = keypoints(matlab::numbers(&variables, "kps").map_err(error)?).map_err(error)?;
    let bounds = bounds(matlab::numbers(&variables, "bbox").map_err(error)?).map_err(error)?;
    Ok(Annotation { keypoints, bounds })
}

fn keypoints(numbers: &Numbers) -> Result<Vec<Option<Point>>, MatlabError> {
    let unexpected = |found| MatlabError::Unexpected {
        name: "kps".to_owned(),
        found,
        expected: "2 columns, x and y in pixels, NaN where not visible",
    };
    let [count, 2] = numbers.dimensions[..] else {
        return Err(unexpected(format!("an array of {:?}", numbers.dimensions)));
    };
    let (x, y) = numbers.values.split_at(count);
    let point = |(&x, &y): (&f64, &f64)| {
        let point = [x as f32, y as f32];
        match point.iter().any(|coordinate| coordinate.is_infinite()) {
            true => Err(unexpected(format!("[{x}, {y}]"))),
            false => Ok((!x.is_nan() && !y.is_nan()).then_some(point)),
        }
    };
    x.iter().zip(y).map(point).collect()
}

fn bounds(numbers: &Numbers) -> Result<[f32; 4], MatlabError> {
    let unexpected = |found| MatlabError::Unexpected {
        name: "bbox".to_owned(),
        found,
        expected: "xmin < xmax and ymin < ymax in pixels, or one of them equal",
    };
    let Ok(corners) = <[f64; 4]>::try_from(numbers.values.as_slice()) else {
        return Err(unexpected(format!("an array of {:?}", numbers.dimensions)));
    };
    let corners = corners.map(|corner| corner as f32);
    let [left, top, right, bottom] = corners;
    // One side may be zero: published code measures by the longer one.
    let is_box = left <= right
        && top <= bottom
        && (left < right || top < bottom)
        && corners.iter().all(|c| c.is_finite());
    if is_box { Ok(corners) } else { Err(unexpected(format!("{corners:?}"))) }
}

fn pair(
    root: &Path,
    images: &mut Images,
    row: &Row,
    source: &Annotation,
    target: &Annotation,
) -> Result<Pair, String> {
    let (of_source, of_target) = (source.keypoints.len(), target.keypoints.len());
    if of_source != of_target {
        return Err(format!(
            "kps of {} has {of_source} keypoints, that of {} {of_target}: expected as many in each",
            row.source, row.target
        ));
    }
    let both = source.keypoints.iter().zip(&target.keypoints).enumerate();
    let common: Vec<(usize, Point, Point)> =
        both.filter_map(|(index, (s, t))| Some((index, (*s)?, (*t)?))).collect();
    if common.is_empty() {
        return Err(format!("{} and {} have no keypoint in common", row.source, row.target));
    }
    let mut image = |name: &str| images.index(root.join("JPEGImages").join(name), None);
    Ok(Pair {
        id: format!("{}/{}-{}", row.class, stem(&row.source), stem(&row.target)),
        category: row.class.to_owned(),
        source: image(&row.source)?,
        target: image(&row.target)?,
        source_keypoints: common.iter().map(|(_, point, _)| *point).collect(),
        target_keypoints: common.iter().map(|(_, _, point)| *point).collect(),
        keypoint_ids: common.iter().map(|(index, ..)| index.to_string()).collect(),
        source_box: Some(source.bounds),
        target_box: Some(target.bounds),
        variation: None,
    })
}
