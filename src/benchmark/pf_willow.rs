//! PF-WILLOW: ten sub-classes of ten photographs with ten keypoints each.
//!
//! Distributed as a folder a sub-class, in it a photograph and a MATLAB file of the same name with
//! `pts_coord`, 2 × keypoints: x above y. The pairs are all ordered pairs within a sub-class. The
//! published evaluation takes the coordinates as they stand in the file, and so does this: Hyperpixel
//! Flow's published figures follow from that and not from coordinates less one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::faults::Faults;
use super::files::{entries, read};
use super::matlab::{self, MatlabError};
use super::open::{Images, find_root, say_where, select};
use super::{Benchmark, BenchmarkError, Options, Pair};
use crate::Point;

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
pub(super) fn open(
    root: &Path,
    options: &Options,
    faults: &mut Faults,
) -> Result<Benchmark, BenchmarkError> {
    let given = root;
    let root = folder(given)?;
    say_where(given, &root);
    if options.split != "test" {
        return Err(BenchmarkError::UnknownSplit {
            root,
            found: options.split.clone(),
            known: "test".to_owned(),
        });
    }
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
    Ok(Benchmark {
        name: "pf-willow".to_owned(),
        split: options.split.clone(),
        images: images.into_vec(),
        pairs,
    })
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
