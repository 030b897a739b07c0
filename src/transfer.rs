//! From matches of hyperpixels to keypoints (HPF, section 3.3; docs/method.md, "Transfer").

use rayon::prelude::*;

use crate::engine::Matches;
use crate::flow::Flow;
use crate::hyperpixel::{Grid, Hyperimage};
use crate::{Point, PredictedKeypoints};

/// Which hyperpixels of a source the keypoints need: the rows to ask an engine for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Neighbours {
    /// Source hyperpixels that are a neighbour of some keypoint, ascending, each once.
    pub rows: Vec<u32>,
    /// For each keypoint the positions of its neighbours in `rows`; empty where no box contains it.
    pub of_keypoint: Vec<Vec<u32>>,
    /// The keypoints, in resized pixels.
    pub resized: Vec<Point>,
}

impl Neighbours {
    /// The source boxes that contain each keypoint, borders included. `keypoints` are in original
    /// pixels of the source; they are multiplied by its ratios in f32. One that is not finite has no
    /// neighbour.
    #[must_use]
    pub fn new(source: &Hyperimage, keypoints: &[Point]) -> Self {
        Self::on(&source.grid, source.ratio, keypoints)
    }

    /// [`Self::new`] for a source of which only the grid and the ratios (x, y) are at hand.
    #[must_use]
    pub fn on(grid: &Grid, ratio: [f32; 2], keypoints: &[Point]) -> Self {
        let resized: Vec<Point> = keypoints.iter().map(|&point| scaled(point, ratio)).collect();
        let neighbours: Vec<Vec<u32>> =
            resized.iter().map(|&point| grid.neighbours(point)).collect();
        let mut rows = neighbours.concat();
        rows.sort_unstable();
        rows.dedup();
        let position = |row: &u32| rows.partition_point(|other| other < row) as u32;
        let of_keypoint =
            neighbours.iter().map(|cells| cells.iter().map(position).collect()).collect();
        Self { rows, of_keypoint, resized }
    }
}

/// Transfers every keypoint: the mean over its neighbours of (target box corner of the neighbour's
/// match + keypoint − source box corner), divided by the target's ratios, so in original pixels of
/// the target. `None` for a keypoint without neighbour. `matches` are of `neighbours.rows`.
#[must_use]
pub fn transfer(
    source: &Hyperimage,
    target: &Hyperimage,
    neighbours: &Neighbours,
    matches: &Matches,
) -> PredictedKeypoints {
    transfer_between([&source.grid, &target.grid], target.ratio, neighbours, matches)
}

/// [`transfer`] between images of which only the grids, and the target's ratios (x, y), are at hand.
#[must_use]
pub fn transfer_between(
    [source, target]: [&Grid; 2],
    ratio: [f32; 2],
    neighbours: &Neighbours,
    matches: &Matches,
) -> PredictedKeypoints {
    neighbours
        .resized
        .iter()
        .zip(&neighbours.of_keypoint)
        .map(|(&keypoint, cells)| {
            let matched = cells.iter().map(|&cell| {
                (neighbours.rows[cell as usize] as usize, matches.best[cell as usize] as usize)
            });
            mean([source, target], ratio, keypoint, matched)
        })
        .collect()
}

/// The dense flow from source to target, whose `size` is the source's original width and height; unknown
/// where no box contains a pixel. `matches` are of all source hyperpixels. Every pixel is transferred as a keypoint
/// would be, with its neighbours found once.
#[must_use]
pub fn flow(source: &Hyperimage, target: &Hyperimage, size: [u32; 2], matches: &Matches) -> Flow {
    let [width, height] = size;
    let vectors = (0..height)
        .into_par_iter()
        .flat_map_iter(|y| (0..width).map(move |x| [x as f32, y as f32]))
        .map(|pixel| {
            let resized = scaled(pixel, source.ratio);
            let cells = source.grid.neighbours(resized);
            let matched =
                cells.iter().map(|&cell| (cell as usize, matches.best[cell as usize] as usize));
            let [x, y] = mean([&source.grid, &target.grid], target.ratio, resized, matched)?;
            Some([x - pixel[0], y - pixel[1]])
        })
        .collect();
    Flow { width, height, vectors }
}

/// The mean, over pairs of a source and a target hyperpixel, of where the source's match puts the
/// keypoint (resized pixels of the source); in original pixels of the target. Summed in f32 in order
/// of the neighbours, as the published code has it.
fn mean(
    [source, target]: [&Grid; 2],
    ratio: [f32; 2],
    keypoint: Point,
    matched: impl ExactSizeIterator<Item = (usize, usize)>,
) -> Option<Point> {
    let count = matched.len();
    if count == 0 {
        return None;
    }
    let mut sum = [0.0f32; 2];
    for (from, to) in matched {
        let (from, to) = (source.corner(from), target.corner(to));
        for axis in 0..2 {
            sum[axis] += to[axis] + (keypoint[axis] - from[axis]);
        }
    }
    Some([0, 1].map(|axis| sum[axis] / count as f32 / ratio[axis]))
}

/// A point of a photograph's original pixels in its resized pixels.
fn scaled(point: Point, ratio: [f32; 2]) -> Point {
    [point[0] * ratio[0], point[1] * ratio[1]]
}
