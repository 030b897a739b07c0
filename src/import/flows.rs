//! A folder of flows, as TSS's evaluation kit takes results: `<subset>/<pair>/flow1.flo` from the
//! first image to the second and `flow2.flo` back.
//!
//! A flow is read at the pixels whose truth is known. One that is not finite, or unknown in
//! Middlebury's sense, is no prediction (the kit counts what is not a number as right). The kit
//! resizes flows of other sizes; here they are refused, because resizing is part of predicting.

use std::path::Path;

use super::error::ImportError;
use super::found::ImportedPairs;
use crate::benchmark::{BenchmarkKind, GroundTruth};
use crate::flow::Flow;

pub(super) fn read(folder: &Path, found: &mut ImportedPairs<'_>) -> Result<(), ImportError> {
    let info = found.benchmark.kind.info();
    if info.truth != GroundTruth::Flow {
        let infos = BenchmarkKind::ALL.iter().map(|kind| kind.info());
        let of_flows = infos.filter(|info| info.truth == GroundTruth::Flow).map(|info| info.name);
        return Err(found.malformed(format!(
            "a folder of flows is for {}, and this is for {}",
            of_flows.collect::<Vec<_>>().join(" or "),
            info.name
        )));
    }
    for (index, pair) in found.benchmark.pairs.iter().enumerate() {
        let Some((place, direction)) = pair.id.rsplit_once(':') else { continue };
        let number = if direction == "1to2" { 1 } else { 2 };
        let file = folder.join(place).join(format!("flow{number}.flo"));
        if !file.exists() {
            continue;
        }
        let flow = Flow::read(&file).map_err(|error| found.malformed(error))?;
        let image = &found.benchmark.images[pair.source];
        let Some(expected) = image.size else {
            return Err(found.malformed(format!(
                "the size of {} is not known, so that its flow cannot be checked; open the \
                 benchmark with its photographs",
                image.name
            )));
        };
        if [flow.width, flow.height] != expected {
            let what = format!(
                "has {} × {} pixels, expected {} × {}; resize it as your method means it",
                flow.width, flow.height, expected[0], expected[1]
            );
            return Err(found.misfit(&file.display().to_string(), what));
        }
        let at = |&[x, y]: &[f32; 2]| {
            let vector = flow.vectors[y as usize * flow.width as usize + x as usize]?;
            Some([x + vector[0], y + vector[1]])
        };
        let points = pair.source_keypoints.iter().map(at).collect();
        found.keep(index, points, &file.display().to_string())?;
    }
    if found.predicted.iter().all(Option::is_none) {
        return Err(found.malformed(
            "expected flows in it, such as FG3DCar/001_002/flow1.flo as TSS's evaluation kit takes them",
        ));
    }
    Ok(())
}
