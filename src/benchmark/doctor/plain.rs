//! The doctor for benchmarks that have no published counts and no image annotations to compare
//! with: what reading them finds, and their photographs.

use std::collections::BTreeMap;
use std::path::Path;

use super::diagnosis::{
    Ailment, Annotated, CheckProgress, CheckScope, CheckedSplit, Diagnosis, Finding, decode,
};
use crate::benchmark::doubts::{is_flat, is_outside, name, repeated, sides};
use crate::benchmark::{Benchmark, BenchmarkError, BenchmarkKind, BenchmarkOptions, Counts};

pub(super) fn examine(
    kind: BenchmarkKind,
    root: &Path,
    examination: &CheckScope,
    progress: &CheckProgress,
) -> Result<Diagnosis, BenchmarkError> {
    let root = kind.folder(root)?;
    let names = match examination.splits.as_slice() {
        [] => kind.splits_to_read(&root)?,
        wanted => wanted.to_vec(),
    };
    let mut findings = Vec::new();
    let mut splits = Vec::new();
    let mut photographs = BTreeMap::new();
    for name in names {
        let options = BenchmarkOptions { split: name.clone(), ..BenchmarkOptions::default() };
        let mut counts = Counts::new();
        let broken = |error: &BenchmarkError| Finding {
            ailment: Ailment::BrokenAnnotation,
            what: error.to_string(),
        };
        match Benchmark::open_readable(kind, &root, &options) {
            Err(error) if error.is_usage() => return Err(error),
            Err(error) => findings.push(broken(&error)),
            Ok((mut benchmark, unreadable)) => {
                findings.extend(unreadable.iter().map(|one| broken(&one.error)));
                counts = Counts::of(&benchmark.pairs);
                photographs.extend(benchmark.images.iter().map(|i| (i.path.clone(), i.size)));
                if !examination.without_photographs {
                    benchmark.measure();
                }
                if !benchmark.has_outlines() {
                    findings.extend(keypoints_outside(&benchmark, kind.info().counts_from_one()));
                }
                findings.extend(odd_boxes(&benchmark));
                findings.extend(flat_boxes(&benchmark));
                findings.extend(repeated_keypoints(&benchmark));
            }
        }
        splits.push(CheckedSplit { name, counts, compared: false });
    }
    findings.dedup();
    let photographs: Vec<Annotated> = photographs.into_iter().collect();
    let mut decoded = None;
    if !examination.without_photographs {
        let (count, damaged) = decode(&photographs, progress);
        decoded = Some(count);
        findings.extend(damaged);
    }
    Ok(Diagnosis { splits, photographs: photographs.len(), decoded, findings })
}

/// Boxes outside their photographs or beside their keypoints, each once.
fn odd_boxes(benchmark: &Benchmark) -> Vec<Finding> {
    let odd = benchmark.odd_boxes(|image| benchmark.images[image].size);
    let found = odd.into_iter().map(|odd| {
        let [left, top, right, bottom] = odd.bounds;
        let image = &benchmark.images[odd.image];
        let size = image.size.map(|[width, height]| format!(" of {width} × {height}"));
        let what = format!(
            "{}: box [{left}, {top}, {right}, {bottom}]{}",
            image.path.display(),
            size.unwrap_or_default()
        );
        Finding { ailment: odd.oddity.into(), what }
    });
    let mut found: Vec<Finding> = found.collect();
    found.sort();
    found
}

/// Boxes of which one side is zero, each once.
fn flat_boxes(benchmark: &Benchmark) -> Vec<Finding> {
    let boxes = benchmark
        .pairs
        .iter()
        .flat_map(|pair| [(pair.source, pair.source_box), (pair.target, pair.target_box)]);
    let flat = boxes.filter_map(|(index, bounds)| {
        let bounds = bounds.filter(is_flat)?;
        let what = format!("{}: box {bounds:?}", benchmark.images[index].path.display());
        Some(Finding { ailment: Ailment::FlatBox, what })
    });
    let mut found: Vec<Finding> = flat.collect();
    found.sort();
    found.dedup();
    found
}

fn repeated_keypoints(benchmark: &Benchmark) -> Vec<Finding> {
    let twice = benchmark.pairs.iter().filter_map(|pair| {
        let what = format!("pair {}: keypoint {}", pair.id, repeated(&pair.keypoint_ids)?);
        Some(Finding { ailment: Ailment::RepeatedKeypoint, what })
    });
    twice.collect()
}

fn keypoints_outside(benchmark: &Benchmark, from_one: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for pair in &benchmark.pairs {
        for (index, points) in sides(pair) {
            let image = &benchmark.images[index];
            let Some(size) = image.size else { continue };
            for (id, &[x, y]) in points.iter().enumerate() {
                let id = name(pair, id);
                if is_outside([f64::from(x), f64::from(y)], size, from_one) {
                    let (file, [width, height]) = (image.path.display(), size);
                    let what = format!("{file}: keypoint {id} at [{x}, {y}] of {width} × {height}");
                    found.push(Finding { ailment: Ailment::KeypointOutside, what });
                }
            }
        }
    }
    found.sort();
    found.dedup(); // an image is in several pairs
    found
}
