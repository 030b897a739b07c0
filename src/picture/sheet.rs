//! A surface to draw on: smooth discs, rings, lines and text over photographs.

use zeno::{Cap, Command, Fill, Mask, PathBuilder as _, Stroke, Style, Transform};

use super::typeface::outline;
use crate::Point;
use crate::image::Photograph;

/// Red, green and blue, 0 to 255.
pub(super) type Ink = [u8; 3];

pub(super) const WHITE: Ink = [255; 3];

/// Further than this from the picture, lines that lead there look the same.
const FAR: f32 = 20_000.0;

/// A picture in the making. Positions are pixels of the picture, whole numbers at their centres;
/// whatever is outside is cut off.
pub(super) struct Sheet {
    picture: Photograph,
}

impl Sheet {
    /// A sheet of one colour.
    pub(super) fn new(width: u32, height: u32, colour: Ink) -> Self {
        let rgb = colour.repeat(width as usize * height as usize);
        Self { picture: Photograph { width, height, rgb } }
    }

    pub(super) fn finish(self) -> Photograph {
        self.picture
    }

    /// Lays a photograph on the sheet with its top left pixel at (`left`, `top`).
    pub(super) fn lay(&mut self, photograph: &Photograph, left: u32, top: u32) {
        let width = photograph.width.min(self.picture.width.saturating_sub(left)) as usize;
        let rows = photograph.height.min(self.picture.height.saturating_sub(top)) as usize;
        for row in 0..rows {
            let from = row * photograph.width as usize * 3;
            let line = &photograph.rgb[from..from + width * 3];
            let to = ((top as usize + row) * self.picture.width as usize + left as usize) * 3;
            self.picture.rgb[to..to + width * 3].copy_from_slice(line);
        }
    }

    /// Blends a colour in where a path covers the picture, by the share of each pixel that it covers.
    fn draw<'a>(
        &mut self,
        path: &[Command],
        style: impl Into<Style<'a>>,
        colour: Ink,
        opacity: f32,
    ) {
        let style = style.into();
        let bounds = zeno::bounds(path, style, None);
        let limit = |value: f32, side: u32| value.clamp(0.0, side as f32) as u32;
        let (width, height) = (self.picture.width, self.picture.height);
        let [left, right] = [bounds.min.x - 1.0, bounds.max.x + 2.0].map(|x| limit(x, width));
        let [top, bottom] = [bounds.min.y - 1.0, bounds.max.y + 2.0].map(|y| limit(y, height));
        if left >= right || top >= bottom {
            return;
        }
        // The library's pixels have their centres at halves.
        let to_mask = Transform::translation(0.5 - left as f32, 0.5 - top as f32);
        let (covered, _) = Mask::new(path)
            .style(style)
            .transform(Some(to_mask))
            .size(right - left, bottom - top)
            .render();
        let rows = covered.chunks_exact((right - left) as usize);
        for (y, row) in (top..bottom).zip(rows) {
            for (x, &share) in (left..right).zip(row).filter(|(_, share)| **share > 0) {
                let share = f32::from(share) / 255.0 * opacity;
                let at = (y as usize * width as usize + x as usize) * 3;
                for (pixel, ink) in self.picture.rgb[at..at + 3].iter_mut().zip(colour) {
                    let (old, new) = (f32::from(*pixel), f32::from(ink));
                    *pixel = (old + (new - old) * share + 0.5) as u8;
                }
            }
        }
    }

    pub(super) fn disc(&mut self, at: Point, radius: f32, colour: Ink, opacity: f32) {
        self.draw(&circle(at, radius), Fill::NonZero, colour, opacity);
    }

    /// A circle's line of the given thickness.
    pub(super) fn ring(&mut self, at: Point, radius: f32, thickness: f32, colour: Ink) {
        self.draw(&circle(at, radius), Stroke::new(thickness), colour, 1.0);
    }

    /// The outline of a square around a point.
    pub(super) fn square(&mut self, [x, y]: Point, half: f32, thickness: f32, colour: Ink) {
        let mut path: Vec<Command> = Vec::new();
        path.add_rect([x - half, y - half], 2.0 * half, 2.0 * half);
        self.draw(&path, Stroke::new(thickness), colour, 1.0);
    }

    /// A line with round ends.
    pub(super) fn line(&mut self, a: Point, b: Point, thickness: f32, colour: Ink, opacity: f32) {
        let [a, b] = [a, b].map(|at| at.map(|value| value.clamp(-FAR, FAR)));
        let mut path: Vec<Command> = Vec::new();
        path.move_to(a).line_to(b);
        self.draw(&path, Stroke::new(thickness).cap(Cap::Round), colour, opacity);
    }

    /// Text with the top left corner of a capital at a point; `height` is that of a capital.
    pub(super) fn text(&mut self, text: &str, at: Point, height: f32, colour: Ink) {
        self.draw(&outline(text, at, height), Fill::NonZero, colour, 1.0);
    }
}

fn circle(at: Point, radius: f32) -> Vec<Command> {
    let mut path: Vec<Command> = Vec::new();
    path.add_circle(at, radius);
    path
}
