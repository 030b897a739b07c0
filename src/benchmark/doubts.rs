//! What is doubtful in a benchmark and used all the same, as the published evaluations use it: truth
//! outside its photograph, boxes beside their keypoints or with a side of zero, keypoints of one name,
//! photographs whose EXIF orientation is ignored.

use std::collections::{HashMap, HashSet};

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
    /// Boxes that reach outside their photographs by more than a pixel: each once.
    pub boxes_outside: Count,
    /// Boxes that hold none of the keypoints that pairs have with them: each once.
    pub boxes_beside: Count,
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
        let boxes = self.boxes_outside.count + self.boxes_beside.count > 0;
        let corners = if boxes { "; a box is [xmin, ymin, xmax, ymax]" } else { "" };
        let parts = [
            outside,
            self.boxes_outside.said(
                "box reaches outside its photograph",
                "boxes reach outside their photographs",
            ),
            self.boxes_beside
                .said("box holds none of its keypoints", "boxes hold none of their keypoints"),
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
        (!parts.is_empty()).then(|| format!("used as they are: {}{corners}{end}", parts.join("; ")))
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
        for OddBox { image, bounds: [left, top, right, bottom], pair, oddity } in
            self.odd_boxes(|image| looked_at[image].0)
        {
            let corners = format!("[{left}, {top}, {right}, {bottom}]");
            let place = format!("{}, pair {}", self.images[image].path.display(), pair.id);
            match (oddity, looked_at[image].0) {
                (BoxOddity::Outside, Some([width, height])) => doubts
                    .boxes_outside
                    .add(|| format!("{corners} of {width} × {height} pixels in {place}")),
                _ => doubts.boxes_beside.add(|| format!("{corners} in {place}")),
            }
        }
        doubts
    }

    /// The boxes that are odd, each once, in order of first use; given the sizes of images.
    pub(super) fn odd_boxes(&self, size: impl Fn(usize) -> Option<[u32; 2]>) -> Vec<OddBox<'_>> {
        if self.has_outlines() {
            return Vec::new();
        }
        let from_one = self.kind.info().counts_from_one();
        let mut places = HashMap::new();
        let mut seen: Vec<(usize, &Pair, SeenBox)> = Vec::new();
        for pair in &self.pairs {
            let boxes = [pair.source_box, pair.target_box];
            for ((at, points), bounds) in sides(pair).into_iter().zip(boxes) {
                let Some(bounds) = bounds else { continue };
                let place = *places.entry((at, bounds.map(f32::to_bits))).or_insert_with(|| {
                    seen.push((at, pair, SeenBox::new(bounds, size(at))));
                    seen.len() - 1
                });
                let points = points.iter().map(|point| point.map(f64::from));
                points.for_each(|point| seen[place].2.see(point, from_one));
            }
        }
        let odd = seen.into_iter().filter_map(|(image, pair, seen)| {
            Some(OddBox { image, bounds: seen.bounds, pair, oddity: seen.oddity()? })
        });
        odd.collect()
    }
}

/// What is odd about a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoxOddity {
    /// It reaches outside its photograph.
    Outside,
    /// It holds none of its keypoints.
    Beside,
}

/// A box that is odd, with the first pair that has it.
pub(super) struct OddBox<'a> {
    pub(super) image: usize,
    pub(super) bounds: [f32; 4],
    pair: &'a Pair,
    pub(super) oddity: BoxOddity,
}

/// A box of a photograph, and which of its keypoints were seen in it.
#[derive(Debug, Clone)]
pub(super) struct SeenBox {
    bounds: [f32; 4],
    size: Option<[u32; 2]>,
    keypoints: usize,
    held: usize,
}

impl SeenBox {
    /// How far a keypoint may be outside its box and a box outside its photograph, in pixels: annotations
    /// count pixels from 0 or 1, and round.
    const SLACK: f64 = 1.0;

    pub(super) fn new(bounds: [f32; 4], size: Option<[u32; 2]>) -> Self {
        Self { bounds, size, keypoints: 0, held: 0 }
    }

    /// Looks at a keypoint. One outside the photograph is doubtful itself and says nothing of the box.
    pub(super) fn see(&mut self, point: [f64; 2], from_one: bool) {
        if self.size.is_some_and(|size| is_outside(point, size, from_one)) {
            return;
        }
        let [left, top, right, bottom] = self.bounds.map(f64::from);
        let within =
            |at: f64, start: f64, end: f64| at >= start - Self::SLACK && at <= end + Self::SLACK;
        self.keypoints += 1;
        self.held += usize::from(within(point[0], left, right) && within(point[1], top, bottom));
    }

    /// What is odd, if anything is. Boxes with a side of zero are counted as such, and what is no box is
    /// refused elsewhere.
    pub(super) fn oddity(&self) -> Option<BoxOddity> {
        let [left, top, right, bottom] = self.bounds.map(f64::from);
        if left > right || top > bottom {
            return None;
        }
        let reaches_outside = self.size.is_some_and(|size| {
            let [width, height] = size.map(|side| f64::from(side) + Self::SLACK);
            left < -Self::SLACK || top < -Self::SLACK || right > width || bottom > height
        });
        if reaches_outside {
            return Some(BoxOddity::Outside);
        }
        let is_beside = self.keypoints > 0 && self.held == 0 && !is_flat(&self.bounds);
        is_beside.then_some(BoxOddity::Beside)
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
