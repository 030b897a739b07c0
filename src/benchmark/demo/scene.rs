//! One image of the demo benchmark: what is in it, what of it is visible, and its pixels.

use super::backdrop;
use super::camera::{CameraView, covers};
use super::canvas::{Canvas, Light, Mask, SAMPLES};
use super::objects::{Category, Surroundings};
use super::random::Random;
use super::solid::{Solid, unit};
use std::f64::consts::TAU;

/// Number of keypoint names in SPair-71k's files.
pub(super) const KEYPOINTS: usize = 30;

/// Sizes of photographs as they are in PASCAL VOC, the usual ones more often.
const SIZES: [[u32; 2]; 10] = [
    [500, 375],
    [500, 375],
    [500, 375],
    [500, 333],
    [500, 333],
    [375, 500],
    [333, 500],
    [500, 334],
    [480, 360],
    [400, 500],
];

/// An image before it is drawn.
pub(super) struct Scene {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Heading in eighths of a turn.
    pub azimuth_id: u8,
    solid: Solid,
    view: CameraView,
    occluder: Option<(Solid, CameraView)>,
    setting: Surroundings,
    random: Random,
}

/// A drawn image.
pub(super) struct Drawing {
    /// RGB, 8 bits a channel, row by row.
    pub rgb: Vec<u8>,
    /// The visible object: first and last column and row, counted from 1 as in PASCAL VOC.
    pub bndbox: [u32; 4],
    /// Whether the object reaches beyond the image.
    pub truncated: bool,
    /// Whether something stands in front of the object.
    pub occluded: bool,
}

impl Scene {
    /// The scene of that name under a seed: the same whatever else is made.
    ///
    /// `close` moves the object across the border, so that few keypoints stay visible.
    pub(super) fn new(category: &Category, seed: u64, name: &str, close: bool) -> Self {
        let mut random = Random::new(seed, name);
        let solid = (category.build)(&mut random);
        let azimuth_id = random.weighted(&category.azimuths);
        let size = random.pick(&SIZES);
        let mut view = random_view(category, azimuth_id, &solid, &mut random);
        place(&mut view, &solid, size, close, category.setting != Surroundings::Air, &mut random);
        let occluder =
            random.chance(0.22).then(|| stand_in_front(&view, &solid, size, &mut random));
        let azimuth_id = azimuth_id as u8;
        Self { size, azimuth_id, solid, view, occluder, setting: category.setting, random }
    }

    /// Where each keypoint is visible, rounded to whole pixels.
    pub(super) fn keypoints(&self) -> [Option<[u32; 2]>; KEYPOINTS] {
        let outline = self.view.outline(&self.solid);
        let cover = self.occluder.as_ref().map(|(solid, view)| view.outline(solid));
        let mut visible = [None; KEYPOINTS];
        for keypoint in &self.solid.keypoints {
            visible[keypoint.id] = self
                .view
                .keypoint(&outline, keypoint)
                .filter(|&at| !cover.as_ref().is_some_and(|cover| covers(cover, at, 0.0)))
                .and_then(|at| self.inside(at));
        }
        visible
    }

    fn inside(&self, at: [f64; 2]) -> Option<[u32; 2]> {
        let [x, y] = at.map(|value| (value + 0.5).floor());
        let [width, height] = self.size.map(f64::from);
        ((0.0..width).contains(&x) && (0.0..height).contains(&y)).then_some([x as u32, y as u32])
    }

    /// Draws the image.
    pub(super) fn draw(mut self) -> Drawing {
        let keypoints = self.keypoints();
        let random = &mut self.random;
        let mut canvas = Canvas::new(self.size[0], self.size[1]);
        let side = random.range(-0.8, 0.8);
        let light = Light {
            direction: unit([side, random.range(0.4, 1.0), random.range(0.5, 1.0)]),
            ambient: random.range(0.45, 0.65) as f32,
            tint: [1.0, random.range(0.94, 1.0) as f32, random.range(0.85, 1.0) as f32],
        };
        let bounds = self.view.bounds(&self.solid);
        let foot = bounds[3].min(f64::from(self.size[1]));
        backdrop::paint_scenery(&mut canvas, self.setting, foot, &light, random);
        if self.setting != Surroundings::Air {
            let wide = bounds[2] - bounds[0];
            let centre =
                [(bounds[0] + bounds[2]) / 2.0 - side * wide * 0.1, bounds[3] - wide * 0.03];
            canvas.shade(centre, [wide * 0.6, wide * 0.13], 0.55);
        }
        let mask = canvas.draw(&self.solid, &self.view, &light, random.bits());
        let front = self
            .occluder
            .as_ref()
            .map(|(solid, view)| canvas.draw(solid, view, &light, random.bits()));
        let [width, height] = self.size.map(f64::from);
        let truncated = bounds[0] < -1.5
            || bounds[1] < -1.5
            || bounds[2] > width + 0.5
            || bounds[3] > height + 0.5;
        let (bndbox, hidden) = visible_box(&mask, front.as_ref(), &keypoints);
        let grain = random.range(0.0, 0.05) as f32;
        Drawing {
            rgb: canvas.develop(grain, random.bits()),
            bndbox,
            truncated,
            occluded: hidden > 0.01,
        }
    }
}

fn random_view(
    category: &Category,
    azimuth_id: usize,
    solid: &Solid,
    random: &mut Random,
) -> CameraView {
    let jitter = if category.round { 0.0 } else { random.range(-0.045, 0.045) };
    let azimuth = TAU * (azimuth_id as f64 / 8.0 + jitter);
    let (elevation, roll) = if category.setting == Surroundings::Air {
        (random.range(-0.3, 0.45), random.range(-0.3, 0.3))
    } else {
        (random.range(0.03, 0.38), random.range(-0.08, 0.08))
    };
    let middle = middle_of(solid);
    CameraView::new(azimuth, elevation, roll, middle, random.range(4.5, 9.0))
}

fn middle_of(solid: &Solid) -> [f64; 3] {
    let corners = || solid.triangles.iter().flat_map(|triangle| &triangle.corners);
    [0, 1, 2].map(|axis| {
        let low = corners().map(|corner| corner.at[axis]).fold(f64::INFINITY, f64::min);
        let high = corners().map(|corner| corner.at[axis]).fold(f64::NEG_INFINITY, f64::max);
        (low + high) / 2.0
    })
}

/// Gives the object a scale and a position, some of them across the image's border.
fn place(
    view: &mut CameraView,
    solid: &Solid,
    size: [u32; 2],
    close: bool,
    grounded: bool,
    random: &mut Random,
) {
    let [width, height] = size.map(f64::from);
    let truncated = close || random.chance(0.26);
    let share = match (close, truncated) {
        (true, _) => random.range(1.0, 2.4),
        (_, true) => random.range(0.75, 1.35),
        _ => random.range(0.38, 0.95),
    };
    view.fit(solid, [width * share, height * share], [width / 2.0, height / 2.0]);
    let [left, top, right, bottom] = view.bounds(solid);
    // How far the object can move with its box inside the image, and beyond it.
    let room = [(width - (right - left)) / 2.0, (height - (bottom - top)) / 2.0];
    let beyond = if close { 0.5 } else { 0.3 };
    let mut shift = [0, 1].map(|axis| {
        let extent = [right - left, bottom - top][axis];
        let limit = room[axis].abs().max(0.0);
        random.range(-limit, limit)
            + if truncated { random.range(-beyond, beyond) * extent } else { 0.0 }
    });
    if grounded && !truncated {
        // What stands on the ground is seldom at the top of a photograph.
        shift[1] = shift[1].max(-room[1] * 0.4);
    }
    view.offset = [view.offset[0] + shift[0], view.offset[1] + shift[1]];
}

/// Something in front of a part of the object.
fn stand_in_front(
    view: &CameraView,
    solid: &Solid,
    size: [u32; 2],
    random: &mut Random,
) -> (Solid, CameraView) {
    let [left, top, right, bottom] = view.bounds(solid);
    let [width, height] = size.map(f64::from);
    let (left, right) = (left.max(0.0), right.min(width));
    let (top, bottom) = (top.max(0.0), bottom.min(height));
    let thing = backdrop::occluder(random);
    let mut front =
        CameraView::new(random.range(-0.6, 0.6), random.range(0.0, 0.3), 0.0, [0.0; 3], 7.0);
    let extent = random.range(0.25, 0.5);
    let box_size = [(right - left) * extent, (bottom - top) * extent * 1.8];
    let centre = [
        left + (right - left) * random.range(0.0, 1.0),
        bottom - (bottom - top) * random.range(0.0, 0.35),
    ];
    front.fit(&thing, box_size.map(|side| side.max(12.0)), centre);
    (thing, front)
}

/// The box around the visible part, and the share of the object's samples that are hidden.
///
/// Visible keypoints are in the box even where rounding put them a pixel outside the object, so a
/// box is never empty.
fn visible_box(
    mask: &Mask,
    front: Option<&Mask>,
    keypoints: &[Option<[u32; 2]>],
) -> ([u32; 4], f64) {
    let (mut low, mut high) = ([u32::MAX; 2], [0; 2]);
    let mut include = |[x, y]: [u32; 2]| {
        low = [low[0].min(x), low[1].min(y)];
        high = [high[0].max(x), high[1].max(y)];
    };
    let (mut all, mut hidden) = (0_usize, 0_usize);
    for (x, y) in mask.samples() {
        all += 1;
        if front.is_some_and(|front| front.has(x, y)) {
            hidden += 1;
        } else {
            include([(x / SAMPLES) as u32, (y / SAMPLES) as u32]);
        }
    }
    keypoints.iter().flatten().for_each(|&at| include(at));
    // PASCAL VOC counts pixels from 1. A box of one column or row would have no area.
    let first =
        [0, 1].map(|axis| if low[axis] == high[axis] { low[axis].max(1) } else { low[axis] + 1 });
    let last = high.map(|value| value.max(1) + 1);
    let box_ = [first[0], first[1], last[0], last[1]];
    (box_, hidden as f64 / all.max(1) as f64)
}
