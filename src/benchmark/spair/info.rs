//! What SPair-71k is.

use std::collections::BTreeMap;
use std::path::Path;

use super::images::{ImageSelection, read_images};
use super::read::{folder, open, splits};
use crate::benchmark::error::BenchmarkError;
use crate::benchmark::info::{BenchmarkInfo, BenchmarkReader, FileCheck, GroundTruth, Headings};
use crate::benchmark::select::LayoutSize;
use crate::protocol::evaluators::{
    CATS_256, CHM_240, DHPF_240, DIFT_IMAGE, DIFT_POINT, GEOAWARE_IMAGE, GEOAWARE_POINT,
    MMPOSE_POINTS, OF_MASKS, PASCAL, SCNET_224, SD_DINO_CLASS, SD_DINO_WEIGHTED, SD4MATCH_IMAGE,
    SD4MATCH_POINT, SPAIR, TSS_OWN, VISUAL_AI_IMAGE, VISUAL_AI_POINT, WILLOWS_OWN,
};
use crate::protocol::{Protocol, Refused};

/// What SPair-71k is.
pub(in crate::benchmark) static INFO: BenchmarkInfo = BenchmarkInfo {
    name: "spair",
    title: "SPair-71k",
    about: "",
    first_pixel: 0,
    truth: GroundTruth::Keypoints,
    archive: Some("https://cvlab.postech.ac.kr/research/SPair-71k/data/SPair-71k.tar.gz"),
    protocols: &PROTOCOLS,
    own: &["spair"],
    refused: &REFUSED,
    reader: BenchmarkReader {
        folder,
        is_telling: true,
        splits: |root| splits(root, LayoutSize::Large),
        read: open,
        headings: Some(headings),
        check: FileCheck::WithImageAnnotations,
    },
};

static PROTOCOLS: [Protocol; 17] = [
    SPAIR,
    DHPF_240,
    CHM_240,
    CATS_256,
    SD_DINO_CLASS,
    SD_DINO_WEIGHTED,
    GEOAWARE_IMAGE,
    GEOAWARE_POINT,
    DIFT_IMAGE,
    DIFT_POINT,
    SD4MATCH_IMAGE,
    SD4MATCH_POINT,
    VISUAL_AI_IMAGE,
    VISUAL_AI_POINT,
    SCNET_224,
    PASCAL,
    MMPOSE_POINTS,
];

static REFUSED: [Refused; 3] = [WILLOWS_OWN, TSS_OWN, OF_MASKS];

/// Counts images by heading, where there are image annotations.
fn headings(root: &Path) -> Result<Headings, BenchmarkError> {
    let folder = folder(root)?.join("ImageAnnotation");
    let mut headings: Headings = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(headings);
    }
    for image in read_images(&folder, &ImageSelection::default())? {
        let of_category = headings.entry(image.category.clone()).or_default();
        match of_category.get_mut(usize::from(image.azimuth_id)) {
            Some(count) => *count += 1,
            None => {
                return Err(BenchmarkError::Contradiction {
                    file: folder.join(&image.category).join(format!("{}.json", image.name())),
                    what: format!("azimuth_id is {}: expected 0 to 7", image.azimuth_id),
                });
            }
        }
    }
    Ok(headings)
}
