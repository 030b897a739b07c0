//! Which images a benchmark has: scenes chosen one after another until the number of pairs is what
//! was asked for.

use super::DemoError;
use super::objects::Category;
use super::scene::{KEYPOINTS, Scene};

/// How many images of a category a split has, and how many pairs they must make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    /// Number of images.
    pub images: usize,
    /// Number of ordered pairs with a common keypoint; any number where `None`.
    pub pairs: Option<usize>,
}

/// An image that was chosen: enough to draw it.
#[derive(Debug, Clone)]
pub(super) struct ChosenImage {
    /// The name that its random numbers come from.
    pub stream: String,
    /// Whether the object was moved across the border on purpose.
    pub close: bool,
    /// Where each keypoint is visible.
    pub keypoints: [Option<[u32; 2]>; KEYPOINTS],
}

/// How many scenes are looked at for an image that meets its quota's pace, and for the last one,
/// which must meet it exactly.
const CANDIDATES: usize = 48;
const LAST_CANDIDATES: usize = 4_000;

/// Chooses the images of a category and split. `stream` names them.
///
/// A pair without a common visible keypoint is no pair in SPair-71k. So a quota of pairs says how
/// many of the images' unordered pairs must have none; images are accepted so that this number
/// grows evenly, and the last image makes it exact.
///
/// # Errors
/// More pairs than the images can make, or none of many tries meets the quota.
pub(super) fn choose(
    category: &Category,
    seed: u64,
    stream: &str,
    quota: Quota,
) -> Result<Vec<ChosenImage>, DemoError> {
    let all = quota.images * quota.images.saturating_sub(1);
    let apart = match quota.pairs {
        Some(pairs) if pairs <= all && pairs % 2 == 0 => Some((all - pairs) / 2),
        Some(pairs) => {
            return Err(DemoError::Quota { category: category.name, images: quota.images, pairs });
        }
        None => None,
    };
    for attempt in 0..8 {
        if let Some(chosen) =
            attempt_choice(category, seed, &format!("{stream}.{attempt}"), quota.images, apart)
        {
            return Ok(chosen);
        }
    }
    let pairs = quota.pairs.unwrap_or(all);
    Err(DemoError::Quota { category: category.name, images: quota.images, pairs })
}

fn attempt_choice(
    category: &Category,
    seed: u64,
    stream: &str,
    images: usize,
    apart: Option<usize>,
) -> Option<Vec<ChosenImage>> {
    let mut chosen: Vec<ChosenImage> = Vec::with_capacity(images);
    let mut so_far = 0;
    for index in 0..images {
        let last = index + 1 == images;
        // Pairs grow with the square of the images, so the pairs without a keypoint should too.
        let goal = apart.map(|apart| apart * (index + 1) * (index + 1) / (images * images));
        let mut best: Option<(usize, usize, ChosenImage)> = None;
        for candidate in 0..if last { LAST_CANDIDATES } else { CANDIDATES } {
            let behind = goal.is_some_and(|goal| so_far < goal);
            let close = behind && candidate % 2 == 1;
            let choice = consider(category, seed, format!("{stream}.{index}.{candidate}"), close);
            let Some(choice) = choice else { continue };
            let count = so_far + chosen.iter().filter(|other| !shares(other, &choice)).count();
            let miss = goal.map_or(0, |goal| count.abs_diff(goal));
            if apart.is_some_and(|apart| count > apart || (last && count != apart)) {
                continue;
            }
            if best.as_ref().is_none_or(|&(least, ..)| miss < least) {
                best = Some((miss, count, choice));
            }
            if miss <= 1 {
                break;
            }
        }
        let (_, count, choice) = best?;
        so_far = count;
        chosen.push(choice);
    }
    Some(chosen)
}

/// The scene of that name, if enough of the object can be seen.
fn consider(category: &Category, seed: u64, stream: String, close: bool) -> Option<ChosenImage> {
    let scene = Scene::new(category, seed, &stream, close);
    let keypoints = scene.keypoints();
    let least = if close { 1 } else { 3 };
    (keypoints.iter().flatten().count() >= least).then_some(ChosenImage {
        stream,
        close,
        keypoints,
    })
}

fn shares(a: &ChosenImage, b: &ChosenImage) -> bool {
    a.keypoints.iter().zip(&b.keypoints).any(|(a, b)| a.is_some() && b.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::demo::objects::find;

    #[test]
    fn images_make_exactly_the_pairs_asked_for() {
        for (name, images, pairs) in [("bird", 17, 272), ("bus", 18, 250), ("car", 25, 564)] {
            let quota = Quota { images, pairs: Some(pairs) };
            let chosen = choose(find(name).unwrap(), 0, name, quota).unwrap();
            let made = (0..images)
                .flat_map(|i| (0..images).map(move |j| (i, j)))
                .filter(|&(i, j)| i != j && shares(&chosen[i], &chosen[j]))
                .count();
            assert_eq!((chosen.len(), made), (images, pairs), "{name}");
        }
    }

    #[test]
    fn more_pairs_than_images_can_make_are_refused() {
        let quota = Quota { images: 3, pairs: Some(8) };
        assert!(choose(find("car").unwrap(), 0, "car", quota).is_err());
    }
}
