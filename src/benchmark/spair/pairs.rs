//! From annotated images to pairs: ids, order and labels as in SPair-71k.
//!
//! The rules were worked out from the distributed files and reproduce them byte for byte: one
//! counter per split, categories in alphabetical order, then every ordered pair of a category's
//! images in name order. A pair with a common visible keypoint takes the next id; an image with
//! itself takes one too but is not listed.

use super::annotation::{ImageAnnotation, Number, PairAnnotation, Position, value};
use crate::benchmark::variation::Variation;

/// Why no pairs can be made from a set of images.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum PairsError {
    /// Two images of one category have the same name.
    #[error("two annotations of category \"{category}\" are of image \"{image}\": keep one")]
    Repeated {
        /// The category.
        category: String,
        /// The image's name.
        image: String,
    },
    /// A heading that is not an eighth of a turn.
    #[error("image \"{image}\" has azimuth_id {found}: expected 0 to 7")]
    Azimuth {
        /// The image's name.
        image: String,
        /// What its annotation says.
        found: u8,
    },
    /// A box without area has no scale.
    #[error("image \"{image}\" has bndbox {found}: expected xmin < xmax and ymin < ymax")]
    Box {
        /// The image's name.
        image: String,
        /// What its annotation says.
        found: String,
    },
}

/// All pairs of the images, in layout order; the first has the number after `first_id`.
///
/// # Errors
/// Repeated images, headings above 7 and boxes without area.
pub fn build(images: &[ImageAnnotation], first_id: u64) -> Result<Vec<PairAnnotation>, PairsError> {
    let mut sorted: Vec<&ImageAnnotation> = images.iter().collect();
    sorted.sort_by(|a, b| (&a.category, a.name()).cmp(&(&b.category, b.name())));
    sorted.iter().try_for_each(|image| check_image(image))?;
    if let Some(twice) = sorted.windows(2).find(|w| same_image(w[0], w[1])) {
        return Err(PairsError::Repeated {
            category: twice[0].category.clone(),
            image: twice[0].name().to_owned(),
        });
    }
    let mut pairs = Vec::new();
    let mut id = first_id;
    for category in sorted.chunk_by(|a, b| a.category == b.category) {
        for source in category {
            for target in category {
                if common_keypoints(source, target).is_empty() {
                    continue;
                }
                if !same_image(source, target) {
                    pairs.push(pair(id, source, target));
                }
                id += 1;
            }
        }
    }
    Ok(pairs)
}

/// The four labels of a pair of images (arXiv 1908.10543, section 3).
///
/// Viewpoint: the circular distance of the headings, in eighths of a turn: up to 1 easy, up to 3
/// medium, 4 hard. Scale: the larger box area over the smaller: below 2 easy, below 4 medium, else
/// hard. Truncation and occlusion: 1 for the source plus 2 for the target.
#[must_use]
pub fn variation(source: &ImageAnnotation, target: &ImageAnnotation) -> Variation {
    let turn = source.azimuth_id.abs_diff(target.azimuth_id);
    let viewpoint = match turn.min(8_u8.saturating_sub(turn)) {
        0 | 1 => 0,
        2 | 3 => 1,
        _ => 2,
    };
    let (a, b) = (area(&source.bndbox), area(&target.bndbox));
    let ratio = a.max(b) / a.min(b);
    let scale = if ratio < 2.0 {
        0
    } else if ratio < 4.0 {
        1
    } else {
        2
    };
    Variation {
        viewpoint,
        scale,
        truncation: u8::from(source.truncated != 0) + 2 * u8::from(target.truncated != 0),
        occlusion: u8::from(source.occluded != 0) + 2 * u8::from(target.occluded != 0),
    }
}

/// Whether an image's heading and box can be labelled.
pub(in crate::benchmark) fn check_image(image: &ImageAnnotation) -> Result<(), PairsError> {
    if image.azimuth_id > 7 {
        return Err(PairsError::Azimuth {
            image: image.name().to_owned(),
            found: image.azimuth_id,
        });
    }
    let [left, top, right, bottom] = image.bndbox.each_ref().map(value);
    if left < right && top < bottom {
        return Ok(());
    }
    Err(PairsError::Box {
        image: image.name().to_owned(),
        found: format!("[{left}, {top}, {right}, {bottom}]"),
    })
}

fn same_image(a: &ImageAnnotation, b: &ImageAnnotation) -> bool {
    a.category == b.category && a.name() == b.name()
}

fn area(bndbox: &[Number; 4]) -> f64 {
    let [left, top, right, bottom] = bndbox.each_ref().map(value);
    (right - left) * (bottom - top)
}

/// Name, source position and target position of each keypoint visible in both, in numeric order of
/// the names; names that are no numbers follow in the source's file order.
fn common_keypoints<'a>(
    source: &'a ImageAnnotation,
    target: &'a ImageAnnotation,
) -> Vec<(&'a str, &'a Position, &'a Position)> {
    let mut common: Vec<_> =
        source.kps.visible().filter_map(|(id, at)| Some((id, at, target.kps.get(id)?))).collect();
    common.sort_by_key(|(id, ..)| id.parse::<u64>().unwrap_or(u64::MAX));
    common
}

/// The annotation of two images' pair of that number.
pub(in crate::benchmark) fn pair(
    id: u64,
    source: &ImageAnnotation,
    target: &ImageAnnotation,
) -> PairAnnotation {
    let common = common_keypoints(source, target);
    let labels = variation(source, target);
    let category = source.category.clone();
    PairAnnotation {
        pair_id: id,
        filename: format!("{id:06}-{}-{}:{category}", source.name(), target.name()),
        src_imname: source.filename.clone(),
        trg_imname: target.filename.clone(),
        src_imsize: size(source),
        trg_imsize: size(target),
        src_bndbox: source.bndbox.clone(),
        trg_bndbox: target.bndbox.clone(),
        category,
        src_pose: source.pose.clone(),
        trg_pose: target.pose.clone(),
        src_kps: common.iter().map(|(_, at, _)| Some((*at).clone())).collect(),
        trg_kps: common.iter().map(|(_, _, at)| Some((*at).clone())).collect(),
        kps_ids: common.iter().map(|(id, ..)| (*id).to_owned()).collect(),
        mirror: 0,
        viewpoint_variation: labels.viewpoint,
        scale_variation: labels.scale,
        truncation: labels.truncation,
        occlusion: labels.occlusion,
    }
}

fn size(image: &ImageAnnotation) -> [u32; 3] {
    [image.image_width, image.image_height, image.image_depth]
}
