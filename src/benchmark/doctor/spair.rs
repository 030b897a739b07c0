//! The doctor for SPair-71k and what is made like it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::Value;

use super::diagnosis::{
    Ailment, Annotated, CheckProgress, CheckScope, CheckedSplit, Diagnosis, Finding, decode,
};
use crate::benchmark::doubts::{SeenBox, is_flat, is_outside, repeated};
use crate::benchmark::faults::Faults;
use crate::benchmark::pair_files::PairFiles;
use crate::benchmark::spair::annotation::{
    ImageAnnotation, Number, PairAnnotation, Position, stem, value,
};
use crate::benchmark::spair::pairs::PairsError;
use crate::benchmark::spair::{self, pairs};
use crate::benchmark::{BenchmarkError, BenchmarkKind, Counts, LayoutSize, Variation};

/// Pair annotations that are in memory at a time.
const BATCH: usize = 2048;

pub(super) fn examine(
    root: &Path,
    examination: &CheckScope,
    progress: &CheckProgress,
) -> Result<Diagnosis, BenchmarkError> {
    let root = spair::folder(root)?;
    let names = match examination.splits.as_slice() {
        [] => BenchmarkKind::Spair.splits_to_read(&root)?,
        wanted => wanted.to_vec(),
    };
    let layout = |name: &String| spair::layout_path(&root, LayoutSize::Large, name);
    let layouts: Vec<PathBuf> = names.iter().map(layout).collect::<Result<_, _>>()?;
    let mut doctor = Doctor {
        root: &root,
        progress,
        images: HashMap::new(),
        photographs: BTreeMap::new(),
        outside: BTreeSet::new(),
        flat: BTreeSet::new(),
        boxes: BTreeMap::new(),
        findings: Vec::new(),
    };
    doctor.read_images();
    let mut splits = Vec::new();
    for (name, layout) in names.into_iter().zip(&layouts) {
        let counts = doctor.examine_split(&name, layout);
        splits.push(doctor.compare(name, counts));
    }
    let photographs: Vec<Annotated> = doctor.photographs.into_iter().collect();
    let mut decoded = None;
    if !examination.without_photographs {
        let (count, findings) = decode(&photographs, progress);
        decoded = Some(count);
        doctor.findings.extend(findings);
    }
    for ((photograph, what), seen) in doctor.boxes {
        if let Some(oddity) = seen.oddity() {
            let what = format!("{}: {what}", photograph.display());
            doctor.findings.push(Finding { ailment: oddity.into(), what });
        }
    }
    for (ailment, listed) in
        [(Ailment::KeypointOutside, doctor.outside), (Ailment::FlatBox, doctor.flat)]
    {
        doctor.findings.extend(listed.into_iter().map(|(photograph, what)| Finding {
            ailment,
            what: format!("{}: {what}", photograph.display()),
        }));
    }
    Ok(Diagnosis { splits, photographs: photographs.len(), decoded, findings: doctor.findings })
}

struct Doctor<'a> {
    root: &'a Path,
    progress: &'a CheckProgress<'a>,
    /// Image annotations by category and name.
    images: HashMap<(String, String), ImageAnnotation>,
    photographs: BTreeMap<PathBuf, Option<[u32; 2]>>,
    /// Photographs and what is outside them, each once however many pairs repeat it.
    outside: BTreeSet<(PathBuf, String)>,
    /// Photographs and their boxes of which one side is zero, likewise.
    flat: BTreeSet<(PathBuf, String)>,
    /// Photographs and their boxes, with the keypoints that images and pairs have with them.
    boxes: BTreeMap<(PathBuf, String), SeenBox>,
    findings: Vec<Finding>,
}

impl Doctor<'_> {
    fn find(&mut self, ailment: Ailment, what: String) {
        self.findings.push(Finding { ailment, what });
    }

    /// An annotation that could not be read, or does not fit its place.
    fn find_error(&mut self, error: &BenchmarkError) {
        let ailment = match error {
            BenchmarkError::Contradiction { .. } => Ailment::Contradiction,
            _ => Ailment::BrokenAnnotation,
        };
        self.find(ailment, error.to_string());
    }

    /// Reads all image annotations, if the benchmark has them.
    fn read_images(&mut self) {
        let folder = self.root.join("ImageAnnotation");
        if !folder.is_dir() {
            return;
        }
        let mut files = Vec::new();
        match spair::categories(&folder) {
            Err(error) => self.find_error(&error),
            Ok(categories) => {
                for category in categories {
                    match spair::files_of(&folder, &category) {
                        Err(error) => self.find_error(&error),
                        Ok(found) => files.extend(found.into_iter().map(|f| (category.clone(), f))),
                    }
                }
            }
        }
        let read: Vec<_> = files.par_iter().map(|(c, file)| spair::image(c, file)).collect();
        for ((category, file), image) in files.into_iter().zip(read) {
            match image {
                Err(error) => self.find_error(&error),
                Ok(image) => self.examine_image(category, &file, image),
            }
        }
    }

    fn examine_image(&mut self, category: String, file: &Path, image: ImageAnnotation) {
        let flat = is_flat(&image.bndbox.each_ref().map(|corner| value(corner) as f32));
        let fault = pairs::check_image(&image).err();
        // A box with one side of zero is listed as such.
        if let Some(error) =
            fault.filter(|fault| !(flat && matches!(fault, PairsError::Box { .. })))
        {
            self.find(Ailment::Contradiction, format!("{}: {error}", file.display()));
        }
        let photograph = self.photograph(&category, &image.filename);
        let size = [image.image_width, image.image_height];
        for (id, position) in image.kps.visible() {
            self.note_outside(&photograph, size, id, position);
        }
        self.note_flat(&photograph, &image.bndbox);
        let positions = image.kps.visible().map(|(_, position)| position);
        self.note_box(&photograph, size, &image.bndbox, positions);
        self.photographs.insert(photograph, Some(size));
        self.images.insert((category, image.name().to_owned()), image);
    }

    fn photograph(&self, category: &str, filename: &str) -> PathBuf {
        self.root.join("JPEGImages").join(category).join(filename)
    }

    fn note_outside(&mut self, photograph: &Path, size: [u32; 2], id: &str, position: &Position) {
        if is_outside(position.each_ref().map(value), size, false) {
            let [x, y] = position;
            let what = format!("keypoint {id} at [{x}, {y}] of {} × {}", size[0], size[1]);
            self.outside.insert((photograph.to_owned(), what));
        }
    }

    fn note_flat(&mut self, photograph: &Path, bounds: &[Number; 4]) {
        if is_flat(&bounds.each_ref().map(|corner| value(corner) as f32)) {
            let [left, top, right, bottom] = bounds;
            let what = format!("box [{left}, {top}, {right}, {bottom}]");
            self.flat.insert((photograph.to_owned(), what));
        }
    }

    fn note_box<'p>(
        &mut self,
        photograph: &Path,
        size: [u32; 2],
        bounds: &[Number; 4],
        positions: impl Iterator<Item = &'p Position>,
    ) {
        let [left, top, right, bottom] = bounds;
        let [width, height] = size;
        let what = format!("box [{left}, {top}, {right}, {bottom}] of {width} × {height}");
        let corners = bounds.each_ref().map(|corner| value(corner) as f32);
        let seen = self
            .boxes
            .entry((photograph.to_owned(), what))
            .or_insert_with(|| SeenBox::new(corners, Some(size)));
        positions.for_each(|position| seen.see(position.each_ref().map(value), false));
    }

    /// Reads a split's pairs and holds them to the image annotations.
    fn examine_split(&mut self, name: &str, layout: &Path) -> Counts {
        let mut counts = Counts::new();
        let mut faults = Faults::set_aside();
        let rows = spair::layout_rows(layout, &faults).unwrap_or_else(|error| {
            self.find_error(&error);
            Vec::new()
        });
        let ids: Vec<String> = rows.into_iter().filter_map(|row| faults.row(row)).collect();
        for unreadable in faults.into_unreadable() {
            self.find_error(&unreadable.error);
        }
        let folder = PairFiles::new(self.root.join("PairAnnotation").join(name));
        let mut done = 0;
        for batch in ids.chunks(BATCH) {
            let read: Vec<_> =
                batch.par_iter().map(|id| spair::read_pair(&folder, id, layout)).collect();
            for pair in read {
                match pair {
                    Err(error) => self.find_error(&error),
                    Ok((file, pair)) => {
                        counts.add(&pair.category, Some(variation(&pair)));
                        self.examine_pair(&file, &pair);
                    }
                }
            }
            done += batch.len();
            (self.progress)("pairs", done, ids.len());
        }
        counts
    }

    fn examine_pair(&mut self, file: &Path, pair: &PairAnnotation) {
        if let Err(what) = spair::check(pair) {
            self.find(Ailment::Contradiction, format!("{}: {what}", file.display()));
            return;
        }
        if let Some(twice) = repeated(&pair.kps_ids) {
            let what = format!("{}: keypoint {twice}", file.display());
            self.find(Ailment::RepeatedKeypoint, what);
        }
        for (filename, size, keypoints, bounds) in [
            (&pair.src_imname, pair.src_imsize, &pair.src_kps, &pair.src_bndbox),
            (&pair.trg_imname, pair.trg_imsize, &pair.trg_kps, &pair.trg_bndbox),
        ] {
            let photograph = self.photograph(&pair.category, filename);
            self.note_flat(&photograph, bounds);
            let size = [size[0], size[1]];
            self.note_box(&photograph, size, bounds, keypoints.iter().flatten());
            for (id, position) in pair.kps_ids.iter().zip(keypoints) {
                let Some(position) = position else { continue };
                self.note_outside(&photograph, size, id, position);
            }
            let known = *self.photographs.entry(photograph.clone()).or_insert(Some(size));
            // With image annotations, the comparison with them says it.
            if let (Some([width, height]), true) =
                (known.filter(|k| *k != size), self.images.is_empty())
            {
                self.find(
                    Ailment::Contradiction,
                    format!(
                        "{}: {} is {} × {} pixels here and {width} × {height} in another pair",
                        file.display(),
                        photograph.display(),
                        size[0],
                        size[1]
                    ),
                );
            }
        }
        if let Some(what) = self.contradiction(pair) {
            self.find(Ailment::Contradiction, format!("{}: {what}", file.display()));
        }
    }

    /// The first field in which a pair is not what follows from its images' annotations.
    fn contradiction(&self, pair: &PairAnnotation) -> Option<String> {
        if self.images.is_empty() {
            return None;
        }
        let image = |filename: &str| {
            let key = (pair.category.clone(), stem(filename).to_owned());
            self.images.get(&key).ok_or_else(|| format!("{filename} has no image annotation"))
        };
        let (source, target) = match (image(&pair.src_imname), image(&pair.trg_imname)) {
            (Ok(source), Ok(target)) => (source, target),
            (Err(what), _) | (_, Err(what)) => return Some(what),
        };
        let mut expected = pairs::pair(pair.pair_id, source, target);
        expected.mirror = pair.mirror; // says how the pair is used, not what is in its images
        if [source, target]
            .iter()
            .any(|image| is_flat(&image.bndbox.each_ref().map(|corner| value(corner) as f32)))
        {
            expected.scale_variation = pair.scale_variation; // no area, no scale
        }
        let (Ok(Value::Object(found)), Ok(Value::Object(expected))) =
            (serde_json::to_value(pair), serde_json::to_value(&expected))
        else {
            return None; // both have a JSON form
        };
        let (field, found) = found.iter().find(|(field, value)| {
            expected.get(*field).is_none_or(|expected| !same(value, expected))
        })?;
        let expected = expected.get(field).unwrap_or(&Value::Null);
        let (found, expected) = (shown(found), shown(expected));
        Some(format!("{field} is {found}, the image annotations give {expected}"))
    }

    /// Compares a split of SPair-71k with the paper.
    fn compare(&mut self, name: String, counts: Counts) -> CheckedSplit {
        let published = Counts::published(&name).filter(|published| {
            if self.images.is_empty() {
                return counts.category.keys().eq(published.category.keys());
            }
            // Others use SPair-71k's form, but its photographs are PASCAL VOC's.
            self.images.values().any(|image| {
                image.src_database.as_ref().is_some_and(|database| database.contains("VOC"))
            })
        });
        let compared = published.is_some();
        for difference in published.iter().flat_map(|published| counts.differences(published)) {
            self.find(Ailment::Counts, format!("{name}: {difference}"));
        }
        CheckedSplit { name, counts, compared }
    }
}

fn variation(pair: &PairAnnotation) -> Variation {
    Variation {
        viewpoint: pair.viewpoint_variation,
        scale: pair.scale_variation,
        truncation: pair.truncation,
        occlusion: pair.occlusion,
    }
}

/// Equality of JSON in which 1 and 1.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => value(a) == value(b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}

/// A value, cut where it is long.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
