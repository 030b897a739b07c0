//! PF-WILLOW: ten sub-classes of ten photographs with ten keypoints each.
//!
//! Distributed as a folder a sub-class, in it a photograph and a MATLAB file of the same name with
//! `pts_coord`, 2 × keypoints: x above y. The pairs are all ordered pairs within a sub-class. The
//! published evaluation takes the coordinates as they stand in the file, and so does this: Hyperpixel
//! Flow's published figures follow from that and not from coordinates less one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::error::BenchmarkError;
use super::faults::Faults;
use super::files::{entries, read};
use super::info::{BenchmarkInfo, BenchmarkReader, FileCheck, GroundTruth, SplitPairs, Visibility};
use super::matlab::{self, MatlabError};
use super::pair::Pair;
use super::select::{
    BenchmarkOptions, Images, check_only_split, find_root, only_split, say_where, select,
};
use crate::Point;
use crate::protocol::evaluators::{
    CATS_256, CHM_240, DHPF_240, OF_MASKS, PASCAL, SD4MATCH_IMAGE, SD4MATCH_POINT, SPAIR, TSS_OWN,
    VISUAL_AI_IMAGE, VISUAL_AI_POINT, alphas,
};
use crate::protocol::{Protocol, Refusal, Refused, Threshold, TruthPlacement};

/// What PF-WILLOW is.
pub(super) static INFO: BenchmarkInfo = BenchmarkInfo {
    name: NAME,
    title: "PF-WILLOW",
    about: "",
    first_pixel: 1,
    truth: GroundTruth::Keypoints,
    archive: Some("https://www.di.ens.fr/willow/research/proposalflow/dataset/PF-dataset.zip"),
    protocols: &PROTOCOLS,
    own: &["willow"],
    refused: &REFUSED,
    reader: BenchmarkReader {
        folder,
        is_telling: false, // any folder with MATLAB files in folders may be it
        splits: only_split,
        read: open,
        headings: None,
        check: FileCheck::BySubClass,
    },
};

const NAME: &str = "pf-willow";

/// An evaluator's rule with the keypoints' own box, as PF-WILLOW has no other.
const fn by_keypoints(on_spair: Protocol) -> Protocol {
    Protocol {
        threshold: Threshold::Keypoints,
        verified: "read in the code; the same arithmetic in NumPy gives equal figures on all 900 pairs",
        ..on_spair
    }
}

/// The same, with padding entries of that many pixels below zero.
const fn by_padded_keypoints(on_spair: Protocol, padding: u8) -> Protocol {
    Protocol {
        threshold: Threshold::PaddedKeypoints(padding),
        warning: Some(
            "on PF-WILLOW its authors' code counts padding entries into the extent of the keypoints, \
             which makes thresholds larger: about 3 points more than protocol willow gives on the same \
             predictions",
        ),
        ..by_keypoints(on_spair)
    }
}

/// Visual-AI's rule, which rounds keypoints down.
const fn floored(on_spair: Protocol) -> Protocol {
    Protocol { truth: TruthPlacement::FlooredAndClamped, ..by_keypoints(on_spair) }
}

static PROTOCOLS: [Protocol; 9] = Protocol::all_on(
    NAME,
    [
        by_padded_keypoints(DHPF_240, 1),
        by_padded_keypoints(CHM_240, 2),
        by_padded_keypoints(CATS_256, 1),
        by_keypoints(SD4MATCH_IMAGE),
        by_keypoints(SD4MATCH_POINT),
        floored(VISUAL_AI_IMAGE),
        floored(VISUAL_AI_POINT),
        Protocol {
            name: "willow",
            alphas: &alphas([5, 10, 15]),
            verified: "run against the code: all 900 pairs within 4e-13 points",
            ..by_keypoints(SPAIR)
        },
        Protocol { verified: "run against the code: within 1e-14 points", ..PASCAL },
    ],
);

static REFUSED: [Refused; 6] = [
    Refused {
        evaluators: &["spair"],
        why: Refusal::NotDefined(
            "PF-WILLOW has no boxes, and HPF's code measures by the keypoints' own box there, which is \
             protocol willow",
        ),
    },
    Refused {
        evaluators: &[
            "sd-dino-class",
            "sd-dino-weighted",
            "geoaware-image",
            "geoaware-point",
            "dift-image",
            "dift-point",
        ],
        why: Refusal::NotDefined("its code has no PF-WILLOW"),
    },
    Refused {
        evaluators: &["scnet-224"],
        why: Refusal::Lacking(
            "CNNGeo's eval.py measures PF-WILLOW from target to source by the keypoints' own box of \
             the source",
        ),
    },
    TSS_OWN,
    OF_MASKS,
    Refused {
        evaluators: &["mmpose"],
        why: Refusal::NotDefined("it measures by the object's box, which the benchmark lacks"),
    },
];

/// An annotation has some 350 bytes.
const MAX_ANNOTATION: u64 = 1 << 20;
/// The kinds of photographs that are looked for; the distributed ones are PNG.
const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "bmp"];

/// A photograph and its keypoints.
struct Annotated {
    name: String,
    file: PathBuf,
    photograph: PathBuf,
    /// None where the annotation cannot be read.
    keypoints: Option<Vec<Point>>,
}

/// Reads the pairs.
fn open(
    root: &Path,
    options: &BenchmarkOptions,
    faults: &mut Faults,
) -> Result<SplitPairs, BenchmarkError> {
    let given = root;
    let root = folder(given)?;
    say_where(given, &root);
    check_only_split(&root, &options.split)?;
    let sub_classes = sub_classes(&root)?;
    let read = sub_classes.iter().map(|(_, folder)| annotated(folder, faults));
    let photographs: Vec<Vec<Annotated>> = read.collect::<Result<_, _>>()?;
    let mut categories = Vec::new();
    let mut listed = Vec::new();
    for ((category, _), photographs) in sub_classes.iter().zip(&photographs) {
        if !faults.go_on() {
            check_lengths(photographs)?;
        }
        for source in photographs {
            for target in photographs.iter().filter(|target| target.name != source.name) {
                categories.push(category.as_str());
                listed.push((category, source, target));
            }
        }
    }
    if listed.is_empty() {
        return Err(BenchmarkError::Empty { file: root });
    }
    let mut images = Images::of(root.clone());
    let mut pairs = Vec::new();
    for index in select(&categories, options)? {
        let (category, source, target) = listed[index];
        let read = pair(&mut images, category, source, target);
        pairs.extend(faults.pass(|| id(category, source, target), read)?);
    }
    Ok(SplitPairs { images: images.into_vec(), pairs, visibility: Visibility::Unsaid })
}

/// The benchmark's folder: `root`, or the one in it.
pub(super) fn folder(root: &Path) -> Result<PathBuf, BenchmarkError> {
    let found = find_root(root, &["PF-dataset-WILLOW", "PF-dataset"], |folder| {
        sub_classes(folder).is_ok_and(|sub_classes| !sub_classes.is_empty())
    });
    found.ok_or_else(|| BenchmarkError::Root {
        root: root.to_owned(),
        benchmark: "PF-WILLOW",
        expected: "folders such as car(G) with photographs and .mat files",
        looks_like: None,
    })
}

/// The folders that hold `.mat` files, in name order.
pub(super) fn sub_classes(root: &Path) -> Result<Vec<(String, PathBuf)>, BenchmarkError> {
    let mut found = Vec::new();
    for (name, path) in entries(root)? {
        if path.is_dir() && entries(&path)?.iter().any(|(name, _)| name.ends_with(".mat")) {
            found.push((name, path));
        }
    }
    Ok(found)
}

/// The photographs of a sub-class in name order.
fn annotated(folder: &Path, faults: &Faults) -> Result<Vec<Annotated>, BenchmarkError> {
    let mut all = annotations(folder)?;
    let entries = entries(folder)?;
    let has = |file: &str| entries.iter().any(|(name, _)| name == file);
    for (name, path) in &entries {
        let Some((stem, extension)) = name.rsplit_once('.') else { continue };
        if EXTENSIONS.contains(&extension) && !has(&format!("{stem}.mat")) {
            if faults.go_on() {
                if all.iter().all(|(name, ..)| name != stem) {
                    all.push((stem.to_owned(), path.with_extension("mat"), path.clone()));
                }
                continue;
            }
            return Err(BenchmarkError::Missing {
                file: path.with_extension("mat"),
                wanted_by: name.clone(),
            });
        }
    }
    // Where they stand when they are all there.
    all.sort_by(|(_, one, _), (_, other, _)| one.file_name().cmp(&other.file_name()));
    let read = |(name, file, photograph): (String, PathBuf, PathBuf)| {
        let keypoints = match keypoints(&file) {
            Err(_) if faults.go_on() => None,
            read => Some(read?),
        };
        Ok(Annotated { name, file, photograph, keypoints })
    };
    all.into_iter().map(read).collect()
}

/// Name, annotation and photograph of each image of a sub-class, in name order.
pub(super) fn annotations(
    folder: &Path,
) -> Result<Vec<(String, PathBuf, PathBuf)>, BenchmarkError> {
    let entries = entries(folder)?;
    let annotations = entries.iter().filter_map(|(name, path)| {
        let stem = name.strip_suffix(".mat")?;
        let photograph = EXTENSIONS.map(|extension| format!("{stem}.{extension}"));
        let is_there = |file: &&String| entries.iter().any(|(name, _)| name == *file);
        let photograph = photograph.iter().find(is_there).unwrap_or(&photograph[0]);
        Some((stem.to_owned(), path.clone(), folder.join(photograph)))
    });
    Ok(annotations.collect())
}

/// The keypoints of an annotation, in file order, in the photograph's pixels.
pub(super) fn keypoints(file: &Path) -> Result<Vec<Point>, BenchmarkError> {
    let error = |source| BenchmarkError::Matlab { file: file.to_owned(), source };
    let bytes = read(file, MAX_ANNOTATION, "its folder")?;
    let variables = matlab::parse(&bytes).map_err(error)?;
    let points = matlab::numbers(&variables, "pts_coord").map_err(error)?;
    let unexpected = |found: String| {
        error(MatlabError::Unexpected {
            name: "pts_coord".to_owned(),
            found,
            expected: "2 rows, x above y, of finite pixels",
        })
    };
    let [2, count] = points.dimensions[..] else {
        return Err(unexpected(format!("an array of {:?}", points.dimensions)));
    };
    if count == 0 {
        return Err(unexpected("no keypoint".to_owned()));
    }
    // Columns are contiguous in MATLAB's order.
    let keypoints = points.values.chunks_exact(2).map(|point| [point[0] as f32, point[1] as f32]);
    let keypoints: Vec<Point> = keypoints.collect();
    match keypoints.iter().flatten().find(|coordinate| !coordinate.is_finite()) {
        Some(bad) => Err(unexpected(bad.to_string())),
        None => Ok(keypoints),
    }
}

fn check_lengths(photographs: &[Annotated]) -> Result<(), BenchmarkError> {
    let Some(first) = photographs.first() else { return Ok(()) };
    photographs.iter().try_for_each(|other| keypoints_of(first, other).map(drop))
}

/// The keypoints of two photographs, as many of each.
fn keypoints_of<'a>(
    one: &'a Annotated,
    other: &'a Annotated,
) -> Result<[Cow<'a, [Point]>; 2], BenchmarkError> {
    // What could not be read before says again why.
    let read = |of: &'a Annotated| match &of.keypoints {
        Some(points) => Ok(Cow::Borrowed(&points[..])),
        None => keypoints(&of.file).map(Cow::Owned),
    };
    let (expected, found) = (read(one)?, read(other)?);
    if found.len() == expected.len() {
        return Ok([expected, found]);
    }
    let what = format!(
        "pts_coord has {} keypoints, that of {}.mat {}: expected as many in each",
        found.len(),
        one.name,
        expected.len()
    );
    Err(BenchmarkError::Contradiction { file: other.file.clone(), what })
}

fn id(category: &str, source: &Annotated, target: &Annotated) -> String {
    format!("{category}/{}-{}", source.name, target.name)
}

fn pair(
    images: &mut Images,
    category: &str,
    source: &Annotated,
    target: &Annotated,
) -> Result<Pair, BenchmarkError> {
    let [source_keypoints, target_keypoints] = keypoints_of(source, target)?;
    let mut image = |of: &Annotated| {
        let file = of.photograph.clone();
        images
            .index(file.clone(), None)
            .map_err(|what| BenchmarkError::Contradiction { file, what })
    };
    Ok(Pair {
        id: id(category, source, target),
        category: category.to_owned(),
        source: image(source)?,
        target: image(target)?,
        keypoint_ids: (0..source_keypoints.len()).map(|index| index.to_string()).collect(),
        source_keypoints: source_keypoints.into_owned(),
        target_keypoints: target_keypoints.into_owned(),
        source_box: None,
        target_box: None,
        variation: None,
    })
}
