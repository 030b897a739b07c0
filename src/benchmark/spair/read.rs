//! SPair-71k's pairs from its folder.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::annotation::{Number, PairAnnotation, value};
use crate::benchmark::error::BenchmarkError;
use crate::benchmark::faults::{Faults, Listed};
use crate::benchmark::files::{entries, is_plain_name, read, read_text};
use crate::benchmark::info::{SplitPairs, Visibility};
use crate::benchmark::pair::Pair;
use crate::benchmark::pair_files::PairFiles;
use crate::benchmark::select::{
    BenchmarkOptions, Images, LayoutSize, find_root, say_where, select_listed,
};
use crate::benchmark::variation::Variation;

/// A layout of a million pairs has some 45 MB.
const MAX_LAYOUT: u64 = 256 << 20;
/// A pair annotation has about 1 kB.
const MAX_ANNOTATION: u64 = 4 << 20;
/// Annotations parsed at a time: their text and trees are gone before the next ones are read.
const BATCH: usize = 2048;

/// Reads a split's pairs.
pub(in crate::benchmark) fn open(
    root: &Path,
    options: &BenchmarkOptions,
    faults: &mut Faults,
) -> Result<SplitPairs, BenchmarkError> {
    let given = root;
    let root = folder(given)?;
    say_where(given, &root);
    let layout = layout_path(&root, options.layout, &options.split)?;
    let lines = layout_rows(&layout, faults)?;
    let categories = lines.iter().map(|line| line.row().map(|id| category_of(id)));
    let selected = select_listed(categories, options)?;
    let mut lines: Vec<Option<Listed<String>>> = lines.into_iter().map(Some).collect();
    let annotations = PairFiles::new(root.join("PairAnnotation").join(&options.split));
    let mut reading = Reading {
        root: &root,
        images: faults.images(root.join("JPEGImages")),
        pairs: Vec::new(),
        hidden: 0,
    };
    for batch in selected.chunks(BATCH) {
        let batch: Vec<Listed<String>> =
            batch.iter().filter_map(|&index| lines[index].take()).collect();
        let parsed: Vec<_> = batch
            .par_iter()
            .map(|line| line.row().map(|id| read_pair(&annotations, id, &layout)))
            .collect();
        for (line, result) in batch.into_iter().zip(parsed) {
            let (Some(id), Some(result)) = (faults.row(line), result) else { continue };
            let read = result.and_then(|(file, annotation)| {
                reading.add(annotation).map_err(|what| BenchmarkError::Contradiction { file, what })
            });
            faults.pass(|| id, read)?;
        }
    }
    if reading.hidden > 0 {
        tracing::warn!(
            "{}: {} of {} pairs have keypoints that are null or NaN, which are left out",
            root.display(),
            reading.hidden,
            reading.pairs.len()
        );
    }
    faults.learn(&mut reading.images);
    let (images, pairs) = (reading.images.into_vec(), reading.pairs);
    Ok(SplitPairs { images, pairs, visibility: Visibility::Unsaid })
}

/// The benchmark's folder: `root`, or the one in it.
pub(in crate::benchmark) fn folder(root: &Path) -> Result<PathBuf, BenchmarkError> {
    let found = find_root(root, &["SPair-71k"], |folder| folder.join("Layout").is_dir());
    found.ok_or_else(|| BenchmarkError::Root {
        root: root.to_owned(),
        benchmark: "SPair-71k",
        expected: "the folders Layout, PairAnnotation and JPEGImages",
        looks_like: None,
    })
}

/// `Layout/<size>/<split>.txt`, if the benchmark has that split.
pub(in crate::benchmark) fn layout_path(
    root: &Path,
    size: LayoutSize,
    split: &str,
) -> Result<PathBuf, BenchmarkError> {
    let folder = root.join("Layout").join(size.name());
    let file = folder.join(format!("{split}.txt"));
    // Something else than a file is refused as such when it is read.
    if is_plain_name(split) && file.exists() {
        return Ok(file);
    }
    let known = splits(root, size)?.join(", ");
    let split = split.to_owned();
    if known.is_empty() {
        let expected = format!("{split}.txt");
        return Err(BenchmarkError::NoSplits { folder, split, expected });
    }
    Err(BenchmarkError::UnknownSplit { root: folder, found: split, known })
}

/// The splits that the benchmark has: `trn`, `val`, `test`, then others in name order.
pub(in crate::benchmark) fn splits(
    root: &Path,
    size: LayoutSize,
) -> Result<Vec<String>, BenchmarkError> {
    let usual = ["trn", "val", "test"];
    let entries = entries(&root.join("Layout").join(size.name()))?;
    let names =
        entries.into_iter().filter_map(|(name, _)| name.strip_suffix(".txt").map(str::to_owned));
    let mut names: Vec<String> = names.collect();
    names.sort_by_key(|name| usual.iter().position(|usual| usual == name).unwrap_or(usual.len()));
    Ok(names)
}

/// The ids in a layout, checked: each can be a file's name and occurs once.
///
/// # Errors
/// A file that cannot be read or is empty, and a line that is no id or lists one a second time.
pub fn read_layout(file: &Path) -> Result<Vec<String>, BenchmarkError> {
    let rows = layout_rows(file, &Faults::default())?;
    Ok(rows.into_iter().filter_map(|row| row.row().cloned()).collect())
}

/// The rows of a layout; those that are no ids are set aside or stop the reading.
pub(in crate::benchmark) fn layout_rows(
    file: &Path,
    faults: &Faults,
) -> Result<Vec<Listed<String>>, BenchmarkError> {
    let bytes = read_text(file, MAX_LAYOUT, "the split")?;
    let text = String::from_utf8_lossy(&bytes);
    let mut seen = std::collections::HashSet::new();
    let mut rows = Vec::new();
    for (number, line) in crate::text::lines(&text).enumerate() {
        let id = line.trim();
        if id.is_empty() {
            continue;
        }
        let well_formed = id.rsplit_once(':').is_some_and(|(pair, category)| {
            pair.splitn(3, '-').filter(|part| !part.is_empty()).count() == 3 && !category.is_empty()
        });
        let read = if !well_formed || !is_plain_name(id) {
            let shown: String = id.chars().take(80).collect();
            Err(format!("found {shown:?}, expected <id>-<source>-<target>:<category>"))
        } else if !seen.insert(id.to_owned()) {
            Err(format!("pair {id} is listed a second time; remove one"))
        } else {
            Ok(id.to_owned())
        };
        let line = number + 1;
        let read = read.map_err(|what| BenchmarkError::Line { file: file.to_owned(), line, what });
        rows.push(faults.listed(String::new, read)?);
    }
    if rows.is_empty() {
        return Err(BenchmarkError::Empty { file: file.to_owned() });
    }
    Ok(rows)
}

fn category_of(id: &str) -> &str {
    id.rsplit_once(':').expect("a layout's ids have a category").1
}

/// The annotation of a listed pair, with its file.
pub(in crate::benchmark) fn read_pair(
    folder: &PairFiles,
    id: &str,
    layout: &Path,
) -> Result<(PathBuf, PairAnnotation), BenchmarkError> {
    let file = folder.file(id)?;
    let bytes = read(&file, MAX_ANNOTATION, &layout.display().to_string())?;
    let annotation = PairAnnotation::parse(&bytes)
        .map_err(|source| BenchmarkError::Json { file: file.clone(), source })?;
    if annotation.filename != id {
        let what = format!("filename is \"{}\", expected \"{id}\"", annotation.filename);
        return Err(BenchmarkError::Contradiction { file, what });
    }
    if annotation.category != category_of(id) {
        let what = format!(
            "category is \"{}\", expected \"{}\" as in its name",
            annotation.category,
            category_of(id)
        );
        return Err(BenchmarkError::Contradiction { file, what });
    }
    Ok((file, annotation))
}

struct Reading<'a> {
    root: &'a Path,
    images: Images,
    pairs: Vec<Pair>,
    /// Pairs with keypoints that are not visible, which no distributed file has.
    hidden: usize,
}

impl Reading<'_> {
    fn add(&mut self, annotation: PairAnnotation) -> Result<(), String> {
        check(&annotation)?;
        // Before its photographs are entered: a pair that is left out says nothing of them.
        let sides = annotation.src_kps.iter().zip(&annotation.trg_kps).zip(&annotation.kps_ids);
        let (mut source_keypoints, mut target_keypoints) = (Vec::new(), Vec::new());
        let mut keypoint_ids = Vec::new();
        for ((of_source, of_target), id) in sides {
            let (Some(of_source), Some(of_target)) = (of_source, of_target) else { continue };
            source_keypoints.push(coordinates("src_kps", of_source)?);
            target_keypoints.push(coordinates("trg_kps", of_target)?);
            keypoint_ids.push(id.clone());
        }
        self.hidden += usize::from(keypoint_ids.len() < annotation.kps_ids.len());
        if keypoint_ids.is_empty() {
            return Err("no keypoint is visible in both images: expected at least one".to_owned());
        }
        let source_box = Some(corners("src_bndbox", &annotation.src_bndbox)?);
        let target_box = Some(corners("trg_bndbox", &annotation.trg_bndbox)?);
        let [source_width, source_height, _] = annotation.src_imsize;
        let [target_width, target_height, _] = annotation.trg_imsize;
        let folder = self.root.join("JPEGImages").join(&annotation.category);
        let source = self
            .images
            .index(folder.join(&annotation.src_imname), Some([source_width, source_height]))?;
        let target = self
            .images
            .index(folder.join(&annotation.trg_imname), Some([target_width, target_height]))?;
        self.pairs.push(Pair {
            source,
            target,
            source_keypoints,
            target_keypoints,
            source_box,
            target_box,
            variation: Some(Variation {
                viewpoint: annotation.viewpoint_variation,
                scale: annotation.scale_variation,
                truncation: annotation.truncation,
                occlusion: annotation.occlusion,
            }),
            keypoint_ids,
            category: annotation.category,
            id: annotation.filename,
        });
        Ok(())
    }
}

/// Whether lists have equal length, labels are levels, and names stay in their folder.
pub(in crate::benchmark) fn check(pair: &PairAnnotation) -> Result<(), String> {
    let lengths = [pair.src_kps.len(), pair.trg_kps.len(), pair.kps_ids.len()];
    if lengths.iter().any(|&length| length != lengths[0]) {
        let [source, target, ids] = lengths;
        return Err(format!(
            "src_kps has {source} keypoints, trg_kps {target} and kps_ids {ids}: expected as many in each"
        ));
    }
    if lengths[0] == 0 {
        return Err("src_kps is empty: expected at least one keypoint".to_owned());
    }
    for (field, size) in [("src_imsize", pair.src_imsize), ("trg_imsize", pair.trg_imsize)] {
        if size[0] == 0 || size[1] == 0 {
            return Err(format!("{field} is {size:?}: expected [width, height, depth] above 0"));
        }
    }
    for (field, level, most) in [
        ("viewpoint_variation", pair.viewpoint_variation, 2),
        ("scale_variation", pair.scale_variation, 2),
        ("truncation", pair.truncation, 3),
        ("occlusion", pair.occlusion, 3),
    ] {
        if level > most {
            return Err(format!("{field} is {level}: expected 0 to {most}"));
        }
    }
    for (field, name) in [
        ("src_imname", &pair.src_imname),
        ("trg_imname", &pair.trg_imname),
        ("category", &pair.category),
    ] {
        if !is_plain_name(name) {
            return Err(format!("{field} is \"{name}\": expected a name without a folder"));
        }
    }
    Ok(())
}

fn corners(field: &str, numbers: &[Number; 4]) -> Result<[f32; 4], String> {
    let corners = coordinates(field, numbers)?;
    let [left, top, right, bottom] = corners;
    // One side may be zero: published code measures by the longer one.
    if left <= right && top <= bottom && (left < right || top < bottom) {
        return Ok(corners);
    }
    Err(format!(
        "{field} is {corners:?}: expected xmin < xmax and ymin < ymax, or one of them equal"
    ))
}

fn coordinates<const N: usize>(field: &str, numbers: &[Number; N]) -> Result<[f32; N], String> {
    let coordinates = numbers.each_ref().map(|number| value(number) as f32);
    match coordinates.iter().position(|coordinate| !coordinate.is_finite()) {
        Some(index) => Err(format!("{field} holds {}: expected pixels", numbers[index])),
        None => Ok(coordinates),
    }
}
