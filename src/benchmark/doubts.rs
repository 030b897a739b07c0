//! What is doubtful in a benchmark and used all the same, as the published evaluations use it: truth
//! outside its photograph, boxes with a side of zero, keypoints of one name, photographs whose EXIF
//! orientation is ignored.

use std::collections::HashSet;

use rayon::prelude::*;

use super::open::Benchmark;
use super::pair::{Image, Pair};
use crate::Point;
use crate::image::{ignores_orientation, size};

/// How many there are, and which is the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Count {
    /// How many.
    pub count: usize,
    /// The first, in words.
    pub first: String,
}

impl Count {
    fn add(&mut self, first: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = first();
        }
        self.count += 1;
    }

    /// `1 box … (x)`, `2 boxes … (the first: x)`; nothing of none.
    fn said(&self, one: &str, several: &str) -> Option<String> {
        match self.count {
            0 => None,
            1 => Some(format!("1 {one} ({})", self.first)),
            count => Some(format!("{count} {several} (the first: {})", self.first)),
        }
    }
}

/// What is doubtful in a benchmark.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Doubts {
    /// Keypoints outside their photographs: each once, in however many pairs it is.
    pub outside: Count,
    /// Boxes of which one side is zero: each once.
    pub flat: Count,
    /// Pairs of which two keypoints have the same name.
    pub repeated: Count,
    /// Photographs that carry an EXIF orientation, which is ignored.
    pub turned: Count,
}

impl Doubts {
    /// One sentence, or nothing where nothing is doubtful.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let outside = self
            .outside
            .said("keypoint is outside its photograph", "keypoints are outside their photographs");
        let null = "; what is not visible should be null (NaN in MATLAB's files), and hpflow dataset \
                    check lists them";
        let end = if outside.is_some() { null } else { "; hpflow dataset check lists them" };
        let parts = [
            outside,
            self.flat.said(
                "box has a side of zero and is measured by the other",
                "boxes have a side of zero and are measured by the other",
            ),
            self.repeated
                .said("pair has two keypoints of one name", "pairs have two keypoints of one name"),
            self.turned.said(
                "photograph carries an EXIF orientation, which is ignored",
                "photographs carry an EXIF orientation, which is ignored",
            ),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| format!("used as they are: {}{end}", parts.join("; ")))
    }
}

impl Benchmark {
    /// Looks for what is doubtful. Photographs that are there are asked for their headers.
    #[must_use]
    pub fn doubts(&self) -> Doubts {
        let looked_at: Vec<(Option<[u32; 2]>, bool)> = self
            .images
            .par_iter()
            .map(|image| {
                (image.size.or_else(|| size(&image.path)), ignores_orientation(&image.path))
            })
            .collect();
        let mut doubts = Doubts::default();
        for (image, _) in self.images.iter().zip(&looked_at).filter(|(_, (_, turned))| *turned) {
            doubts.turned.add(|| image.path.display().to_string());
        }
        let from_one = self.kind.info().counts_from_one();
        let (mut keypoints, mut boxes) = (HashSet::new(), HashSet::new());
        for pair in &self.pairs {
            for (at, points) in sides(pair).into_iter().filter(|_| !self.has_outlines()) {
                let Some(size) = looked_at[at].0 else { continue };
                for (place, &point) in points.iter().enumerate() {
                    let inside = !is_outside(point.map(f64::from), size, from_one);
                    if inside || !keypoints.insert((at, name(pair, place), point.map(f32::to_bits)))
                    {
                        continue;
                    }
                    doubts.outside.add(|| {
                        let [width, height] = size;
                        let ([x, y], path) = (point, self.images[at].path.display());
                        let keypoint = name(pair, place);
                        format!("{keypoint} at [{x}, {y}] of {width} × {height} pixels in {path}, pair {}", pair.id)
                    });
                }
            }
            for (at, bounds) in [(pair.source, pair.source_box), (pair.target, pair.target_box)] {
                let Some(bounds) = bounds.filter(is_flat) else { continue };
                if boxes.insert((at, bounds.map(f32::to_bits))) {
                    doubts.flat.add(|| flat_box(&self.images[at], bounds, pair));
                }
            }
            if let Some(twice) = repeated(&pair.keypoint_ids) {
                doubts.repeated.add(|| format!("keypoint {twice} of pair {}", pair.id));
            }
        }
        doubts
    }
}

fn flat_box(image: &Image, bounds: [f32; 4], pair: &Pair) -> String {
    format!("{bounds:?} in {}, pair {}", image.path.display(), pair.id)
}

/// The images of a pair, by index, and their keypoints.
pub(super) fn sides(pair: &Pair) -> [(usize, &[Point]); 2] {
    [(pair.source, &pair.source_keypoints), (pair.target, &pair.target_keypoints)]
}

/// The name of a pair's keypoint: its number where it has none.
pub(super) fn name(pair: &Pair, place: usize) -> String {
    pair.keypoint_ids.get(place).map_or_else(|| place.to_string(), String::clone)
}

/// Whether exactly one side of a box is zero.
pub(super) fn is_flat(&[left, top, right, bottom]: &[f32; 4]) -> bool {
    (left == right) != (top == bottom)
}

/// The first name that comes twice.
pub(super) fn repeated(names: &[String]) -> Option<&str> {
    let mut seen = HashSet::new();
    names.iter().find(|name| !seen.insert(name.as_str())).map(String::as_str)
}

/// Whether a keypoint is outside a photograph of that size. Pixel centres count from 0, so that the
/// width is a pixel too far, but for annotations that count from one.
pub(super) fn is_outside([x, y]: [f64; 2], size: [u32; 2], from_one: bool) -> bool {
    let [width, height] = size.map(f64::from);
    let within = |at: f64, end: f64| at >= 0.0 && (at < end || from_one && at == end);
    !within(x, width) || !within(y, height)
}
