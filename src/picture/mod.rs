//! Pictures of matches: photographs side by side, keypoints, lines.
//!
//! The source is on the left, the target on the right, both at the same height. Every keypoint has a
//! number and a colour. Where the truth is known, a thin circle around it is as large as the error
//! that still counts as right, and the line is green for right and red for wrong.

mod sheet;
mod typeface;
mod warp;

pub use warp::{ThinPlate, warp_by_flow, warp_by_spline};

use std::path::{Path, PathBuf};

use image::ImageEncoder as _;

use crate::Point;
use crate::image::Photograph;
use sheet::{Ink, Sheet, WHITE};
use typeface::text_width;

/// A keypoint to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// The keypoint in original pixels of the source.
    pub source: Point,
    /// The prediction in original pixels of the target, if there is one.
    pub prediction: Option<Point>,
    /// Where it should be, if that is known.
    pub truth: Option<TrueKeypoint>,
}

/// Where a keypoint should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrueKeypoint {
    /// The keypoint in original pixels of the target.
    pub at: Point,
    /// The largest error that counts as right, in original pixels of the target: α times the
    /// threshold (PCK, Yang and Ramanan, TPAMI 2013).
    pub radius: f32,
}

/// Why a picture could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be written: {source}; check the folder, its ending (.png) and the disk")]
pub struct PictureError {
    /// The picture.
    path: PathBuf,
    /// What the encoder or the system said.
    source: image::ImageError,
}

/// Height of the photographs in a picture: that of the higher one, within these bounds in pixels.
const HEIGHTS: [u32; 2] = [240, 1000];

/// No photograph is wider than this in a picture.
const WIDEST: u32 = 1600;

const PAPER: Ink = [250, 250, 248];
const TEXT: Ink = [60, 60, 66];
const RIGHT: Ink = [30, 160, 70];
const WRONG: Ink = [215, 45, 45];

/// Draws a match: the source left, the target right, keypoints and lines between them.
///
/// A keypoint without prediction is a hollow circle on the source, named below the photographs. A
/// prediction outside the target is a square at the nearest point of its border. A position that is
/// not finite is not drawn, and a prediction that is not finite counts as missing.
#[must_use]
pub fn matches(source: &Photograph, target: &Photograph, matches: &[Drawn]) -> Photograph {
    matches_and_warp(source, target, matches, None)
}

/// As [`matches()`], with a third picture to the right where there is one: the source warped onto the
/// target ([`warp_by_spline`], [`warp_by_flow`]), of the target's size.
#[must_use]
pub fn matches_and_warp(
    source: &Photograph,
    target: &Photograph,
    matches: &[Drawn],
    warped: Option<&Photograph>,
) -> Photograph {
    let height = source.height.max(target.height).clamp(HEIGHTS[0], HEIGHTS[1]);
    let margin = height / 24;
    let left = Side::new(source, height, [margin, margin]);
    let right = Side::new(target, height, [left.offset[0] + left.shown.width + margin, margin]);
    let marker = (height as f32 / 48.0).clamp(7.0, 14.0);
    let notes = notes(matches);
    let footer = if notes.is_empty() { 0 } else { (marker * 2.0) as u32 };
    let after = |side: &Side| side.offset[0] + side.shown.width + margin;
    let warped = warped.map(|warped| Side::new(warped, height, [after(&right), margin]));
    let width = after(warped.as_ref().unwrap_or(&right));
    let mut sheet = Sheet::new(width, height + 2 * margin + footer, PAPER);
    for side in [&left, &right].into_iter().chain(&warped) {
        sheet.lay(&side.shown, side.offset[0], side.offset[1]);
    }
    for (index, drawn) in matches.iter().enumerate() {
        line(&mut sheet, &left, &right, drawn, colour(index), marker);
    }
    for (index, drawn) in matches.iter().enumerate() {
        markers(&mut sheet, &left, &right, drawn, index, marker);
    }
    let at = [margin as f32, (height + margin) as f32 + marker];
    let size = (marker * 1.1).min(fitting(&notes, (width - 2 * margin) as f32));
    sheet.text(&notes, at, size, TEXT);
    sheet.finish()
}

/// Several pictures in rows of `columns`, each with a caption below it, scaled to the same width.
#[must_use]
pub fn contact_sheet(pictures: &[(String, Photograph)], columns: usize, width: u32) -> Photograph {
    let columns = columns.clamp(1, pictures.len().max(1));
    let gap = 12;
    let cell = (width.saturating_sub(gap * (columns as u32 + 1)) / columns as u32).max(16);
    let caption = 26;
    let shown: Vec<Photograph> = pictures
        .iter()
        .map(|(_, picture)| {
            let scale = f64::from(cell) / f64::from(picture.width.max(1));
            resize(picture, cell, ((f64::from(picture.height) * scale) as u32).clamp(1, 2 * cell))
        })
        .collect();
    let rows: Vec<u32> = shown
        .chunks(columns)
        .map(|row| row.iter().map(|picture| picture.height).max().unwrap_or(0) + caption + gap)
        .collect();
    let full = gap + columns as u32 * (cell + gap);
    let mut sheet = Sheet::new(full, gap + rows.iter().sum::<u32>(), PAPER);
    let mut top = gap;
    for ((row, names), height) in shown.chunks(columns).zip(pictures.chunks(columns)).zip(rows) {
        for (index, (picture, (name, _))) in row.iter().zip(names).enumerate() {
            let left = gap + index as u32 * (cell + gap);
            sheet.lay(picture, left, top);
            let size = fitting(name, cell as f32).min(11.0);
            let at = [left as f32, (top + picture.height) as f32 + 8.0];
            sheet.text(name, at, size, TEXT);
        }
        top += height;
    }
    sheet.finish()
}

/// Writes a picture as PNG, whatever the path's ending.
///
/// # Errors
/// A file that cannot be written.
pub fn write_png(picture: &Photograph, path: &Path) -> Result<(), PictureError> {
    let colour = image::ExtendedColorType::Rgb8;
    let (width, height) = (picture.width, picture.height);
    let mut png = Vec::new();
    image::codecs::png::PngEncoder::new(&mut png)
        .write_image(&picture.rgb, width, height, colour)
        .and_then(|()| Ok(crate::files::write(path, png)?))
        .map_err(|source| PictureError { path: path.to_owned(), source })
}

/// The height at which a text is that wide.
fn fitting(text: &str, width: f32) -> f32 {
    width / text_width(text, 1.0).max(1.0)
}

/// What the numbers alone do not say.
fn notes(matches: &[Drawn]) -> String {
    let numbers = |wanted: &dyn Fn(&Drawn) -> bool| -> Vec<String> {
        let chosen = matches.iter().enumerate().filter(|(_, drawn)| wanted(drawn));
        chosen.map(|(index, _)| (index + 1).to_string()).collect()
    };
    let missing = numbers(&|drawn| prediction(drawn).is_none());
    let judged = matches.iter().filter(|drawn| drawn.truth.is_some()).count();
    let mut notes = Vec::new();
    if judged > 0 {
        let right = matches.iter().filter(|drawn| is_right(drawn) == Some(true)).count();
        notes.push(format!("{right} of {judged} right"));
    }
    if !missing.is_empty() {
        notes.push(format!("without prediction: {}", missing.join(" ")));
    }
    notes.join(" · ")
}

/// The prediction, unless it is not finite.
fn prediction(drawn: &Drawn) -> Option<Point> {
    drawn.prediction.filter(|at| is_finite(*at))
}

fn is_finite(at: Point) -> bool {
    at.iter().all(|value| value.is_finite())
}

/// Whether the prediction is right; nothing where the truth is not known.
fn is_right(drawn: &Drawn) -> Option<bool> {
    let truth = drawn.truth?;
    let distance = prediction(drawn).map(|at| (at[0] - truth.at[0]).hypot(at[1] - truth.at[1]));
    Some(distance.is_some_and(|distance| distance <= truth.radius))
}

/// A colour for each number: neighbours far apart on the colour circle.
fn colour(index: usize) -> Ink {
    const COLOURS: [Ink; 12] = [
        [0, 122, 204],
        [230, 126, 0],
        [0, 158, 115],
        [204, 51, 139],
        [120, 94, 240],
        [190, 160, 0],
        [86, 180, 233],
        [220, 80, 60],
        [90, 150, 30],
        [150, 75, 150],
        [0, 140, 160],
        [150, 95, 50],
    ];
    COLOURS[index % COLOURS.len()]
}

/// A photograph at its place in the picture.
struct Side {
    shown: Photograph,
    /// Its left and top in the picture.
    offset: [u32; 2],
    /// Shown over original size, horizontally and vertically.
    scale: Point,
}

impl Side {
    fn new(photograph: &Photograph, height: u32, offset: [u32; 2]) -> Self {
        let [w, h] = [photograph.width.max(1), photograph.height.max(1)].map(f64::from);
        let scale = (f64::from(height) / h).min(f64::from(WIDEST) / w);
        let size = [w, h].map(|side| ((side * scale + 0.5) as u32).max(1));
        let shown = resize(photograph, size[0], size[1]);
        let scale = [f64::from(size[0]) / w, f64::from(size[1]) / h].map(|scale| scale as f32);
        // A photograph that is too wide to be as high as the other is centred beside it.
        let offset = [offset[0], offset[1] + (height - size[1].min(height)) / 2];
        Self { shown, offset, scale }
    }

    /// Where a point of the photograph is in the picture, and whether it had to be moved to its
    /// border; nothing where it is not finite.
    fn place(&self, at: Point) -> Option<(Point, bool)> {
        if !is_finite(at) {
            return None;
        }
        let sizes = [self.shown.width, self.shown.height];
        let mut moved = false;
        let placed = [0, 1].map(|axis| {
            // Pixel centres are whole numbers, so sizes meet half a pixel before the first.
            let wanted = (at[axis] + 0.5) * self.scale[axis] - 0.5;
            let kept = wanted.clamp(-0.5, sizes[axis] as f32 - 0.5);
            moved |= kept != wanted;
            kept + self.offset[axis] as f32
        });
        Some((placed, moved))
    }
}

/// A photograph in another size: averaged where smaller, blended where larger.
fn resize(photograph: &Photograph, width: u32, height: u32) -> Photograph {
    let size = (photograph.width, photograph.height);
    let whole = image::RgbImage::from_raw(size.0, size.1, photograph.rgb.clone());
    // A photograph whose bytes are fewer than its size says is shown as an empty one.
    let whole = whole
        .filter(|whole| !whole.is_empty())
        .unwrap_or_else(|| image::RgbImage::from_pixel(1, 1, image::Rgb([200; 3])));
    let filter = image::imageops::FilterType::Triangle;
    let rgb = image::imageops::resize(&whole, width, height, filter).into_raw();
    Photograph { width, height, rgb }
}

fn line(sheet: &mut Sheet, left: &Side, right: &Side, drawn: &Drawn, ink: Ink, marker: f32) {
    let ends = (left.place(drawn.source), prediction(drawn).and_then(|at| right.place(at)));
    let (Some((from, _)), Some((to, _))) = ends else { return };
    let ink = match is_right(drawn) {
        Some(true) => RIGHT,
        Some(false) => WRONG,
        None => ink,
    };
    sheet.line(from, to, marker * 0.42, WHITE, 0.55);
    sheet.line(from, to, marker * 0.22, ink, 0.95);
}

fn markers(sheet: &mut Sheet, left: &Side, right: &Side, drawn: &Drawn, index: usize, marker: f32) {
    let ink = colour(index);
    let number = (index + 1).to_string();
    if let (Some(truth), Some((at, _))) = (drawn.truth, drawn.truth.and_then(|t| right.place(t.at)))
    {
        if let Some((found, _)) = prediction(drawn).and_then(|at| right.place(at)) {
            sheet.line(at, found, marker * 0.15, ink, 0.8);
        }
        let radius = truth.radius * (right.scale[0] + right.scale[1]) / 2.0;
        if radius.is_finite() && radius > 0.0 {
            sheet.ring(at, radius.min(4000.0), 3.0, WHITE);
            sheet.ring(at, radius.min(4000.0), 1.4, ink);
        }
        sheet.ring(at, marker * 0.35, 4.0, WHITE);
        sheet.ring(at, marker * 0.35, 2.2, ink);
    }
    let found = prediction(drawn);
    if let Some((at, moved)) = left.place(drawn.source) {
        badge(sheet, at, &number, marker, Badge { ink, hollow: found.is_none(), moved });
    }
    if let Some((at, moved)) = found.and_then(|at| right.place(at)) {
        badge(sheet, at, &number, marker, Badge { ink, hollow: false, moved });
    }
}

/// How a numbered circle looks.
struct Badge {
    ink: Ink,
    /// No prediction.
    hollow: bool,
    /// Not where it is drawn, but outside the photograph.
    moved: bool,
}

fn badge(sheet: &mut Sheet, at: Point, number: &str, marker: f32, look: Badge) {
    let text = if look.hollow {
        sheet.disc(at, marker, WHITE, 0.75);
        sheet.ring(at, marker, 2.4, look.ink);
        look.ink
    } else {
        sheet.disc(at, marker + 1.6, WHITE, 1.0);
        sheet.disc(at, marker, look.ink, 1.0);
        WHITE
    };
    if look.moved {
        sheet.square(at, marker + 4.0, 2.0, look.ink);
    }
    let size = (marker * 0.95).min(fitting(number, marker * 1.45));
    let corner = [at[0] - text_width(number, size) / 2.0, at[1] - size / 2.0];
    sheet.text(number, corner, size, text);
}
