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

use super::error::BenchmarkError;
use super::faults::{Faults, Listed};
use super::files::{is_plain_name, read};
use super::info::{BenchmarkInfo, BenchmarkReader, FileCheck, GroundTruth, SplitPairs, Visibility};
use super::list::{self, Column, Folders, Form, last_part, read_rows, yes_or_no};
use super::matlab::{self, MatlabError, Numbers};
use super::pair::Pair;
use super::select::{BenchmarkOptions, Images, find_root, say_where, select_listed};
use crate::Point;
use crate::protocol::evaluators::{
    CATS_256, CHM_240, DHPF_240, GEOAWARE_IMAGE, GEOAWARE_POINT, MMPOSE_POINTS, OF_MASKS, PASCAL,
    READ, SCNET_224, SD_DINO_CLASS, SD_DINO_WEIGHTED, SD4MATCH_IMAGE, SD4MATCH_POINT, SPAIR,
    TSS_OWN, VISUAL_AI_IMAGE, VISUAL_AI_POINT, WILLOWS_OWN, alphas,
};
use crate::protocol::{Alpha, Protocol, Refusal, Refused, Threshold, TruthPlacement};

/// What PF-PASCAL is.
pub(super) static INFO: BenchmarkInfo = BenchmarkInfo {
    name: NAME,
    title: "PF-PASCAL",
    about: "",
    first_pixel: 1,
    truth: GroundTruth::Keypoints,
    archive: Some(
        "https://www.di.ens.fr/willow/research/proposalflow/dataset/PF-dataset-PASCAL.zip",
    ),
    protocols: &PROTOCOLS,
    own: &["pascal"],
    refused: &REFUSED,
    reader: BenchmarkReader {
        folder,
        is_telling: true,
        splits,
        read: open,
        headings: None,
        check: FileCheck::ByReading,
    },
};

const NAME: &str = "pf-pascal";

/// An evaluator's rule with the image's longer side, by which most measure PF-PASCAL.
const fn by_image(on_spair: Protocol) -> Protocol {
    Protocol { threshold: Threshold::Image, verified: READ, ..on_spair }
}

/// sd-dino's and GeoAware-SC's rule: they give no boxes here, and take other α.
const fn without_boxes(on_spair: Protocol) -> Protocol {
    static ALPHAS: [Alpha; 3] = alphas([10, 5, 15]);
    Protocol { alphas: &ALPHAS, ..by_image(on_spair) }
}

/// Visual-AI's rule, which rounds keypoints down.
const fn floored(on_spair: Protocol) -> Protocol {
    Protocol { truth: TruthPlacement::FlooredAndClamped, ..by_image(on_spair) }
}

static PROTOCOLS: [Protocol; 15] = Protocol::all_on(
    NAME,
    [
        Protocol { verified: "run against the code (--thres bbox): within 1e-14 points", ..SPAIR },
        by_image(DHPF_240),
        by_image(CHM_240),
        by_image(CATS_256),
        without_boxes(SD_DINO_CLASS),
        without_boxes(SD_DINO_WEIGHTED),
        without_boxes(GEOAWARE_IMAGE),
        without_boxes(GEOAWARE_POINT),
        by_image(SD4MATCH_IMAGE),
        by_image(SD4MATCH_POINT),
        floored(VISUAL_AI_IMAGE),
        floored(VISUAL_AI_POINT),
        Protocol {
            warning: Some(
                "a pair without a single prediction counts zero, as its authors' code counts it",
            ),
            verified: "run against the code, on other pairs: within 8e-7 points where every pair is \
                       answered; others read in the code, with hand-computed tests",
            ..SCNET_224
        },
        Protocol { verified: "run against the code: within 1e-14 points", ..PASCAL },
        Protocol { verified: READ, ..MMPOSE_POINTS },
    ],
);

static REFUSED: [Refused; 4] = [
    Refused {
        evaluators: &["dift-image", "dift-point"],
        why: Refusal::NotDefined("its code has no PF-PASCAL"),
    },
    WILLOWS_OWN,
    TSS_OWN,
    OF_MASKS,
];

/// An annotation has some 500 bytes.
const MAX_ANNOTATION: u64 = 1 << 20;

/// Its lists, of some 3,000 lines: the training list of Hyperpixel Flow's line has `flip`, the other
/// ones of CNNGeo's have the keypoints, which are taken from the annotations here.
const FORM: Form = {
    use Column::{Class, Flip, Source, SourceX, SourceY, Target, TargetX, TargetY};
    Form {
        places: &[
            &[Source, Target, Class],
            &[Source, Target, Class, Flip],
            &[Source, Target, Class, SourceX, SourceY, TargetX, TargetY],
        ],
        needed: &[Source, Target, Class],
        takes_any_heading: false,
        limits: (64 << 20, 1 << 20),
    }
};

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
fn open(
    root: &Path,
    options: &BenchmarkOptions,
    faults: &mut Faults,
) -> Result<SplitPairs, BenchmarkError> {
    let given = root;
    let root = folder(given)?;
    say_where(given, &root);
    let list = list(&root, &options.split)?;
    let rows = rows(&list, faults)?;
    let classes = rows.iter().map(|listed| listed.row().map(|row| row.class));
    let selected = select_listed(classes, options)?;
    let mut annotations = HashMap::new();
    let mut images = Images::of(root.join("JPEGImages"));
    let mut pairs = Vec::new();
    for (index, listed) in rows.into_iter().enumerate() {
        if selected.binary_search(&index).is_err() {
            continue;
        }
        let Some(row) = faults.row(listed) else { continue };
        let mut read = || {
            for image in [&row.source, &row.target] {
                let file = annotation_path(&root, row.class, image);
                if let Entry::Vacant(entry) = annotations.entry(file) {
                    let annotation = annotation(entry.key(), &list)?;
                    entry.insert(annotation);
                }
            }
            let at = |image: &str| annotation_path(&root, row.class, image);
            let (source, target) = (&annotations[&at(&row.source)], &annotations[&at(&row.target)]);
            let pair = pair(&root, &mut images, &row, source, target);
            pair.map_err(|what| BenchmarkError::Line { file: list.clone(), line: row.line, what })
        };
        pairs.extend(faults.pass(|| row.id(), read())?);
    }
    Ok(SplitPairs { images: images.into_vec(), pairs, visibility: Visibility::Unsaid })
}

/// The benchmark's folder: `root`, or the one in it.
fn folder(root: &Path) -> Result<PathBuf, BenchmarkError> {
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
fn splits(root: &Path) -> Result<Vec<String>, BenchmarkError> {
    let there = |names: &[&str]| names.iter().any(|name| root.join(name).exists());
    let splits = LISTS.iter().filter(|(_, names)| there(names));
    Ok(splits.map(|(split, _)| (*split).to_owned()).collect())
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
    // Something else than a file is refused as such when it is read.
    paths.into_iter().find(|path| path.exists()).ok_or_else(|| BenchmarkError::NoList {
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

impl Row {
    fn id(&self) -> String {
        format!("{}/{}-{}", self.class, stem(&self.source), stem(&self.target))
    }
}

/// The rows of a list that do not mirror the photographs.
fn rows(list: &Path, faults: &Faults) -> Result<Vec<Listed<Row>>, BenchmarkError> {
    let mut seen = HashSet::new();
    let mut folders = Folders::default();
    let mut rows = Vec::new();
    let listed = read_rows(list, &FORM, faults)?;
    let all = listed.len();
    for one in listed {
        let row = match one {
            Listed::Row(row) => row,
            Listed::Fault(fault) => {
                rows.push(Listed::Fault(fault));
                continue;
            }
        };
        let mut id = String::new();
        let read = read_row(&row, &mut id, &mut folders, &mut seen);
        let error = |what| BenchmarkError::Line { file: list.to_owned(), line: row.line, what };
        match read.map_err(error).transpose() {
            None => {} // mirrored
            Some(read) => rows.push(faults.listed(|| id, read)?),
        }
    }
    if rows.len() < all {
        tracing::warn!(
            "{}: {} of {all} rows mirror the photographs and are left out",
            list.display(),
            all - rows.len(),
        );
    }
    if rows.is_empty() {
        return Err(BenchmarkError::Empty { file: list.to_owned() });
    }
    Ok(rows)
}

/// Reads a row, of which `id` becomes the pair's as soon as it is known and no other row has it; `None`
/// where it mirrors the photographs.
fn read_row(
    row: &list::Row,
    id: &mut String,
    folders: &mut Folders,
    seen: &mut HashSet<(String, String, &'static str)>,
) -> Result<Option<Row>, String> {
    let class = row.get(Column::Class);
    let class = class_of(class)
        .ok_or_else(|| format!("class is {class:?}: expected 1 to {}, or a name", CLASSES.len()));
    let name = |column| last_part(row.get(column)).to_owned();
    let (source, target) = (name(Column::Source), name(Column::Target));
    let flip = row.get(Column::Flip);
    let mirrored = yes_or_no(flip).ok_or_else(|| {
        format!(
            "flip is {flip:?}: expected 1 or True where the photographs are mirrored, 0 or False \
             where not"
        )
    })?;
    let class = class?;
    if !is_plain_name(&source) || !is_plain_name(&target) {
        return Err(format!("found {:?}, expected photographs", row.shown()));
    }
    if mirrored {
        return Ok(None);
    }
    let found = Row { line: row.line, source, target, class };
    let pair = (stem(&found.source).to_owned(), stem(&found.target).to_owned(), class);
    if !seen.insert(pair) {
        return Err("the pair is listed a second time; remove one".to_owned());
    }
    *id = found.id();
    for column in [Column::Source, Column::Target] {
        folders.enter(row.get(column), 1)?;
    }
    Ok(Some(found))
}

/// The class of that number, from 1 (`1.0` is one), or of that name.
fn class_of(cell: &str) -> Option<&'static str> {
    let named = CLASSES.into_iter().find(|class| cell.eq_ignore_ascii_case(class));
    let number = || {
        let number = cell.parse::<f64>().ok().filter(|number| number.fract() == 0.0)?;
        (1..=CLASSES.len()).find(|&at| at as f64 == number).map(|at| CLASSES[at - 1])
    };
    named.or_else(number)
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
        id: row.id(),
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
