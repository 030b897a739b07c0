//! Resizing and warping as learned alignments do: four taps, no antialiasing, and the centres of the
//! corner pixels stay at the corners (PyTorch's `affine_grid` and `grid_sample` with
//! `align_corners=True`, which was their behaviour when those methods were published).

use super::{MEAN, Photograph, STANDARD_DEVIATION};

/// A square picture as a network's input: RGB, ImageNet's mean subtracted and divided by its standard
/// deviation, planar, `3 * side * side` values.
#[derive(Debug, Clone, PartialEq)]
pub struct Square {
    /// Width and height in pixels.
    pub side: usize,
    /// Red, green and blue planes, row by row.
    pub planes: Vec<f32>,
}

impl Square {
    /// A photograph resized to a square, whatever its shape; a smaller one is enlarged.
    #[must_use]
    pub fn of(photograph: &Photograph, side: usize) -> Self {
        let mut planes = resize(photograph, [side, side]);
        let channels = planes.chunks_exact_mut(side * side);
        for (plane, (mean, deviation)) in channels.zip(MEAN.into_iter().zip(STANDARD_DEVIATION)) {
            plane.iter_mut().for_each(|value| *value = (*value / 255.0 - mean) / deviation);
        }
        Self { side, planes }
    }

    /// The picture whose pixel at grid position g, from -1 to 1 on both axes (x, y), is this one's at
    /// `map(g)`; 0, which is the mean colour, outside.
    #[must_use]
    pub fn warped(&self, map: impl Fn([f64; 2]) -> [f64; 2]) -> Self {
        let side = self.side;
        let planes = warp(&self.planes, [side, side], [side, side], map);
        Self { side, planes }
    }
}

/// A photograph resized to width and height in pixels: planar, 0 to 255.
#[must_use]
pub fn resize(photograph: &Photograph, [width, height]: [usize; 2]) -> Vec<f32> {
    let from = [photograph.width, photograph.height].map(|side| side as usize);
    let [columns, rows] = [taps(from[0], width), taps(from[1], height)];
    let at = |x: usize, y: usize, channel: usize| {
        f32::from(photograph.rgb[3 * (y * from[0] + x) + channel])
    };
    let mut planes = Vec::with_capacity(3 * width * height);
    for channel in 0..3 {
        for &(y, below) in &rows {
            let under = (y + 1).min(from[1] - 1);
            planes.extend(columns.iter().map(|&(x, right)| {
                let beside = (x + 1).min(from[0] - 1);
                let mix = |y| at(x, y, channel) * (1.0 - right) + at(beside, y, channel) * right;
                mix(y) * (1.0 - below) + mix(under) * below
            }));
        }
    }
    planes
}

/// For each of `to` pixels the source pixel before it and how far it is beyond that.
fn taps(from: usize, to: usize) -> Vec<(usize, f32)> {
    let scale = if to > 1 { (from - 1) as f64 / (to - 1) as f64 } else { 0.0 };
    (0..to)
        .map(|pixel| {
            let at = pixel as f64 * scale;
            let first = (at as usize).min(from - 1);
            (first, (at - first as f64) as f32)
        })
        .collect()
}

/// Planes of `from` (width, height) sampled for a picture of `to`: its pixel at grid position g, from
/// -1 to 1 on both axes, is bilinear at `map(g)`; zeros outside.
#[must_use]
pub fn warp(
    planes: &[f32],
    from: [usize; 2],
    to: [usize; 2],
    map: impl Fn([f64; 2]) -> [f64; 2],
) -> Vec<f32> {
    let [width, height] = from;
    let channels = planes.len() / (width * height).max(1);
    let mut warped = vec![0.0; channels * to[0] * to[1]];
    for row in 0..to[1] {
        for column in 0..to[0] {
            let [x, y] = map([grid(column, to[0]), grid(row, to[1])]);
            let at = [pixel(x, width), pixel(y, height)];
            for (tap, weight) in four(at, from) {
                for channel in 0..channels {
                    warped[(channel * to[1] + row) * to[0] + column] +=
                        weight * planes[channel * width * height + tap];
                }
            }
        }
    }
    warped
}

/// Position of the `index`-th of `count` pixels from -1 to 1.
#[must_use]
pub fn grid(index: usize, count: usize) -> f64 {
    match count {
        0 | 1 => 0.0,
        _ => 2.0 * index as f64 / (count - 1) as f64 - 1.0,
    }
}

/// The pixel, counted from 0, at a position from -1 to 1.
fn pixel(position: f64, count: usize) -> f64 {
    (position + 1.0) / 2.0 * (count - 1) as f64
}

/// The pixels around a position that are inside, with their weights.
fn four([x, y]: [f64; 2], [width, height]: [usize; 2]) -> impl Iterator<Item = (usize, f32)> {
    let (left, top) = (x.floor(), y.floor());
    let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];
    corners.into_iter().filter_map(move |(right, down)| {
        let (column, row) = (left + right, top + down);
        let weight = (1.0 - (x - column).abs()) * (1.0 - (y - row).abs());
        // Positions that are not numbers fail both comparisons.
        let inside = (0.0..width as f64).contains(&column) && (0.0..height as f64).contains(&row);
        inside.then(|| (row as usize * width + column as usize, weight as f32))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns 0, 10, 20, rows 0 and 100 more, the same in every channel.
    fn photograph() -> Photograph {
        let rgb = (0..6u8).flat_map(|at| [10 * (at % 3) + 100 * (at / 3); 3]).collect();
        Photograph { width: 3, height: 2, rgb }
    }

    #[test]
    fn corners_stay_at_the_corners() {
        let resized = resize(&photograph(), [5, 3]);
        let row = |row: usize| resized[5 * row..5 * row + 5].to_vec();
        assert_eq!(row(0), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(row(1), [50.0, 55.0, 60.0, 65.0, 70.0]);
        assert_eq!(row(2), [100.0, 105.0, 110.0, 115.0, 120.0]);
        assert_eq!(resize(&photograph(), [3, 2])[..6], [0.0, 10.0, 20.0, 100.0, 110.0, 120.0]);
    }

    #[test]
    fn a_single_pixel_fills_the_square() {
        let one = Photograph { width: 1, height: 1, rgb: vec![255, 0, 0] };
        let square = Square::of(&one, 4);
        assert_eq!(square.planes[..16], [(1.0 - MEAN[0]) / STANDARD_DEVIATION[0]; 16]);
    }

    #[test]
    fn warping_leaves_zeros_outside_and_takes_positions_that_are_no_numbers() {
        let square = Square { side: 2, planes: vec![1.0; 12] };
        assert_eq!(square.warped(|at| at), square);
        // Half the side further: between the two columns, and half a pixel beyond the last.
        let half = square.warped(|[x, y]| [x + 1.0, y]);
        assert_eq!(half.planes[..4], [1.0, 0.5, 1.0, 0.5]);
        assert!(square.warped(|_| [f64::NAN, 0.0]).planes.iter().all(|&value| value == 0.0));
        assert!(square.warped(|_| [1e300, f64::INFINITY]).planes.iter().all(|&v| v == 0.0));
    }
}
