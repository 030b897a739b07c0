//! The source warped onto the target: by the thin-plate spline through keypoints, or by a dense flow.
//!
//! The spline (Bookstein, "Principal Warps", TPAMI 1989) takes points of the target into the source,
//! f(q) = a + b·x + c·y + Σ wᵢ U(|q − qᵢ|) with U(r) = r² ln r, and goes through every keypoint: there is
//! no regularisation.

use rayon::prelude::*;

use crate::Point;
use crate::flow::Flow;
use crate::image::Photograph;

/// Where nothing of the source is, the target shows through by this share of its colour.
const TARGET_SHARE: f32 = 0.3;

/// A thin-plate spline from the target's plane into the source's, in original pixels.
#[derive(Debug, Clone)]
pub struct ThinPlate {
    /// Keypoints of the target, no two of them equal.
    knots: Vec<[f64; 2]>,
    /// For x and y of the source: a weight a knot, then a, b and c.
    weights: [Vec<f64>; 2],
    /// The middle of the knots and their extent: the system is solved in units of it.
    frame: ([f64; 2], f64),
}

impl ThinPlate {
    /// The spline that takes each keypoint of the target to its keypoint of the source, both in
    /// original pixels. Of keypoints at one place of the target the mean counts. Those that are not
    /// finite do not. `None` where fewer than three places are left, or all are on a line.
    #[must_use]
    pub fn through(pairs: &[(Point, Point)]) -> Option<Self> {
        let mut places: Vec<([f64; 2], [f64; 2], f64)> = Vec::new();
        for (source, target) in pairs {
            let [source, target] = [source, target].map(|at| at.map(f64::from));
            if source.iter().chain(&target).any(|value| !value.is_finite()) {
                continue;
            }
            match places.iter_mut().find(|(at, ..)| *at == target) {
                Some((_, sum, count)) => {
                    *sum = [sum[0] + source[0], sum[1] + source[1]];
                    *count += 1.0;
                }
                None => places.push((target, source, 1.0)),
            }
        }
        if places.len() < 3 {
            return None;
        }
        let count = places.len() as f64;
        let middle = [0, 1].map(|axis| places.iter().map(|(at, ..)| at[axis]).sum::<f64>() / count);
        let far = |(at, ..): &([f64; 2], [f64; 2], f64)| {
            (at[0] - middle[0]).abs().max((at[1] - middle[1]).abs())
        };
        let extent = places.iter().map(far).fold(0.0, f64::max);
        let frame = (middle, extent);
        let knots: Vec<[f64; 2]> = places.iter().map(|(at, ..)| scaled(*at, frame)).collect();
        let sources: Vec<[f64; 2]> =
            places.iter().map(|(_, sum, count)| [sum[0] / count, sum[1] / count]).collect();
        let weights = solve(&knots, &sources)?;
        Some(Self { knots, weights, frame })
    }

    /// Where a point of the target is in the source.
    #[must_use]
    pub fn at(&self, target: [f64; 2]) -> [f64; 2] {
        let at = scaled(target, self.frame);
        let mut terms: Vec<f64> = self.knots.iter().map(|knot| kernel(at, *knot)).collect();
        terms.extend([1.0, at[0], at[1]]);
        [0, 1].map(|axis| terms.iter().zip(&self.weights[axis]).map(|(term, w)| term * w).sum())
    }
}

fn scaled(at: [f64; 2], (middle, extent): ([f64; 2], f64)) -> [f64; 2] {
    [0, 1].map(|axis| (at[axis] - middle[axis]) / extent)
}

/// U(r) = r² ln r = ½ r² ln r².
fn kernel(a: [f64; 2], b: [f64; 2]) -> f64 {
    let squared = (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
    if squared == 0.0 { 0.0 } else { 0.5 * squared * squared.ln() }
}

/// Weights of the knots and of the plane, by Gaussian elimination with the largest pivot.
fn solve(knots: &[[f64; 2]], values: &[[f64; 2]]) -> Option<[Vec<f64>; 2]> {
    let (count, size) = (knots.len(), knots.len() + 3);
    let plane = |at: &[f64; 2]| [1.0, at[0], at[1]];
    // The system with both right-hand sides as its last two columns.
    let mut rows: Vec<Vec<f64>> = vec![vec![0.0; size + 2]; size];
    for (i, knot) in knots.iter().enumerate() {
        for (j, other) in knots.iter().enumerate() {
            rows[i][j] = kernel(*knot, *other);
        }
        for (k, value) in plane(knot).into_iter().enumerate() {
            rows[i][count + k] = value;
            rows[count + k][i] = value;
        }
        rows[i][size..].copy_from_slice(&values[i]);
    }
    for column in 0..size {
        let largest =
            |&a: &usize, &b: &usize| rows[a][column].abs().total_cmp(&rows[b][column].abs());
        let pivot = (column..size).max_by(largest)?;
        // In the frame of the knots entries are of the order of one.
        if rows[pivot][column].abs() < 1e-9 {
            return None;
        }
        rows.swap(column, pivot);
        let (above, below) = rows.split_at_mut(column + 1);
        let row = &above[column];
        for other in below {
            let factor = other[column] / row[column];
            for (value, by) in other[column..].iter_mut().zip(&row[column..]) {
                *value -= factor * by;
            }
        }
    }
    let mut found = [vec![0.0; size], vec![0.0; size]];
    for (axis, found) in found.iter_mut().enumerate() {
        for i in (0..size).rev() {
            let known: f64 = (i + 1..size).map(|j| rows[i][j] * found[j]).sum();
            found[i] = (rows[i][size + axis] - known) / rows[i][i];
        }
    }
    Some(found)
}

/// The target, faint, with the source warped onto it by a spline.
#[must_use]
pub fn warp_by_spline(source: &Photograph, target: &Photograph, spline: &ThinPlate) -> Photograph {
    let width = target.width as usize;
    let rows = target.rgb.par_chunks_exact((width * 3).max(1)).enumerate().map(|(y, row)| {
        let pixels = row.chunks_exact(3).enumerate().flat_map(|(x, under)| {
            let at = spline.at([x as f64, y as f64]);
            sample(source, at).unwrap_or_else(|| faint(under))
        });
        pixels.collect::<Vec<u8>>()
    });
    Photograph { width: target.width, height: target.height, rgb: rows.flatten_iter().collect() }
}

/// The target, faint, with each pixel of the source where its flow takes it. A pixel covers what lies
/// between it and its neighbours to the right and below, up to eight pixels, so that enlarging leaves no
/// holes.
#[must_use]
pub fn warp_by_flow(source: &Photograph, target: &Photograph, flow: &Flow) -> Photograph {
    let mut rgb: Vec<u8> = target.rgb.chunks_exact(3).flat_map(faint).collect();
    let width = flow.width as usize;
    for (index, vector) in flow.vectors.iter().enumerate() {
        let Some([u, v]) = *vector else { continue };
        let (x, y) = ((index % width) as f32, (index / width) as f32);
        let [left, top] = [x + u, y + v];
        let next = |step: usize, axis: usize| {
            let other = flow.vectors.get(index + step).copied().flatten();
            let same_row = step != 1 || index % width + 1 < width;
            let moved = other.filter(|_| same_row).map(|other| 1.0 + other[axis] - [u, v][axis]);
            moved.filter(|side| *side > 1.0 && *side < 8.0).unwrap_or(1.0)
        };
        let place = index * 3;
        let Some(colour) = source.rgb.get(place..place + 3) else { continue };
        let to = [left + next(1, 0), top + next(width, 1)];
        let range = |from: f32, to: f32, side: u32| {
            let limit = |value: f32| value.round().clamp(0.0, side as f32) as usize;
            limit(from)..limit(to)
        };
        for row in range(top, to[1], target.height) {
            for column in range(left, to[0], target.width) {
                let at = (row * target.width as usize + column) * 3;
                rgb[at..at + 3].copy_from_slice(colour);
            }
        }
    }
    Photograph { width: target.width, height: target.height, rgb }
}

/// A pixel of the target where nothing lies on it.
fn faint(under: &[u8]) -> [u8; 3] {
    [0, 1, 2].map(|k| (255.0 + (f32::from(under[k]) - 255.0) * TARGET_SHARE + 0.5) as u8)
}

/// The colour between pixels; nothing outside the photograph.
fn sample(photograph: &Photograph, at: [f64; 2]) -> Option<[u8; 3]> {
    let sizes = [photograph.width, photograph.height].map(f64::from);
    let inside = |axis: usize| at[axis] >= -0.5 && at[axis] < sizes[axis] - 0.5;
    if !(inside(0) && inside(1)) {
        return None;
    }
    let [x, y] = [0, 1].map(|axis| at[axis].clamp(0.0, sizes[axis] - 1.0));
    let [left, top] = [x as usize, y as usize];
    let width = photograph.width as usize;
    let right = (left + 1).min(width - 1);
    let bottom = (top + 1).min(photograph.height as usize - 1);
    let (fx, fy) = (x - left as f64, y - top as f64);
    Some([0, 1, 2].map(|k| {
        let value =
            |row: usize, column: usize| f64::from(photograph.rgb[(row * width + column) * 3 + k]);
        let upper = value(top, left) * (1.0 - fx) + value(top, right) * fx;
        let lower = value(bottom, left) * (1.0 - fx) + value(bottom, right) * fx;
        (upper * (1.0 - fy) + lower * fy + 0.5) as u8
    }))
}

#[cfg(test)]
mod tests;
