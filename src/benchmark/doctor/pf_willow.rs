//! The doctor for PF-WILLOW.

use std::path::Path;

use super::diagnosis::{
    Ailment, Annotated, CheckProgress, CheckScope, CheckedSplit, Diagnosis, Finding, decode,
};
use crate::benchmark::doubts::is_outside;
use crate::benchmark::pf_willow::{annotations, folder, keypoints, sub_classes};
use crate::benchmark::{BenchmarkError, Counts};
use crate::text::counted;

/// Photographs in each sub-class, and keypoints in each photograph.
const EACH: usize = 10;

pub(super) fn examine(
    root: &Path,
    examination: &CheckScope,
    progress: &CheckProgress,
) -> Result<Diagnosis, BenchmarkError> {
    let root = folder(root)?;
    if let Some(split) = examination.splits.iter().find(|split| *split != "test") {
        return Err(BenchmarkError::UnknownSplit {
            root,
            found: split.clone(),
            known: "test".to_owned(),
        });
    }
    let mut findings = Vec::new();
    let mut find = |ailment, what| findings.push(Finding { ailment, what });
    let mut counts = Counts::new();
    let mut photographs: Vec<Annotated> = Vec::new();
    let sub_classes = sub_classes(&root)?;
    if sub_classes.len() != EACH {
        find(
            Ailment::Counts,
            format!(
                "{}, PF-WILLOW has {EACH}",
                match sub_classes.len() {
                    1 => "1 sub-class".to_owned(),
                    count => format!("{count} sub-classes"),
                }
            ),
        );
    }
    for (name, folder) in sub_classes {
        let annotated = annotations(&folder)?;
        let images = annotated.len();
        if images != EACH {
            find(
                Ailment::Counts,
                format!("{name}: {}, PF-WILLOW has {EACH}", counted(images, "annotation")),
            );
        }
        for _ in 0..images * images.saturating_sub(1) {
            counts.add(&name, None);
        }
        for (_, file, photograph) in annotated {
            match keypoints(&file) {
                Err(error) => find(Ailment::BrokenAnnotation, error.to_string()),
                Ok(keypoints) => {
                    for (ailment, what) in examine_keypoints(&file, &photograph, &keypoints) {
                        find(ailment, what);
                    }
                }
            }
            photographs.push((photograph, None));
        }
    }
    let mut decoded = None;
    if !examination.without_photographs {
        let (count, damaged) = decode(&photographs, progress);
        decoded = Some(count);
        findings.extend(damaged);
    }
    let splits = vec![CheckedSplit { name: "test".to_owned(), counts, compared: true }];
    Ok(Diagnosis { splits, photographs: photographs.len(), decoded, findings })
}

fn examine_keypoints(
    file: &Path,
    photograph: &Path,
    keypoints: &[crate::Point],
) -> Vec<(Ailment, String)> {
    let mut found = Vec::new();
    let count = keypoints.len();
    if count != EACH {
        let what =
            format!("{}: {}, PF-WILLOW has {EACH}", file.display(), counted(count, "keypoint"));
        found.push((Ailment::Contradiction, what));
    }
    // A photograph that cannot be measured is found when it is decoded.
    let Some([width, height]) = crate::image::size(photograph) else { return found };
    for (index, &[x, y]) in keypoints.iter().enumerate() {
        if is_outside([f64::from(x), f64::from(y)], [width, height], true) {
            let file = photograph.display();
            let what = format!("{file}: keypoint {index} at [{x}, {y}] of {width} × {height}");
            found.push((Ailment::KeypointOutside, what));
        }
    }
    found
}
