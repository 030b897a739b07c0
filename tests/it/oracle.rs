//! Hyperpixel Flow as a definition rather than an algorithm: dense, in f64, slow. Every engine is
//! held to it.

use hpflow::testing::hough::{BLUR_SIDE, HoughSpace, gaussian};
use hpflow::testing::hyperpixel::{Group, Hyperimage};

/// What the definition says of a pair, for all source hyperpixels.
pub struct Oracle {
    /// sources × targets.
    pub similarities: Vec<f64>,
    /// bins_y × bins_x.
    pub votes: Vec<f64>,
    /// bins_y × bins_x.
    pub blurred: Vec<f64>,
    /// sources × targets.
    pub confidences: Vec<f64>,
}

/// One hyperpixel: every group read at the place of its cell with aligned corners.
fn hyperpixel(image: &Hyperimage, index: usize) -> Vec<f64> {
    let base = &image.groups[0];
    let row = image.grid.rows.start + index / image.grid.columns.len;
    let column = image.grid.columns.start + index % image.grid.columns.len;
    let place = |coarse: usize, fine: usize, cell: usize| {
        if fine == 1 { 0.0 } else { cell as f64 * (coarse - 1) as f64 / (fine - 1) as f64 }
    };
    let read = |group: &Group, channel: usize| {
        let (y, x) =
            (place(group.rows, base.rows, row), place(group.columns, base.columns, column));
        let (top, left) = (y.floor() as usize, x.floor() as usize);
        let at = |row: usize, column: usize| {
            let (row, column) = (row.min(group.rows - 1), column.min(group.columns - 1));
            f64::from(group.data.at((channel * group.rows + row) * group.columns + column))
        };
        let (v, u) = (y - top as f64, x - left as f64);
        (1.0 - v) * ((1.0 - u) * at(top, left) + u * at(top, left + 1))
            + v * ((1.0 - u) * at(top + 1, left) + u * at(top + 1, left + 1))
    };
    image
        .groups
        .iter()
        .flat_map(|group| (0..group.channels).map(move |channel| (group, channel)))
        .map(|(group, channel)| read(group, channel))
        .collect()
}

/// Applies the definition.
pub fn oracle(source: &Hyperimage, target: &Hyperimage) -> Oracle {
    let unit = |image: &Hyperimage| -> Vec<Vec<f64>> {
        (0..image.grid.len())
            .map(|index| {
                let values = hyperpixel(image, index);
                let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
                let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
                values.iter().map(|value| value * scale).collect()
            })
            .collect()
    };
    let (sources, targets) = (unit(source), unit(target));
    let similarities: Vec<f64> = sources
        .iter()
        .flat_map(|s| targets.iter().map(move |t| (s, t)))
        .map(|(s, t)| s.iter().zip(t).map(|(a, b)| a * b).sum::<f64>().max(0.0).powi(3))
        .collect();
    let space = HoughSpace::new(source, target);
    let bin = |s: usize, t: usize| {
        let (from, to) = (source.grid.centre(s), target.grid.centre(t));
        let axis = |side: u32, from: f32, to: f32| {
            ((side as f32 - from + to) / space.cell as f32) as usize
        };
        axis(source.height, from[1], to[1]) * space.bins_x + axis(source.width, from[0], to[0])
    };
    let count = targets.len();
    let mut votes = vec![0.0; space.bins_x * space.bins_y];
    for (index, similarity) in similarities.iter().enumerate() {
        votes[bin(index / count, index % count)] += similarity;
    }
    let blurred = blur(&votes, space.bins_x, space.bins_y);
    let confidences = similarities
        .iter()
        .enumerate()
        .map(|(index, similarity)| similarity * blurred[bin(index / count, index % count)])
        .collect();
    Oracle { similarities, votes, blurred, confidences }
}

fn blur(votes: &[f64], width: usize, height: usize) -> Vec<f64> {
    let reach = BLUR_SIDE as i64 / 2;
    let weights = gaussian();
    let mut blurred = vec![0.0; votes.len()];
    for (index, blurred) in blurred.iter_mut().enumerate() {
        let (x, y) = ((index % width) as i64, (index / width) as i64);
        for (tap, &weight) in weights.iter().enumerate() {
            let from_x = x + (tap % BLUR_SIDE) as i64 - reach;
            let from_y = y + (tap / BLUR_SIDE) as i64 - reach;
            let inside =
                (0..width as i64).contains(&from_x) && (0..height as i64).contains(&from_y);
            if inside {
                *blurred += f64::from(weight) * votes[from_y as usize * width + from_x as usize];
            }
        }
    }
    blurred
}
