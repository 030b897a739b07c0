//! Transferred masks against true ones, as Hyperpixel Flow's published code compares them on
//! Caltech-101 (`model/evaluation.py`).
//!
//! There the photographs' long side is at most 300, and so are masks drawn: outlines are scaled as
//! photographs are, and a mask is every pixel whose centre is inside the polygon or on its border
//! (scikit-image's `draw.polygon`).

use rayon::prelude::*;

use super::answers::Answers;
use super::error::ScoreError;
use super::verdict::{Verdict, target_size};
use crate::Point;
use crate::benchmark::{Benchmark, Pair};
use crate::image::scaled_size;
use crate::protocol::{Measure, Protocol};

/// The longest side of masks, which is that of HPF's images.
const LONGEST_SIDE: u32 = 300;

/// Judges every answered pair: a verdict's pixels are right where the masks agree, over all pixels
/// of the photograph (LT-ACC) or over those of either mask (IoU).
pub(super) fn judge(
    benchmark: &Benchmark,
    answers: &Answers,
    protocol: &Protocol,
) -> Result<Vec<Verdict>, ScoreError> {
    let pairs = (0..benchmark.pairs.len()).filter_map(|pair| Some((pair, answers.get(pair)?)));
    let pairs: Vec<(usize, &Vec<_>)> = pairs.collect();
    let verdict = |&(index, predicted): &(usize, &Vec<Option<Point>>)| {
        let pair = &benchmark.pairs[index];
        let [found, truth] = both(benchmark, pair, predicted, protocol)?;
        let agree = found.iter().zip(&truth);
        let right = match protocol.measure {
            Measure::LabelTransfer => agree.map(|(one, other)| one == other).collect(),
            Measure::Overlap | Measure::Keypoints => agree
                .filter(|(one, other)| **one || **other)
                .map(|(one, other)| *one && *other)
                .collect(),
        };
        let unanswered = predicted.iter().filter(|point| point.is_none()).count();
        Ok(Verdict { pair: index, judged: index, right, unanswered })
    };
    pairs.par_iter().map(verdict).collect()
}

/// The predicted mask and the true one.
fn both(
    benchmark: &Benchmark,
    pair: &Pair,
    predicted: &[Option<Point>],
    protocol: &Protocol,
) -> Result<[Vec<bool>; 2], ScoreError> {
    let size = target_size(benchmark, pair, protocol)?;
    let (size, ratio) = scaled_size(size, LONGEST_SIDE);
    // A corner without prediction is left out of the outline.
    let corners: Vec<Point> = predicted.iter().copied().flatten().collect();
    let draw = |outline: &[Point]| {
        let scaled = |side: f32| shortest(side * ratio);
        let outline: Vec<[f64; 2]> = outline.iter().map(|point| point.map(scaled)).collect();
        polygon(&outline, size)
    };
    let truth = draw(&pair.target_keypoints);
    if !truth.contains(&true) {
        return Err(ScoreError::NoMask { pair: pair.id.clone() });
    }
    Ok([draw(&corners), truth])
}

/// The number that a coordinate's shortest decimal is: the published code writes outlines as text
/// before it draws them.
fn shortest(side: f32) -> f64 {
    side.to_string().parse().expect("a number that was written")
}

/// A mask of that size (width, height), row by row: the pixels whose centre is in the polygon or on
/// its border. Fewer than three corners enclose nothing but what they touch.
fn polygon(corners: &[[f64; 2]], [width, height]: [u32; 2]) -> Vec<bool> {
    let mut mask = vec![false; width as usize * height as usize];
    if corners.is_empty() {
        return mask;
    }
    // The rows and columns that the polygon's box touches.
    let range = |axis: usize, length: u32| {
        let values = || corners.iter().map(|corner| corner[axis]);
        let from = values().fold(f64::MAX, f64::min).max(0.0) as u32;
        let to = values().fold(f64::MIN, f64::max).ceil().clamp(-1.0, f64::from(length) - 1.0);
        from..(to + 1.0) as u32
    };
    for row in range(1, height) {
        let edges = edges_at(corners, f64::from(row));
        for column in range(0, width) {
            if is_inside(&edges, [f64::from(column), f64::from(row)]) {
                mask[(row * width + column) as usize] = true;
            }
        }
    }
    mask
}

/// Two corners are the same point where they are this near on both axes.
const TOUCHES: f64 = 1e-12;

/// The edges that reach the row y: no other changes what is inside there.
fn edges_at(corners: &[[f64; 2]], y: f64) -> Vec<[[f64; 2]; 2]> {
    let before = corners.iter().cycle().skip(corners.len() - 1);
    let edges = before.zip(corners).map(|(&before, &here)| [before, here]);
    edges
        .filter(|[[_, one], [_, other]]| {
            one.min(*other) <= y + TOUCHES && one.max(*other) >= y - TOUCHES
        })
        .collect()
}

/// Whether a point is in a polygon or on its border (O'Rourke, "Computational Geometry in C", 1998,
/// section 7.4): rays to both sides cross the border equally often unless the point is on it.
fn is_inside(edges: &[[[f64; 2]; 2]], [x, y]: [f64; 2]) -> bool {
    let (mut right, mut left) = (false, false);
    for edge in edges {
        let [before, here] = edge.map(|corner| [corner[0] - x, corner[1] - y]);
        if here.iter().all(|side| side.abs() < TOUCHES) {
            return true;
        }
        let crossing = (here[0] * before[1] - before[0] * here[1]) / (before[1] - here[1]);
        if (here[1] > 0.0) != (before[1] > 0.0) && crossing > 0.0 {
            right = !right;
        }
        if (here[1] < 0.0) != (before[1] < 0.0) && crossing < 0.0 {
            left = !left;
        }
    }
    right != left || right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn drawn(corners: &[[f64; 2]], size: [u32; 2], expected: &[&str]) {
        let mask = polygon(corners, size);
        let rows: Vec<String> = mask
            .chunks(size[0] as usize)
            .map(|row| row.iter().map(|&inside| if inside { '#' } else { '.' }).collect())
            .collect();
        assert_eq!(rows, expected);
    }

    /// Expected masks: `skimage.draw.polygon(ys, xs, (height, width))` of scikit-image 0.26.
    #[test]
    fn polygons_are_filled_as_scikit_image_fills_them() {
        drawn(
            &[[1.0, 1.0], [4.0, 1.0], [4.0, 3.0], [1.0, 3.0]],
            [6, 5],
            &["......", ".####.", ".####.", ".####.", "......"],
        );
        drawn(
            &[[0.5, 0.2], [6.2, 2.6], [3.9, 5.7]],
            [8, 7],
            &["........", ".##.....", "..###...", "...###..", "...###..", "....#...", "........"],
        );
        let beyond = [[-3.0, -2.5], [5.5, -2.5], [5.5, 2.0], [-3.0, 2.0]];
        drawn(&beyond, [5, 4], &["#####", "#####", "#####", "....."]);
        let crossing = [[0.0, 0.0], [6.0, 4.0], [0.0, 4.0], [6.0, 0.0]];
        drawn(&crossing, [7, 5], &["#######", "..###..", ".......", "..###..", "#######"]);
        drawn(
            &[[0.0, 0.0], [7.0, 0.0], [7.0, 6.0], [3.5, 2.0], [0.0, 6.0]],
            [9, 7],
            &[
                "########.",
                "########.",
                "########.",
                "###..###.",
                "##....##.",
                "#......#.",
                "#......#.",
            ],
        );
    }

    #[test]
    fn an_outline_of_too_few_corners_is_what_it_touches() {
        drawn(&[], [3, 2], &["...", "..."]);
        drawn(&[[2.0, 1.0]], [3, 2], &["...", "..#"]);
        let segment = [[1.0, 1.0], [5.0, 3.0]];
        drawn(&segment, [7, 5], &[".......", ".#.....", ".......", ".....#.", "......."]);
    }

    #[test]
    fn an_outline_far_away_costs_nothing_and_encloses_nothing() {
        let far = f64::from(f32::MAX);
        for outline in
            [[[far, far], [far, 0.0], [0.0, far]], [[-far, -far], [-1.0, -far], [-far, -1.0]]]
        {
            assert_eq!(polygon(&outline, [3, 2]).len(), 6);
        }
        assert!(!polygon(&[[-far, -far], [-1.0, -far], [-far, -1.0]], [3, 2]).contains(&true));
    }
}
