//! From matches of hyperpixels to keypoints (HPF, section 3.3; DESIGN, "Transfer").

use crate::Point;
use crate::engine::Matches;
use crate::hyperpixel::Hyperimage;

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
    /// pixels of the source; they are multiplied by its ratio in f32. One that is not finite has no
    /// neighbour.
    #[must_use]
    pub fn new(source: &Hyperimage, keypoints: &[Point]) -> Self {
        let resized: Vec<Point> =
            keypoints.iter().map(|point| point.map(|side| side * source.ratio)).collect();
        let neighbours: Vec<Vec<u32>> =
            resized.iter().map(|&point| source.grid.neighbours(point)).collect();
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
/// match + keypoint − source box corner), divided by the target's ratio, so in original pixels of
/// the target. `None` for a keypoint without neighbour. `matches` are of `neighbours.rows`.
#[must_use]
pub fn transfer(
    source: &Hyperimage,
    target: &Hyperimage,
    neighbours: &Neighbours,
    matches: &Matches,
) -> Vec<Option<Point>> {
    neighbours
        .resized
        .iter()
        .zip(&neighbours.of_keypoint)
        .map(|(&keypoint, cells)| {
            let resized = mean(source, target, keypoint, &neighbours.rows, cells, matches)?;
            Some(resized.map(|side| side / target.ratio))
        })
        .collect()
}

/// The mean in f32, summed in order of the neighbours, as the published code has it.
fn mean(
    source: &Hyperimage,
    target: &Hyperimage,
    keypoint: Point,
    rows: &[u32],
    cells: &[u32],
    matches: &Matches,
) -> Option<Point> {
    if cells.is_empty() {
        return None;
    }
    let mut sum = [0.0f32; 2];
    for &cell in cells {
        let from = source.grid.corner(rows[cell as usize] as usize);
        let to = target.grid.corner(matches.best[cell as usize] as usize);
        for axis in 0..2 {
            sum[axis] += to[axis] + (keypoint[axis] - from[axis]);
        }
    }
    Some(sum.map(|side| side / cells.len() as f32))
}
