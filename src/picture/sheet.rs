//! A surface to draw on: smooth discs, rings, lines and text over photographs.

use super::glyphs::polylines;
use crate::Point;
use crate::image::Photograph;

/// Red, green and blue, 0 to 255.
pub type Ink = [u8; 3];

pub const WHITE: Ink = [255; 3];

/// A picture in the making. Positions are pixels of the picture; what is outside is cut off.
pub struct Sheet {
    picture: Photograph,
}

impl Sheet {
    /// A sheet of one colour.
    pub fn new(width: u32, height: u32, colour: Ink) -> Self {
        let rgb = colour.repeat(width as usize * height as usize);
        Self { picture: Photograph { width, height, rgb } }
    }

    pub fn finish(self) -> Photograph {
        self.picture
    }

    /// Lays a photograph on the sheet with its top left pixel at (`left`, `top`).
    pub fn lay(&mut self, photograph: &Photograph, left: u32, top: u32) {
        let width = photograph.width.min(self.picture.width.saturating_sub(left)) as usize;
        let rows = photograph.height.min(self.picture.height.saturating_sub(top)) as usize;
        for row in 0..rows {
            let from = row * photograph.width as usize * 3;
            let line = &photograph.rgb[from..from + width * 3];
            let to = ((top as usize + row) * self.picture.width as usize + left as usize) * 3;
            self.picture.rgb[to..to + width * 3].copy_from_slice(line);
        }
    }

    /// Blends a colour in wherever `distance`, in pixels, is below zero; half covered at zero.
    /// `bounds` is the box it can be in: left, top, right, bottom.
    fn blend(
        &mut self,
        bounds: [f32; 4],
        colour: Ink,
        opacity: f32,
        distance: impl Fn(f32, f32) -> f32,
    ) {
        let limit = |value: f32, side: u32| value.clamp(0.0, side as f32) as u32;
        let (width, height) = (self.picture.width, self.picture.height);
        let columns = limit(bounds[0] - 1.0, width)..limit(bounds[2] + 2.0, width);
        for y in limit(bounds[1] - 1.0, height)..limit(bounds[3] + 2.0, height) {
            for x in columns.clone() {
                let share = (0.5 - distance(x as f32, y as f32)).clamp(0.0, 1.0) * opacity;
                if share > 0.0 {
                    let at = (y as usize * width as usize + x as usize) * 3;
                    for (pixel, ink) in self.picture.rgb[at..at + 3].iter_mut().zip(colour) {
                        let (old, new) = (f32::from(*pixel), f32::from(ink));
                        *pixel = (old + (new - old) * share + 0.5) as u8;
                    }
                }
            }
        }
    }

    pub fn disc(&mut self, [cx, cy]: Point, radius: f32, colour: Ink, opacity: f32) {
        let bounds = [cx - radius, cy - radius, cx + radius, cy + radius];
        self.blend(bounds, colour, opacity, |x, y| (x - cx).hypot(y - cy) - radius);
    }

    /// A circle's line of the given thickness.
    pub fn ring(&mut self, [cx, cy]: Point, radius: f32, thickness: f32, colour: Ink) {
        let outer = radius + thickness;
        let bounds = [cx - outer, cy - outer, cx + outer, cy + outer];
        self.blend(bounds, colour, 1.0, |x, y| {
            ((x - cx).hypot(y - cy) - radius).abs() - thickness / 2.0
        });
    }

    /// The outline of a square around a point.
    pub fn square(&mut self, [cx, cy]: Point, half: f32, thickness: f32, colour: Ink) {
        let corners = [[-half, -half], [half, -half], [half, half], [-half, half], [-half, -half]];
        for side in corners.map(|[x, y]| [cx + x, cy + y]).windows(2) {
            self.line(side[0], side[1], thickness, colour, 1.0);
        }
    }

    /// A line with round ends.
    pub fn line(&mut self, a: Point, b: Point, thickness: f32, colour: Ink, opacity: f32) {
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let length = (dx * dx + dy * dy).max(f32::MIN_POSITIVE);
        let half = thickness / 2.0;
        let bounds = [
            a[0].min(b[0]) - half,
            a[1].min(b[1]) - half,
            a[0].max(b[0]) + half,
            a[1].max(b[1]) + half,
        ];
        self.blend(bounds, colour, opacity, |x, y| {
            let along = (((x - a[0]) * dx + (y - a[1]) * dy) / length).clamp(0.0, 1.0);
            (x - a[0] - along * dx).hypot(y - a[1] - along * dy) - half
        });
    }

    /// Text with its top left corner at a point; `height` is that of a capital.
    pub fn text(&mut self, text: &str, at: Point, height: f32, colour: Ink) {
        let unit = height / 6.0;
        for (index, character) in text.chars().enumerate() {
            let left = at[0] + index as f32 * advance(height);
            for stroke in polylines(character) {
                let place = |[column, row]: Point| [left + column * unit, at[1] + row * unit];
                for pair in stroke.windows(2) {
                    self.line(place(pair[0]), place(pair[1]), height * 0.17, colour, 1.0);
                }
            }
        }
    }
}

/// How much further the next character begins.
fn advance(height: f32) -> f32 {
    height * 0.98
}

/// How wide a text of that height is.
pub fn text_width(text: &str, height: f32) -> f32 {
    let count = text.chars().count() as f32;
    (count * advance(height) - height * 0.31).max(0.0)
}
